/** Partial aggregates: what they hold, what they send when, and that what they send makes the same results. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../src/errors.ts'
import type { Batch } from '../../src/data/batch.ts'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import { BYPASS_ROWS, PartialAggregate, SAMPLE_ROWS } from '../../src/engine/window/partial-aggregate.ts'
import { createWindowAggregate } from '../../src/engine/window/window-aggregate.ts'
import { PARTIAL_GROUPS_MAX, accumulatorSchema } from '../../src/plan/accumulator-columns.ts'
import { aggregateType } from '../../src/plan/aggregate-type.ts'
import type { AggregateCall, PartialAggregateNode, WindowAggregateNode } from '../../src/plan/logical.ts'
import { Dictionary, advance, batchOf, harness, withDictionary } from './operator-harness.ts'
import type { Harness, InRow } from './operator-harness.ts'

const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })
const time: DataType = { kind: 'timestamp', unit: 'ms', zoned: false }
const tumbling: PartialAggregateNode['window'] = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 }

function call(name: string, aggregate: 'count' | 'sum' | 'mean' | 'min' | 'max' | 'variance', input?: Field): AggregateCall {
  const column = aggregate === 'count' ? undefined : input
  return {
    name,
    aggregate,
    columns: column === undefined ? [] : [column.name],
    filter: undefined,
    parameters: {},
    functionId: undefined,
    ...aggregateType(aggregate, column, false),
  }
} // prettier-ignore

interface Two {
  readonly partials: readonly PartialAggregate[]
  /** The operator behind the exchange, what came to it, and what came out of it. */
  readonly behind: Harness
  readonly sent: { raw: number; accumulators: number }
  /** Rows that no partial aggregate sees. */
  behindRows(batch: Batch): void
  /** The watermark of all tasks, and behind them. */
  advance(watermark: number): void
  /** The watermark behind the exchange alone: senders that lag are idle. */
  behindTo(watermark: number): void
}

/** Some partial aggregates that send to one aggregate, whose watermark follows all of them. */
function connected(
  schema: Schema,
  node: { readonly keys: readonly string[]; readonly window: PartialAggregateNode['window']; readonly aggregates: readonly AggregateCall[] },
  tasks = 1,
): Two {
  const accumulators = accumulatorSchema(schema, node.keys, node.aggregates) as Schema
  const keys = schema.fields.filter(({ name }) => node.keys.includes(name))
  const bounds = node.window.kind === 'global' ? [] : [field('windowStart', time), field('windowEnd', time)]
  const results = node.aggregates.map(({ name, type, nullable }) => field(name, type, nullable))
  const whole: WindowAggregateNode = {
    ...node,
    kind: 'window-aggregate',
    step: 'step',
    inputs: [],
    sidePorts: {},
    allowedLatenessMs: 0,
    schema: { fields: [...keys, ...bounds, ...results] },
  }
  const behind = harness({ batchRows: 100 })
  const operator = createWindowAggregate(whole, schema, behind.context, { functions: new Map(), accumulators })
  const sent = { raw: 0, accumulators: 0 }
  const emit = (port: string) => (batch: Batch) => {
    const rows = batch.selection === undefined ? batch.length : batch.selectedCount
    if (port === 'raw') sent.raw += rows
    else sent.accumulators += rows
    operator.push(batch, port === 'raw' ? 0 : 1)
  }
  const partials = Array.from({ length: tasks }, () => {
    const partial: PartialAggregateNode = { ...node, kind: 'partial-aggregate', step: 'step/partial', inputs: [], sidePorts: {}, schema: accumulators }
    return new PartialAggregate(partial, schema, { ...harness({ batchRows: 7 }).context, emit })
  })
  return {
    partials,
    behind,
    sent,
    behindRows: (batch) => operator.push(batch, 0),
    behindTo: (watermark) => advance(operator, watermark),
    advance: (watermark) => {
      for (const partial of partials) expect(partial.advance(watermark)).toBe(true)
      advance(operator, watermark)
    },
  }
} // prettier-ignore

const word = { fields: [field('k', { kind: 'int32' })] }
const counting = { keys: ['k'], window: tumbling, aggregates: [call('n', 'count')] }

