/**
 * Drives a pipeline in a test: sends rows and watermarks, moves the clock, makes epochs, crashes and goes on.
 *
 * The engine runs as it is (driven-run.ts), on a machine of its own (driven-machine.ts), with sources and sinks in place of
 * those of the pipeline (driven-plan.ts). Calls that give a promise happen one after the other, in the order in which they
 * were made. Invariant (tests quote it):
 *  TD1  The same calls give the same rows, in the same order, on every machine (law L5).
 */
import type { Schema } from '../../data/type.ts'
import { sameSchema, schemaToString } from '../../data/type-text.ts'
import { checkOptionChoice, checkOptionNames } from '../../data/option-names.ts'
import { MillraceError } from '../../errors.ts'
import type { BuiltPlan } from '../../plan/logical.ts'
import type { RunMode } from '../../runtime/job.ts'
import type { StepProgress } from '../../runtime/progress.ts'
import type { StateRow, StateTable } from '../../runtime/state-tables.ts'
import type { OptionValues, Pipeline } from '../../sdk/index.ts'
import { parseDuration } from '../../time/index.ts'
import type { Duration } from '../../time/index.ts'
import { checkKeeps, checkSetsTimers, checkWanted } from './asked-state.ts'
import { DrivenMachine } from './driven-machine.ts'
import { drivenPlan } from './driven-plan.ts'
import type { DrivenEnds, PartitionCounts } from './driven-plan.ts'
import { DrivenRun, STATE } from './driven-run.ts'
import type { RunOptions } from './driven-run.ts'
import type { CrashPoint } from './driven-sink.ts'
import { InputLog } from './input-log.ts'
import { has, keptRows, keptTables, keptTimers } from './kept-state.ts'
import type { KeptTimer } from './kept-state.ts'
import { notPossible, notRunning, unknownName } from './test-errors.ts'
import { RecordView } from './test-sink.ts'
import type { AnyRow, TestOutput } from './test-sink.ts'
import { momentMs, SourceFeed } from './test-source.ts'
import type { Moment, TestSource } from './test-source.ts'

/** How a pipeline is driven. */
export interface DriveOptions {
  /** Default: continuous. */
  readonly mode?: RunMode
  /** Tasks per stage. Default 1. */
  readonly parallelism?: number
  /** Rows per batch, at most: rows that are sent together come in batches of so many. Default 4,096. */
  readonly batchRows?: number
  /** Partitions of all sources, or by source. Default 1. */
  readonly partitions?: PartitionCounts
  /** Reads partitions in an order drawn from this seed, each in its own. Default: in the order in which the test sends. */
  readonly interleave?: number
  /** Steps whose rows can be looked at: `test.step(name).output`, `.late` and `.rejected`. Default: none. */
  readonly watch?: readonly string[]
  /** What the clock shows at first. Default: 2000-01-01T00:00Z. */
  readonly startAt?: Moment
  /** Values of the options that the pipeline declares. */
  readonly set?: OptionValues
}

/** What a run goes on with. */
export interface RestartOptions {
  /** Another version of the pipeline. Default: the one before. */
  readonly pipeline?: Pipeline | BuiltPlan
  /** Default: as before. */
  readonly parallelism?: number
  /** Default: as before. */
  readonly batchRows?: number
  /** Steps whose state may be left out where it does not fit. */
  readonly dropState?: readonly string[]
}

/** How a process dies. */
export interface CrashOptions extends RestartOptions {
  /**
   * Makes an epoch and dies in it: while outputs are prepared (nothing of the epoch stands), or before they are committed
   * (it stands, and the next run commits it). Default: no epoch is made, the process dies where it is.
   */
  readonly during?: CrashPoint
  /** The machine loses power, and with it some of what was not synced. Default: false. */
  readonly power?: boolean
}

/** What an epoch, or the end of the run, has committed. */
export interface DrivenEpoch {
  /** Undefined: nothing was there to make an epoch for. */
  readonly number: number | undefined
  /** By sink, the rows that came in this epoch. */
  readonly committed: { readonly [sink: string]: readonly AnyRow[] }
}

