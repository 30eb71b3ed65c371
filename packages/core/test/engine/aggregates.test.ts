/** Aggregates at their limits: exact sums and extremes beyond 2^53, error bounds of sketches, order that never shows. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import { isMillraceError } from '../../src/errors.ts'
import { createWindowAggregate } from '../../src/engine/window/window-aggregate.ts'
import type { AggregateCall, WindowAggregateNode } from '../../src/plan/logical.ts'
import { advance, batchOf, harness } from './operator-harness.ts'

const int64: DataType = { kind: 'int64', rows: 'bigint' }
const float: DataType = { kind: 'float64' }
const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })
const decimal = (precision: number, scale: number): DataType => ({ kind: 'decimal', precision, scale })

interface Question {
  readonly type: DataType
  readonly aggregate: AggregateCall['aggregate']
  readonly result: DataType
  readonly parameters?: AggregateCall['parameters']
}

/** One aggregate over all values: in one global window, or in sliding windows that all contain them. */
function answer(
  question: Question,
  values: readonly unknown[],
  options?: { panes?: boolean; batch?: number },
): unknown {
  const schema: Schema = { fields: [field('v', question.type, true)] }
  const call: AggregateCall = {
    name: 'a',
    aggregate: question.aggregate,
    columns: ['v'],
    filter: undefined,
    parameters: question.parameters ?? {},
    functionId: undefined,
    type: question.result,
    nullable: true,
  }
  const isSliding = options?.panes === true
  const time: DataType = { kind: 'timestamp', unit: 'ms', zoned: false }
  const bounds = isSliding ? [field('windowStart', time), field('windowEnd', time)] : []
  const node: WindowAggregateNode = {
    kind: 'window-aggregate',
    step: 'step',
    inputs: [],
    sidePorts: {},
    keys: [],
    window: isSliding ? { kind: 'sliding', sizeMs: 64, slideMs: 8, offsetMs: 0 } : { kind: 'global' },
    aggregates: [call],
    allowedLatenessMs: 0,
    schema: { fields: [...bounds, field('a', question.result, true)] },
  }
  const h = harness({ batchRows: 100 })
  const operator = createWindowAggregate(node, schema, h.context, { functions: new Map() })
  const size = options?.batch ?? 1000
  for (let i = 0; i < values.length; i += size) {
    const rows = values.slice(i, i + size).map((v, n) => ({ row: { v }, time: (i + n) % 64 }))
    operator.push(batchOf(schema, rows), 0)
  }
  advance(operator, Infinity)
  const whole = h.out.filter(({ row }) => !isSliding || row['windowStart'] === 0)
  return whole[0]?.row['a']
}

const shuffled = (values: readonly unknown[], seed: number): unknown[] =>
  [...values]
    .map((v, n) => ({ v, at: Math.imul(n + 1, seed | 1) ^ seed }))
    .sort((a, b) => a.at - b.at)
    .map(({ v }) => v)