function counted(rows: readonly InRow[]): Batch {
  return batchOf(word, rows)
}

describe('what a partial aggregate sends', () => {
  it('is held until the watermark ends its window (PA2)', () => {
    const { partials, sent, behind, advance: to } = connected(word, counting)
    partials[0]?.push(counted([0, 0, 1, 0].map((k) => ({ row: { k }, time: 12 }))))
    to(19)
    expect(sent).toEqual({ raw: 0, accumulators: 0 })
    to(20)
    expect(sent).toEqual({ raw: 0, accumulators: 2 })
    expect(behind.out.map(({ row }) => [row['k'], row['n']])).toEqual([[0, 3], [1, 1]]) // prettier-ignore
  })

  it('is every row as it came whose pane the watermark has passed (PA1)', () => {
    const { partials, sent, behind, advance: to } = connected(word, counting)
    to(20)
    partials[0]?.push(counted([19, 20, 3].map((at) => ({ row: { k: 0 }, time: at }))))
    expect(sent).toEqual({ raw: 2, accumulators: 0 })
    to(30)
    expect(behind.counters.lateRows).toBe(2)
    expect(behind.out.filter(({ port }) => port === 'late')).toHaveLength(2)
    expect(behind.out.filter(({ port }) => port === 'main').map(({ row }) => row['n'])).toEqual([1])
  })

  it('counts in windows that have not fired behind the exchange, because others lag', () => {
    const {
      partials,
      behind,
      advance: to,
    } = connected(word, {
      ...counting,
      window: { kind: 'sliding', sizeMs: 10, slideMs: 5, offsetMs: 0 },
    })
    // This task is at 10, the aggregate still at −∞: the row belongs to windows that end at 10 and 15.
    partials[0]?.advance(10)
    partials[0]?.push(counted([{ row: { k: 0 }, time: 7 }]))
    to(20)
    expect(behind.out.map(({ row }) => [row['windowEnd'], row['n']])).toEqual([[10, 1], [15, 1]]) // prettier-ignore
  })

  it('leaves before the inputs are declared idle; what the watermark has passed by then is late, row by row (PA3)', () => {
    const { partials, sent, behind, behindTo } = connected(word, counting, 2)
    partials[0]?.push(counted([1, 1, 1].map((k) => ({ row: { k }, time: 1 }))))
    partials[0]?.release()
    expect(sent.accumulators).toBe(1)
    partials[1]?.advance(50)
    behindTo(50)
    expect(behind.out.map(({ row }) => row['n'])).toEqual([3])
    partials[0]?.push(counted([1, 1, 1, 2].map((k) => ({ row: { k }, time: 1 }))))
    partials[0]?.release()
    expect(behind.counters.lateRows).toBe(4)
  })

  it('shares batches when there are many panes of few groups', () => {
    const partial: PartialAggregateNode = {
      ...counting,
      kind: 'partial-aggregate',
      step: 'step',
      inputs: [],
      sidePorts: {},
      schema: accumulatorSchema(word, counting.keys, counting.aggregates) as Schema,
    }
    const { context, out } = harness({ batchRows: 7 })
    const batches: number[] = []
    const operator = new PartialAggregate(partial, word, {
      ...context,
      emit: (port) => (batch) => {
        batches.push(batch.length)
        context.emit(port)(batch)
      },
    })
    const times = Array.from({ length: 1000 }, (_, n) => ((n * 389) % 1000) * 10 + (n % 10))
    operator.push(counted(times.map((time) => ({ row: { k: time % 2 }, time }))))
    operator.advance(Infinity)
    expect(batches).toEqual([...Array.from({ length: 142 }, () => 7), 6])
    expect(out.map(({ eventTime }) => eventTime)).toEqual(times.map((time) => Math.floor(time / 10) * 10))
    expect(context.counters.stateEntries).toBe(0)
  })

  it('is everything at a cut, and which rows may be late comes back (PA6)', () => {
    const before = connected(word, counting)
    const [running] = before.partials as [PartialAggregate]
    running.push(counted([{ row: { k: 0 }, time: 25 }]))
    before.advance(20)
    running.release()
    expect(before.sent.accumulators).toBe(1)
    const after = connected(word, counting)
    const [restored] = after.partials as [PartialAggregate]
    restored.resume(20)
    restored.push(counted([19, 20].map((at) => ({ row: { k: 0 }, time: at }))))
    expect(after.sent.raw).toBe(1)
  })

  it('is nothing of rows in no window (PA5)', () => {
    const {
      partials,
      sent,
      behind,
      advance: to,
    } = connected(word, {
      ...counting,
      window: { kind: 'sliding', sizeMs: 2, slideMs: 10, offsetMs: 0 },
    })
    partials[0]?.push(counted([0, 1, 2, 9, 10, 15].map((at) => ({ row: { k: 0 }, time: at }))))
    to(Infinity)
    expect(sent).toEqual({ raw: 0, accumulators: 2 })
    expect(behind.out.map(({ row }) => row['n'])).toEqual([2, 1])
    expect(behind.counters.lateRows).toBe(0)
  })

  it('is everything when there are too many groups (PA4)', () => {
    const { partials, sent, advance: to } = connected(word, { ...counting, window: { kind: 'global' } })
    const rows = Array.from({ length: PARTIAL_GROUPS_MAX }, (_, k) => ({ row: { k }, time: 0 }))
    partials[0]?.push(counted(rows))
    expect(sent.accumulators).toBe(0)
    partials[0]?.push(counted([{ row: { k: -1 }, time: 0 }]))
    expect(sent.accumulators).toBe(PARTIAL_GROUPS_MAX + 1)
    to(Infinity)
    expect(sent.accumulators).toBe(PARTIAL_GROUPS_MAX + 1)
  })

  it('is rows as they came while keys hardly repeat, until it is tried again', () => {
    const {
      partials,
      sent,
      behind,
      advance: to,
    } = connected(word, { ...counting, window: { kind: 'global' } })
    const batchRows = 4096
    const push = (first: number): void => {
      partials[0]?.push(
        counted(Array.from({ length: batchRows }, (_, n) => ({ row: { k: first + n }, time: 0 }))),
      )
    }
    let rows = 0
    for (; rows < SAMPLE_ROWS; rows += batchRows) push(rows)
    expect(sent).toEqual({ raw: 0, accumulators: SAMPLE_ROWS })
    for (let n = 0; n < BYPASS_ROWS; n += batchRows, rows += batchRows) push(0)
    expect(sent).toEqual({ raw: BYPASS_ROWS, accumulators: SAMPLE_ROWS })
    push(0)
    expect(sent).toEqual({ raw: BYPASS_ROWS, accumulators: SAMPLE_ROWS })
    to(Infinity)
    const total = behind.out.reduce((sum, { row }) => sum + (row['n'] as number), 0)
    expect(total).toBe(rows + batchRows)
  }, 60_000)
})

