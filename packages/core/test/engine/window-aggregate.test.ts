/**
 * Window aggregates against a naive recomputation: every row is kept, every window is recomputed from all its rows.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import { createWindowAggregate } from '../../src/engine/window-aggregate.ts'
import type { AggregateCall, WindowAggregateNode, WindowSpec } from '../../src/plan/logical.ts'
import type { Harness, InRow, OutRow } from './operator-harness.ts'
import { Dictionary, advance, batchOf, harness, withDictionary } from './operator-harness.ts'

const int64: DataType = { kind: 'int64', rows: 'number' }
const timestamp: DataType = { kind: 'timestamp', unit: 'ms', zoned: true }
const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })

const schema: Schema = {
  fields: [
    field('text', { kind: 'string' }, true),
    field('small', { kind: 'int32' }, true),
    field('whole', int64, true),
    field('real', { kind: 'float64' }, true),
    field('flag', { kind: 'boolean' }, true),
  ],
}

function call(name: string, aggregate: AggregateCall['aggregate'], column?: string, more?: Partial<AggregateCall>): AggregateCall {
  return {
    name,
    aggregate,
    columns: column === undefined ? [] : [column],
    filter: undefined,
    parameters: {},
    functionId: undefined,
    type: int64,
    nullable: true,
    ...more,
  }
}

function windowNode(window: WindowSpec, keys: readonly string[], aggregates: readonly AggregateCall[], lateness = 0): WindowAggregateNode {
  const bounds = window.kind === 'global' ? [] : [field('windowStart', timestamp), field('windowEnd', timestamp)]
  return {
    kind: 'window-aggregate',
    step: 'step',
    inputs: [],
    sidePorts: {},
    keys,
    window,
    aggregates,
    allowedLatenessMs: lateness,
    schema: {
      fields: [
        ...keys.map((key) => schema.fields.find((f) => f.name === key) as Field),
        ...bounds,
        ...aggregates.map((a) => field(a.name, a.type, a.nullable)),
      ],
    },
  }
}

type Row = { text: string | null; small: number | null; whole: number | null; real: number | null; flag: boolean | null }
type Event = { readonly kind: 'row'; readonly row: Row; readonly time: number } | { readonly kind: 'watermark'; readonly time: number }

const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 6, nil: null })
const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  text: nullable(fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'é', 'zzzzzzzzzzzzzzzzz'), fc.string({ maxLength: 5 }))),
  small: nullable(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer())),
  whole: nullable(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger())),
  real: nullable(fc.oneof(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -8e6, max: 8e6 }).map((n) => n / 8))),
  flag: nullable(fc.boolean()),
})
const timeArbitrary = fc.oneof(fc.integer({ min: -60, max: 60 }), fc.integer({ min: -500, max: 500 }))
const eventArbitrary: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('row' as const), row: rowArbitrary, time: timeArbitrary }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('watermark' as const), time: timeArbitrary }) },
)

/** Runs events through the operator, cut into batches, and ends with the watermark at +Infinity. */
function run(
  node: WindowAggregateNode,
  events: readonly Event[],
  options: { batch: number; dictionary?: boolean; selected?: boolean; batchRows?: number },
): Harness {
  const h = harness({ batchRows: options.batchRows ?? 5 })
  const operator = createWindowAggregate(node, schema, h.context, { functions: new Map() })
  const dictionary = new Dictionary()
  let rows: InRow[] = []
  const flush = (): void => {
    if (rows.length === 0) return
    let batch = batchOf(schema, rows, { selected: options.selected === true })
    if (options.dictionary === true) batch = withDictionary(batch, 0, dictionary)
    operator.push(batch, 0)
    rows = []
  }
  let watermark = -Infinity
  for (const event of events) {
    if (event.kind === 'row') {
      rows.push(event)
      if (rows.length >= options.batch) flush()
    } else if (event.time > watermark) {
      flush()
      watermark = event.time
      advance(operator, watermark)
    }
  }
  flush()
  advance(operator, Infinity)
  return h
}

const mainRows = (h: Harness): OutRow[] => h.out.filter((o) => o.port === 'main')

/** Sum of weights per distinct row: what a changelog amounts to. */
function consolidate(rows: readonly OutRow[]): Map<string, number> {
  const result = new Map<string, number>()
  for (const { row, weight } of rows) {
    const text = JSON.stringify(row, (_, v: unknown) => (typeof v === 'number' && !Number.isInteger(v) ? Number(v.toPrecision(12)) : v))
    const total = (result.get(text) ?? 0) + weight
    if (total === 0) result.delete(text)
    else result.set(text, total)
  }
  return result
}

interface Expected {
  readonly rows: readonly Record<string, unknown>[]
  readonly late: readonly Row[]
}

type Windowed = { start: number; end: number }

function windowsOf(window: WindowSpec, time: number): Windowed[] {
  if (window.kind === 'global') return [{ start: -Infinity, end: Infinity }]
  if (window.kind === 'session') throw new Error('not here')
  const slide = window.kind === 'tumbling' ? window.sizeMs : window.slideMs
  const result: Windowed[] = []
  for (let k = Math.floor((time - window.sizeMs - window.offsetMs) / slide) - 1; ; k++) {
    const start = window.offsetMs + k * slide
    if (start > time) return result
    if (time < start + window.sizeMs) result.push({ start, end: start + window.sizeMs })
  }
}

