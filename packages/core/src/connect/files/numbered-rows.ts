/**
 * Rows with the number of the output file that each goes into: how batches of many partitions lie in a journal.
 */
import type { Batch } from '../../data/batch.ts'
import type { JournalRows } from '../journal-blocks.ts'
import type { PartitionRows } from './partition-rows.ts'

/** The rows of some parts, in the batch's order, each with its part's number. */
export function numberedRows(
  batch: Batch,
  parts: readonly PartitionRows[],
  numbers: readonly number[],
): JournalRows {
  const [number] = numbers
  const [part] = parts
  if (parts.length === 1 && number !== undefined && part !== undefined) {
    const { selection } = part
    return { batch: { ...batch, selection, selectedCount: selection.length }, files: number }
  }
  const byRow = new Int32Array(batch.length).fill(-1)
  for (const [at, { selection }] of parts.entries())
    for (const row of selection) byRow[row] = numbers[at] as number
  const count = parts.reduce((sum, { selection }) => sum + selection.length, 0)
  const selection = new Int32Array(count)
  const files = new Int32Array(count)
  let length = 0
  for (let row = 0; row < batch.length; row++) {
    if ((byRow[row] as number) < 0) continue
    selection[length] = row
    files[length++] = byRow[row] as number
  }
  return { batch: { ...batch, selection, selectedCount: count }, files }
}

/** The rows of each number. */
export function rowsByNumber(files: Int32Array): Map<number, Int32Array> {
  const rows = new Map<number, number[]>()
  for (const [row, number] of files.entries()) {
    const known = rows.get(number)
    if (known === undefined) rows.set(number, [row])
    else known.push(row)
  }
  return new Map(Array.from(rows, ([number, list]) => [number, Int32Array.from(list)]))
}
