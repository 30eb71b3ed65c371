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

/** The rows of a key from a time on. */
function rowsFrom({ keys, lists }: Lists, key: number, time: number): Row[] {
  const from = lists.find(keys, key, time)
  return Array.from({ length: lists.end(keys, key) - from }, (_, n) => ({
    record: lists.recordAt(keys, key, from + n),
    time: lists.timeAt(keys, key, from + n),
  }))
}

const additions = fc.array(
  fc.record({
    key: fc.nat(KEYS - 1),
    time: fc.integer({ min: -20, max: 20 }),
    /** How far the time from which rows live goes on. */
    later: fc.constantFrom(0, 0, 0, 1, 3, 9),
  }),
  { maxLength: 120 },
)

describe('lists of rows', () => {
  it('are in order of time, and of arrival within one time (RL1)', () => {
    fc.assert(
      fc.property(additions, (all) => {
        const under = make()
        const { keys, lists, blocks } = under
        const expected: Row[][] = Array.from({ length: KEYS }, () => [])
        let liveFrom = -30
        for (const [record, { key, time, later }] of all.entries()) {
          const rows = expected[key] as Row[]
          lists.add(keys, key, { record, time, liveFrom })
          const place = rows.findIndex((row) => row.time > time)
          rows.splice(place < 0 ? rows.length : place, 0, { record, time })
          const live = rows.filter((row) => row.time >= liveFrom)
          expect(rowsFrom(under, key, liveFrom)).toStrictEqual(live)
          const from = Math.max(time, liveFrom)
          expect(rowsFrom(under, key, from)).toStrictEqual(rows.filter((row) => row.time >= from))
          liveFrom += later
        }
        for (let key = 0; key < KEYS; key++) lists.release(keys, key)
        expect(blocks.liveDoubles).toBe(0)
      }),
    )
  })

  it('take no more room than what lives in them needs (RL2)', () => {
    const { keys, lists, blocks } = make()
    for (let n = 0; n < 10_000; n++) lists.add(keys, 0, { record: n, time: n, liveFrom: n - 10 })
    expect(rowsFrom({ keys, lists, blocks }, 0, 9_990)).toHaveLength(10)
    expect(blocks.liveDoubles).toBeLessThanOrEqual(64)
    for (let n = 10_000; n < 20_000; n++) lists.add(keys, 0, { record: n, time: n, liveFrom: 0 })
    for (let n = 20_000; n < 40_000; n++) lists.add(keys, 0, { record: n, time: n, liveFrom: n - 10 })
    expect(blocks.liveDoubles).toBeLessThanOrEqual(128)
  })
})
