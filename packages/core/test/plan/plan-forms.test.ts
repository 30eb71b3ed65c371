// Plans as data: JSON and back, hashes, checks, and the order of their nodes.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sqlText } from '../../src/expr/index.ts'
import { globalWindow, pipeline, sql, tumbling } from '../../src/index.ts'
import type { Stream } from '../../src/index.ts'
import {
  buildHash,
  checkPlan,
  digest,
  digestText,
  optimize,
  planFromJson,
  planHash,
  planToJson,
  stateHash,
  tableSources,
} from '../../src/plan/index.ts'
import type { BuiltPlan, LogicalNode } from '../../src/plan/index.ts'
import { airports, flights, plannedSink } from '../sdk/planned-ends.ts'
import type { Flight } from '../sdk/planned-ends.ts'

function build(
  options: { size?: string; key?: 'origin' | 'destination'; step?: string; limit?: number } = {},
): BuiltPlan {
  const { size = '1 hour', key = 'origin', step = 'hourly', limit = 15 } = options
  return pipeline('delays', (p) => {
    p.read('flights', flights, { eventTime: 'date' })
      .where('late', sql`delay > ${limit}`)
      .keyBy('k', key)
      .window(tumbling(size))
      .aggregate(step, (a) => ({ n: a.count() }))
      .write('out', plannedSink('out'))
  }).build()
}

describe('the JSON form', () => {
  it('comes back as the same plan', () => {
    for (const { plan } of [build(), optimize(build())]) {
      const back = planFromJson(planToJson(plan))
      expect(back).toEqual(plan)
      expect(planHash(back)).toBe(planHash(plan))
      expect(Object.isFrozen(back.nodes[0]?.schema)).toBe(true)
    }
  })

  it.each(['', '{', '[]', '{"format":"millrace-plan/2","name":"x","nodes":[]}', '{"format":"millrace-plan/1","nodes":[]}',
    '{"format":"millrace-plan/1","name":"x","nodes":[{"step":"a","inputs":[],"kind":"teleport"}]}',
    '{"format":"millrace-plan/1","name":"x","nodes":[{}]}'])('refuses %s', (text) => {
    expect(() => planFromJson(text)).toThrow(expect.objectContaining({ code: 'plan/invalid-argument' }))
  }) // prettier-ignore
})