/** What must come out: windows recomputed from all rows that were not late for them. */
function oracle(node: WindowAggregateNode, events: readonly Event[], compute: (rows: Row[]) => Record<string, unknown>): Expected {
  const groups = new Map<string, { key: Record<string, unknown>; window: Windowed; rows: Row[] }>()
  const late: Row[] = []
  let watermark = -Infinity
  for (const event of events) {
    if (event.kind === 'watermark') {
      watermark = Math.max(watermark, event.time)
      continue
    }
    const all = windowsOf(node.window, event.time)
    const open = all.filter((w) => watermark < w.end + node.allowedLatenessMs)
    if (all.length > 0 && open.length === 0) late.push(event.row)
    for (const window of open) {
      const key = Object.fromEntries(node.keys.map((name) => [name, event.row[name as keyof Row]]))
      const id = JSON.stringify([key, window.start])
      let group = groups.get(id)
      if (group === undefined) groups.set(id, (group = { key, window, rows: [] }))
      group.rows.push(event.row)
    }
  }
  const bounds = (w: Windowed): object => (node.window.kind === 'global' ? {} : { windowStart: w.start, windowEnd: w.end })
  const rows = [...groups.values()].map((g) => ({ ...g.key, ...bounds(g.window), ...compute(g.rows) }))
  return { rows, late }
}

const float: DataType = { kind: 'float64' }
const basic = [
  call('rows', 'count'),
  call('texts', 'count', 'text'),
  call('sumSmall', 'sum', 'small'),
  call('sumFlagged', 'sum', 'small', { filter: 'flag' }),
  call('sumReal', 'sum', 'real', { type: float }),
  call('meanReal', 'mean', 'real', { type: float }),
  call('minSmall', 'min', 'small', { type: { kind: 'int32' } }),
  call('maxWhole', 'max', 'whole'),
  call('minWhole', 'min', 'whole'),
  call('maxReal', 'max', 'real', { type: float }),
  call('minText', 'min', 'text', { type: { kind: 'string' } }),
  call('maxText', 'max', 'text', { type: { kind: 'string' } }),
]

function present<K extends keyof Row>(rows: readonly Row[], name: K): NonNullable<Row[K]>[] {
  return rows.map((row) => row[name]).filter((v) => v !== null) as NonNullable<Row[K]>[]
}
const sum = (values: readonly number[]): number | null => (values.length === 0 ? null : values.reduce((a, b) => a + b, 0))
const best = <T>(values: readonly T[], better: (a: T, b: T) => boolean): T | null =>
  values.length === 0 ? null : values.reduce((a, b) => (better(b, a) ? b : a))
const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function computeBasic(rows: Row[]): Record<string, unknown> {
  const real = present(rows, 'real')
  return {
    rows: rows.length,
    texts: present(rows, 'text').length,
    sumSmall: sum(present(rows, 'small')),
    sumFlagged: sum(present(rows.filter((row) => row.flag === true), 'small')),
    sumReal: sum(real),
    meanReal: real.length === 0 ? null : (sum(real) as number) / real.length,
    minSmall: best(present(rows, 'small'), (a, b) => a < b),
    maxWhole: best(present(rows, 'whole'), (a, b) => a > b),
    minWhole: best(present(rows, 'whole'), (a, b) => a < b),
    maxReal: best(real, (a, b) => a > b),
    minText: best(present(rows, 'text'), (a, b) => bytewise(a, b) < 0),
    maxText: best(present(rows, 'text'), (a, b) => bytewise(a, b) > 0),
  }
}

const asOut = (rows: readonly Record<string, unknown>[]): OutRow[] =>
  rows.map((row) => ({ port: 'main', row, eventTime: undefined, weight: 1 }))

const windowArbitrary: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.record({ kind: fc.constant('tumbling' as const), sizeMs: fc.integer({ min: 1, max: 50 }), offsetMs: fc.integer({ min: -20, max: 20 }) }),
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 1, max: 40 }),
    slideMs: fc.integer({ min: 1, max: 40 }),
    offsetMs: fc.integer({ min: -20, max: 20 }),
  }),
  fc.constant({ kind: 'global' as const }),
)
const keysArbitrary = fc.constantFrom<string[]>([], ['text'], ['small'], ['whole'], ['real'], ['flag'], ['text', 'small'], ['real', 'flag', 'whole'])
const optionsArbitrary = fc.record({
  batch: fc.integer({ min: 1, max: 20 }),
  dictionary: fc.boolean(),
  selected: fc.boolean(),
  batchRows: fc.integer({ min: 1, max: 9 }),
})

describe('windows of panes', () => {
  it('give what recomputing every window from its rows gives', () => {
    fc.assert(
      fc.property(
        windowArbitrary,
        keysArbitrary,
        fc.constantFrom(0, 0, 5, 30),
        fc.array(eventArbitrary, { maxLength: 60 }),
        optionsArbitrary,
        (window, keys, lateness, events, options) => {
          const node = windowNode(window, keys, basic, lateness)
          const h = run(node, events, options)
          const expected = oracle(node, events, computeBasic)
          expect(consolidate(mainRows(h))).toEqual(consolidate(asOut(expected.rows)))
          const late = h.out.filter((o) => o.port === 'late').map((o) => o.row)
          expect(late).toEqual(expected.late.map((row) => ({ ...row })))
          expect(h.counters.lateRows).toBe(expected.late.length)
          expect(h.largestBatch).toBeLessThanOrEqual(Math.max(options.batchRows, options.batch))
          expect(h.counters.stateEntries).toBe(0)
        },
      ),
      { numRuns: 400 },
    )
  })
})
