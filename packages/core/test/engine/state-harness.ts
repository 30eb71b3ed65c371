/**
 * Drives the tasks of one step, cuts their input, writes their state into files of a store, and goes on in new tasks that
 * have read it, at another parallelism.
 */
import fc from 'fast-check'
import { DirectoryStore, StateFileReader, StateFileWriter } from '../../src/checkpoint/index.ts'
import type { FinishedStateFile, StateRows } from '../../src/checkpoint/index.ts'
import type { Batch } from '../../src/data/batch.ts'
import { keyGroupOf, hashKeys } from '../../src/data/key-hash.ts'
import { columnIndex } from '../../src/data/schema.ts'
import type { Schema } from '../../src/data/type.ts'
import { keyGroupsOf } from '../../src/engine/exchange.ts'
import type { Operator, OperatorContext, OperatorState, SnapshotScope } from '../../src/engine/operator.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { Harness, InRow, OutRow } from './operator-harness.ts'
import { advance, batchOf, harness } from './operator-harness.ts'

const KEY_GROUPS = 16

/** What comes in: rows, and watermarks. */
export type StepEvent =
  | ({ readonly kind: 'row'; readonly input?: number } & InRow)
  | { readonly kind: 'watermark'; readonly time: number }

/** A cut in front of an event. */
export interface Cut {
  /** Where it is, as a share of all events. */
  readonly at: number
  readonly scope: SnapshotScope
  /** What runs goes away, and so many new tasks go on. */
  readonly restart: number | undefined
}

/** Cuts in any number: the first snapshot of a task has everything, as a full one has. */
export const cutsArbitrary: fc.Arbitrary<readonly Cut[]> = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
    scope: fc.constantFrom('whole', 'since-whole', 'changes'),
    restart: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 2 }),
  }),
  { minLength: 1, maxLength: 6 },
)

export interface StepOptions {
  readonly make: (context: OperatorContext) => Operator
  readonly schema: Schema
  readonly keys: readonly string[]
  /** Of a second input. */
  readonly second?: Pick<StepOptions, 'schema' | 'keys'>
  readonly batch: number
  readonly batchRows?: number
  readonly tasks: number
  /** Changes what was snapshot before it is written: for defects that have to be found. */
  readonly spoil?: (rows: readonly StateRows[], cut: Cut) => readonly StateRows[]
}

interface Task {
  readonly h: Harness
  readonly operator: Operator
}

interface File {
  readonly file: FinishedStateFile
}

/** What came out of all tasks, in all lives of the step. */
export interface StepRun {
  readonly out: readonly OutRow[]
  readonly lateRows: number
  readonly tasks: readonly Task[]
}

const host = createManualHost()
let runs = 0

/** Runs events through a step with cuts. */
export async function runStep(
  events: readonly StepEvent[],
  options: StepOptions,
  cuts: readonly Cut[],
): Promise<StepRun> {
  return new StepUnderTest(options).run(events, cuts)
}

class StepUnderTest {
  readonly #options: StepOptions
  readonly #store: DirectoryStore
  readonly #out: OutRow[] = []
  #lateRows = 0
  #tasks: Task[] = []
  #chain: File[] = []
  /** Files of the chain that a snapshot of scope `since-whole` does not take the place of. */
  #kept = 0
  #files = 0
  #watermark = -Infinity
  #pending: InRow[] = []
  /** The input of pending rows. */
  #input = 0

  constructor(options: StepOptions) {
    this.#options = options
    this.#store = new DirectoryStore(host, `/state-${runs++}`)
    this.#start(options.tasks)
  }

  async run(events: readonly StepEvent[], cuts: readonly Cut[]): Promise<StepRun> {
    const places = cuts
      .map((cut) => ({ cut, place: Math.floor(cut.at * events.length) }))
      .toSorted((a, b) => a.place - b.place)
    for (const [n, event] of events.entries()) {
      for (const { cut, place } of places) if (place === n) await this.#cut(cut)
      this.#take(event)
    }
    for (const { cut, place } of places) if (place === events.length) await this.#cut(cut)
    this.#push()
    this.#advance(Infinity)
    this.#retire()
    return { out: this.#out, lateRows: this.#lateRows, tasks: this.#tasks }
  }

  #start(count: number): void {
    this.#tasks = Array.from({ length: count }, (_, task) => {
      const h = harness({ batchRows: this.#options.batchRows ?? 5 })
      const context: OperatorContext = { ...h.context, task, tasks: count, keyGroups: KEY_GROUPS }
      return { h, operator: this.#options.make(context) }
    })
  }

  #retire(): void {
    for (const { h } of this.#tasks) {
      this.#out.push(...h.out)
      this.#lateRows += h.counters.lateRows
    }
  }

