/**
 * Sources over rows or batches in memory, and a stream that a test or a program pushes rows into.
 *
 * The sink beside it is memory-sink.ts.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import { sliceBatch } from '../data/slice-batch.ts'
import { BatchBuilder } from '../data/batch-builder.ts'
import type { Json, Schema } from '../data/type.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import type { Place } from '../errors.ts'
import type { Boundedness, Horizon, HorizonWish, ReadResult, Source, Split, SplitReader } from './source.ts'
import { checkOptionNames } from '../data/option-names.ts'
import { pickBatchColumns } from './pick-batch-columns.ts'

/** Where a reader of memory stands. */
export interface MemoryPosition {
  readonly [name: string]: Json
  readonly v: 1
  /** Rows of the split before the next one. */
  readonly row: number
}

/** How far a stream of pushed rows can be read. */
interface MemoryHorizon {
  readonly [name: string]: Json
  readonly v: 1
  /** Rows before it. */
  readonly row: number
  /** Nothing comes behind it. */
  readonly end: boolean
}

/** Options of sources in memory. */
export interface MemoryOptions {
  /** How many splits share the rows, in equal runs; default 1. */
  readonly splits?: number
}

/**
 * Reads row objects. Rows are made into columns when they are read, and those that do not fit the schema are refused then.
 *
 * @example
 * ```ts in-pipeline
 * const Order = schema({ id: t.int64(), amount: t.float64() })
 * const orders = p.read('orders', memoryRows(Order, [{ id: 1, amount: 5 }]))
 * ```
 */
export function memoryRows<Row>(
  schema: Schema<Row>,
  rows: readonly (NoInfer<Row> & object)[],
  options: MemoryOptions = {},
): Source<Row, MemoryPosition> {
  checkOptionNames('memoryRows', options, ['splits'])
  const parts = partsOf(rows.length, options)
  return makeSource<Row>(
    {
      connector: 'memory-rows',
      schema,
      rows: rows.length,
      splits: parts.map(({ from, to }) => to - from),
      supports: ['bounded', 'unbounded'],
    },
    (index, visible) => {
      const { from, to } = parts[index] as { from: number; to: number }
      return {
        schema,
        visible,
        length: () => to - from,
        ended: () => true,
        rowAt: (row) => rows[from + row] as Row & object,
      }
    },
  )
}

/**
 * Reads batches as they are: the fastest source there is. Batches longer than the engine asks for are cut without copying.
 * The batches must stay unchanged as long as they are read.
 *
 * @example
 * ```ts in-pipeline
 * import { batchOfRows } from '@millrace/core/data'
 *
 * const Order = schema({ id: t.int64(), amount: t.float64() })
 * const orders = p.read('orders', memoryBatches(Order, [batchOfRows(Order, [{ id: 1, amount: 5 }])]))
 * ```
 */
export function memoryBatches<Row>(
  schema: Schema<Row>,
  batches: readonly Batch[],
): Source<Row, MemoryPosition> {
  const rows = batches.reduce((sum, batch) => sum + rowCount(batch), 0)
  const build = (visible: Schema): Source<Row, MemoryPosition> => ({
    ...describe({
      connector: 'memory-batches',
      schema: visible as Schema<Row>,
      rows,
      splits: [rows],
      supports: ['bounded', 'unbounded'],
    }),
    withPushdown: ({ columns }) => build(pickSchema(schema, columns)),
    open: async (_, from) => new BatchesReader(batches, visible === schema ? undefined : visible, from),
  })
  return build(schema)
}

/** A source that rows are pushed into while it runs. */
export interface MemoryStream<Row> extends Source<Row, MemoryPosition> {
  /** Adds rows. They are kept, so that the stream can be read again from any position. */
  push(...rows: readonly (Row & object)[]): void
  /** No more rows will come. */
  end(): void
}

/**
 * A stream of pushed rows: one split, unbounded until `end` is called.
 *
 * @example
 * ```ts in-pipeline
 * const clicks = memoryStream(schema({ user: t.string() }))
 * p.read('clicks', clicks).write('seen', memorySink())
 * clicks.push({ user: 'a' })
 * clicks.end()
 * ```
 */