describe('hashes', () => {
  it('of builds differ by anything in the plan or its functions', () => {
    const hashes = [
      build(),
      build({ size: '2 h' }),
      build({ key: 'destination' }),
      build({ step: 'other' }),
      build({ limit: 16 }),
    ].map(buildHash)
    expect(new Set(hashes).size).toBe(5)
    expect(buildHash(build())).toBe(hashes[0])
  })

  it('of state differ by steps, keys, windows and types, and by nothing else', () => {
    const hash = (options: Parameters<typeof build>[0]): string => stateHash(build(options).plan)
    expect(hash({ limit: 99 })).toBe(hash({}))
    expect(stateHash(optimize(build()).plan)).toBe(hash({}))
    expect(
      new Set([hash({}), hash({ size: '2 h' }), hash({ key: 'destination' }), hash({ step: 'other' })]).size,
    ).toBe(4)
  })

  /** The state hash of sums per hour; what is there differs by one thing from call to call. */
  const summed = (options: Summed = {}): string => {
    const { source = 'flights', input = 'delay', key = 'origin', sink = 'out', steps = ['x', 'y'] } = options
    const built = pipeline('delays', (p) => {
      const from = options.from ?? flights
      const read = p.read(source, from, {
        eventTime: { column: 'date', disorder: options.disorder ?? '0 s' },
      })
      read
        .extend(steps[0], { [`${steps[0]}1`]: sql.number`distance * ${options.factor ?? 2}` })
        .extend(steps[1], { part: sqlText(`substring(${key}, 1, 2)`) } as never)
        .keyBy('k', 'part' as never)
        .window(tumbling('1 h'), { allowedLateness: options.lateness ?? '0 s' })
        .aggregate('hourly', (a) => ({
          n: a.sum(sqlText(input) as never).filter(sqlText(options.filter ?? 'cancelled')),
          m: a.max(`${steps[0]}1` as never),
        }))
        .write(sink, { ...plannedSink(sink), accepts: 'changelog' } as never)
    }).build()
    expect(stateHash(optimize(built).plan)).toBe(stateHash(built.plan))
    return stateHash(built.plan)
  }
  interface Summed {
    readonly source?: string
    readonly from?: typeof flights
    readonly input?: string
    readonly key?: string
    readonly sink?: string
    readonly steps?: readonly [string, string]
    readonly factor?: number
    readonly filter?: string
    readonly lateness?: string
    readonly disorder?: string
  }
  const described = (connector: string, options: object): typeof flights => ({
    ...flights,
    description: { connector, options: { ...options } },
  })

  it.each<[string, Summed]>([
    ['the column of an aggregate', { input: 'distance' }],
    ['an expression in an aggregate', { input: 'delay + 1' }],
    ['an expression that an aggregate reads from a step before', { factor: 3 }],
    ['the filter of an aggregate', { filter: 'not cancelled' }],
    ['what a key is computed from', { key: 'destination' }],
    ['the name of a source', { source: 'other' }],
    ['the connector of a source', { from: described('else', { name: 'flights' }) }],
    ['the allowed lateness', { lateness: '1 min' }],
  ])('of state differ by %s', (_, options) => {
    expect(summed(options)).not.toBe(summed())
  })

  it.each<[string, Summed]>([
    ['the sink', { sink: 'elsewhere' }],
    ['options of a source', { from: described('planned', { name: 'moved' }) }],
    ['names of steps and columns in between', { steps: ['u', 'v'] }],
    ['how late rows may come', { disorder: '1 min' }],
  ])('of state stay the same whatever %s', (_, options) => {
    expect(summed(options)).toBe(summed())
  })

  it('of state take no longer for columns that are used again and again', () => {
    const { plan } = pipeline('p', (p) => {
      let stream: Stream<Flight> = p.read('flights', flights, { eventTime: 'date' })
      for (let i = 0; i < 60; i++) {
        stream = stream.extend(`e${i}`, { distance: sql.number`coalesce(distance, distance)` }) as never
        stream = stream.union(`u${i}`, stream.extend(`f${i}`, { distance: sql.number`-distance` }) as never)
      }
      stream
        .window(globalWindow())
        .aggregate('agg', (a) => ({ m: a.max('distance') }))
        .write('out', plannedSink('out'))
    }).build({ check: false })
    expect(stateHash(plan)).toMatch(/^[0-9a-f]{32}$/)
  })

  it('are frozen: 32 digits that stay the same from version to version', () => {
    expect(digestText('')).toMatchInlineSnapshot(`"818ebb821c714e4a7976e5e07bc33a67"`)
    expect(digestText('millrace')).toMatchInlineSnapshot(`"d17e98f71fdb2bc2c63562439d95ae09"`)
    expect(digest({ b: [1, -0, null], a: 'ü' })).toMatchInlineSnapshot(`"906a05e7b02e6906766ecf8bfbf57bd4"`)
  })

  it('do not depend on the order of members, and on absent ones', () => {
    expect(digest({ a: 1, b: 2, c: undefined })).toBe(digest({ b: 2, a: 1 }))
    expect(digest({ a: 0 })).not.toBe(digest({ a: -0 }))
    expect(digest({ a: '1' })).not.toBe(digest({ a: 1 }))
    expect(digest([1, [2]])).not.toBe(digest([[1], 2]))
  })

  it('of different texts differ', () => {
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), (text) => {
        const hash = digestText(text)
        expect(hash).toMatch(/^[0-9a-f]{32}$/)
        expect(seen.get(hash) ?? text).toBe(text)
        seen.set(hash, text)
      }),
      { numRuns: 5000 },
    )
  })

  it('spread neighbours over all digits', () => {
    const hashes = Array.from({ length: 2000 }, (_, i) => digestText(`step-${i}`))
    for (let digit = 0; digit < 32; digit++) expect(new Set(hashes.map((hash) => hash[digit])).size).toBe(16)
  })
})

describe('plan checks', () => {
  const [source, sink] = pipeline('p', (p) => p.read('a', flights).write('b', plannedSink('b'))).build().plan
    .nodes as [LogicalNode, LogicalNode]

  it.each<[string, readonly LogicalNode[], RegExp]>([
    ['P1: a name twice', [source, source], /two steps are named "a"/],
    ['P2: a reader before its input', [sink, source], /reads "a.main", which does not exist/],
    [
      'P2: a port that is not there',
      [source, { ...sink, inputs: [{ step: 'a', port: 'late' }] }],
      /reads "a.late"/,
    ],
    [
      'P3: a sink with two inputs',
      [source, { ...sink, inputs: [...sink.inputs, ...sink.inputs] }],
      /has 2 inputs/,
    ],
    [
      'P3: a source with an input',
      [source, { ...source, step: 'c', inputs: [{ step: 'a', port: 'main' }] }],
      /has 1 inputs/,
    ],
  ])('refuse %s', (_, nodes, message) => {
    expect(() => checkPlan({ name: 'p', nodes })).toThrow(message)
  })
})

describe('table sources', () => {
  it('are those that feed nothing but tables', () => {
    const { plan } = pipeline('p', (p) => {
      const [table, stream] = [
        p.read('table', airports).where('some', sql`city is not null`),
        p.read('stream', flights),
      ]
      stream
        .lookupJoin('from', table, { on: { origin: 'iata' }, select: { fromName: 'name' } })
        .lookupJoin('to', table, { on: { destination: 'iata' }, select: { toName: 'name' } })
        .write('out', plannedSink('out'))
    }).build()
    expect([...tableSources(plan)]).toEqual(['table'])
  })
})
