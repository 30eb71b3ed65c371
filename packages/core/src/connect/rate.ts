/**
 * A source of numbered rows at a steady rate by the host's clock: for trying things out, and for tests of time.
 *
 * Row i of a split has the number i × splits + split, and the time at which it fell due.
 */
import type { Batch } from '../data/batch.ts'
import { BatchBuilder } from '../data/batch-builder.ts'
import type { Json, Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { Timer } from '../host/host.ts'
import type { Horizon, HorizonWish, ReadResult, Source, SourceContext, Split, SplitReader } from './source.ts'
import { checkOptionNames } from '../data/option-names.ts'
import { pickBatchColumns } from './pick-batch-columns.ts'

/** A row of the rate source. */
export interface RateRow {
  /** 0, 1, 2... */
  readonly number: number
  /** When it fell due, milliseconds since 1970. */
  readonly time: number
}

/** Options of the rate source. */
export interface RateOptions {
  readonly rowsPerSecond: number
  /** Rows in all; default: without end. */
  readonly rows?: number
  /** How many splits share the rate; default 1. */
  readonly splits?: number
}

/** Where a rate split stands. */
export interface RatePosition {
  readonly [name: string]: Json
  readonly v: 1
  readonly row: number
}

/** What a split says: when row 0 falls due is fixed once, so that a split gives the same rows whenever it is read. */
interface RateSplit {
  readonly [name: string]: Json
  readonly index: number
  readonly startMs: number
}

const rateSchema: Schema<RateRow> = {
  fields: [
    { name: 'number', type: { kind: 'int64', rows: 'number' }, nullable: false },
    { name: 'time', type: { kind: 'timestamp', unit: 'ms', zoned: true }, nullable: false },
  ],
}

/**
 * Rows `{ number, time }` at a steady rate.
 *
 * @throws MillraceError `plan/invalid-argument` when an option is outside its range.
 *
 * @example
 * ```ts in-pipeline
 * const ticks = p.read('ticks', rate({ rowsPerSecond: 100 }), { eventTime: 'time' })
 * ```
 */
export function rate(options: RateOptions): Source<RateRow, RatePosition> {
  checkOptionNames('rate', options, ['rowsPerSecond', 'rows', 'splits'])
  const { rowsPerSecond, rows, splits = 1 } = options
  check('rowsPerSecond', rowsPerSecond, Number.isFinite(rowsPerSecond) && rowsPerSecond > 0)
  if (rows !== undefined) check('rows', rows, Number.isSafeInteger(rows) && rows >= 0)
  check('splits', splits, Number.isInteger(splits) && splits >= 1 && splits <= 1000)
  return makeRate({ rowsPerSecond, rows, splits }, rateSchema)
}

interface RateSettings {
  readonly rowsPerSecond: number
  readonly rows: number | undefined
  readonly splits: number
}

function makeRate(settings: RateSettings, schema: Schema<RateRow>): Source<RateRow, RatePosition> {
  const { rowsPerSecond, rows, splits } = settings
  return {
    description: {
      connector: 'rate',
      options: { rowsPerSecond, splits, ...(rows === undefined ? {} : { rows }) },
    },
    schema,
    supports: rows === undefined ? ['unbounded'] : ['bounded', 'unbounded'],
    withPushdown({ columns }) {
      if (columns === undefined) return makeRate(settings, rateSchema)
      return makeRate(settings, { fields: rateSchema.fields.filter(({ name }) => columns.includes(name)) })
    },
    async enumerate({ host }) {
      let announced = false
      return {
        async next() {
          const found = announced
            ? []
            : Array.from({ length: splits }, (_, index) =>
                splitOf({ index, startMs: host.clock.now() }, settings),
              )
          announced = true
          return { splits: found, done: true }
        },
        close: async () => undefined,
      }
    },
    async open(split, from, context) {
      const { index, startMs } = split.detail as RateSplit
      return new RateReader({ settings, index, startMs, schema }, from, context)
    },
  }
}

function splitOf(detail: RateSplit, settings: RateSettings): Split {
  const rows = rowsOfSplit(detail.index, settings)
  return { id: `rate-${detail.index}`, detail, ...(Number.isFinite(rows) ? { rows } : {}), grows: true }
}

function rowsOfSplit(index: number, { rows, splits }: RateSettings): number {
  return rows === undefined ? Infinity : Math.ceil((rows - index) / splits)
}

class RateReader implements SplitReader<RatePosition> {
  readonly #settings: RateSettings
  readonly #index: number
  readonly #schema: Schema
  readonly #context: SourceContext
  readonly #builder = new BatchBuilder(rateSchema, 1024)
  readonly #startMs: number
  readonly #rows: number
  #row: number
  /** Rows that may be read; undefined: all that fall due. */
  #horizon: number | undefined
  #waiting: { readonly timer: Timer; readonly wake: () => void } | undefined

  constructor(
    of: {
      readonly settings: RateSettings
      readonly index: number
      readonly startMs: number
      readonly schema: Schema
    },
    from: RatePosition | undefined,
    context: SourceContext,
  ) {
    this.#settings = of.settings
    this.#index = of.index
    this.#schema = of.schema
    this.#context = context
    this.#rows = rowsOfSplit(of.index, of.settings)
    this.#row = from?.row ?? 0
    this.#startMs = of.startMs
  }

  read(rowsMax: number): ReadResult {
    if (this.#row >= this.#rows) return { kind: 'end' }
    const now = this.#context.host.clock.now()
    const horizon = this.#horizon ?? Infinity
    if (this.#row >= horizon) return { kind: 'idle', atHorizon: true }
    const dueRows = Math.min(this.#dueRows(now), horizon)
    if (dueRows === this.#row) return this.#idle(this.#dueMs(this.#row) - now)
    return { kind: 'batch', batch: this.#make(Math.min(dueRows - this.#row, rowsMax)) }
  }

  /** Rows that have fallen due, those that were read among them. */
  #dueRows(now: number): number {
    // Division may round either way: the due times themselves decide.
    let rows = Math.max(
      this.#row,
      Math.min(this.#rows, Math.floor((now - this.#startMs) / this.#spacingMs()) - 1),
    )
    while (rows < this.#rows && this.#dueMs(rows) <= now) rows++
    return rows
  }

  #make(count: number): Batch {
    const builder = this.#builder
    builder.reset()
    for (let made = 0; made < count; made++, this.#row++) {
      builder.appendRow({
        number: this.#row * this.#settings.splits + this.#index,
        time: Math.floor(this.#dueMs(this.#row)),
      })
    }
    const batch = builder.finish()
    return this.#schema.fields.length === rateSchema.fields.length
      ? batch
      : pickBatchColumns(batch, this.#schema)
  }

  #idle(delayMs: number): ReadResult {
    const until = new Promise<void>((wake) => {
      this.#waiting = { timer: this.#context.host.timers.set(delayMs, wake), wake }
    })
    return { kind: 'idle', until }
  }

  /** Between rows of one split. */
  #spacingMs(): number {
    return (1000 * this.#settings.splits) / this.#settings.rowsPerSecond
  }

  #dueMs(row: number): number {
    const number = row * this.#settings.splits + this.#index
    return this.#startMs + (number * 1000) / this.#settings.rowsPerSecond
  }

  position(): RatePosition {
    return { v: 1, row: this.#row }
  }

  async horizon({ within }: HorizonWish): Promise<Horizon | undefined> {
    const due = this.#dueRows(this.#context.host.clock.now())
    const row = Math.min(due, (within as RatePosition | undefined)?.row ?? Infinity)
    // Behind the last row is the end, which is to be read too.
    if (row <= this.#row && row < this.#rows) return undefined
    return { to: { v: 1, row } satisfies RatePosition, bytes: 0 }
  }

  readTo(to: Json): void {
    this.#horizon = (to as RatePosition).row
  }

  bytesRead(): number {
    return 0
  }

  async close(): Promise<void> {
    this.#waiting?.timer.clear()
    this.#waiting?.wake()
  }
}

function check(name: string, value: number, isRight: boolean): void {
  if (isRight) return
  throw new MillraceError('plan/invalid-argument', {
    what: `option "${name}" of the rate source has the value ${value}`,
    detail: 'expected a positive number',
  })
}
