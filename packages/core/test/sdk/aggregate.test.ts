// Aggregates lowered to the plan: what is projected before, result types, and late rows.
import { describe, expect, it } from 'vitest'
import { isMillraceError, pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import type { Aggregates, NamedAggregates, RowOf } from '../../src/index.ts'
import { fieldToString, schemaToString } from '../../src/data/index.ts'
import { expressionToString } from '../../src/expr/index.ts'
import type { BuiltPlan, LogicalNode } from '../../src/plan/index.ts'
import { flights, flightSchema, plannedSink, plannedSource } from './planned-ends.ts'

type Build = (a: Aggregates<RowOf<typeof flightSchema>>) => NamedAggregates<RowOf<typeof flightSchema>>

function build(aggregates: Build, alsoLate: boolean = false): BuiltPlan {
  return pipeline('test', (p) => {
    const made = p
      .read('flights', flights, { eventTime: 'date' })
      .keyBy('k', 'origin')
      .window(tumbling('1 hour'))
      .aggregate('x', aggregates)
    made.write('out', plannedSink('out'))
    if (alsoLate) made.late.write('late-out', plannedSink('late'))
  }).build()
}

function step(built: BuiltPlan, name: string): LogicalNode | undefined {
  return built.plan.nodes.find((node) => node.step === name)
}

function aggregation(built: BuiltPlan): LogicalNode & { kind: 'window-aggregate' } {
  return step(built, 'x') as LogicalNode & { kind: 'window-aggregate' }
}

function refusal(aggregates: unknown): { code: string; step: string | undefined; message: string } {
  try {
    build(aggregates as Build)
  } catch (error) {
    if (isMillraceError(error)) return { code: error.code, step: error.step, message: error.message }
    throw error
  }
  throw new Error('nothing was refused')
}

describe('aggregates', () => {
  it('have result types that follow from their columns', () => {
    const built = build((a) => ({
      n: a.count(),
      known: a.count('delay'),
      miles: a.sum('distance'),
      delay: a.sum('delay'),
      half: a.sum(sql`distance / 2::float8`),
      mean: a.mean('distance'),
      p95: a.quantile('delay', 0.95),
      spread: a.stddev('distance'),
      least: a.min('origin'),
      most: a.max('date'),
      places: a.countDistinct('destination'),
      about: a.approximateDistinct('destination'),
      first: a.first('destination'),
      last: a.last('delay'),
      best: a.top('distance', 3),
      rows: a.top('distance', 3, { columns: ['destination', 'delay'], order: 'asc' }),
      all: a.collect('delay', { max: 7 }),
    }))
    expect(aggregation(built).schema.fields.map(fieldToString)).toEqual([
      'origin: string',
      'windowStart: timestamp(ms)',
      'windowEnd: timestamp(ms)',
      'n: int64',
      'known: int64',
      'miles: int64',
      'delay: int64?',
      'half: float64',
      'mean: float64',
      'p95: float64?',
      'spread: float64?',
      'least: string',
      'most: timestamp(ms)',
      'places: int64',
      'about: int64',
      'first: string',
      'last: int32?',
      'best: list<int32>',
      'rows: list<struct<destination: string, delay: int32?>>',
      'all: list<int32>',
    ])
    const calls = Object.fromEntries(aggregation(built).aggregates.map((call) => [call.name, call]))
    expect(calls['p95']).toMatchObject({ columns: ['delay'], parameters: { q: 0.95 } })
    expect(calls['rows']).toMatchObject({
      columns: ['distance', 'destination', 'delay'],
      parameters: { n: 3, order: 'asc' },
    })
    expect(calls['all']).toMatchObject({ parameters: { max: 7 } })
    expect(calls['about']).toMatchObject({ parameters: { precision: 14 } })
  })

  it('keep the exactness of decimals and bigints', () => {
    const money = schema({
      at: t.timestamp('us', { zoned: true }),
      amount: t.decimal(12, 2),
      units: t.int64().bigint(),
    })
    const { plan } = pipeline('p', (p) => {
      p.read('a', plannedSource('money', money), { eventTime: 'at' })
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({
          amount: a.sum(sql.decimal`amount`),
          units: a.sum('units'),
          mean: a.mean(sql`amount`),
        }))
        .write('out', plannedSink('out'))
    }).build()
    expect(schemaToString(plan.nodes[1]?.schema ?? money)).toBe(
      '(windowStart: timestamp(ms, zoned), windowEnd: timestamp(ms, zoned), amount: decimal(38, 2), units: int64(bigint), mean: float64)',
    )
  })

  it('over plain columns need no projection', () => {
    const built = build((a) => ({ n: a.count(), mean: a.mean('delay'), same: a.mean((c) => c.delay) }))
    expect(built.plan.nodes.map((node) => node.step)).toEqual(['flights', 'k', 'x', 'out'])
  })

  it('over expressions have them computed before, equal ones once', () => {
    const built = build((a) => ({
      share: a.mean(sql`delay > 15`),
      total: a.sum(sql`distance * 2`),
      again: a.max(sql`distance * 2`),
      late: a.count().filter(sql`delay > 15`),
    }))
    const projected = step(built, 'x/input')
    expect(projected?.kind).toBe('transform')
    const outputs = projected?.kind === 'transform' ? (projected.outputs ?? []) : []
    expect(outputs.slice(6).map(({ name }) => name)).toEqual(['share~input', 'total~input', 'late~filter'])
    expect(aggregation(built).aggregates.map(({ columns, filter }) => [columns, filter])).toEqual([
      [['share~input'], undefined],
      [['total~input'], undefined],
      [['total~input'], undefined],
      [[], 'late~filter'],
    ])
  })

  it('take the mean of truth values as a share, null staying null', () => {
    const built = build((a) => ({ known: a.mean('cancelled'), maybe: a.mean(sql`delay > 15`) }))
    const projected = step(built, 'x/input')
    const outputs = projected?.kind === 'transform' ? (projected.outputs ?? []) : []
    const texts = outputs
      .slice(6)
      .map(({ expression }) => [expressionToString(expression), expression.nullable])
    expect(texts).toEqual([
      [expect.stringMatching(/^case when cancelled then .* else .* end$/), false],
      [expect.stringMatching(/^case when delay > 15 then .* when not .* then .* end$/), true],
    ])
    expect(aggregation(built).aggregates.map(({ type, nullable }) => [type.kind, nullable])).toEqual([
      ['float64', false],
      ['float64', true],
    ])
  })

  it('are nullable with a filter, which may leave no row', () => {
    const built = build((a) => ({
      far: a.sum('distance').filter('cancelled'),
      n: a.count().filter('cancelled'),
    }))
    expect(aggregation(built).aggregates.map(({ nullable, filter }) => [nullable, filter])).toEqual([
      [true, 'cancelled'],
      [false, 'cancelled'],
    ])
  })

  it('do not take the name of a column that is there', () => {
    const odd = schema({ at: t.timestamp(), 'y~input': t.int32() })
    const { plan } = pipeline('p', (p) => {
      p.read('a', plannedSource('odd', odd), { eventTime: 'at' })
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ y: a.sum(sql`"y~input" + 1`) }))
        .write('out', plannedSink('out'))
    }).build()
    expect(schemaToString(plan.nodes[1]?.schema ?? odd)).toContain('y~input~: int32')
  })

  it('of your own are kept beside the plan', () => {
    const own = {
      create: () => 0,
      add: (sum: number, row: { distance: number }) => sum + row.distance,
      merge: (a: number, b: number) => a + b,
      result: (sum: number) => sum,
      type: t.float64().nullable(),
      uses: ['distance'] as const,
    }
    const built = build((a) => ({ miles: a.custom(own as never) }))
    expect(built.bindings.functions.get('x/miles')).toBe(own)
    expect(aggregation(built).aggregates[0]).toMatchObject({
      aggregate: 'user',
      functionId: 'x/miles',
      columns: ['distance'],
      type: { kind: 'float64' },
      nullable: true,
    })
  })

  it('without a key stand in one step', () => {
    const { plan } = pipeline('p', (p) => {
      p.read('a', flights, { eventTime: 'date' })
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
        .write('o', plannedSink('o'))
    }).build()
    expect(plan.nodes.map(({ kind }) => kind)).toEqual(['source', 'window-aggregate', 'sink'])
    expect(plan.nodes[1]).toMatchObject({ keys: [] })
  })

  it.each<[string, string, Build]>([
    ['an unknown column', 'plan/unknown-column', (a) => ({ y: a.sum('distanse' as 'distance') })],
    ['the sum of text', 'plan/type-mismatch', (a) => ({ y: a.sum('origin' as 'distance') })],
    ['the sum of times', 'plan/type-mismatch', (a) => ({ y: a.sum('date' as 'distance') })],
    [
      'the mean of text by expression',
      'plan/type-mismatch',
      (a) => ({ y: a.mean(sql`case when cancelled then origin end`) }),
    ],
    ['a share above 1', 'plan/invalid-argument', (a) => ({ y: a.quantile('delay', 95) })],
    ['a share that is no number', 'plan/invalid-argument', (a) => ({ y: a.quantile('delay', Number.NaN) })],
    ['a top of none', 'plan/invalid-argument', (a) => ({ y: a.top('delay', 0) })],
    [
      'a precision out of range',
      'plan/invalid-argument',
      (a) => ({ y: a.approximateDistinct('delay', { precision: 30 }) }),
    ],
    [
      'two filters',
      'plan/invalid-argument',
      (a) => ({ y: a.count().filter('cancelled').filter('cancelled') }),
    ],
    [
      'a filter that is no condition',
      'plan/type-mismatch',
      (a) => ({ y: a.count().filter('delay' as 'cancelled') }),
    ],
    ['a result named like the key', 'plan/invalid-name', (a) => ({ origin: a.count() })],
    ['a result named like a bound', 'plan/invalid-name', (a) => ({ windowEnd: a.count() })],
    ['no result', 'plan/invalid-argument', () => ({})],
    ['no object', 'plan/invalid-argument', (() => undefined) as never],
    ['a value that is no aggregate', 'plan/invalid-argument', (() => ({ y: 5 })) as never],
    [
      'an own aggregate without merge',
      'plan/invalid-argument',
      (a) => ({ y: a.custom({ create: () => 0, add: () => 0, result: () => 0, type: t.int32() } as never) }),
    ],
  ])('refuse %s', (_, code, aggregates) => {
    expect(refusal(aggregates)).toMatchObject({ code, step: 'x' })
  })
})

describe('late rows', () => {
  it('are those that came in, without columns computed for the aggregates', () => {
    const built = build((a) => ({ share: a.mean(sql`delay > 15`) }), true)
    expect(step(built, 'late-out')?.inputs).toEqual([{ step: 'x/late', port: 'main' }])
    expect(step(built, 'x/late')?.inputs).toEqual([{ step: 'x', port: 'late' }])
    expect(schemaToString(step(built, 'late-out')?.schema ?? flightSchema)).toBe(schemaToString(flightSchema))
  })

  it('need no step of their own where nothing was computed', () => {
    const built = build((a) => ({ n: a.count() }), true)
    expect(step(built, 'late-out')?.inputs).toEqual([{ step: 'x', port: 'late' }])
  })

  it('add no step where nobody reads them', () => {
    const built = build((a) => ({ share: a.mean(sql`delay > 15`) }))
    expect(step(built, 'x/late')).toBeUndefined()
  })
})
