/**
 * The Nexmark generator as a source: persons, auctions or bids of a seeded auction site.
 *
 * Splits take every p-th event, so that their timelines run side by side; event time is that of the event.
 */
import type { Batch } from '../../data/batch.ts'
import { makeBatch } from '../../data/batch.ts'
import type { FixedColumn } from '../../data/column.ts'
import { fieldOf } from '../../data/schema.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import { checkOptionNames } from '../../data/option-names.ts'
import type { Boundedness, Pushdown, ReadResult, Source, Split, SplitReader } from '../source.ts'
import { columnMakers } from './event-columns.ts'
import type { ColumnMaker } from './event-columns.ts'
import { DISORDER_STEP, eventAt, eventHash, EVENTS_PER_EPOCH, kindPlaces } from './rules.ts'
import type { NexmarkKind, NexmarkRules } from './rules.ts'
import { nexmarkSchemas } from './schemas.ts'
import type { NexmarkRows } from './schemas.ts'

/** What `nexmark` can be told. */
export interface NexmarkOptions {
  /** Events of all three kinds; undefined: endless (continuous mode only). */
  readonly events?: number
  /** Events per second of event time. Default 100,000. */
  readonly eventRate?: number
  /** Default 1. */
  readonly splits?: number
  /** Default 1. */
  readonly seed?: number
  /** Event time of the first event, milliseconds. Default 2026-01-01 UTC. */
  readonly baseTime?: number
  /** Events within a group of this size change places. Default 1: no disorder. */
  readonly outOfOrderGroup?: number
}

const optionNames = ['events', 'eventRate', 'splits', 'seed', 'baseTime', 'outOfOrderGroup']

/** Where a reader stands: the next place of the stream. */
interface NexmarkPosition {
  readonly v: 1
  readonly place: number
  readonly [key: string]: number
}

/** 2026-01-01T00:00:00Z. */
const BASE_TIME = 1_767_225_600_000

/**
 * A seeded stream of Nexmark events of one kind.
 *
 * Of every 50 events one is a person, three are auctions and 46 are bids. The same seed gives the same events at any
 * number of splits. Event time is `dateTime`.
 *
 * @throws MillraceError `plan/invalid-argument` for numbers outside their range.
 */
export function nexmark<Kind extends NexmarkKind>(
  kind: Kind,
  options?: NexmarkOptions,
): Source<NexmarkRows[Kind], NexmarkPosition> {
  checkOptionNames('nexmark', options, optionNames)
  const settings = {
    events: options?.events,
    eventRate: options?.eventRate ?? 100_000,
    splits: options?.splits ?? 1,
    seed: options?.seed ?? 1,
    baseTime: options?.baseTime ?? BASE_TIME,
    outOfOrderGroup: options?.outOfOrderGroup ?? 1,
  }
  checkSettings(settings)
  return new NexmarkSource(kind, settings, nexmarkSchemas[kind] as Schema<NexmarkRows[Kind]>)
}

interface Settings extends NexmarkRules {
  readonly events: number | undefined
  readonly splits: number
}

function checkSettings(settings: Settings): void {
  const whole = (value: number | undefined, least: number): boolean =>
    value === undefined || (Number.isSafeInteger(value) && value >= least)
  const wrong =
    !whole(settings.events, 0) ? 'events'
    : !(Number.isFinite(settings.eventRate) && settings.eventRate > 0) ? 'eventRate'
    : !Number.isSafeInteger(settings.seed) ? 'seed'
    : !Number.isSafeInteger(settings.baseTime) ? 'baseTime'
    : !whole(settings.splits, 1) ? 'splits'
    : !whole(settings.outOfOrderGroup, 1) || settings.outOfOrderGroup % DISORDER_STEP === 0 ? 'outOfOrderGroup'
    : undefined // prettier-ignore
  if (wrong === undefined) return
  throw new MillraceError('plan/invalid-argument', {
    what: `option "${wrong}" of nexmark is out of range`,
    detail: `got ${String(settings[wrong])}`,
    hint:
      'events is a whole number from 0, splits and outOfOrderGroup from 1 (no multiple of 953), eventRate above 0, ' +
      'seed and baseTime are whole numbers',
  })
}

class NexmarkSource<Row> implements Source<Row, NexmarkPosition> {
  readonly schema: Schema<Row>
  readonly supports: readonly Boundedness[]
  private readonly kind: NexmarkKind
  private readonly settings: Settings

  constructor(kind: NexmarkKind, settings: Settings, schema: Schema<Row>) {
    this.kind = kind
    this.settings = settings
    this.schema = schema
    this.supports = settings.events === undefined ? ['unbounded'] : ['bounded', 'unbounded']
  }

  get description(): Source['description'] {
    const { events = null, ...rest } = this.settings
    return { connector: 'nexmark', options: { kind: this.kind, events, ...rest } }
  }

  withPushdown({ columns }: Pushdown): Source<unknown, NexmarkPosition> {
    if (columns === undefined) return this
    // No column at all is wanted where rows are only counted.
    return new NexmarkSource(this.kind, this.settings, {
      fields: columns.map((name) => fieldOf(this.schema, name)),
    })
  }

