// Rows as text for snapshots: the same on every machine, and made for eyes.
import { expect, it } from 'vitest'
import { memoryRows, memorySink } from '../../../src/connect/index.ts'
import { pipeline, schema, t } from '../../../src/index.ts'
import { drive, tableOf } from '../../../src/testing/index.ts'

const Row = schema({
  id: t.int64().bigint(),
  name: t.string().nullable(),
  at: t.timestamp('ms'),
  zoned: t.timestamp('us', { zoned: true }),
  day: t.date(),
  parts: t.list(t.struct({ n: t.float64() })),
  tags: t.map(t.string(), t.int64().bigint()),
})

it('shows every type, times as short as all rows of their column allow', async () => {
  const through = pipeline('through', (p) => p.read('rows', memoryRows(Row, [])).write('out', memorySink()))
  const run = await drive(through)
  const rest = { parts: [{ n: 0.5 }], tags: new Map([['a', 2n ** 60n]]) }
  run.source('rows', Row).send(
    {
      id: 2n,
      name: 'two\nlines',
      at: '2024-01-01',
      zoned: '2024-01-01T12:00+02:00',
      day: '2024-02-29',
      ...rest,
    },
    { id: 10n, at: '2024-01-01T10:00:30', zoned: -1, day: '1969-12-31', ...rest },
  )
  await run.settle()
  expect(run.sink('out').table()).toMatchInlineSnapshot(`
    "id  name       at                   zoned                     day         parts        tags
    ──  ─────────  ───────────────────  ────────────────────────  ──────────  ───────────  ─────────────────────────────
     2  two·lines  2024-01-01T00:00:00  2024-01-01T10:00:00.000Z  2024-02-29  [{"n":0.5}]  [["a","1152921504606846976"]]
    10  null       2024-01-01T10:00:30  1969-12-31T23:59:59.999Z  1969-12-31  [{"n":0.5}]  [["a","1152921504606846976"]]"
  `)
  expect(run.sink('out').table({ columns: ['at', 'id'], sort: true })).toMatchInlineSnapshot(`
    "at                   id
    ───────────────────  ──
    2024-01-01T00:00:00   2
    2024-01-01T10:00:30  10"
  `)
})

it('shows plain rows that have not all the same columns', () => {
  const rows = [
    { key: 'b', n: 1 },
    { key: 'a', list: [1n], map: new Map([[1, new Set(['x'])]]) },
  ]
  expect(tableOf(rows, { sort: true })).toMatchInlineSnapshot(`
    "key  n  list   map
    ───  ─  ─────  ───────────
    a       ["1"]  [[1,["x"]]]
    b    1"
  `)
  expect(tableOf([])).toBe('')
})
