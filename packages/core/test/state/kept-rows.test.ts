/** Rows kept in state: what comes out is what went in, whatever the columns looked like. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Batch } from '../../src/data/batch.ts'
import { makeBatch, rowCount } from '../../src/data/batch.ts'
import { BatchBuilder } from '../../src/data/batch-builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import type { Schema } from '../../src/data/type.ts'
import { ArrayPool, BlockHeap, KeptRows, RecordLayout } from '../../src/state/index.ts'
import { arbitraryBatch, arbitrarySchema, relayoutBatch } from '../data/arbitrary.ts'

interface Kept {
  readonly rows: KeptRows
  readonly blocks: BlockHeap
}

function keep(schema: Schema, columns?: readonly number[]): Kept {
  const blocks = new BlockHeap()
  const layout = new RecordLayout(3)
  const options = { schema, layout, pool: new ArrayPool(), blocks }
  return { rows: new KeptRows(columns === undefined ? options : { ...options, columns }), blocks }
}

function add({ rows }: Kept, batch: Batch): Int32Array {
  const numbers = new Int32Array(rowCount(batch))
  rows.bind(batch)
  rows.add(0, numbers.length, numbers)
  return numbers
}

function writeRows(
  rows: KeptRows,
  numbers: Int32Array,
  {
    from,
    to,
    builder,
    isLent = false,
  }: {
    readonly from: number
    readonly to: number
    readonly builder: BatchBuilder
    readonly isLent?: boolean
  },
): void {
  for (const [c, column] of builder.columns.entries())
    rows[isLent ? 'lend' : 'write'](c, { numbers, from, to }, column, builder.length)
}

/** All columns nullable, for −1. */
function nullable({ fields }: Schema): Schema {
  return { fields: fields.map((field) => ({ ...field, nullable: true })) }
}

function read({ rows }: Kept, schema: Schema, records: Int32Array, isLent = false): readonly unknown[] {
  const builder = new BatchBuilder(schema, Math.max(1, records.length))
  writeRows(rows, records, { from: 0, to: records.length, builder, isLent })
  builder.length = records.length
  return batchToRows(builder.finish())
}

const batches = fc
  .tuple(arbitrarySchema({ max: 6 }), fc.array(fc.nat(), { minLength: 1, maxLength: 4 }))
  .chain(([schema, seeds]) =>
    fc.tuple(...seeds.map((seed) => fc.tuple(arbitraryBatch({ schema, rowsMax: 8 }), fc.constant(seed)))),
  )

describe('kept rows', () => {
  it('give back what they were given, in any layout (KR1)', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { schema } = (all[0] as (typeof all)[number])[0]
        const kept = keep(schema)
        const given = all.map(([{ batch, rows }, seed]) => ({
          rows,
          records: add(kept, relayoutBatch(batch, seed)),
        }))
        for (const { rows, records } of given) expect(read(kept, schema, records)).toEqual(rows)
        const every = Int32Array.from(given.flatMap(({ records }) => [...records]))
        for (const isLent of [false, true])
          expect(read(kept, schema, every, isLent)).toEqual(given.flatMap(({ rows }) => rows))
      }),
    )
  })

  it('give nulls for no row', () => {
    fc.assert(
      fc.property(arbitraryBatch({ rowsMax: 4 }), ({ schema, batch, rows }) => {
        const kept = keep(schema)
        const records = [...add(kept, batch)]
        const none = Object.fromEntries(schema.fields.map(({ name }) => [name, null]))
        const mixed = Int32Array.from(records.flatMap((record) => [-1, record]))
        const expected = rows.flatMap((row) => [none, row])
        expect(read(kept, nullable(schema), mixed)).toEqual(expected)
      }),
    )
  })

  it('keep only the columns that are asked for, in that order', () => {
    fc.assert(
      fc.property(
        arbitraryBatch({ rowsMax: 4, columnsMax: 4 }),
        fc.nat(),
        ({ schema, batch, rows }, pick) => {
          const positions = schema.fields.map((_, c) => c).filter((c) => (pick >> c) & 1)
          const columns = positions.toReversed()
          const part: Schema = { fields: columns.map((c) => schema.fields[c] as Schema['fields'][number]) }
          const kept = keep(schema, columns)
          const expected = rows.map((row) =>
            Object.fromEntries(part.fields.map(({ name }) => [name, row[name]])),
          )
          expect(read(kept, part, add(kept, batch))).toEqual(expected)
        },
      ),
    )
  })

  it('hold no block once they are released, whichever goes first (KR2)', () => {
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat()), (all, order) => {
        const { schema } = (all[0] as (typeof all)[number])[0]
        const kept = keep(schema)
        let live: { record: number; row: unknown }[] = []
        for (const [{ batch, rows }] of all) {
          const records = add(kept, batch)
          live.push(...rows.map((row, n) => ({ record: records[n] as number, row })))
          const gone = (order.next().value as number) % (live.length + 1)
          for (const { record } of live.slice(0, gone)) kept.rows.release(record)
          live = live.slice(gone).toReversed()
          const numbers = Int32Array.from(live, ({ record }) => record)
          expect(read(kept, schema, numbers)).toEqual(live.map(({ row }) => row))
        }
        for (const { record } of live) kept.rows.release(record)
        expect(kept.blocks.liveDoubles).toBe(0)
        expect(kept.rows.records.live).toBe(0)
      }),
    )
  })

  it('are appended to a builder that has rows already, whose memory has moved since', () => {
    const schema: Schema = { fields: [{ name: 'text', type: { kind: 'string' }, nullable: false }] }
    const kept = keep(schema)
    const texts = ['first', '', 'a longer text that takes a block of its own']
    const records = texts.map((text) => {
      const builder = new BatchBuilder(schema, 1)
      builder.appendRow({ text })
      return add(kept, builder.finish())[0] as number
    })
    const builder = new BatchBuilder(schema, 2)
    writeRows(kept.rows, Int32Array.from(records), { from: 0, to: 2, builder, isLent: true })
    builder.length = 2
    // The heap grows: what was written refers to its memory of before.
    for (let n = 0; n < 1000; n++)
      add(
        kept,
        makeBatch(
          schema,
          builder.columns.map((c) => c.finish(2)),
          2,
        ),
      )
    builder.reserve(3)
    writeRows(kept.rows, Int32Array.from(records), { from: 2, to: 3, builder, isLent: true })
    builder.length = 3
    expect(batchToRows(builder.finish())).toEqual(texts.map((text) => ({ text })))
  })
})
