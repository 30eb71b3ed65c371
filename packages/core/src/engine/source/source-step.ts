/**
 * A source step over all its tasks: shares splits out, and lets the tasks take turns.
 *
 * Splits are numbered in the order of discovery (split-discovery.ts) and given to the task with number modulo tasks, so
 * that the same discovery gives the same work at the same parallelism (law L5). Its state is source-cut.ts.
 */
import type { StateRows } from '../../checkpoint/state-file.ts'
import { withContext } from '../../errors.ts'
import type { Host } from '../../host/host.ts'
import { within } from '../../host/within.ts'
import type { SourceNode } from '../../plan/logical.ts'
import { REJECTED_PORT } from '../../plan/logical.ts'
import type {
  Boundedness,
  FoundSplits,
  RejectedRow,
  Source,
  SourceContext,
  Split,
} from '../../connect/source.ts'
import type { AnnouncedTime, SourceTime } from './announced-time.ts'
import { punctuationReader } from './punctuation.ts'
import { portOf } from '../output-port.ts'
import type { OutputPort, Receiver } from '../output-port.ts'
import { RejectedRows } from './rejected-rows.ts'
import { SourceCutter } from './source-cut.ts'
import type { SourceCut } from './source-cut.ts'
import { SourceRows } from './source-rows.ts'
import { RestoredSource } from './source-state.ts'
import { SourceTask } from './source-task.ts'
import { SplitDiscovery } from './split-discovery.ts'
import type { SplitStart } from './split-run.ts'

/** How long readers and listings are waited for that do not close. */
const CLOSING_MS = 10_000

/** What a source step is made with. */
export interface SourceStepOptions {
  readonly node: SourceNode
  readonly source: Source
  readonly host: Host
  readonly batchRows: number
  readonly needsOrder: boolean
  /** Position of the source among the plan's sources: the first part of the row order. */
  readonly sourceIndex: number
  readonly cutsAtAdvance: boolean
  readonly tasks: number
  readonly boundedness: Boundedness
  /** Key groups of the plan: the range that rows of the state are filed under. */
  readonly keyGroups: number
  /** Read first, before the streams flow. */
  readonly forTable: boolean
  /** Epochs are planned (planned-source.ts); tables are read whole in the first one. */
  readonly isMicroBatch: boolean
  readonly receivers: readonly Receiver[]
  readonly ports: readonly Map<string, OutputPort>[]
  readonly events: {
    wake(): void
    failed(error: unknown): void
    readingFailed(error: unknown): void
  }
}

/** Splits open at a time and not idle, for sources whose splits are meant to be read side by side. */
const CONCURRENT_SPLITS_MAX = 64

/** Reads one source. */
export class SourceStep {
  readonly step: string
  readonly forTable: boolean
  readonly boundedness: Boundedness
  readonly tasks: readonly SourceTask[]
  rejectedRows = 0
  /** What the source has told people of. */
  readonly notices: string[] = []
  readonly discovery: SplitDiscovery
  private readonly options: SourceStepOptions
  private readonly source: Source
  private readonly rejects: readonly RejectedRows[]
  private readonly cutter: SourceCutter
  /** How many were found so far. */
  private splits = 0
  private current = 0
  private restored: RestoredSource | undefined

  constructor(options: SourceStepOptions) {
    this.options = options
    this.step = options.node.step
    this.forTable = options.forTable
    this.boundedness = options.boundedness
    this.source = this.pushedDown()
    this.rejects = options.ports.map((ports) => this.rejectedOutput(ports))
    this.discovery = this.makeDiscovery()
    const times: AnnouncedTime[] = []
    const sourceTime: SourceTime = { tasks: times, isSilent: () => this.isSilent }
    this.tasks = options.receivers.map((output, task) => this.makeTask(output, task, sourceTime))
    times.push(...this.tasks.map(({ time }) => time))
    this.cutter = new SourceCutter(this.discovery, this.tasks, options.keyGroups)
  }

  /** The source as it is read. */
  get reads(): Source {
    return this.source
  }

