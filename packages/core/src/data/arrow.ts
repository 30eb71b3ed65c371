/**
 * The door to Apache Arrow: batches as Arrow tables, and Arrow tables as batches.
 *
 * The library is loaded at the first call, so that who does not use it does not wait for it. Event time, weights and
 * order are not part of a table.
 */
import type * as Arrow from 'apache-arrow'
import { concatBatches } from './append.ts'
import { arrowColumnField, arrowDataOf } from './arrow-export.ts'
import { columnOfArrow } from './arrow-import.ts'
import type { ArrowLibrary } from './arrow-types.ts'
import { arrowFieldOf, fieldOfArrow } from './arrow-types.ts'
import type { Batch } from './batch.ts'
import { makeBatch } from './batch.ts'
import type { Column } from './column.ts'
import { makeSchema } from './schema.ts'
import type { Field, Schema } from './type.ts'

let loading: Promise<ArrowLibrary> | undefined

function loadArrow(): Promise<ArrowLibrary> {
  loading ??= import('apache-arrow')
  return loading
}

/**
 * The live rows of a batch as an Arrow table of one record batch. The table is a copy: the batch may go.
 *
 * @example
 * ```ts
 * const flights = schema({ origin: t.string(), delay: t.int32() })
 * const batch = batchOfRows(flights, [{ origin: 'SEA', delay: 20 }])
 * const table = await toArrow(batch)
 * console.log(table.getChild('delay')?.get(0))
 * ```
 */
export async function toArrow(batch: Batch): Promise<Arrow.Table> {
  const arrow = await loadArrow()
  const dense = concatBatches([batch])
  const data = dense.columns.map((column) => arrowDataOf(arrow, column, dense.length))
  const fields = dense.schema.fields.map((field, c) =>
    arrowColumnField(arrow, arrowFieldOf(arrow, field), data[c] as Arrow.Data),
  )
  const schema = new arrow.Schema(fields)
  const rows = arrow.makeData({
    type: new arrow.Struct(fields),
    length: dense.length,
    nullCount: 0,
    children: data,
  })
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, rows)])
}

/** The schema of an Arrow table. Throws `schema/unmappable` for columns without a column type. */
export async function schemaFromArrow(table: Arrow.Table | Arrow.RecordBatch): Promise<Schema> {
  const arrow = await loadArrow()
  return makeSchema(table.schema.fields.map((field) => fieldOfArrow(arrow, field)))
}

/**
 * The record batches of an Arrow table as batches over the same buffers.
 *
 * @throws MillraceError `schema/unmappable` when a column has no column type: unions, durations, decimals of 256 bits.
 */
export async function fromArrow(table: Arrow.Table | Arrow.RecordBatch): Promise<Batch[]> {
  const arrow = await loadArrow()
  const schema = await schemaFromArrow(table)
  const parts = 'batches' in table ? table.batches : [table]
  return parts.map((part) => {
    const columns = part.data.children.map((data, c): Column => {
      return columnOfArrow(arrow, data, (schema.fields[c] as Field).type)
    })
    return makeBatch(schema, columns, part.numRows)
  })
}
