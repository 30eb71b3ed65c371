/** Drives one operator without a task loop: batches in, rows out, with what the engine promises checked on the way. */
import type { Batch } from '../../src/data/batch.ts'
import { rowCount, rowIndex } from '../../src/data/batch.ts'
import { BatchBuilder } from '../../src/data/batch-builder.ts'
import type { Column } from '../../src/data/column.ts'
import { readValue } from '../../src/data/read-value.ts'
import type { Schema } from '../../src/data/type.ts'
import type { Operator, OperatorContext, StepCounters } from '../../src/engine/operator.ts'

/** A row that left, with what travels beside its columns. */
export interface OutRow {
  readonly port: string
  readonly row: Record<string, unknown>
  readonly eventTime: number | undefined
  readonly weight: number
  /** The watermark that had gone on when the row left, and how many batches had been pushed. */
  readonly forwarded: number
  readonly push: number
}

export interface Harness {
  readonly context: OperatorContext
  readonly counters: StepCounters
  readonly out: OutRow[]
  /** Kept by whoever drives the operator, for the rows that leave. */
  readonly now: { forwarded: number; push: number }
  /** Largest batch that left. */
  largestBatch: number
}

export function harness(options?: { batchRows?: number; now?: () => number }): Harness {
  const counters = {
    rowsIn: 0,
    rowsOut: 0,
    lateRows: 0,
    rejectedRows: 0,
    stateEntries: 0,
    pendingTimers: 0,
    waitingRows: 0,
    stateBytes: 0,
  }
  const out: OutRow[] = []
  const now = { forwarded: -Infinity, push: 0 }
  const result: Harness = {
    counters,
    out,
    now,
    largestBatch: 0,
    context: {
      step: 'step',
      task: 0,
      tasks: 1,
      keyGroups: 128,
      batchRows: options?.batchRows ?? 7,
      clock: { now: options?.now ?? (() => 0) },
      emit: (port) => (batch) => {
        result.largestBatch = Math.max(result.largestBatch, rowCount(batch))
        out.push(...rowsOf(batch, port, now))
      },
      isRead: () => true,
      counters,
    },
  }
  return result
}

export function rowsOf(batch: Batch, port: string, now: Harness['now']): OutRow[] {
  return Array.from({ length: rowCount(batch) }, (_, n) => {
    const i = rowIndex(batch, n)
    const row = Object.fromEntries(
      batch.schema.fields.map((field, c) => [field.name, readValue(batch.columns[c] as Column, i)]),
    )
    return { port, row, eventTime: batch.eventTime?.[i], weight: batch.weights?.[i] ?? 1, ...now }
  })
}

/** Advances until the operator says that everything due has left. */
export function advance(operator: Operator, watermark: number): void {
  for (let calls = 0; !operator.advance(watermark); calls++) {
    if (calls > 100_000) throw new Error('advance never ends')
  }
}

/** An input row: a row object and its event time. */
export interface InRow {
  readonly row: object
  readonly time: number
  readonly order?: number
}

/** A batch of rows; with `selected`, dead rows are mixed in and a selection vector names the live ones. */
export function batchOf(
  schema: Schema,
  rows: readonly InRow[],
  options?: { selected?: boolean; ordered?: boolean },
): Batch {
  const selected = options?.selected === true
  const all = selected ? rows.flatMap((row) => [row, row]) : rows
  const builder = new BatchBuilder(schema, Math.max(1, all.length), {
    eventTime: true,
    order: options?.ordered === true,
  })
  for (const { row } of all) builder.appendRow(row)
  for (const [i, { time, order }] of all.entries()) {
    ;(builder.eventTime as Float64Array)[i] = time
    if (builder.order !== undefined) builder.order[i] = order ?? 0
  }
  const batch = builder.finish()
  if (!selected) return batch
  const selection = Int32Array.from(rows, (_, n) => 2 * n + 1)
  return { ...batch, selection, selectedCount: rows.length }
}

/** The same batch with a string column dictionary-coded. */
export function withDictionary(batch: Batch, column: number, dictionary: Dictionary): Batch {
  const columns = [...batch.columns]
  const source = columns[column] as Column & { layout: 'utf8' }
  const codes = new Int32Array(batch.length)
  for (let i = 0; i < batch.length; i++) {
    const text = readValue({ ...source, validity: undefined }, i) as string
    codes[i] = dictionary.code(text)
  }
  columns[column] = {
    layout: 'dictionary',
    type: source.type,
    codes,
    dictionary: dictionary.column,
    dictionaryLength: dictionary.length,
    validity: source.validity,
  }
  return { ...batch, columns }
}

/** A dictionary that grows at its end and keeps its identity. */
export class Dictionary {
  readonly column: Column & { layout: 'utf8' } = {
    layout: 'utf8',
    type: { kind: 'string' },
    bytes: new Uint8Array(1 << 16),
    starts: new Int32Array(4096),
    lengths: new Int32Array(4096),
    validity: undefined,
  }
  length = 0
  readonly #codes = new Map<string, number>()
  #top = 0

  code(text: string): number {
    let code = this.#codes.get(text)
    if (code !== undefined) return code
    code = this.length++
    this.#codes.set(text, code)
    const bytes = new TextEncoder().encode(text)
    this.column.bytes.set(bytes, this.#top)
    this.column.starts[code] = this.#top
    this.column.lengths[code] = bytes.length
    this.#top += bytes.length
    return code
  }
}
