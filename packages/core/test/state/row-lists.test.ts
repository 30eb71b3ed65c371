/** Rows of a key in order of time, against arrays. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArrayPool, BlockHeap, RecordLayout, RecordStore, RowLists } from '../../src/state/index.ts'

interface Row {
  readonly record: number
  readonly time: number
}

interface Lists {
  readonly keys: RecordStore
  readonly lists: RowLists
  readonly blocks: BlockHeap
}

const KEYS = 3

function make(): Lists {
  const blocks = new BlockHeap()
  const layout = new RecordLayout(1)
  const lists = new RowLists(layout, blocks)
  const keys = new RecordStore(layout.template(), new ArrayPool())
  for (let key = 0; key < KEYS; key++) keys.allocate()
  return { keys, lists, blocks }
}

function rowsOf({ keys, lists }: Lists, key: number): Row[] {
  const from = lists.find(keys, key, -Infinity)
  return Array.from({ length: lists.end(keys, key) - from }, (_, n) => ({
    record: lists.recordAt(keys, key, from + n),
    time: lists.timeAt(keys, key, from + n),
  }))
}

const operations = fc.array(
  fc.record({
    key: fc.nat(KEYS - 1),
    time: fc.integer({ min: -20, max: 20 }),
    /** Which row is taken out instead; the first one often. */
    remove: fc.option(fc.constantFrom(0, 0, 1, 2, 5), { nil: undefined }),
  }),
  { maxLength: 120 },
)

describe('lists of rows', () => {
  it('are in order of time, and of arrival within one time (RL1); an empty one has no block (RL2)', () => {
    fc.assert(
      fc.property(operations, (all) => {
        const under = make()
        const { keys, lists, blocks } = under
        const expected: Row[][] = Array.from({ length: KEYS }, () => [])
        for (const [record, { key, time, remove }] of all.entries()) {
          const rows = expected[key] as Row[]
          if (remove === undefined) {
            lists.add(keys, key, record, time)
            const place = rows.findIndex((row) => row.time > time)
            rows.splice(place < 0 ? rows.length : place, 0, { record, time })
          } else if (rows.length > 0) {
            const [gone] = rows.splice(Math.min(remove, rows.length - 1), 1) as [Row]
            lists.remove(keys, key, gone.record, gone.time)
          }
          expect(rowsOf(under, key)).toStrictEqual(rows)
          expect(lists.count(keys, key)).toBe(rows.length)
        }
        for (const key of expected.keys()) {
          const rows = expected[key] as Row[]
          for (let time = -21; time <= 21; time++) {
            const first = rows.findIndex((row) => row.time >= time)
            const place = lists.find(keys, key, time) - lists.find(keys, key, -Infinity)
            expect(place).toBe(first < 0 ? rows.length : first)
          }
          for (const { record, time } of rows) lists.remove(keys, key, record, time)
        }
        expect(blocks.liveDoubles).toBe(0)
      }),
    )
  })

  it('do not grow for ever where rows come and go', () => {
    const { keys, lists, blocks } = make()
    for (let n = 0; n < 10_000; n++) {
      lists.add(keys, 0, n, n)
      if (n >= 10) lists.remove(keys, 0, n - 10, n - 10)
    }
    expect(lists.count(keys, 0)).toBe(10)
    expect(blocks.liveDoubles).toBeLessThanOrEqual(64)
  })
})