  get node(): SourceNode {
    return this.options.node
  }

  /** Whether every task has read everything. */
  get done(): boolean {
    return this.tasks.every((task) => task.done)
  }

  /** Whether its epochs are planned. */
  get isPlanned(): boolean {
    return this.options.isMicroBatch && !this.forTable
  }

  get lastRowsAt(): number {
    return Math.max(...this.tasks.map((task) => task.lastRowsAt))
  }

  /** Takes rows of the state of an earlier run, in the order in which they were written; before `open`. */
  restore(rows: StateRows): void {
    this.restored ??= new RestoredSource()
    this.restored.take(rows)
  }

  /**
   * Begins to find splits, or goes on with those of an earlier run. In micro-batch mode streams are looked for as epochs are
   * planned.
   *
   * @param replayed - what the epoch had found that is to be read once more
   */
  async open(replayed?: FoundSplits): Promise<void> {
    const goesOn = this.goOn() || replayed !== undefined
    const isEmpty = this.tasks.every(({ time }) => time.frontier.isEmpty)
    const wasIdle = isEmpty ? this.isSilent : this.tasks.every((task) => task.wasIdle)
    for (const task of this.tasks) task.restoreBorder(wasIdle)
    if (replayed !== undefined) this.discovery.take(replayed)
    // What the log has already.
    this.discovery.takeNews()
    const kept = this.tasks.flatMap(({ splits }) =>
      splits.map(({ split, position }) => ({ split, position })),
    )
    await this.discovery.open(goesOn ? kept : undefined)
    // Not before it was looked what is coming.
    this.announce()
  }

  /**
   * Where the source stands between two steps: rows that tell what changed since the last cut (all of it with `full`),
   * and the word to the source once the epoch is delivered.
   */
  cut(full: boolean): SourceCut {
    return this.cutter.cut(full, this.splits)
  }

  /** One step of one task; the tasks take turns. `ask`: whether readers may be asked for more. */
  turn(ask: boolean): boolean {
    for (let tried = 0; tried < this.tasks.length; tried++) {
      this.current = (this.current + 1) % this.tasks.length
      const worked = this.turnOf(this.current, ask)
      this.rejects[this.current]?.flush()
      if (worked) return true
    }
    return false
  }

  async stop(drain: boolean): Promise<void> {
    await this.atMost(Promise.all(this.tasks.map((task) => task.stop(drain))))
  }

  /** What hangs in a connector is not waited for without end: it is closed when it comes back, if it ever does. */
  async close(): Promise<void> {
    await this.atMost(this.closeAll())
  }

  private takeOn(splits: readonly Split[]): void {
    for (const split of splits) this.assign(split, this.splits++)
    // Before any of them is read: a task that was idle would let the others' watermarks pass its new rows by.
    if (splits.length > 0) this.announce()
  }

  /** Input was seen that is no split yet: the task that gets the next one waits for it, and the others with it. */
  private expect(isComing: boolean): void {
    const next = this.splits % this.tasks.length
    this.tasks.forEach(({ time }, task) => time.frontier.expect(isComing && task === next))
    this.announce()
  }

  /** First the tasks that have something to read: the others say what these do (SO4). */
  private announce(): void {
    for (const { time } of this.inOrder) time.announce()
  }

  /** The end of a planned epoch. */
  endEpoch(): void {
    for (const task of this.inOrder) task.endEpoch()
  }

  private get inOrder(): readonly SourceTask[] {
    const isReading = ({ time }: SourceTask): boolean => !time.frontier.isEmpty
    return [...this.tasks.filter(isReading), ...this.tasks.filter((task) => !isReading(task))]
  }

  /** Whether a source that has nothing to read is idle: when it may be, and has been silent for so long. */
  private get isSilent(): boolean {
    const { host, node } = this.options
    const { idleAfterMs = 0 } = node.eventTime ?? {}
    if (idleAfterMs === 0) return false
    // What a planned epoch says follows from its plan, which knows of splits only.
    return this.isPlanned || host.clock.monotonic() - this.lastRowsAt >= idleAfterMs
  }

