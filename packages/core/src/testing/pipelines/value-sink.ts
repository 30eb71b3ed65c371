/**
 * A sink that keeps exact values and weights: what a generated pipeline is compared by. Rows show when they are committed, as
 * those of `memorySink` do, which does that work.
 */
import { batchOfRows, rowCount, rowIndex, schema, t } from '../../data/index.ts'
import type { Batch, Column, Schema } from '../../data/index.ts'
import { memorySink } from '../../connect/index.ts'
import type { Sink } from '../../connect/index.ts'
import { readCell } from '../../expr/value.ts'
import type { Value } from '../../expr/value.ts'

/** A row that was committed: its values in the order of the schema. */
export interface CommittedRow {
  readonly values: readonly Value[]
  /** The same by column. */
  readonly cells: { readonly [column: string]: Value }
  readonly weight: number
}

/** A sink that takes everything, also rows that take others back. */
export interface ValueSink extends Sink {
  readonly rows: readonly CommittedRow[]
  /** Rows of all epochs up to this one. */
  rowsUpTo(epoch: number): readonly CommittedRow[]
  /** Commits that another attempt had made before. */
  readonly duplicates: number
}

const Handle = schema({ number: t.int32() })

/** Rows are kept here, and the sink in memory has their numbers. */
export function valueSink(): ValueSink {
  const kept: CommittedRow[] = []
  const numbers = memorySink<{ readonly number: number }>()
  return {
    description: { connector: 'values', options: {} },
    accepts: 'retract',
    get rows() {
      return numbers.rows.map(({ number }) => kept[number] as CommittedRow)
    },
    rowsUpTo: (last) =>
      numbers.commits
        .filter(({ epoch }) => epoch <= last)
        .flatMap(({ rows }) => rows.map(({ number }) => kept[number] as CommittedRow)),
    get duplicates() {
      return numbers.duplicates
    },
    async open(context) {
      const open = await numbers.open({ ...context, schema: Handle as Schema })
      return {
        ...open,
        async writer(task) {
          const writer = await open.writer(task)
          return {
            ...writer,
            write(batch) {
              const rows = rowsOf(batch).map((row) => ({ number: kept.push(row) - 1 }))
              return writer.write(batchOfRows(Handle, rows))
            },
          }
        },
      } as typeof open
    },
  }
}

function rowsOf(batch: Batch): readonly CommittedRow[] {
  return Array.from({ length: rowCount(batch) }, (_, n) => {
    const at = rowIndex(batch, n)
    const values = batch.columns.map((column: Column) => readCell(column, at))
    return {
      values,
      cells: Object.fromEntries(
        batch.schema.fields.map(({ name }, column) => [name, values[column] as Value]),
      ),
      weight: batch.weights?.[at] ?? 1,
    }
  })
}
