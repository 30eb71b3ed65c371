/** Random rows, windows and aggregates, and the naive recomputation that operators are compared with. */
import fc from 'fast-check'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import { PaneWindows } from '../../src/engine/window/window-aggregate-panes.ts'
import { SessionWindows } from '../../src/engine/window/window-aggregate-sessions.ts'
import { createWindowAggregate } from '../../src/engine/window/window-aggregate.ts'
import type { AggregateCall, WindowAggregateNode, WindowSpec } from '../../src/plan/logical.ts'
import type { Harness, InRow, OutRow } from './operator-harness.ts'
import { Dictionary, advance, batchOf, harness, withDictionary } from './operator-harness.ts'

const int64: DataType = { kind: 'int64', rows: 'number' }
const timestamp: DataType = { kind: 'timestamp', unit: 'ms', zoned: true }
const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })

export const schema: Schema = {
  fields: [
    field('text', { kind: 'string' }, true),
    field('small', { kind: 'int32' }, true),
    field('whole', int64, true),
    field('real', { kind: 'float64' }, true),
    field('flag', { kind: 'boolean' }, true),
  ],
}

function call(
  name: string,
  aggregate: AggregateCall['aggregate'],
  column?: string,
  more?: Partial<AggregateCall>,
): AggregateCall {
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

export function windowNode(
  window: WindowSpec,
  keys: readonly string[],
  aggregates: readonly AggregateCall[],
  lateness = 0,
): WindowAggregateNode {
  const bounds =
    window.kind === 'global' ? [] : [field('windowStart', timestamp), field('windowEnd', timestamp)]
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

export type Row = {
  text: string | null
  small: number | null
  whole: number | null
  real: number | null
  flag: boolean | null
}
export type Event =
  | { readonly kind: 'row'; readonly row: Row; readonly time: number; readonly order?: number }
  | { readonly kind: 'watermark'; readonly time: number }

const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(value, { freq: 6, nil: null })
export const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  text: nullable(
    fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'é', 'zzzzzzzzzzzzzzzzz'), fc.string({ maxLength: 5 })),
  ),
  small: nullable(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer())),
  whole: nullable(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.maxSafeInteger())),
  real: nullable(
    fc.oneof(
      fc.integer({ min: -4, max: 4 }),
      fc.integer({ min: -8e6, max: 8e6 }).map((n) => n / 8),
    ),
  ),
  flag: nullable(fc.boolean()),
})
export const timeArbitrary = fc.oneof(fc.integer({ min: -60, max: 60 }), fc.integer({ min: -500, max: 500 }))
export const eventArbitrary: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('row' as const), row: rowArbitrary, time: timeArbitrary }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('watermark' as const), time: timeArbitrary }) },
)

/** Runs events through the operator, cut into batches, and ends with the watermark at +Infinity. */
export function run(
  node: WindowAggregateNode,
  events: readonly Event[],
  options: { batch: number; dictionary?: boolean; selected?: boolean; batchRows?: number; ordered?: boolean },
): Harness & { held: { strings: number; doubles: number } } {
  const h = harness({ batchRows: options.batchRows ?? 5 })
  const operator = createWindowAggregate(node, schema, h.context, {
    functions: new Map([['own', ownFunctions]]),
  })
  const dictionary = new Dictionary()
  let rows: InRow[] = []
  const flush = (): void => {
    if (rows.length === 0) return
    let batch = batchOf(schema, rows, {
      selected: options.selected === true,
      ordered: options.ordered === true,
    })
    if (options.dictionary === true) batch = withDictionary(batch, 0, dictionary)
    h.now.push++
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
      h.now.forwarded = watermark
    }
  }
  flush()
  advance(operator, Infinity)
  if (!(operator instanceof PaneWindows || operator instanceof SessionWindows))
    throw new Error('which operator?')
  return { ...h, held: operator.held() }
}

export const mainRows = (h: Harness): OutRow[] => h.out.filter((o) => o.port === 'main')

/** Variances are compared to 7 digits, other floats to 12. */
function rounded(name: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  if (name === 'variance' || name === 'stddev') return Number(value.toPrecision(7))
  return Number.isInteger(value) ? value : Number(value.toPrecision(12))
}

/** Sum of weights per distinct row: what a changelog amounts to. */
export function consolidate(rows: readonly OutRow[]): Map<string, number> {
  const result = new Map<string, number>()
  for (const { row, weight } of rows) {
    const text = JSON.stringify(row, rounded)
    const total = (result.get(text) ?? 0) + weight
    if (total === 0) result.delete(text)
    else result.set(text, total)
  }
  return result
}

export interface Expected {
  readonly rows: readonly Record<string, unknown>[]
  readonly late: readonly Row[]
}

