/**
 * The loop of micro-batch mode: plans an epoch, has the plan written down, reads exactly that, and cuts.
 *
 * Beside task-loop.ts, which takes what comes; both stand on loop-ground.ts. Invariants (tests quote them), with TL1, TL3
 * and TL4 of the other loop:
 *  M3  Before any row of an epoch is read, its plan stands in the log; what the plan says is all that is read.
 *  M4  Event time moves between epochs only: what the rows of one have brought is said at the beginning of the next,
 *      before its rows. So no row is late by a row of its own epoch.
 *  M5  Processing time is that of the plan, from the first watermark of an epoch to its cut. It never goes back.
 *  M6  An epoch without input is made only for a watermark that moved or an input that became idle.
 */
import type { Json } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { Execution } from '../execution.ts'
import type { LoopGround } from './loop-ground.ts'
import { PlannedSource } from '../source/planned-source.ts'
import type { PlanWishes } from '../source/planned-source.ts'
import { isEmptyPlan, sourcePlanFromJson, sourcePlanToJson } from '../source/source-plan.ts'
import type { SourcePlan } from '../source/source-plan.ts'
import type { SourceStep } from '../source/source-step.ts'
import type { EpochCutter, LoopEnd } from './task-loop.ts'

/** When epochs are made. */
export type TriggerPlan =
  | { readonly kind: 'interval'; readonly everyMs: number }
  /** As many as it takes to read what is there now, then the run ends. */
  | { readonly kind: 'available-now' }
  /** One, then the run ends. */
  | { readonly kind: 'once' }

/** What an epoch reads, as the log has it: by source step. */
export interface EpochInput {
  readonly ranges: { readonly [step: string]: Json }
  readonly clockMs: number
}

/** What the loop needs of epochs besides cutting them. */
export interface PlannedEpochs extends EpochCutter {
  /** Writes down what the next epoch reads; resolves when it is durable, and the epoch before is. */
  plan(input: EpochInput): Promise<void>
  /** Nothing is under way or owed, and the last epoch of this run or the one before showed all that was held. */
  readonly isClosed: boolean
}

/** The time that operators see. */
export interface PlannedClock {
  clockMs: number
  now(): number
}

/** How a loop is run. */
export interface MicroBatchLoopOptions {
  readonly trigger: TriggerPlan
  /** By interval: end when no epoch had input for so long; undefined: never. */
  readonly stopWhenIdleMs: number | undefined
  /** By interval: at the end, move the watermark to its end, so that every window fires. */
  readonly drain: boolean
  /** How often sources are asked again that are not sure yet what is there. */
  readonly discoverIntervalMs: number
  readonly epochs: PlannedEpochs
  readonly clock: PlannedClock
  /** The epoch that an earlier run had planned, and not finished. */
  readonly replay: EpochInput | undefined
}

interface NextEpoch {
  readonly clockMs: number
  /** By source step. */
  readonly plans: ReadonlyMap<string, SourcePlan>
}

/** The longest wait without looking at clocks. */
const WAIT_MAX_MS = 1000

/**
 * How often a run over what is there now looks again, where something is in the making: what is written to without end,
 * like the newest file of a log, is not there now.
 */
const LOOKS_MAX = 50

/** The plan of a source that a replayed epoch does not know: it is new in the pipeline. */
const noInput: SourcePlan = { found: [], remembered: new Map(), done: false, lanes: [], idle: [] }

/** Drives one execution to its end. */
export class MicroBatchLoop {
  private readonly execution: Execution
  private readonly options: MicroBatchLoopOptions
  private readonly ground: LoopGround
  private sources: readonly PlannedSource[] = []
  /** What is there now is known: nothing later is looked for. */
  private hasLooked = false
  private lastInputAt = 0
  /** An epoch is wished for before its time. */
  private isAsked = false

  constructor(ground: LoopGround, options: MicroBatchLoopOptions) {
    this.ground = ground
    this.execution = ground.execution
    this.options = options
  }

  /**
   * Runs until all sources are done, the trigger asks for no more, or the run is stopped: then it ends when the epoch that
   * has begun was read and cut. What was read of an epoch does not count when a source fails: a later run carries its plan
   * out again.
   */
  async run(): Promise<LoopEnd> {
    this.lastInputAt = this.ground.now()
    const replay = this.replayed()
    for (const source of this.execution.sources) {
      const plan = replay?.plans.get(source.step)
      const opened = source.open(
        plan === undefined
          ? undefined
          : {
              splits: plan.found,
              done: plan.done,
              remember: plan.remembered,
              ...(plan.coming === undefined ? {} : { coming: plan.coming }),
            },
      )
      if (!(await this.ground.unlessStopped(opened))) return 'stopped'
    }
    this.sources = this.execution.sources.map((source) => new PlannedSource(source))
    if (replay !== undefined) {
      if (this.ground.isStopping) return 'stopped'
      const end = await this.epoch(replay, { isReplay: true })
      if (end !== undefined) return end
    }
    return this.options.trigger.kind === 'interval'
      ? this.runByInterval(this.options.trigger.everyMs)
      : this.runToEnd()
  }

