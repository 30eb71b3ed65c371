import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/data/batch.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { schema, t } from '../../src/data/builder.ts'
import { extendSchema } from '../../src/data/schema.ts'
import type { Schema } from '../../src/data/type.ts'
import { createRowFunction } from '../../src/engine/rows/row-function.ts'
import type { RowFunctionNode } from '../../src/plan/logical.ts'
import { batchOf, Dictionary, harness, withDictionary } from './operator-harness.ts'

const In = schema({ s: t.string(), n: t.int32() })
const Out = schema({ text: t.string(), twice: t.float64() })
type Row = { s: string; n: number }

const rows = fc.array(fc.record({ s: fc.string({ maxLength: 5 }), n: fc.integer({ min: -50, max: 50 }) }), {
  maxLength: 25,
})

/** What each shape gives for one row; rows with n = 13 throw. */
const shapes = {
  filter: {
    schema: In,
    fn: (row: Row) => guarded(row).n % 2 === 0,
    expected: (row: Row) => (row.n % 2 === 0 ? [row] : []),
  },
  map: {
    schema: Out,
    fn: (row: Row) => ({ text: `${row.s}!`, twice: guarded(row).n * 2 }),
    expected: (row: Row) => [{ text: `${row.s}!`, twice: row.n * 2 }],
  },
  'flat-map': {
    schema: Out,
    *fn(row: Row): Generator<object> {
      for (let n = 0; n < Math.abs(row.n) % 4; n++) yield { text: row.s, twice: n }
      guarded(row)
    },
    expected: (row: Row) =>
      Array.from({ length: Math.abs(row.n) % 4 }, (_, twice) => ({ text: row.s, twice })),
  },
  with: {
    schema: extendSchema(In, schema({ twice: t.float64(), s: t.string() }) as Schema),
    fn: (row: Row) => ({ twice: guarded(row).n * 2, s: row.s.toUpperCase() }),
    expected: (row: Row) => [{ s: row.s.toUpperCase(), n: row.n, twice: row.n * 2 }],
  },
} as const

function guarded(row: Row): Row {
  if (row.n === 13) throw new Error('unlucky')
  return row
}

function nodeOf(name: keyof typeof shapes, onError: 'fail' | 'reject'): RowFunctionNode {
  return {
    kind: 'row-function',
    step: 'fn',
    inputs: [],
    shape: name === 'with' ? 'map' : name,
    schema: shapes[name].schema,
    sidePorts: {},
    functionId: 'fn',
    onError,
    ...(name === 'with' ? { adds: ['twice', 's'] } : {}),
  }
}

describe('a function over rows', () => {
  for (const name of Object.keys(shapes) as (keyof typeof shapes)[]) {
    const shape = shapes[name]

    test(`${name} gives what it gives for plain objects, with event times, whatever the layout, selection and batch size`, () => {
      fc.assert(
        fc.property(
          fc.array(rows, { maxLength: 4 }),
          fc.boolean(),
          fc.boolean(),
          fc.constantFrom(1, 4, 100),
          (batches, selected, coded, batchRows) => {
            const seen = harness({ batchRows })
            const operator = createRowFunction(nodeOf(name, 'reject'), In, seen.context, shape.fn)
            const dictionary = new Dictionary()
            for (const batch of batches) {
              const input = batchOf(
                In,
                batch.map((row) => ({ row, time: row.n * 1000 })),
                { selected },
              )
              operator.push(coded ? withDictionary(input, 0, dictionary) : input, 0)
            }
            const all = batches.flat()
            const main = seen.out.filter(({ port }) => port === 'main')
            const expected = all
              .filter(({ n }) => n !== 13)
              .flatMap((row) => shape.expected(row).map((result) => ({ result, time: row.n * 1000 })))
            expect(main.map(({ row }) => row)).toEqual(expected.map(({ result }) => result))
            expect(main.map(({ eventTime }) => eventTime)).toEqual(expected.map(({ time }) => time))
            const rejected = seen.out.filter(({ port }) => port === 'rejected').map(({ row }) => row['raw'])
            expect(rejected).toEqual(all.filter(({ n }) => n === 13).map((row) => JSON.stringify(row)))
            expect(seen.counters.rejectedRows).toBe(rejected.length)
          },
        ),
        { numRuns: 150 },
      )
    })

    test(`${name} stops at the first row that throws, unless rows may be rejected`, () => {
      const seen = harness()
      const operator = createRowFunction(nodeOf(name, 'fail'), In, seen.context, shape.fn)
      const batch = batchOf(In, [{ row: { s: 'a', n: 2 }, time: 0 }, { row: { s: 'b', n: 13 }, time: 0 }]) // prettier-ignore
      expect(() => operator.push(batch, 0)).toThrow(
        /step "fn" threw: Error: unlucky, for the row {"s":"b","n":13}/,
      )
    })
  }

  test('sees a view that is used again: what it keeps must be copied', () => {
    const seen = harness()
    const kept: unknown[] = []
    const operator = createRowFunction(
      nodeOf('filter', 'fail'),
      In,
      seen.context,
      (row: Row) => kept.push({ ...row }) > 0,
    )
    operator.push(batchOf(In, [1, 2, 3].map((n) => ({ row: { s: `${n}`, n }, time: 0 }))), 0) // prettier-ignore
    expect(kept).toEqual([1, 2, 3].map((n) => ({ s: `${n}`, n })))
  })
})

describe('a filter', () => {
  test.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [1, 'a number'],
    ['', 'a string'],
  ])('takes true and false only, not %s', (answer, found) => {
    const seen = harness()
    const operator = createRowFunction(nodeOf('filter', 'fail'), In, seen.context, () => answer)
    expect(() => operator.push(batchOf(In, [{ row: { s: 'a', n: 1 }, time: 0 }]), 0)).toThrow(
      expect.objectContaining({
        code: 'step/invalid-row',
        what: 'the function of step "fn" gave neither true nor false',
        detail: expect.stringContaining(`expected true or false, found ${found}`) as string,
      }),
    )
  })
})

test('batches that one push emits stay as they are until the next (O3)', () => {
  const h = harness({ batchRows: 2 })
  const kept: Batch[] = []
  const context = { ...h.context, emit: () => (batch: Batch) => void kept.push(batch) }
  const node = nodeOf('flat-map', 'fail')
  const five = (row: Row): object[] => [0, 1, 2, 3, 4].map((n) => ({ text: row.s, twice: n + row.n }))
  const operator = createRowFunction(node, In, context, five)
  const push = (n: number): unknown[] => {
    kept.length = 0
    operator.push(batchOf(In, [{ row: { s: 'x', n }, time: 0 }]), 0)
    return kept.flatMap((batch) => batchToRows(batch)).map((row) => (row as { twice: number }).twice)
  }
  expect(push(10)).toEqual([10, 11, 12, 13, 14])
  expect(push(20)).toEqual([20, 21, 22, 23, 24])
})