export type Windowed = { start: number; end: number }

function inOrder(rows: readonly { row: Row; time: number; order: number }[]): Row[] {
  return [...rows].sort((a, b) => a.time - b.time || a.order - b.order).map(({ row }) => row)
}

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
export function oracle(
  node: WindowAggregateNode,
  events: readonly Event[],
  compute: (rows: Row[]) => Record<string, unknown>,
): Expected {
  const groups = new Map<
    string,
    { key: Record<string, unknown>; window: Windowed; rows: { row: Row; time: number; order: number }[] }
  >()
  const late: Row[] = []
  let watermark = -Infinity
  for (const [position, event] of events.entries()) {
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
      group.rows.push({ row: event.row, time: event.time, order: event.order ?? position })
    }
  }
  const bounds = (w: Windowed): object =>
    node.window.kind === 'global' ? {} : { windowStart: w.start, windowEnd: w.end }
  const rows = [...groups.values()].map((g) => ({
    ...g.key,
    ...bounds(g.window),
    ...compute(inOrder(g.rows)),
  }))
  return { rows, late }
}

const float: DataType = { kind: 'float64' }
export const basic = [
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
const sum = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((a, b) => a + b, 0)
const best = <T>(values: readonly T[], better: (a: T, b: T) => boolean): T | null =>
  values.length === 0 ? null : values.reduce((a, b) => (better(b, a) ? b : a))
const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

export function computeBasic(rows: Row[]): Record<string, unknown> {
  const real = present(rows, 'real')
  return {
    rows: rows.length,
    texts: present(rows, 'text').length,
    sumSmall: sum(present(rows, 'small')),
    sumFlagged: sum(
      present(
        rows.filter((row) => row.flag === true),
        'small',
      ),
    ),
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

export const asOut = (rows: readonly Record<string, unknown>[]): OutRow[] =>
  rows.map((row) => ({ port: 'main', row, eventTime: undefined, weight: 1, forwarded: -Infinity, push: 0 }))

export const windowArbitrary: fc.Arbitrary<WindowSpec> = fc.oneof(
  fc.record({
    kind: fc.constant('tumbling' as const),
    sizeMs: fc.integer({ min: 1, max: 50 }),
    offsetMs: fc.integer({ min: -20, max: 20 }),
  }),
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 1, max: 40 }),
    slideMs: fc.integer({ min: 1, max: 40 }),
    offsetMs: fc.integer({ min: -20, max: 20 }),
  }),
  fc.constant({ kind: 'global' as const }),
)
export const keysArbitrary = fc.constantFrom<string[]>(
  [],
  ['text'],
  ['small'],
  ['whole'],
  ['real'],
  ['flag'],
  ['text', 'small'],
  ['real', 'flag', 'whole'],
)
export const optionsArbitrary = fc.record({
  batch: fc.integer({ min: 1, max: 20 }),
  dictionary: fc.boolean(),
  selected: fc.boolean(),
  batchRows: fc.integer({ min: 1, max: 9 }),
})

const text: DataType = { kind: 'string' }
const listOf = (type: DataType): DataType => ({ kind: 'list', element: { type, nullable: false } })

/** Aggregates that keep values, sketches or objects. */
export const rich: readonly AggregateCall[] = [
  call('variance', 'variance', 'small', { type: float }),
  call('stddev', 'stddev', 'real', { type: float }),
  call('median', 'quantile', 'real', { type: float, parameters: { q: 0.5 } }),
  call('p95', 'quantile', 'small', { type: float, parameters: { q: 0.95 } }),
  call('texts', 'count-distinct', 'text'),
  call('wholes', 'count-distinct', 'whole'),
  call('reals', 'count-distinct', 'real', { filter: 'flag' }),
  call('aboutTexts', 'approximate-distinct', 'text', { parameters: { precision: 14 } }),
  call('aboutWholes', 'approximate-distinct', 'whole', { parameters: { precision: 14 } }),
  call('firstText', 'first', 'text', { type: text }),
  call('lastText', 'last', 'text', { type: text }),
  call('lastWhole', 'last', 'whole'),
  call('topTexts', 'top', 'text', { type: listOf(text), parameters: { n: 2, order: 'asc' } }),
  call('topWholes', 'top', 'whole', { type: listOf(int64), parameters: { n: 3, order: 'desc' } }),
  call('topRows', 'top', 'small', {
    columns: ['small', 'text', 'whole'],
    parameters: { n: 2, order: 'desc', columns: ['text', 'whole'] },
    type: listOf({ kind: 'struct', fields: [field('text', text, true), field('whole', int64, true)] }),
  }),
  call('reals3', 'collect', 'real', { type: listOf(float), parameters: { max: 3 } }),
  call('own', 'user', undefined, {
    columns: ['small', 'text'],
    functionId: 'own',
    type: text,
    nullable: false,
  }),
]