  /** By interval: makes the next epoch at once, where there is something to read. */
  cutNow(): void {
    this.isAsked = true
    this.ground.wake()
  }

  private async runByInterval(everyMs: number): Promise<LoopEnd> {
    for (let nextAt = this.ground.now(); ;) {
      await this.waitUntil(nextAt)
      this.isAsked = false
      if (this.ground.isStopping) return this.close('stopped')
      const planned = await this.ground.unlessStopped(this.plan())
      if (planned === undefined) return 'stopped'
      const plan = planned.value
      if (this.ground.isStopping) return this.close('stopped')
      if (plan !== undefined) {
        const end = await this.epoch(plan)
        if (end !== undefined) return end
      } else if (this.isIdleFor(this.options.stopWhenIdleMs)) return this.close('idle')
      const now = this.ground.now()
      // One that was asked for leaves the others where they are.
      if (now >= nextAt)
        nextAt = Math.max(now, nextAt + everyMs * Math.max(1, Math.ceil((now - nextAt) / everyMs)))
    }
  }

  private async runToEnd(): Promise<LoopEnd> {
    const planned = await this.ground.unlessStopped(this.plan())
    if (planned === undefined) return 'stopped'
    let next = planned.value
    for (;;) {
      if (this.ground.isStopping) return this.close('stopped')
      if (next === undefined) return this.close('idle')
      const followed: { plan?: NextEpoch | undefined } = {}
      const end = await this.epoch(next, { followed })
      if (end !== undefined) return end
      next = followed.plan
    }
  }

  /** What the next epoch reads; undefined: there is no reason for one. */
  private async plan(): Promise<NextEpoch | undefined> {
    const isBounded = this.options.trigger.kind !== 'interval'
    await this.look(isBounded)
    // M5: also when the clock of the machine was set back.
    const wallMs = this.execution.options.host.clock.now()
    const clockMs = Math.max(wallMs, this.options.clock.clockMs)
    const wishes: PlanWishes = { clockMs, isBounded }
    const plans = new Map<string, SourcePlan>()
    for (const source of this.sources) plans.set(source.step.step, await source.plan(wishes))
    this.ground.throwIfFailed()
    const isEmpty = [...plans.values()].every((plan) => isEmptyPlan(plan))
    return isEmpty && !this.isDue() ? undefined : { clockMs, plans }
  }

  /** Looks for splits: once, or until nothing is in the making that is there, if that comes to an end. */
  private async look(isBounded: boolean): Promise<void> {
    if (isBounded && this.hasLooked) return
    this.hasLooked = true
    for (let looks = 1; looks <= LOOKS_MAX; looks++) {
      const settled = await Promise.all(this.planned().map((source) => source.discovery.look()))
      if (!isBounded || this.ground.isStopping || settled.every(Boolean)) return
      await this.ground.sleep(this.options.discoverIntervalMs)
      this.ground.throwIfFailed()
    }
  }

  /** Whether event time moved at the border, so that an epoch is due for that alone (M6). */
  private isDue(): boolean {
    if (this.sources.some((source) => source.isDue && this.isNews(source.step))) return true
    const tasks = this.planned().flatMap((source) => source.tasks)
    const hasTime = tasks.some((task) => task.time.borderWatermark > -Infinity)
    return hasTime && tasks.some((task) => task.time.isIdleDue && task.time.hasSpoken)
  }

  /** Whether steps behind a source have not come so far: an earlier run may have told them. */
  private isNews(source: SourceStep): boolean {
    const highest = Math.max(...source.tasks.map((task) => task.time.borderWatermark))
    for (const [step, runners] of this.execution.runners) {
      const { inputs } = this.execution.node(step)
      if (!inputs.some((input) => input.step === source.step)) continue
      if (runners.some((runner) => runner.watermark < highest)) return true
    }
    return false
  }

