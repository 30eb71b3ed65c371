/**
 * A source step over all its tasks: finds splits and shares them out.
 *
 * Splits are numbered in the order of discovery and given to the task with number modulo tasks, so that the same
 * discovery gives the same work at the same parallelism (law L5). Its state is source-state.ts.
 */
import type { StateRows } from '../../checkpoint/state-file.ts'
import type { Json } from '../../data/type.ts'
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
  SplitEnumerator,
  SplitProgress,
} from '../../connect/source.ts'
import { readFailure } from '../connector-failure.ts'
import { punctuationReader } from './punctuation.ts'
import { portOf } from '../output-port.ts'
import type { OutputPort, Receiver } from '../output-port.ts'
import { RejectedRows } from './rejected-rows.ts'
import { SourceRows } from './source-rows.ts'
import { RestoredSource, sourceRows } from './source-state.ts'
import type { KeptSplit, SourceStanding } from './source-state.ts'
import { SourceTask } from './source-task.ts'
import type { SplitRun, SplitStart } from './split-run.ts'

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

/** Where a source stands at the border of an epoch. */
export interface SourceCut {
  readonly rows: readonly StateRows[]
  /** To be called when the epoch is durable and delivered; undefined: the source does not ask for it. */
  readonly acknowledge: (() => Promise<void>) | undefined
}

/** What was found since the last plan of an epoch. */
interface SourceNews {
  readonly found: readonly Split[]
  readonly remembered: ReadonlyMap<string, Json | undefined>
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
  /** Whether the source said that it can discover nothing more. */
  discoveryDone = false
  /** When it was asked for splits last so that the answer counts, milliseconds of the clock. */
  lookedAt: number = -Infinity
  private readonly options: SourceStepOptions
  private readonly source: Source
  private readonly context: SourceContext
  private readonly rejects: readonly RejectedRows[]
  private enumerator: SplitEnumerator | undefined
  private listing: Promise<void> | undefined
  private found: FoundSplits | undefined
  private splits = 0
  private current = 0
  private restored: RestoredSource | undefined
  /** What enumerators remember, and what of it was not written down yet. */
  private readonly remembered = new Map<string, Json>()
  private newlyRemembered = new Map<string, Json | undefined>()
  /** The standing that was written down last, as text. */
  private written = ''
  private news: { found: Split[]; remembered: Map<string, Json | undefined> } = noNews()

  constructor(options: SourceStepOptions) {
    this.options = options
    this.step = options.node.step
    this.forTable = options.forTable
    this.boundedness = options.boundedness
    this.source = this.pushedDown()
    this.rejects = options.ports.map((ports) => this.rejectedOutput(ports))
    this.context = this.makeContext(undefined)
    this.tasks = options.receivers.map((output, task) => this.makeTask(output, task))
  }