/** The functions behind `own`: the sum of `small` and the number of rows with a text. */
export const ownFunctions = {
  create: () => ({ sum: 0, texts: 0 }),
  add(accumulator: { sum: number; texts: number }, row: Row) {
    if (row.small !== null) accumulator.sum += row.small
    if (row.text !== null) accumulator.texts++
  },
  merge: (a: { sum: number; texts: number }, b: { sum: number; texts: number }) => ({
    sum: a.sum + b.sum,
    texts: a.texts + b.texts,
  }),
  result: (a: { sum: number; texts: number }) => `${a.sum}/${a.texts}`,
}

const variance = (values: readonly number[]): number | null => {
  if (values.length < 2) return null
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)
}

const quantile = (values: readonly number[], q: number): number | null => {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const at = q * (sorted.length - 1)
  const low = sorted[Math.floor(at)] as number
  const high = sorted[Math.ceil(at)] as number
  return low === high ? low : low + (high - low) * (at - Math.floor(at))
}

/** The values of `rich`; rows come in the order of (time, order). */
export function computeRich(rows: Row[]): Record<string, unknown> {
  const stable = <T>(all: readonly T[], compare: (a: T, b: T) => number): T[] => [...all].sort(compare)
  const texts = present(rows, 'text')
  const wholes = present(rows, 'whole')
  const reals = present(rows, 'real')
  const spread = variance(reals)
  return {
    variance: variance(present(rows, 'small')),
    stddev: spread === null ? null : Math.sqrt(spread),
    median: quantile(reals, 0.5),
    p95: quantile(present(rows, 'small'), 0.95),
    texts: new Set(texts).size,
    wholes: new Set(wholes).size,
    reals: new Set(
      present(
        rows.filter((row) => row.flag === true),
        'real',
      ),
    ).size,
    aboutTexts: new Set(texts).size,
    aboutWholes: new Set(wholes).size,
    firstText: texts[0] ?? null,
    lastText: texts.at(-1) ?? null,
    lastWhole: wholes.at(-1) ?? null,
    topTexts: stable(texts, bytewise).slice(0, 2),
    topWholes: stable(wholes, (a, b) => b - a).slice(0, 3),
    topRows: stable(
      rows.filter((row) => row.small !== null),
      (a, b) => (b.small as number) - (a.small as number),
    )
      .slice(0, 2)
      .map((row) => ({ text: row.text, whole: row.whole })),
    reals3: reals.slice(0, 3),
    own: `${present(rows, 'small').reduce((a, b) => a + b, 0)}/${texts.length}`,
  }
}

interface ModelSession {
  readonly key: Record<string, unknown>
  start: number
  last: number
  rows: { row: Row; time: number; order: number }[]
}

/** Sessions as a model that joins row by row. */
export function sessionOracle(
  node: WindowAggregateNode,
  events: readonly Event[],
  compute: (rows: Row[]) => Record<string, unknown>,
): Expected {
  const gap = (node.window as { readonly gapMs: number }).gapMs
  let live: (ModelSession & { id: string })[] = []
  const done: ModelSession[] = []
  const late: Row[] = []
  let watermark = -Infinity
  for (const [position, event] of events.entries()) {
    if (event.kind === 'watermark') {
      watermark = Math.max(watermark, event.time)
      const isOver = (s: ModelSession): boolean => s.last + gap + node.allowedLatenessMs < watermark
      done.push(...live.filter(isOver))
      live = live.filter((s) => !isOver(s))
      continue
    }
    const key = Object.fromEntries(node.keys.map((name) => [name, event.row[name as keyof Row]]))
    const id = JSON.stringify(key)
    const { time } = event
    const touched = live.filter((s) => s.id === id && time >= s.start - gap && time <= s.last + gap)
    if (touched.length === 0 && watermark >= time + gap + node.allowedLatenessMs) {
      late.push(event.row)
      continue
    }
    live = live.filter((s) => !touched.includes(s))
    live.push({
      id,
      key,
      start: Math.min(time, ...touched.map((s) => s.start)),
      last: Math.max(time, ...touched.map((s) => s.last)),
      rows: [...touched.flatMap((s) => s.rows), { row: event.row, time, order: event.order ?? position }],
    })
  }
  const rows = [...done, ...live].map((s) => ({
    ...s.key,
    windowStart: s.start,
    windowEnd: s.last + gap,
    ...compute(inOrder(s.rows)),
  }))
  return { rows, late }
}