export function memoryStream<Row>(schema: Schema<Row>): MemoryStream<Row> {
  const rows: (Row & object)[] = []
  let hasEnded = false
  let wakers: (() => void)[] = []
  const wake = (): void => {
    const waiting = wakers
    wakers = []
    for (const waker of waiting) waker()
  }
  const source = makeSource<Row>(
    {
      connector: 'memory-stream',
      schema,
      rows: undefined,
      splits: [undefined],
      supports: ['bounded', 'unbounded'],
    },
    (_, visible) => ({
      schema,
      visible,
      length: () => rows.length,
      ended: () => hasEnded,
      rowAt: (row) => rows[row] as Row & object,
      changed: () => new Promise<void>((resolve) => wakers.push(resolve)),
    }),
  )
  return {
    ...source,
    push(...added) {
      if (hasEnded) {
        throw new MillraceError('plan/invalid-argument', {
          what: 'rows were pushed into a stream that has ended',
        })
      }
      rows.push(...added)
      wake()
    },
    end() {
      hasEnded = true
      wake()
    },
  }
}

interface Description<Row> {
  readonly connector: string
  readonly schema: Schema<Row>
  readonly rows: number | undefined
  /** Rows of each split. */
  readonly splits: readonly (number | undefined)[]
  readonly supports: readonly Boundedness[]
}

/** Rows of one split. */
interface RowSupply<Row> {
  readonly schema: Schema<Row>
  readonly visible: Schema
  length(): number
  ended(): boolean
  rowAt(row: number): Row & object
  /** Resolves when rows were added or the end came. */
  changed?(): Promise<void>
}

function makeSource<Row>(
  description: Description<Row>,
  supply: (split: number, visible: Schema) => RowSupply<Row>,
): Source<Row, MemoryPosition> {
  const build = (visible: Schema): Source<Row, MemoryPosition> => ({
    ...describe({ ...description, schema: visible as Schema<Row> }),
    withPushdown: ({ columns }) => build(pickSchema(description.schema, columns)),
    open: async (split, from) =>
      new RowsReader(supply((split.detail as { index: number }).index, visible), from),
  })
  return build(description.schema)
}

function describe<Row>(
  description: Description<Row>,
): Pick<Source<Row>, 'description' | 'schema' | 'supports' | 'enumerate'> {
  const { connector, schema, rows, splits, supports } = description
  return {
    description: { connector, options: rows === undefined ? {} : { rows } },
    schema,
    supports,
    async enumerate() {
      let announced = false
      return {
        async next() {
          const found = announced ? [] : splits.map((count, index) => splitOf(index, count))
          announced = true
          return { splits: found, done: true }
        },
        close: async () => undefined,
      }
    },
  }
}

function splitOf(index: number, rows: number | undefined): Split {
  return { id: `memory-${index}`, detail: { index }, ...(rows === undefined ? { grows: true } : { rows }) }
}

function pickSchema(schema: Schema, columns: readonly string[] | undefined): Schema {
  if (columns === undefined || schema.fields.every(({ name }) => columns.includes(name))) return schema
  return { fields: schema.fields.filter(({ name }) => columns.includes(name)) }
}

function partsOf(
  rows: number,
  { splits = 1 }: MemoryOptions,
): { readonly from: number; readonly to: number }[] {
  if (!Number.isInteger(splits) || splits < 1) {
    throw new MillraceError('plan/invalid-argument', {
      what: `option "splits" of a source in memory has the value ${splits}`,
      detail: 'expected a whole number, 1 or more',
    })
  }
  return Array.from({ length: splits }, (_, index) => ({
    from: Math.floor((rows * index) / splits),
    to: Math.floor((rows * (index + 1)) / splits),
  }))
}

class RowsReader<Row> implements SplitReader<MemoryPosition> {
  readonly #supply: RowSupply<Row>
  readonly #builder: BatchBuilder<Row>
  #row: number
  #horizon: MemoryHorizon | undefined
  #close: (() => void) | undefined
  #closed = false

  constructor(supply: RowSupply<Row>, from: MemoryPosition | undefined) {
    this.#supply = supply
    this.#builder = new BatchBuilder(supply.schema, Math.min(1024, Math.max(1, supply.length())))
    this.#row = from?.row ?? 0
  }