  /** Whether every task has read everything. */
  get done(): boolean {
    return this.tasks.every((task) => task.done)
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
   * Begins to find splits, or goes on with those of an earlier run. In micro-batch mode streams are looked for by `look`.
   *
   * @param replayed - what the epoch had found that is to be read once more
   */
  async open(replayed?: FoundSplits): Promise<void> {
    const goesOn = this.goOn() || replayed !== undefined
    for (const task of this.tasks) task.restoreBorder()
    if (replayed !== undefined) this.take(replayed)
    this.takeNews()
    if (this.discoveryDone) return
    const kept = this.tasks.flatMap(({ splits }) =>
      splits.map(({ split, position }) => ({ split, position })),
    )
    try {
      this.enumerator = await this.source.enumerate(this.context, this.remembered, goesOn ? kept : undefined)
      if (this.isPlanned) return
      // All splits of a bounded read before any of them: what is listed late would be late.
      do {
        this.take(await this.enumerator.next())
        if (!this.discoveryDone && this.boundedness === 'bounded') await this.options.host.timers.yield()
      } while (!this.discoveryDone && this.boundedness === 'bounded')
    } catch (error) {
      throw withContext(readFailure(error), { step: this.step })
    }
  }

  /** Whether its epochs are planned. */
  get isPlanned(): boolean {
    return this.options.isMicroBatch && !this.forTable
  }

  /** Looks for splits once and takes them on; gives whether it may stop looking: nothing is new or in the making. */
  async look(): Promise<boolean> {
    const { enumerator } = this
    if (this.discoveryDone || enumerator === undefined) return true
    try {
      const found = await enumerator.next()
      this.take(found)
      const { isSettled } = enumerator
      // Who does not tell may list in pieces.
      return found.done || isSettled === true || (isSettled === undefined && found.splits.length === 0)
    } catch (error) {
      throw withContext(readFailure(error), { step: this.step })
    }
  }

  /** What was found since the last call. */
  takeNews(): SourceNews {
    const { news } = this
    this.news = noNews()
    return news
  }

  /** Whether a listing is under way. */
  get isListing(): boolean {
    return this.listing !== undefined
  }

  /** Asks for new splits, beside the reading; the loop calls it on an interval until discovery is done. */
  discover(): void {
    if (this.discoveryDone || this.listing !== undefined || this.enumerator === undefined) return
    const { enumerator } = this
    const { events, host } = this.options
    const askedAt = host.clock.monotonic()
    this.listing = enumerator
      .next()
      .then((found) => {
        this.found = found
        if (enumerator.isSettled !== false) this.lookedAt = askedAt
      })
      .catch((error: unknown) => events.readingFailed(withContext(readFailure(error), { step: this.step })))
      .finally(() => {
        this.listing = undefined
        events.wake()
      })
  }

  /** Takes on what a listing has found; the loop calls it between two steps. */
  takeFound(): void {
    const { found } = this
    this.found = undefined
    if (found !== undefined && !this.discoveryDone) this.take(found)
  }

  private take({ splits, done, remember = new Map() }: FoundSplits): void {
    for (const split of splits) this.assign(split, this.splits++)
    for (const [key, value] of remember) this.remember(key, value)
    if (this.options.isMicroBatch) {
      this.news.found.push(...splits)
      for (const [key, value] of remember) this.news.remembered.set(key, value)
    }
    // Before any of them is read: a task that was idle would let the others' watermarks pass its new rows by.
    if (splits.length > 0) for (const task of this.tasks) task.announce()
    if (done) this.endDiscovery()
  }

  private remember(key: string, value: Json | undefined): void {
    if (value === undefined) this.remembered.delete(key)
    else this.remembered.set(key, value)
    this.newlyRemembered.set(key, value)
  }

  /** Takes on what is restored; false: nothing is. */
  private goOn(): boolean {
    const { restored } = this
    if (restored === undefined) return false
    this.restored = undefined
    for (const [key, value] of restored.remembered) this.remembered.set(key, value)
    this.tasks.forEach((task, at) => task.restore(restored.marksOf(at, this.tasks.length)))
    for (const { split, number, ...start } of restored.splits) this.assign(split, number, start)
    this.splits = restored.discovered
    for (const task of this.tasks) task.announce()
    if (restored.discoveryDone) this.endDiscovery()
    return true
  }

  private assign(split: Split, number: number, start?: SplitStart): void {
    const task = this.tasks[number % this.tasks.length] as SourceTask
    task.assign(split, number, start)
  }

  /**
   * Where the source stands between two steps: rows that tell what changed since the last cut (all of it with `full`),
   * and the word to the source once the epoch is delivered.
   */
  cut(full: boolean): SourceCut {
    const moved: KeptSplit[] = []
    const gone: string[] = []
    for (const task of this.tasks) {
      const { changed, finished } = task.takeChanges()
      gone.push(...finished)
      for (const run of full ? task.splits : changed) {
        const kept = keptSplit(run, task.isIdleSplit(run))
        if (hasMoved(run, kept) || full) moved.push(kept)
      }
    }
    const remembered = full ? this.remembered : this.newlyRemembered
    this.newlyRemembered = new Map()
    const rows = sourceRows(
      { splits: moved, gone: full ? [] : gone, remembered, standing: this.standing(full) },
      [0, this.options.keyGroups],
    )
    return { rows, acknowledge: this.acknowledgement(moved, gone) }
  }

  /** Undefined: as it was written down last. */
  private standing(full: boolean): SourceStanding | undefined {
    const marks = this.tasks.map((task) => task.marks)
    const text = `${marks.map((of) => `${of.current} ${of.highestEnded}`).join()} ${this.splits} ${this.discoveryDone}`
    if (text === this.written && !full) return undefined
    this.written = text
    return { marks, discovered: this.splits, discoveryDone: this.discoveryDone }
  }

  private acknowledgement(
    moved: readonly KeptSplit[],
    gone: readonly string[],
  ): (() => Promise<void>) | undefined {
    const { enumerator } = this
    if (enumerator?.acknowledge === undefined) return undefined
    const progress: SplitProgress[] = [
      // Of a split that was found and not begun there is nothing to tell: no position means that it was read to its end.
      ...moved.flatMap(({ split, position }) =>
        position === undefined ? [] : [{ split: split.id, position }],
      ),
      ...gone.map((split) => ({ split, position: undefined })),
    ]
    if (progress.length === 0) return undefined
    return async () => {
      try {
        await enumerator.acknowledge?.(progress)
      } catch (error) {
        throw withContext(readFailure(error), { step: this.step })
      }
    }
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

  private async closeAll(): Promise<void> {
    await Promise.all(this.tasks.map((task) => task.close()))
    await this.listing
    await this.enumerator?.close()
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

  private endDiscovery(): void {
    this.discoveryDone = true
    for (const task of this.tasks) task.noMoreSplits()
  }

  /** The source as it is read. */
  get reads(): Source {
    return this.source
  }

  get node(): SourceNode {
    return this.options.node
  }

  private pushedDown(): Source {
    const { source, node } = this.options
    const { columns, predicate } = node.pushdown
    if (columns === undefined && predicate === undefined) return source
    return source.withPushdown?.(node.pushdown) ?? source
  }

  private makeTask(output: Receiver, task: number): SourceTask {
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

function noNews(): { found: Split[]; remembered: Map<string, Json | undefined> } {
  return { found: [], remembered: new Map() }
}

function keptSplit(run: SplitRun, isIdle: boolean): KeptSplit {
  const { split, index, position, rowsRead, watermark } = run
  return { split, number: index, position, rowsRead, watermark: watermark.current, isIdle }
}

/** Whether a split has moved since it was written down; notes where it stands now. */
function hasMoved(run: SplitRun, kept: KeptSplit): boolean {
  const { position, rowsRead, watermark, isIdle } = kept
  const text = `${JSON.stringify(position)} ${rowsRead} ${watermark} ${isIdle}`
  const moved = text !== run.written
  run.written = text
  return moved
}