  #take(event: StepEvent): void {
    if (event.kind === 'row') {
      const { input = 0 } = event
      if (input !== this.#input) this.#push()
      this.#input = input
      this.#pending.push(event)
      if (this.#pending.length >= this.#options.batch) this.#push()
    } else if (event.time > this.#watermark) {
      this.#push()
      this.#advance(event.time)
    }
  }

  #advance(watermark: number): void {
    this.#watermark = watermark
    for (const { h, operator } of this.#tasks) {
      advance(operator, watermark)
      h.now.forwarded = operator.outputWatermark?.(watermark) ?? watermark
    }
  }

  #push(): void {
    const rows = this.#pending
    this.#pending = []
    if (rows.length === 0) return
    const { schema, keys } = this.#input === 0 ? this.#options : (this.#options.second ?? this.#options)
    const batch = batchOf(schema, rows)
    for (const [task, { h, operator }] of this.#tasks.entries()) {
      const own = ownRows(batch, keys, task, this.#tasks.length)
      h.now.push++
      if (own.selectedCount > 0) operator.push(own, this.#input)
    }
  }

  async #cut(cut: Cut): Promise<void> {
    this.#push()
    for (const { operator } of this.#tasks) {
      operator.flush?.()
      operator.release?.()
    }
    const remembersWhole = this.#tasks.every(({ operator }) => operator.state?.remembersWhole === true)
    const scope = cut.scope === 'since-whole' && !remembersWhole ? 'changes' : cut.scope
    if (scope === 'whole') this.#chain = []
    if (scope !== 'changes') this.#chain = this.#chain.slice(0, this.#kept)
    for (const { operator } of this.#tasks) this.#chain.push(await this.#write(operator, { ...cut, scope }))
    // A first snapshot is whole, whatever it is called.
    if (scope === 'whole' || this.#kept === 0) this.#kept = this.#chain.length
    if (cut.restart === undefined) return
    this.#retire()
    for (const { operator } of this.#tasks) operator.close()
    this.#start(cut.restart)
    for (const [task, { operator }] of this.#tasks.entries()) await this.#restore(operator, task)
    this.#kept = this.#chain.length
  }

  async #write(operator: Operator, cut: Cut): Promise<File> {
    const { state } = operator as { state: OperatorState }
    const taken = state.snapshot(cut.scope)
    const rows = this.#options.spoil?.(taken, cut) ?? taken
    const name = `state/${this.#files++}`
    const writer = await StateFileWriter.begin(this.#store, name, { checks: host.bytes, parts: state.parts })
    for (const some of rows) await writer.append(some)
    return { file: await writer.finish() }
  }

  async #restore(operator: Operator, task: number): Promise<void> {
    const { state } = operator as { state: OperatorState }
    for (const { file } of this.#chain) {
      const reader = await StateFileReader.open(this.#store, file, host.bytes)
      const range = keyGroupsOf(task, this.#tasks.length, KEY_GROUPS)
      for await (const rows of reader.read(range)) state.restore(rows)
    }
    state.restored?.()
  }
}

/** The rows of a batch whose key a task owns. */
function ownRows(batch: Batch, keys: readonly string[], task: number, tasks: number): Batch {
  const [first, end] = keyGroupsOf(task, tasks, KEY_GROUPS)
  const hashes = new Int32Array(batch.length)
  hashKeys(
    batch,
    keys.map((key) => columnIndex(batch.schema, key)),
    hashes,
  )
  const selection = Int32Array.from({ length: batch.length }, (_, n) => n).filter((n) => {
    const group = keyGroupOf(hashes[n] as number, KEY_GROUPS)
    return group >= first && group < end
  })
  return { ...batch, selection, selectedCount: selection.length }
}

/** Snapshots without some rows. */
export const without =
  (isLost: (rows: StateRows, row: number) => boolean) =>
  (all: readonly StateRows[], cut: Cut): readonly StateRows[] =>
    cut.scope === 'whole'
      ? all
      : all.map((rows) => {
          const kept = Int32Array.from({ length: rows.batch.length }, (_, row) => row).filter(
            (row) => !isLost(rows, row),
          )
          return { ...rows, batch: { ...rows.batch, selection: kept, selectedCount: kept.length } }
        })

export const isRemoved = ({ batch }: StateRows, row: number): boolean => {
  const at = batch.schema.fields.findIndex(({ name }) => name === '/removed')
  return at >= 0 && (batch.columns[at] as { values: Uint8Array }).values[row] === 1
}