  read(rowsMax: number): ReadResult {
    const supply = this.#supply
    const horizon = this.#horizon
    const end = Math.min(horizon?.row ?? supply.length(), this.#row + rowsMax)
    if (this.#row >= end) {
      if (horizon !== undefined) return horizon.end ? { kind: 'end' } : { kind: 'idle', atHorizon: true }
      if (supply.ended() || this.#closed || supply.changed === undefined) return { kind: 'end' }
      const closed = new Promise<void>((resolve) => {
        this.#close = resolve
      })
      return { kind: 'idle', until: Promise.race([supply.changed(), closed]) }
    }
    const builder = this.#builder
    builder.reset()
    for (; this.#row < end; this.#row++) this.#append(builder, supply.rowAt(this.#row))
    return { kind: 'batch', batch: pickBatchColumns(builder.finish(), pickedSchema(supply)) }
  }

  #append(builder: BatchBuilder<Row>, row: Row & object): void {
    if (typeof row !== 'object' || row === null)
      throw misfit(`a row must be an object, not ${String(row)}`, { row: this.#row + 1 })
    try {
      builder.appendRow(row)
    } catch (cause) {
      if (!isMillraceError(cause)) throw cause
      throw new MillraceError(cause.code, {
        what: cause.what,
        detail: cause.detail,
        hint: cause.hint ?? MISFIT_HINT,
        place: { ...cause.place, row: this.#row + 1 },
        cause,
      })
    }
  }

  position(): MemoryPosition {
    return { v: 1, row: this.#row }
  }

  async horizon({ within }: HorizonWish): Promise<Horizon | undefined> {
    const supply = this.#supply
    const bound = within as MemoryHorizon | undefined
    const row = Math.min(supply.length(), bound?.row ?? Infinity)
    const end = supply.ended() && row === supply.length() && bound?.end !== false
    if (row === this.#row && !end) return undefined
    return { to: { v: 1, row, end } satisfies MemoryHorizon, bytes: 0 }
  }

  readTo(to: Json): void {
    this.#horizon = to as MemoryHorizon
  }

  bytesRead(): number {
    return 0
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#close?.()
  }
}

const MISFIT_HINT = 'give rows as their schema declares them'

function misfit(what: string, place: Place): MillraceError {
  return new MillraceError('value/invalid', { what, hint: MISFIT_HINT, place })
}

function pickedSchema<Row>({ schema, visible }: RowSupply<Row>): Schema {
  return visible.fields.length === schema.fields.length ? schema : visible
}

class BatchesReader implements SplitReader<MemoryPosition> {
  readonly #batches: readonly Batch[]
  readonly #visible: Schema | undefined
  #row = 0
  #batch = 0
  /** Rows of the current batch that were read. */
  #inBatch = 0

  constructor(batches: readonly Batch[], visible: Schema | undefined, from: MemoryPosition | undefined) {
    this.#batches = batches
    this.#visible = visible
    for (let left = from?.row ?? 0; left > 0;) {
      const rows = rowCount(batches[this.#batch] as Batch)
      const taken = Math.min(left, rows)
      left -= taken
      this.#inBatch = taken
      if (taken === rows) this.#nextBatch()
      this.#row += taken
    }
  }

  read(rowsMax: number): ReadResult {
    let batch = this.#batches[this.#batch]
    while (batch !== undefined && rowCount(batch) === this.#inBatch) {
      this.#nextBatch()
      batch = this.#batches[this.#batch]
    }
    if (batch === undefined) return { kind: 'end' }
    // Cut at multiples of eight, where that is possible, so that the next piece can be a view too.
    const size = rowsMax > 8 ? rowsMax & ~7 : rowsMax
    const from = this.#inBatch
    const to = Math.min(rowCount(batch), from + size)
    this.#inBatch = to
    this.#row += to - from
    const slice = sliceBatch(batch, from, to - from)
    return {
      kind: 'batch',
      batch: this.#visible === undefined ? slice : pickBatchColumns(slice, this.#visible),
    }
  }

  #nextBatch(): void {
    this.#batch++
    this.#inBatch = 0
  }

  position(): MemoryPosition {
    return { v: 1, row: this.#row }
  }

  bytesRead(): number {
    return 0
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