describe('sums', () => {
  const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

  it('of 64-bit integers are exact wherever they pass on the way', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(big, fc.bigInt({ min: -9n, max: 9n })), { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        (values, panes) => {
          const total = values.reduce((a, b) => a + b, 0n)
          const question: Question = { type: int64, aggregate: 'sum', result: decimal(38, 0) }
          expect(answer(question, values, { panes, batch: 7 })).toBe(String(total))
        },
      ),
    )
  })

  it('of many numbers near 2^53 carry without losing a digit', () => {
    const values = Array.from({ length: 5000 }, (_, n) => 2n ** 53n - 1n - BigInt(n))
    const total = values.reduce((a, b) => a + b, 0n)
    expect(answer({ type: int64, aggregate: 'sum', result: decimal(38, 0) }, values)).toBe(String(total))
    const negative = values.map((v) => -v)
    expect(answer({ type: int64, aggregate: 'sum', result: decimal(38, 0) }, negative)).toBe(String(-total))
  })

  it('that do not fit their type fail and say so', () => {
    let failure: unknown
    try {
      answer({ type: int64, aggregate: 'sum', result: int64 }, [2n ** 63n - 1n, 1n])
    } catch (error) {
      failure = error
    }
    expect(isMillraceError(failure) && failure.code).toBe('value/overflow')
  })

  it('of decimals are exact, and their decimal means are rounded half away from zero', () => {
    const type = decimal(30, 2)
    expect(
      answer({ type, aggregate: 'sum', result: decimal(38, 2) }, [
        '12345678901234567890123.45',
        '0.56',
        '-0.01',
      ]),
    ).toBe('12345678901234567890124.00')
    expect(answer({ type: decimal(9, 2), aggregate: 'mean', result: decimal(18, 2) }, ['0.01', '0.02'])).toBe(
      '0.02',
    )
    expect(
      answer({ type: decimal(9, 2), aggregate: 'mean', result: decimal(18, 2) }, ['-0.01', '-0.02']),
    ).toBe('-0.02')
    expect(answer({ type: decimal(9, 2), aggregate: 'mean', result: float }, ['1.50', '2.50'])).toBe(2)
  })

  it('of floats keep what plain addition loses', () => {
    const values = [1e16, ...Array.from({ length: 1000 }, () => 1), -1e16]
    expect(answer({ type: float, aggregate: 'sum', result: float }, values)).toBe(1000)
    expect(answer({ type: float, aggregate: 'sum', result: float }, [1, Infinity, 2])).toBe(Infinity)
    expect(answer({ type: float, aggregate: 'sum', result: float }, [Infinity, -Infinity])).toBeNaN()
    expect(answer({ type: float, aggregate: 'mean', result: float }, [null, null])).toBe(null)
  })
})

describe('variances', () => {
  const variance: Question = { type: float, aggregate: 'variance', result: float }

  /** The value as a whole number of 2^-400. */
  const scaled = (value: number): bigint => {
    let [rest, exponent] = [value, 0]
    while (!Number.isInteger(rest)) [rest, exponent] = [rest * 2, exponent + 1]
    return BigInt(rest) << BigInt(400 - exponent)
  }
  /** By fractions of whole numbers, exact but for the last step. */
  const exactVariance = (values: readonly number[]): number => {
    const all = values.map(scaled)
    const n = BigInt(all.length)
    const sum = all.reduce((a, b) => a + b, 0n)
    const squares = all.reduce((a, b) => a + b * b, 0n)
    const [over, under] = [n * squares - sum * sum, (n * (n - 1n)) << 800n]
    if (over === 0n) return 0
    const shift = 70 + under.toString(2).length - over.toString(2).length
    const quotient = shift >= 0 ? (over << BigInt(shift)) / under : over / (under << BigInt(-shift))
    return Number(quotient) * 2 ** -shift
  }
  const mixed = fc.oneof(
    fc.double({ min: -1e12, max: 1e12, noNaN: true }).map((x) => (Math.abs(x) < 1e-20 ? 0 : x)),
    fc.integer({ min: -1000, max: 1000 }),
    fc.maxSafeInteger(),
  )
  /** All near one value, down to its last digit, so that nearly all digits of the sums cancel. */
  const alike = fc
    .tuple(fc.double({ min: 1e-9, max: 1e15, noNaN: true }), fc.integer({ min: 0, max: 52 }))
    .chain(([about, digits]) =>
      fc.array(
        fc.integer({ min: 0, max: 100 }).map((n) => about * (1 + n * 2 ** -digits)),
        { minLength: 2, maxLength: 80 },
      ),
    )

  it('are the same to the last bit in any order, batches and panes, and those of exact fractions', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.array(mixed, { minLength: 2, maxLength: 80 }), alike),
        fc.integer(),
        fc.integer({ min: 1, max: 30 }),
        (values, seed, batch) => {
          const given = answer(variance, values) as number
          expect(answer(variance, shuffled(values, seed), { batch })).toBe(given)
          expect(answer(variance, shuffled(values, seed + 1), { panes: true, batch })).toBe(given)
          const exact = exactVariance(values)
          expect(Math.abs(given - exact)).toBeLessThanOrEqual(exact * 2 ** -50)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('of many values spread over 24 orders of magnitude do not depend on their order', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => Math.sin(i) * 10 ** (12 * Math.cos(i * 7)))
    const given = answer(variance, values) as number
    for (const seed of [1, 2, 3]) {
      expect(answer(variance, shuffled(values, seed), { batch: 100 })).toBe(given)
      expect(answer(variance, shuffled(values, seed), { panes: true, batch: 777 })).toBe(given)
    }
    expect(Math.abs(given / exactVariance(values) - 1)).toBeLessThanOrEqual(2 ** -50)
  })

  it('of equal values are 0, of one value null, and NaN where a value is not finite', () => {
    expect(
      answer(
        variance,
        Array.from({ length: 1000 }, () => 0.1),
      ),
    ).toBe(0)
    expect(answer(variance, [5])).toBe(null)
    for (const odd of [NaN, Infinity, -Infinity, 1e200]) expect(answer(variance, [1, odd, 2])).toBe(NaN)
  })
})