  /**
   * Makes one epoch; gives how the run ended, when it was the last.
   *
   * @param followed - the run goes on as long as there is something to read: takes the plan behind this epoch
   */
  private async epoch(
    { clockMs, plans }: NextEpoch,
    {
      isReplay = false,
      followed,
    }: { readonly isReplay?: boolean; readonly followed?: { plan?: NextEpoch | undefined } } = {},
  ): Promise<LoopEnd | undefined> {
    const { epochs, clock, trigger } = this.options
    if (!isReplay) {
      const ranges = Array.from(plans, ([step, plan]) => [step, sourcePlanToJson(plan)] as const)
      await epochs.plan({ clockMs, ranges: Object.fromEntries(ranges) })
      this.ground.throwIfFailed()
    }
    clock.clockMs = clockMs
    if ([...plans.values()].some((plan) => !isEmptyPlan(plan))) this.lastInputAt = this.ground.now()
    await this.say()
    for (const source of this.sources) await source.begin(plans.get(source.step.step) ?? noInput, clockMs)
    await this.read()
    await this.ground.settle()
    for (const source of this.planned()) source.endEpoch()
    if (this.execution.sources.every((source) => source.done)) return this.cutLast('finished')
    if (this.ground.isStopping) return this.stopSources('stopped')
    if (!isReplay && trigger.kind === 'once') return this.stopSources('idle')
    if (followed !== undefined) {
      followed.plan = await this.plan()
      if (followed.plan === undefined) return this.stopSources('idle')
    }
    const readAt = this.ground.now()
    while (!epochs.canCut) {
      await this.ground.sleep(WAIT_MAX_MS)
      this.ground.throwIfFailed()
    }
    epochs.cut(this.ground.now() - readAt)
    return undefined
  }

  /** Says what the border before has brought: who holds again, then all watermarks, then who is idle or at the end (M4). */
  private async say(): Promise<void> {
    const tasks = this.planned().flatMap((source) => source.tasks)
    for (const task of tasks) task.time.sayActive()
    for (const task of tasks) {
      task.time.sayBorder()
      await this.ground.finishPending()
    }
    for (const task of tasks) {
      task.time.sayStanding()
      await this.ground.finishPending()
    }
  }

  /** Reads what the plan says, tables first (TL4). */
  private async read(): Promise<void> {
    const { ground } = this
    ground.beginSlice()
    for (;;) {
      ground.throwIfFailed()
      if (await ground.waitForSinks()) ground.beginSlice()
      const worked = this.workOnce()
      await ground.yieldWhenLong()
      if (worked || this.execution.pending.length > 0) continue
      if (this.sources.every((source) => source.reached)) return
      ground.flush()
      if (!ground.woken) await ground.sleep(WAIT_MAX_MS)
    }
  }

  private workOnce(): boolean {
    if (this.ground.proceed()) return true
    this.ground.woken = false
    let worked = false
    const asks = !this.options.epochs.holdsReading
    for (const source of this.readable()) {
      if (this.execution.pending.length > 0 || this.ground.sinksBusy()) return true
      worked = source.turn(asks) || worked
    }
    if (worked) this.ground.workedSinceFlush = true
    return worked
  }

  private readable(): readonly SourceStep[] {
    const { sources } = this.execution
    const tables = sources.filter((source) => source.forTable && !source.done)
    return tables.length > 0 ? tables : sources
  }

  /** Ends a run between two epochs. What is held is shown, unless nothing is. */
  private async close(end: LoopEnd): Promise<LoopEnd> {
    const drains = this.options.drain && end !== 'finished'
    if (this.options.epochs.isClosed && !drains) return end
    return this.stopSources(end)
  }

  private async stopSources(end: LoopEnd): Promise<LoopEnd> {
    for (const source of this.execution.sources) await source.stop(this.options.drain)
    await this.ground.settle()
    return this.cutLast(end)
  }

  private async cutLast(end: LoopEnd): Promise<LoopEnd> {
    await this.options.epochs.cutLast(end)
    return end
  }

  private replayed(): NextEpoch | undefined {
    const { replay } = this.options
    if (replay === undefined) return undefined
    const unknown = Object.keys(replay.ranges).find(
      (step) => this.execution.nodes.get(step)?.kind !== 'source',
    )
    if (unknown !== undefined) throw unplanned(unknown)
    const plans = Object.entries(replay.ranges).map(
      ([step, range]) => [step, sourcePlanFromJson(range, step)] as const,
    )
    return { clockMs: replay.clockMs, plans: new Map(plans) }
  }

  private planned(): readonly SourceStep[] {
    return this.execution.sources.filter((source) => source.isPlanned)
  }

  private isIdleFor(ms: number | undefined): boolean {
    return ms !== undefined && this.ground.now() - this.lastInputAt >= ms
  }

  private async waitUntil(at: number): Promise<void> {
    while (!this.ground.isStopping && !this.isAsked && this.ground.now() < at) {
      await this.ground.sleep(Math.min(WAIT_MAX_MS, at - this.ground.now()))
      this.ground.throwIfFailed()
    }
  }
}

function unplanned(step: string): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `an epoch that was planned and not finished reads step "${step}", and the pipeline has no such source`,
    hint: 'run the pipeline that planned it once more, so that it is finished; then change it',
    step,
  })
}
