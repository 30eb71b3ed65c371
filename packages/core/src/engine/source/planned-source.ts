/**
 * A source whose epochs are planned: fixes what the next one reads, and lets exactly that be read.
 *
 * Splits of fixed size are read one after the other where their source wants that, else side by side; of splits that
 * grow as much is read as their readers say before the epoch. Invariants (tests quote them):
 *  M1  What is read follows from the plan and from what is kept, never from when or how fast it is read: a plan that is
 *      carried out again reads the same rows, at any parallelism.
 *  M2  No limit stops an input for good: an epoch with anything to read reads at least one split, or a row of it.
 */
import type { Json } from '../../data/type.ts'
import { assert, MillraceError } from '../../errors.ts'
import type { EpochLimits } from '../../plan/logical.ts'
import { Lane } from './lane.ts'
import type { PlannedLane, PlannedSplit, SourcePlan } from './source-plan.ts'
import type { SourceStep } from './source-step.ts'
import type { SourceTask } from './source-task.ts'
import type { SplitRun } from './split-run.ts'

/** What a plan is made with. */
export interface PlanWishes {
  /** The processing time of the epoch. */
  readonly clockMs: number
  /** Splits that grow are read to where they end at their first plan, and not beyond. */
  readonly isBounded: boolean
}

/** Splits of one lane, where their rows are limited: a plan names them all. */
const LANE_SPLITS_MAX = 1000

/** A split that can be read in an epoch. */
interface Candidate {
  readonly run: SplitRun
  readonly split: PlannedSplit
}

/** Plans and begins the epochs of one source. */
export class PlannedSource {
  readonly step: SourceStep
  private readonly limits: EpochLimits
  private lanes: readonly Lane[] = []
  private epochs = 0

  constructor(step: SourceStep) {
    this.step = step
    this.limits = step.node.perEpoch ?? {}
  }

  /** Whether everything that the epoch reads was read. */
  get reached(): boolean {
    return this.step.isPlanned ? this.lanes.every((lane) => lane.current === undefined) : this.step.done
  }

  /** Whether what stands at the border has not been said: watermarks, the end. */
  get isDue(): boolean {
    return this.step.isPlanned && this.step.tasks.some((task) => task.time.isDue)
  }

  /** Fixes what the next epoch reads. */
  async plan({ clockMs, isBounded }: PlanWishes): Promise<SourcePlan> {
    const idle: string[] = []
    const lanes = this.step.isPlanned ? await this.planLanes({ clockMs, isBounded }, idle) : []
    const { found, remembered } = this.step.discovery.takeNews()
    const { isOver, isComing } = this.step.discovery
    return { found, remembered, done: isOver, coming: isComing, lanes, idle }
  }

  /** Lets what a plan says be read; its splits are known. */
  async begin(plan: SourcePlan, clockMs: number): Promise<void> {
    if (!this.step.isPlanned) return
    const runs = new Map(this.runs().map((run) => [run.split.id, run]))
    const known = (id: string): SplitRun => {
      const run = runs.get(id)
      assert(run !== undefined, `the plan of an epoch names split "${id}", which is not there`)
      return run
    }
    // One that was idle holds no window back, also where a run goes on and it has nothing new.
    for (const run of runs.values()) if (run.wasIdle) this.taskOf(run).openNow(run)
    for (const id of plan.idle) {
      const run = known(id)
      const task = this.taskOf(run)
      task.openNow(run)
      task.becomeIdle(run)
    }
    const lanes: Lane[] = []
    for (const { splits, rows } of plan.lanes) {
      const read = splits.map(({ id }) => known(id))
      const lane = new Lane(read, rows)
      lanes.push(lane)
      for (const { id, to } of splits) await this.beginSplit(known(id), to, lane)
      for (const run of read) run.lastNewMs = clockMs
    }
    for (const task of this.step.tasks) task.time.beginEpoch()
    this.lanes = lanes
  }

  private async beginSplit(run: SplitRun, to: Json | undefined, lane: Lane): Promise<void> {
    const task = this.taskOf(run)
    task.addToLane(run, lane)
    if (to === undefined) return
    task.openNow(run)
    await run.readTo(to)
  }

  private runs(): SplitRun[] {
    return this.step.tasks.flatMap((task) => task.splits).toSorted((left, right) => left.index - right.index)
  }

  private taskOf(run: SplitRun): SourceTask {
    return this.step.tasks[run.index % this.step.tasks.length] as SourceTask
  }

  private async planLanes(wishes: PlanWishes, idle: string[]): Promise<readonly PlannedLane[]> {
    const runs = this.runs()
    const candidates = this.chooseFixed(runs.filter(({ split }) => split.grows !== true))
    const taken = candidates.reduce((sum, { run }) => sum + this.bytesOf(run), 0)
    const left = {
      files: (this.limits.maxFiles ?? Infinity) - candidates.length,
      bytes: this.bytesMax - taken,
    }
    const growing = runs.filter(({ split }) => split.grows === true)
    candidates.push(...(await this.chooseGrown(growing, { wishes, left, idle })))
    return this.lanesOf(candidates)
  }