/** Types with values of them, small and beyond what a float64 tells apart. */
const columns: readonly { readonly type: DataType; readonly values: fc.Arbitrary<unknown> }[] = [
  { type: { kind: 'boolean' }, values: fc.boolean() },
  { type: { kind: 'int8' }, values: fc.integer({ min: -128, max: 127 }) },
  { type: { kind: 'uint32' }, values: fc.integer({ min: 0, max: 2 ** 32 - 1 }) },
  { type: { kind: 'int64', rows: 'bigint' }, values: fc.bigInt({ min: -(2n ** 58n), max: 2n ** 58n }) },
  { type: { kind: 'uint64', rows: 'bigint' }, values: fc.bigInt({ min: 0n, max: 2n ** 58n }) },
  { type: { kind: 'float32' }, values: fc.integer({ min: -64, max: 64 }).map((n) => n / 4) },
  {
    type: { kind: 'float64' },
    values: fc.oneof(
      fc.integer({ min: -6400, max: 6400 }).map((n) => n / 64),
      fc.constantFrom(-0, Number.NaN, Infinity, -Infinity),
    ),
  },
  { type: { kind: 'date' }, values: fc.integer({ min: -9, max: 9 }).map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10)) },
  { type: { kind: 'string' }, values: fc.string({ maxLength: 4 }) },
] // prettier-ignore