describe('extremes', () => {
  it('of 64-bit integers and big decimals are exact, narrow and wide batches mixed', () => {
    const big = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
      fc.bigInt({ min: -3n, max: 3n }),
    )
    fc.assert(
      fc.property(
        fc.array(big, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        (values, batch, panes) => {
          const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
          expect(answer({ type: int64, aggregate: 'min', result: int64 }, values, { batch, panes })).toBe(
            sorted[0],
          )
          expect(answer({ type: int64, aggregate: 'max', result: int64 }, values, { batch, panes })).toBe(
            sorted.at(-1),
          )
          const wide = decimal(38, 0)
          const scaled = sorted.map((v) => v * 10n ** 18n)
          const texts = values.map((v) => String(v * 10n ** 18n))
          expect(answer({ type: wide, aggregate: 'max', result: wide }, texts, { batch, panes })).toBe(
            String(scaled.at(-1)),
          )
        },
      ),
    )
  })

  it('put NaN above everything and know no −0', () => {
    const question = (aggregate: 'min' | 'max'): Question => ({ type: float, aggregate, result: float })
    expect(answer(question('max'), [1, Number.NaN, 3])).toBeNaN()
    expect(answer(question('min'), [Number.NaN, 1, Number.NaN])).toBe(1)
    expect(answer(question('min'), [Number.NaN])).toBeNaN()
    expect(Object.is(answer(question('min'), [-0]), 0)).toBe(true)
    expect(answer(question('max'), [-Infinity])).toBe(-Infinity)
  })
})

describe('distinct counts', () => {
  it('tell 64-bit integers apart, those whose bits mark an empty slot included', () => {
    const marker = BigInt.asIntN(64, 0xfff80001_5eed0001n)
    const question: Question = {
      type: int64,
      aggregate: 'count-distinct',
      result: { kind: 'int64', rows: 'number' },
    }
    expect(answer(question, [marker, marker, marker + 1n, 5n, 5n])).toBe(3)
    expect(answer(question, [marker], { panes: true })).toBe(1)
    expect(answer(question, [2n ** 53n, 2n ** 53n + 1n, 2n ** 53n])).toBe(2)
  })

  it('by sketch stay within four standard errors, and below the limit are exact', () => {
    const question: Question = {
      type: { kind: 'int32' },
      aggregate: 'approximate-distinct',
      result: { kind: 'int64', rows: 'number' },
      parameters: { precision: 12 },
    }
    expect(
      answer(
        question,
        Array.from({ length: 500 }, (_, n) => n % 250),
      ),
    ).toBe(250)
    for (const n of [1000, 5000, 20_000, 100_000]) {
      const estimate = answer(
        question,
        Array.from({ length: n }, (_, i) => Math.imul(i, 7919)),
      ) as number
      expect(Math.abs(estimate - n) / n).toBeLessThan((4 * 1.04) / Math.sqrt(2 ** 12))
    }
    const texts = Array.from({ length: 30_000 }, (_, n) => `user-${n}`)
    const about = answer({ ...question, type: { kind: 'string' } }, texts) as number
    expect(Math.abs(about - 30_000) / 30_000).toBeLessThan((4 * 1.04) / Math.sqrt(2 ** 12))
  })

  it('by sketch are a function of the set, whatever the order and the panes (A2)', () => {
    const question: Question = {
      type: { kind: 'int32' },
      aggregate: 'approximate-distinct',
      result: { kind: 'int64', rows: 'number' },
      parameters: { precision: 8 },
    }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer(), (n, seed) => {
        const values = Array.from({ length: n }, (_, i) => Math.imul(i, 31337))
        const plain = answer(question, values)
        expect(answer(question, shuffled([...values, ...values], seed), { panes: true, batch: 50 })).toBe(
          plain,
        )
      }),
      { numRuns: 40 },
    )
  })
})