/** A step of the pipeline as a test looks at it. */
export interface TestStep {
  /** What the step has counted since its process began. */
  readonly counters: StepProgress
  /** Its rows; `watch` must name the step. */
  readonly output: TestOutput
  /** Rows that came too late for it; `watch` must name the step. */
  readonly late: TestOutput
  /** Rows that it put aside because of an error; `watch` must name the step. */
  readonly rejected: TestOutput
  /**
   * What it keeps, as of the last epoch: for `process` a row per key with each state by its name, for others a row for each
   * of their records. `of`: only where these columns have these values.
   *
   * @throws MillraceError `test/not-possible` for a step that keeps nothing, `test/unknown-name` for a column that is not there.
   */
  state(of?: StateRow): Promise<readonly StateRow[]>
  /** The same as `millrace state dump` has it: table by table, with the columns of the engine. */
  tables(): Promise<readonly StateTable[]>
  /** Event-time timers that are set, as of the last epoch. `of`: only of this key. */
  timers(of?: StateRow): Promise<readonly KeptTimer[]>
}

const OPTIONS = ['mode', 'parallelism', 'batchRows', 'partitions', 'interleave', 'watch', 'startAt', 'set']
const RESTART_OPTIONS = ['pipeline', 'parallelism', 'batchRows', 'dropState']
/** 1 January 2000. */
const START_MS = 946_684_800_000

/** A pipeline that a test drives; made by `drive`. */
export class TestDriver {
  readonly #options: DriveOptions
  readonly #machine: DrivenMachine
  readonly #log: InputLog
  readonly #ends: DrivenEnds
  readonly #views = new Map<string, RecordView>()
  #runOptions: RunOptions
  #built: BuiltPlan
  #run: DrivenRun
  /** The crash that the test waits for. */
  #crashAt: CrashPoint | undefined
  #isHeld = false
  #last: Promise<unknown> = Promise.resolve()