  private get bytesMax(): number {
    return this.limits.maxBytes ?? Infinity
  }

  /** Splits of fixed size in order of discovery, as far as the limits go. */
  private chooseFixed(runs: readonly SplitRun[]): Candidate[] {
    const { maxFiles = Infinity } = this.limits
    const chosen: Candidate[] = []
    let bytes = 0
    for (const run of runs) {
      if (chosen.length >= maxFiles) break
      this.refuseEndless()
      bytes += this.bytesOf(run)
      if (chosen.length > 0 && bytes > this.bytesMax) break
      chosen.push({ run, split: { id: run.split.id } })
    }
    return chosen
  }

  /** Splits that grow and have something new, in turns. */
  private async chooseGrown(
    runs: readonly SplitRun[],
    options: {
      readonly wishes: PlanWishes
      readonly left: { readonly files: number; readonly bytes: number }
      readonly idle: string[]
    },
  ): Promise<readonly Candidate[]> {
    const { wishes, left, idle } = options
    this.epochs++
    for (const run of this.lanes.flatMap(({ begun }) => begun)) run.turn = this.epochs
    const turns = runs.toSorted((left, right) => left.turn - right.turn)
    const chosen: Candidate[] = []
    let { bytes } = left
    for (const run of turns) {
      if (chosen.length >= left.files || bytes <= 0) break
      this.bytesOf(run)
      this.taskOf(run).openNow(run)
      const horizon = await this.horizonOf(run, wishes, bytes === Infinity ? undefined : bytes)
      run.lastNewMs ??= wishes.clockMs
      if (horizon === undefined) this.checkIdle(run, wishes.clockMs, idle)
      else {
        bytes -= horizon.bytes
        chosen.push({ run, split: { id: run.split.id, to: horizon.to } })
      }
    }
    return chosen
  }

  private async horizonOf(
    run: SplitRun,
    { isBounded }: PlanWishes,
    bytesMax: number | undefined,
  ): Promise<{ readonly to: Json; readonly bytes: number } | undefined> {
    if (run.unreached !== undefined) return { to: run.unreached, bytes: 0 }
    if (!isBounded) return run.horizon({ bytesMax, within: undefined })
    if (run.target === undefined) {
      const all = await run.horizon({ bytesMax: undefined, within: undefined })
      run.target = all === undefined ? [] : [all.to]
      if (bytesMax === undefined) return all
    }
    const [within] = run.target
    return within === undefined ? undefined : run.horizon({ bytesMax, within })
  }

  private checkIdle(run: SplitRun, clockMs: number, idle: string[]): void {
    const { idleAfterMs = 0 } = this.step.node.eventTime ?? {}
    if (idleAfterMs === 0 || this.taskOf(run).isIdleSplit(run)) return
    if (clockMs - (run.lastNewMs ?? clockMs) >= idleAfterMs) idle.push(run.split.id)
  }

  private lanesOf(candidates: readonly Candidate[]): readonly PlannedLane[] {
    const byLane = new Map<number, Candidate[]>()
    for (const candidate of candidates) {
      const { index } = candidate.run
      const key = this.step.reads.splitOrder === 'sequential' ? index % this.step.tasks.length : index
      const lane = byLane.get(key)
      if (lane === undefined) byLane.set(key, [candidate])
      else lane.push(candidate)
    }
    const { maxRows } = this.limits
    const lanes = [...byLane.values()].map((lane) => lane.map(({ split }) => split))
    if (maxRows === undefined) return lanes.map((splits) => ({ splits }))
    return lanes.slice(0, maxRows).map((splits, at, { length }) => {
      const rows = Math.floor(maxRows / length) + (at < maxRows % length ? 1 : 0)
      return { splits: splits.slice(0, Math.min(rows, LANE_SPLITS_MAX)), rows }
    })
  }

  /** Of a split of fixed size, when it counts. */
  private bytesOf({ split }: SplitRun): number {
    if (this.limits.maxBytes === undefined) return 0
    if (split.bytes !== undefined) return split.bytes
    throw new MillraceError('plan/unsupported', {
      what: `source "${this.step.step}" (${this.step.reads.description.connector}) does not know its size in bytes`,
      hint: 'limit its epochs by maxRows',
      step: this.step.step,
    })
  }

  /** A split without end would be an epoch without end. */
  private refuseEndless(): void {
    const { supports, description } = this.step.reads
    if (this.limits.maxRows !== undefined || supports.includes('bounded')) return
    throw new MillraceError('plan/unsupported', {
      what: `source "${this.step.step}" (${description.connector}) has no end, and an epoch that reads all of it neither`,
      hint: 'say how much an epoch reads: p.read(…, { perEpoch: { maxRows: 100_000 } })',
      step: this.step.step,
    })
  }
}