  enumerate(): Promise<{ next(): Promise<{ splits: Split[]; done: boolean }>; close(): Promise<void> }> {
    const { splits, events } = this.settings
    const rows =
      events === undefined
        ? undefined
        : Math.ceil(
            (events / EVENTS_PER_EPOCH) * (kindPlaces[this.kind].last - kindPlaces[this.kind].first + 1),
          )
    const all = Array.from({ length: splits }, (_, split): Split => ({
      id: `nexmark-${split}`,
      detail: split,
      lowestEventTime: this.settings.baseTime,
      ...(rows === undefined ? {} : { rows: Math.ceil(rows / splits) }),
    }))
    return Promise.resolve({
      next: () => Promise.resolve({ splits: all, done: true }),
      close: () => Promise.resolve(),
    })
  }

  open(split: Split, from: NexmarkPosition | undefined): Promise<SplitReader<NexmarkPosition>> {
    return Promise.resolve(
      new NexmarkReader(this.kind, this.settings, this.schema, split.detail as number, from?.place),
    )
  }
}

class NexmarkReader implements SplitReader<NexmarkPosition> {
  private readonly kind: NexmarkKind
  private readonly settings: Settings
  private readonly schema: Schema
  private place: number
  private capacity = 0
  private events = new Float64Array(0)
  private epochs = new Int32Array(0)
  private places = new Uint8Array(0)
  private hashes = new Int32Array(0)
  private makers: readonly ColumnMaker[] = []
  private times: ColumnMaker | undefined
  private timeColumn = -1

  constructor(
    kind: NexmarkKind,
    settings: Settings,
    schema: Schema,
    split: number,
    place: number | undefined,
  ) {
    this.kind = kind
    this.settings = settings
    this.schema = schema
    this.place = place ?? split
  }

  read(rowsMax: number): ReadResult {
    this.reserve(rowsMax)
    const count = this.takeEvents(rowsMax)
    if (count === 0) return { kind: 'end' }
    return { kind: 'batch', batch: this.makeRows(count) }
  }

  position(): NexmarkPosition {
    return { v: 1, place: this.place }
  }

  bytesRead(): number {
    return 0
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private makeRows(count: number): Batch {
    const { events, epochs, places, hashes, settings: rules } = this
    const slice = { events, epochs, places, hashes, count, rules }
    const columns = this.makers.map((make) => make(slice))
    const time = (columns[this.timeColumn] ?? this.times?.(slice)) as FixedColumn
    return makeBatch(this.schema, columns, count, { eventTime: time.values as Float64Array })
  }

  /** The next events of this kind. */
  private takeEvents(rowsMax: number): number {
    const { splits, outOfOrderGroup } = this.settings
    return splits === 1 && outOfOrderGroup === 1 ? this.takeInOrder(rowsMax) : this.takeAny(rowsMax)
  }

  /** All events of this kind as they come: a run of places per epoch. */
  private takeInOrder(rowsMax: number): number {
    const { seed, events: end = Infinity } = this.settings
    const { events, hashes, epochs, places, kind } = this
    const { first, last } = kindPlaces[kind]
    let next = this.place
    let count = 0
    while (count < rowsMax && next < end) {
      const epoch = Math.floor(next / EVENTS_PER_EPOCH)
      const start = epoch * EVENTS_PER_EPOCH
      let place = Math.max(next - start, first)
      const stop = Math.min(last + 1, place + rowsMax - count, end - start)
      for (; place < stop; place++) {
        const event = start + place
        events[count] = event
        epochs[count] = epoch
        places[count] = place
        hashes[count] = eventHash(event, seed)
        count++
      }
      next = place > last ? start + EVENTS_PER_EPOCH : start + place
    }
    this.place = Math.min(next, end)
    return count
  }

  private takeAny(rowsMax: number): number {
    const { splits, seed, outOfOrderGroup, events: end = Infinity } = this.settings
    const { events, hashes, epochs, places, kind } = this
    const first = kindPlaces[kind].first
    const last = kindPlaces[kind].last
    let next = this.place
    let epoch = Math.floor(next / EVENTS_PER_EPOCH)
    let place = next - epoch * EVENTS_PER_EPOCH
    let count = 0
    for (; count < rowsMax && next < end; next += splits, place += splits) {
      let event = next
      if (outOfOrderGroup !== 1) {
        event = eventAt(next, outOfOrderGroup, end)
        epoch = Math.floor(event / EVENTS_PER_EPOCH)
        place = event - epoch * EVENTS_PER_EPOCH
      } else if (place >= EVENTS_PER_EPOCH) {
        const passed = (place / EVENTS_PER_EPOCH) | 0
        epoch += passed
        place -= passed * EVENTS_PER_EPOCH
      }
      if (place < first || place > last) continue
      events[count] = event
      epochs[count] = epoch
      places[count] = place
      hashes[count] = eventHash(event, seed)
      count++
    }
    this.place = next
    return count
  }

  private reserve(rows: number): void {
    if (rows <= this.capacity) return
    this.capacity = rows
    this.events = new Float64Array(rows)
    this.epochs = new Int32Array(rows)
    this.places = new Uint8Array(rows)
    this.hashes = new Int32Array(rows)
    const makers = columnMakers(this.kind, rows)
    this.makers = this.schema.fields.map(({ name }) => (makers[name] as () => ColumnMaker)())
    this.timeColumn = this.schema.fields.findIndex(({ name }) => name === 'dateTime')
    this.times = this.timeColumn < 0 ? (makers['dateTime'] as () => ColumnMaker)() : undefined
  }
}
