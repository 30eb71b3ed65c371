import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../../src/data/batch-builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { bindExpression, evaluate, sqlText } from '../../../../src/expr/index.ts'
import type { Expression } from '../../../../src/expr/expression.ts'
import { fileBytes, fileOf, readBatches, readRows } from './parquet-files.ts'

const declared = schema({
  id: t.int64(),
  price: t.float64().nullable(),
  name: t.string().nullable(),
  at: t.timestamp('us'),
  day: t.date(),
  cost: t.decimal(9, 2),
})
const rows = Array.from({ length: 1000 }, (_, index) => ({
  id: index,
  price: index >= 500 ? null : index === 250 ? Number.NaN : index / 2,
  name: index < 100 ? null : `n${String(index).padStart(4, '0')}`,
  at: index * 86_400_000,
  day: new Date(index * 86_400_000).toISOString().slice(0, 10),
  cost: `${index}.50`,
}))
const file = fileBytes(parquet({ rowGroupRows: 100 }), declared, [batchOfRows(declared, rows)])

/** A bound expression of a text. */
function bound(text: string): Expression {
  return bindExpression(sqlText(text), declared)
}

async function groupsRead(text: string): Promise<number> {
  const predicate = bound(text)
  let count = 0
  await readBatches(fileOf(file), { predicate, rowsMax: 100 }, () => count++)
  return count
}

describe('a predicate', () => {
  it.each([
    ['id = 250', 1],
    ['250 = id', 1],
    ['id < 150', 2],
    ['id <= 100', 2],
    ['id > 849', 2],
    ['id >= 850 and id < 900', 1],
    ['id = 5 or id = 995', 2],
    ['id in (1, 2, 301)', 2],
    ['id = -1', 0],
    ["name = 'n0450'", 1],
    ["name > 'n0899'", 1],
    ['name is null', 1],
    ['price is not null', 5],
    ['price < 10', 1],
    // NaN is above every number, and statistics do not know it.
    ['price > 1000', 5],
    ['price = 1000', 0],
    ["at >= timestamp '1972-09-01 00:00:00'", 1],
    ['cost < 100.00', 1],
    ['id = null', 0],
    ['not (id = 5)', 10],
    ['id % 2 = 0', 10],
  ])('%s reads %d row groups of ten', async (text, count) => {
    expect(await groupsRead(text)).toBe(count)
  })

  it('never skips a row that it holds for', async () => {
    const comparison = fc
      .tuple(
        fc.constantFrom('id', 'price'),
        fc.constantFrom('=', '<', '<=', '>', '>=', '<>'),
        fc.integer({ min: -5, max: 1005 }),
      )
      .map(([name, operator, value]) => `${name} ${operator} ${value}`)
    const predicates = fc
      .array(comparison, { minLength: 1, maxLength: 3 })
      .chain((parts) =>
        fc.constantFrom(parts.join(' and '), parts.join(' or '), `not (${parts.join(' or ')})`),
      )
    const batch = batchOfRows(declared, rows)
    await fc.assert(
      fc.asyncProperty(predicates, async (text) => {
        const predicate = bound(text)
        const found = new Set((await readRows(file, { predicate })).map(({ id }) => id))
        const wanted = rows.map(({ id }) => id).filter((id) => evaluate(predicate, batch, id) === true)
        expect(wanted.filter((id) => !found.has(id))).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})