describe('quantiles', () => {
  const question = (q: number): Question => ({
    type: float,
    aggregate: 'quantile',
    result: float,
    parameters: { q },
  })

  it('of more than 1,000 values are within 1 % of the value of that rank', () => {
    const spread = [
      (n: number) => n + 1,
      (n: number) => Math.exp((n % 977) / 30),
      (n: number) => (n % 2 === 0 ? -1 : 1) * (1 + (n % 391)),
      (n: number) => (n % 3 === 0 ? 0 : 1e-9 * (n + 1)),
    ]
    for (const value of spread) {
      const values = Array.from({ length: 5000 }, (_, n) => value(n))
      const sorted = Float64Array.from(values).sort()
      for (const q of [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]) {
        const exact = sorted[Math.floor(q * 4999)] as number
        const got = answer(question(q), values) as number
        expect(Math.abs(got - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.0101)
      }
    }
  })

  it('are a function of the values, whatever the order and the panes (A2)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 900, max: 1400 }),
        fc.integer(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, seed, q) => {
          const values = Array.from(
            { length: n },
            (_, i) => (i % 11 === 0 ? -1 : 1) * Math.exp((i * 7919) % 300),
          )
          const plain = answer(question(q), values)
          expect(answer(question(q), shuffled(values, seed), { batch: 100 })).toBe(plain)
          expect(answer(question(q), shuffled(values, seed + 1), { panes: true, batch: 100 })).toBe(plain)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('count infinities and NaN in their place', () => {
    const values = [...Array.from({ length: 2000 }, (_, n) => n), Infinity, -Infinity, Number.NaN]
    expect(answer(question(0), values)).toBe(-Infinity)
    expect(answer(question(1), values)).toBeNaN()
    expect(answer(question(0.9996), values)).toBe(Infinity)
    expect(answer(question(0.5), [1, 2])).toBe(1.5)
    expect(answer(question(1), [1, Number.NaN])).toBeNaN()
  })
})

describe('collected values', () => {
  it('keep every type as it is', () => {
    const list = (type: DataType): DataType => ({ kind: 'list', element: { type, nullable: false } })
    const cases: [DataType, unknown[]][] = [
      [int64, [2n ** 62n, -5n, -(2n ** 63n)]],
      [{ kind: 'uint64', rows: 'bigint' }, [2n ** 64n - 1n, 0n, 2n ** 63n]],
      [decimal(38, 4), ['1234567890123456789012345678901234.5678', '-0.0001']],
      [float, [Number.NaN, -Infinity, 0.1]],
      [{ kind: 'boolean' }, [true, false]],
      [{ kind: 'date' }, ['1969-12-31', '2026-01-01']],
      [{ kind: 'string' }, ['', 'žluť', 'x'.repeat(1000), '\ufeffx']],
      [list({ kind: 'string' }), [['\ufeffx', 'x'], ['\ufeff']]],
      [{ kind: 'list', element: { type: float, nullable: true } }, [[1, null], []]],
      [
        { kind: 'struct', fields: [field('a', float), field('b', { kind: 'string' }, true)] },
        [
          { a: 1, b: null },
          { a: 2, b: 'x' },
        ],
      ],
    ]
    for (const [type, values] of cases) {
      const question: Question = { type, aggregate: 'collect', result: list(type), parameters: { max: 10 } }
      expect(answer(question, values)).toEqual(values)
      expect(answer(question, values, { panes: true })).toEqual(values)
      expect(answer({ type, aggregate: 'last', result: type }, values, { panes: true })).toEqual(
        values.at(-1),
      )
    }
  })
})

describe('keys', () => {
  /** Counts per key, by the key's row value. */
  function countBy(type: DataType, values: readonly unknown[], batch: number): [unknown, unknown][] {
    const schema: Schema = { fields: [field('k', type, true)] }
    const count: AggregateCall = {
      name: 'n',
      aggregate: 'count',
      columns: [],
      filter: undefined,
      parameters: {},
      functionId: undefined,
      type: { kind: 'int64', rows: 'number' },
      nullable: false,
    }
    const node: WindowAggregateNode = {
      kind: 'window-aggregate',
      step: 'step',
      inputs: [],
      sidePorts: {},
      keys: ['k'],
      window: { kind: 'global' },
      aggregates: [count],
      allowedLatenessMs: 0,
      schema: { fields: [field('k', type, true), field('n', count.type)] },
    }
    const h = harness({ batchRows: 4 })
    const operator = createWindowAggregate(node, schema, h.context, { functions: new Map() })
    for (let i = 0; i < values.length; i += batch) {
      operator.push(
        batchOf(
          schema,
          values.slice(i, i + batch).map((k) => ({ row: { k }, time: 0 })),
        ),
        0,
      )
    }
    advance(operator, Infinity)
    return h.out.map(({ row }) => [row['k'], row['n']])
  }

  const around = (...centres: bigint[]): fc.Arbitrary<bigint> =>
    fc.oneof(...centres.map((c) => fc.bigInt({ min: c - 2n, max: c + 2n })))
  const types: [string, DataType, fc.Arbitrary<unknown>][] = [
    ['int64', int64, around(0n, 2n ** 31n, -(2n ** 31n), 2n ** 53n, -(2n ** 53n), 2n ** 62n, -(2n ** 62n))],
    [
      'uint64',
      { kind: 'uint64', rows: 'bigint' },
      around(2n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 3n),
    ],
    ['decimal(18, 0)', decimal(18, 0), around(0n, 2n ** 53n, -(10n ** 17n)).map(String)],
    [
      'decimal(38, 0)',
      decimal(38, 0),
      around(0n, 2n ** 53n, 2n ** 64n, -(2n ** 64n), 10n ** 37n).map(String),
    ],
    ['uint32', { kind: 'uint32' }, fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1)],
    ['int8', { kind: 'int8' }, fc.integer({ min: -128, max: 127 })],
    ['float64', float, fc.constantFrom(0, 1.5, -1.5, Number.NaN, Infinity, 5e-324, 2 ** 53)],
    ['float32', { kind: 'float32' }, fc.constantFrom(0, 1.5, Number.NaN)],
    ['boolean', { kind: 'boolean' }, fc.boolean()],
    ['date', { kind: 'date' }, fc.constantFrom('1969-12-31', '1970-01-01', '2026-11-23')],
    ['timestamp', { kind: 'timestamp', unit: 'ms', zoned: true }, fc.constantFrom(-1, 0, 1_700_000_000_000)],
    ['uuid', { kind: 'uuid' }, fc.uuid()],
    ['string', { kind: 'string' }, fc.oneof(fc.constantFrom('', 'a', 'aa'), fc.string({ unit: 'binary' }))],
  ]
  for (const [name, type, value] of types) {
    it(`of type ${name} are told apart and come back as they were, null among them`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.option(value, { nil: null }), { maxLength: 40 }),
          fc.integer({ min: 1, max: 9 }),
          (values, batch) => {
            const expected = new Map<unknown, number>()
            for (const v of values) expected.set(v, (expected.get(v) ?? 0) + 1)
            expect(countBy(type, values, batch)).toEqual([...expected])
          },
        ),
        { numRuns: 80 },
      )
    })
  }

  it('of −0 and 0 are one key', () => {
    expect(countBy(float, [-0, 0], 5)).toEqual([[0, 2]])
  })
})