  /** @internal */
  constructor(pipeline: Pipeline | BuiltPlan, options: DriveOptions) {
    checkOptionNames('drive', options, OPTIONS)
    checkOptionChoice('mode', options.mode, ['batch', 'micro-batch', 'continuous'])
    const { mode = 'continuous', parallelism = 1, batchRows, interleave, startAt = START_MS } = options
    this.#options = options
    this.#runOptions = { mode, parallelism, batchRows, dropState: [] }
    this.#machine = new DrivenMachine(momentMs(startAt))
    this.#log = new InputLog(interleave)
    const gate = { pass: (point: CrashPoint) => this.#pass(point) }
    this.#ends = { log: this.#log, inputs: new Map(), records: new Map(), watched: new Map(), gate }
    this.#built = this.#build(pipeline)
    this.#run = this.#start()
  }

  /** Milliseconds since 1970 on the clock of the run. */
  get now(): number {
    return this.#machine.now
  }

  /**
   * A source of the pipeline. With its schema, rows are typed.
   *
   * @throws MillraceError `test/unknown-name`.
   */
  source<Row = AnyRow>(name: string, schema?: Schema<Row>): TestSource<Row> {
    const input = this.#ends.inputs.get(name)
    if (input === undefined) throw unknownName('source', name, [...this.#ends.inputs.keys()])
    checkSchema(name, input.node.schema, schema)
    return new SourceFeed(input, this.#log, () => this.#checkRunning()) as unknown as TestSource<Row>
  }

  /**
   * A sink of the pipeline. With its schema, rows are typed.
   *
   * @throws MillraceError `test/unknown-name`.
   */
  sink<Row = AnyRow>(name: string, schema?: Schema<Row>): TestOutput<Row> {
    const record = this.#ends.records.get(name)
    if (record === undefined) throw unknownName('sink', name, [...this.#ends.records.keys()])
    checkSchema(name, record.schema, schema)
    const view = this.#views.get(name) ?? new RecordView(name, record)
    this.#views.set(name, view)
    return view as TestOutput as TestOutput<Row>
  }

  /**
   * A step of the pipeline.
   *
   * @throws MillraceError `test/unknown-name`.
   */
  step(name: string): TestStep {
    const { nodes } = this.#built.plan
    const node = nodes.find(({ step }) => step === name)
    if (node === undefined)
      throw unknownName(
        'step',
        name,
        nodes.map(({ step }) => step),
      )
    const watched = (port: string): TestOutput => this.#watched(name, port)
    const counters = (): StepProgress => this.#counters(name)
    const tables = (): ReturnType<typeof keptTables> => this.#tables(name)
    return {
      get counters() {
        return counters()
      },
      get output() {
        return watched('')
      },
      get late() {
        return watched('late')
      },
      get rejected() {
        return watched('rejected')
      },
      state: async (of = {}) => {
        checkKeeps(node)
        const kept = await tables()
        checkWanted(of, { node, nodes, tables: kept, keysOnly: false })
        return keptRows(kept).filter((row) => has(row, of))
      },
      tables,
      timers: async (of = {}) => {
        checkSetsTimers(node)
        checkWanted(of, { node, nodes, tables: [], keysOnly: true })
        return keptTimers(await tables()).filter(({ key }) => has(key, of))
      },
    }
  }

  /** Lets the run read what was sent and do all that follows; no epoch ends. In micro-batch mode epochs read. */
  settle(): Promise<void> {
    return this.#inTurn(() => this.#run.settle())
  }

  /** Moves the clock: processing time. What was sent is read before. No epoch comes of it. */
  advanceClock(by: Duration): Promise<void> {
    const ms = parseDuration(by)
    return this.#inTurn(() => this.#run.advance(ms))
  }

  /**
   * Ends an epoch behind everything that was sent: state is written, output committed. In micro-batch mode: makes one, as far
   * as its limits go.
   *
   * @throws MillraceError `test/not-possible` in a batch, whose one epoch is its end.
   */
  epoch(): Promise<DrivenEpoch> {
    return this.#inTurn(async () => {
      this.#refuseBatch('has no epochs to make', 'call finish(), where it commits everything')
      const before = this.#committedCounts()
      const number = await this.#run.epoch()
      return { number, committed: this.#committedSince(before) }
    })
  }

  /** Kills the process without a word, and starts another one that goes on from the last epoch. */
  crash(options: CrashOptions = {}): Promise<void> {
    checkOptionNames('crash', options, [...RESTART_OPTIONS, 'during', 'power'])
    checkOptionChoice('during', options.during, ['prepare', 'commit'])
    return this.#inTurn(async () => {
      if (options.during !== undefined) await this.#runInto(options.during)
      this.#machine.kill({ power: options.power ?? false })
      await this.#goOn(options)
    })
  }

  /** Stops the run behind a last epoch, as a deployment does, and goes on with another one. Also behind a failure. */
  restart(options: RestartOptions = {}): Promise<void> {
    checkOptionNames('restart', options, RESTART_OPTIONS)
    return this.#inTurn(
      async () => {
        if (this.#run.failure === undefined) {
          this.#refuseBatch('cannot be stopped and gone on with', 'use crash()')
          this.#checkRunning()
          await this.#run.stop()
        }
        this.#machine.kill({ power: false })
        await this.#goOn(options)
      },
      { evenFailed: true },
    )
  }

  /** Ends all sources, and the run: event time comes to its end, every window fires, everything is committed. */
  finish(): Promise<DrivenEpoch> {
    return this.#inTurn(async () => {
      const before = this.#committedCounts()
      for (const name of this.#ends.inputs.keys()) this.source(name).end()
      await this.#run.finish()
      return { number: this.#run.progress.epoch, committed: this.#committedSince(before) }
    })
  }

  /** @internal */
  async begin(): Promise<this> {
    await this.#run.begin()
    return this
  }

  #build(pipeline: Pipeline | BuiltPlan): BuiltPlan {
    const { set, partitions = 1, watch = [] } = this.#options
    const built = 'build' in pipeline ? pipeline.build(set === undefined ? {} : { set }) : pipeline
    return drivenPlan(built, this.#ends, { partitions, watch })
  }

  #start(): DrivenRun {
    const { records, watched } = this.#ends
    this.#log.boot()
    for (const record of [...records.values(), ...watched.values()]) record.boot()
    this.#crashAt = undefined
    this.#isHeld = false
    return new DrivenRun({ machine: this.#machine, log: this.#log, plan: this.#built }, this.#runOptions)
  }

  async #goOn({ pipeline, parallelism, batchRows, dropState = [] }: RestartOptions): Promise<void> {
    if (pipeline !== undefined) this.#built = this.#build(pipeline)
    this.#runOptions = {
      ...this.#runOptions,
      dropState,
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(batchRows === undefined ? {} : { batchRows }),
    }
    this.#run = this.#start()
    await this.#run.begin()
  }

  /** Makes an epoch up to the moment where the process is to die. */
  async #runInto(point: CrashPoint): Promise<void> {
    this.#refuseBatch('has no epochs to die in', 'leave "during" out')
    this.#crashAt = point
    const isThrough = await this.#run.tryEpoch()
    // Where no sink got a row there is nothing to commit: it stands, and nothing of it is shown.
    if (this.#isHeld || (isThrough && point === 'commit')) return
    this.#crashAt = undefined
    throw notPossible('there is nothing to make an epoch for', 'in micro-batch mode: send rows before')
  }

  #pass(point: CrashPoint): Promise<void> {
    if (this.#crashAt !== point) return Promise.resolve()
    this.#isHeld = true
    return new Promise(() => undefined)
  }

  /** One call after the other; nothing in a run that is over. */
  #inTurn<Result>(
    work: () => Promise<Result>,
    { evenFailed = false }: { readonly evenFailed?: boolean } = {},
  ): Promise<Result> {
    const turn = this.#last.then(async () => {
      if (!evenFailed) this.#checkRunning()
      this.#endTables()
      return work()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Tables of lookup joins are read whole before the streams: what was sent to them until now is all. */
  #endTables(): void {
    if (this.#run.hasEnded) return
    for (const [name, { isTable }] of this.#ends.inputs) if (isTable) this.source(name).end()
  }

  #checkRunning(): void {
    if (this.#run.failure !== undefined) throw notRunning('failed', this.#run.failure)
    if (this.#run.hasEnded) throw notRunning('ended')
  }

  #refuseBatch(what: string, hint: string): void {
    if (this.#runOptions.mode === 'batch') throw notPossible(`a batch ${what}`, hint)
  }

  #watched(step: string, port: string): TestOutput {
    const name = port === '' ? step : `${step}.${port}`
    const record = this.#ends.watched.get(name)
    if (record === undefined && !(this.#options.watch ?? []).includes(step))
      throw notPossible(`step "${step}" is not watched`, `drive(pipeline, { watch: ['${step}'] })`, step)
    if (record === undefined)
      throw notPossible(`step "${step}" has no ${port} rows`, 'look at its output', step)
    const view = this.#views.get(`watched ${name}`) ?? new RecordView(name, record)
    this.#views.set(`watched ${name}`, view)
    return view
  }

  #counters(name: string): StepProgress {
    const { steps } = this.#run.progress
    const found = steps.find(({ step }) => step === name)
    if (found !== undefined) return found
    throw new MillraceError('test/not-possible', {
      what: `step "${name}" is not counted by itself`,
      detail: 'planning has made it a part of another one',
      hint: `watch it to keep it apart: drive(pipeline, { watch: ['${name}'] })`,
      step: name,
    })
  }

  async #tables(step: string): ReturnType<typeof keptTables> {
    this.#refuseBatch('keeps no state', "drive it in mode 'continuous' or 'micro-batch'")
    await this.#last
    return keptTables(this.#run.host, STATE, step)
  }

  #committedCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#ends.records].map(([name, { committedCount }]) => [name, committedCount]))
  }

  #committedSince(counts: ReadonlyMap<string, number>): DrivenEpoch['committed'] {
    const rows = [...this.#ends.records].map(([name, record]) => {
      const fresh = record.committedSince(counts.get(name) ?? 0)
      return [name, fresh.filter(({ weight }) => weight > 0).map(({ row }) => row)] as const
    })
    return Object.fromEntries(rows)
  }
}