const names = ['count', 'sum', 'mean', 'variance', 'min', 'max'] as const

/** Every aggregate that takes the column. */
function callsFor(input: Field): AggregateCall[] {
  return names.flatMap((name) => {
    try {
      return [call(name, name, input)]
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'plan/type-mismatch') throw error
      return []
    }
  })
}

/** The number itself when it is within rounding of the expected one. */
function rounded(given: unknown, expected: unknown): unknown {
  if (typeof expected !== 'number' || typeof given !== 'number') return given
  return Math.abs(given - expected) <= 1e-9 * Math.max(1, Math.abs(expected)) ? expected : given
}

describe('what is sent half done makes the results of the rows themselves', () => {
  const keys = fc.constantFrom('a', 'b', 'c', null)
  for (const { type, values } of columns) {
    const input = field('v', type, true)
    const schema = { fields: [field('k', { kind: 'string' }, true), input] }
    it(`over ${type.kind}`, () => {
      const row = fc.record({ k: keys, v: fc.option(values), at: fc.integer({ min: -30, max: 30 }) })
      const options = fc.record({
        size: fc.integer({ min: 1, max: 20 }),
        selected: fc.boolean(),
        dictionary: fc.boolean(),
        window: fc.constantFrom(tumbling, { kind: 'global' as const }, { kind: 'sliding' as const, sizeMs: 9, slideMs: 6, offsetMs: 1 }, { kind: 'sliding' as const, sizeMs: 12, slideMs: 1, offsetMs: 0 }),
      }) // prettier-ignore
      fc.assert(
        fc.property(fc.array(row, { maxLength: 60 }), options, (rows, { size, selected, dictionary, window }) => {
          const aggregates = callsFor(input)
          const node = { keys: ['k'], window, aggregates }
          const two = connected(schema, node, 2)
          const strings = [new Dictionary(), new Dictionary()]
          for (let from = 0, nth = 0; from < rows.length; from += size, nth++) {
            const part = rows.slice(from, from + size).map(({ k, v, at }) => ({ row: { k, v }, time: at }))
            const batch = batchOf(schema, part, { selected })
            const task = nth % 2
            two.partials[task]?.push(dictionary && !part.some(({ row: { k } }) => k === null) ? withDictionary(batch, 0, strings[task] as Dictionary) : batch)
            if (nth % 5 === 4) two.partials[task]?.release()
          }
          two.advance(Infinity)
          expect(two.sent.raw).toBe(0)
          for (const partial of two.partials) expect(partial.held()).toEqual({ strings: 0, doubles: 0 })
          const expected = whole(schema, node, rows.map(({ k, v, at }) => ({ row: { k, v }, time: at })))
          const given = byKey(two.behind)
          expect([...given.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
          for (const [key, results] of expected) for (const { name } of aggregates) expect(rounded(given.get(key)?.[name], results[name])).toEqual(results[name])
        }),
        { numRuns: 60 },
      )
    }) // prettier-ignore
  }

  it('has columns for every aggregate that can travel, and for no other', () => {
    const input = field('v', { kind: 'float64' }, true)
    const schema = { fields: [input] }
    const travels = (aggregate: AggregateCall['aggregate']): boolean =>
      accumulatorSchema(schema, [], [{ ...call('x', 'sum', input), aggregate }]) !== undefined
    expect([...names, 'stddev' as const].every(travels)).toBe(true)
    expect((['quantile', 'count-distinct', 'approximate-distinct', 'first', 'last', 'top', 'collect', 'user'] as const).some(travels)).toBe(false)
  }) // prettier-ignore
})

/** One operator that sees all rows. */
function whole(schema: Schema, node: Parameters<typeof connected>[1], rows: readonly InRow[]): Map<string, Record<string, unknown>> {
  const two = connected(schema, node, 0)
  two.behindRows(batchOf(schema, rows))
  two.advance(Infinity)
  return byKey(two.behind)
} // prettier-ignore

function byKey({ out }: Harness): Map<string, Record<string, unknown>> {
  return new Map(out.map(({ row }) => [`${String(row['k'])} ${String(row['windowEnd'])}`, row]))
}