  /** Takes on what is restored; false: nothing is. */
  private goOn(): boolean {
    const { restored } = this
    if (restored === undefined) return false
    this.restored = undefined
    this.tasks.forEach((task, at) => task.restore(restored.marksOf(at, this.tasks.length)))
    for (const { split, number, ...start } of restored.splits) this.assign(split, number, start)
    this.splits = restored.discovered
    this.discovery.restore(restored)
    return true
  }

  private assign(split: Split, number: number, start?: SplitStart): void {
    const task = this.tasks[number % this.tasks.length] as SourceTask
    task.assign(split, number, start)
  }

  private async closeAll(): Promise<void> {
    await Promise.all(this.tasks.map((task) => task.close()))
    await this.discovery.close()
  }

  private async atMost(work: Promise<unknown>): Promise<void> {
    await within(this.options.host.timers, CLOSING_MS, work)
  }

  private turnOf(task: number, ask: boolean): boolean {
    try {
      return (this.tasks[task] as SourceTask).turn(ask) === 'worked'
    } catch (error) {
      throw withContext(error, { step: this.step })
    }
  }

  private pushedDown(): Source {
    const { source, node } = this.options
    const { columns, predicate } = node.pushdown
    if (columns === undefined && predicate === undefined) return source
    return source.withPushdown?.(node.pushdown) ?? source
  }

  private makeDiscovery(): SplitDiscovery {
    const { boundedness, isMicroBatch, events } = this.options
    return new SplitDiscovery({
      source: this.source,
      context: this.makeContext(undefined),
      boundedness,
      isMicroBatch,
      isPlanned: this.isPlanned,
      events: {
        wake: events.wake,
        readingFailed: events.readingFailed,
        found: (splits) => this.takeOn(splits),
        coming: (isComing) => this.expect(isComing),
        over: () => {
          for (const task of this.tasks) task.noMoreSplits()
        },
      },
    })
  }

  private makeTask(output: Receiver, task: number, sourceTime: SourceTime): SourceTask {
    const { node, events, boundedness, needsOrder, sourceIndex, cutsAtAdvance, batchRows } = this.options
    return new SourceTask({
      source: this.source,
      context: this.makeContext(this.rejects[task]),
      eventTime: node.eventTime,
      punctuation: punctuationReader(node.eventTime),
      cutsAtAdvance,
      rows: new SourceRows({
        step: this.step,
        schema: node.schema,
        eventTime: node.eventTime,
        sourceIndex,
        needsOrder,
        rejected: (row) => {
          this.rejectedRows++
          this.rejects[task]?.add(row)
        },
      }),
      batchRows,
      isPlanned: this.isPlanned,
      sourceTime,
      openMax:
        boundedness === 'bounded' && this.source.splitOrder === 'sequential' ? 1 : CONCURRENT_SPLITS_MAX,
      output: { ...output, end: (drain) => this.endOutput(output, task, drain) },
      wake: events.wake,
      failed: (error) => events.failed(withContext(error, { step: this.step })),
      readingFailed: (error) => events.readingFailed(withContext(error, { step: this.step })),
    })
  }

  /** What the connector gets; rows that it rejects leave through the task that reads them. */
  private makeContext(rejects: RejectedRows | undefined): SourceContext {
    const { host, boundedness, node } = this.options
    const rejected = (row: RejectedRow): void => {
      this.rejectedRows++
      rejects?.add(row)
    }
    return {
      host,
      boundedness,
      step: this.step,
      rejected: node.onError === 'reject' ? rejected : undefined,
      tell: (text) => void this.notices.push(text),
    }
  }

  /** Nothing may leave a task behind its end, rejected rows neither. */
  private endOutput(output: Receiver, task: number, drain: boolean): void {
    this.rejects[task]?.flush()
    output.end(drain)
  }

  private rejectedOutput(ports: Map<string, OutputPort>): RejectedRows {
    const { routes } = portOf(ports, REJECTED_PORT)
    return new RejectedRows(this.step, (batch) => {
      for (const route of routes) route(batch)
    })
  }
}