/**
 * Starts a pipeline for a test. The pipeline stays as it is; its sources and sinks are replaced by name.
 *
 * Time stands still but for `advanceClock`, epochs come when the test makes them, and nothing is read from or written to the
 * outside: what a test does gives the same rows every time, in any test framework.
 *
 * @throws MillraceError what building and starting the pipeline throws.
 *
 * @example
 * ```ts
 * import { pipeline, schema, t, tumbling } from '@millrace/core'
 * import { csv } from '@millrace/core/files'
 * import { drive } from '@millrace/core/testing'
 *
 * const Flight = schema({ origin: t.string(), at: t.timestamp('ms') })
 * const flights = pipeline('flights', (p) => {
 *   p.read('flights', csv('data/flights.csv', { schema: Flight, eventTime: 'at' }))
 *     .keyBy('by-origin', 'origin')
 *     .window(tumbling('1 hour'))
 *     .aggregate('hourly', (a) => ({ flights: a.count() }))
 *     .write('out', csv('out/hourly'))
 * })
 * const test = await drive(flights)
 * test.source('flights', Flight).send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
 * test.source('flights').watermark('2024-01-01T11:00Z')
 * await test.epoch()
 * console.log(test.sink('out').table())
 * ```
 */
export async function drive(pipeline: Pipeline | BuiltPlan, options: DriveOptions = {}): Promise<TestDriver> {
  return new TestDriver(pipeline, options).begin()
}

/** A schema that is not that of the step would type rows wrongly. */
function checkSchema(step: string, actual: Schema, claimed: Schema | undefined): void {
  if (claimed === undefined || sameSchema(actual, claimed)) return
  throw new MillraceError('test/not-possible', {
    what: `"${step}" has other columns than the schema that the test gives`,
    detail: `it has ${schemaToString(actual)}, not ${schemaToString(claimed)}`,
    hint: 'give the schema that the pipeline declares, or none',
    step,
  })
}
