/**
 * Event time out of a column: milliseconds in a float64 array beside the columns.
 *
 * A column of whole milliseconds is handed over as it is; others are converted, rounded down to the millisecond.
 * Rows without an event time are reported by the caller's policy.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import { isValid } from '../../data/column.ts'
import type { Column, FixedColumn, WideColumn } from '../../data/column.ts'
import type { DataType } from '../../data/type.ts'
import { wordsOf } from '../../data/wide-words.ts'
import { isEventTime } from '../../time/window.ts'

const DAY_MS = 86_400_000

/** Milliseconds per unit of a column that can be event time; undefined for types that cannot. */
function eventTimeScale(type: DataType): number | undefined {
  switch (type.kind) {
    case 'timestamp':
      return type.unit === 'ms' ? 1 : type.unit === 'us' ? 1e-3 : 1e-6
    case 'date':
      return DAY_MS
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'uint64':
    case 'float64':
      return 1
    default:
      return undefined
  }
}

/** Converts the column at `index` for all physical rows. Values of null rows are unspecified. */
export function extractEventTime(
  batch: Batch,
  index: number,
  scratch: { array: Float64Array },
): Float64Array {
  const column = batch.columns[index] as Column
  const scale = eventTimeScale(column.type) as number
  const isWhole = column.type.kind !== 'float64'
  if (column.layout === 'fixed' && scale === 1 && isWhole && column.values instanceof Float64Array)
    return column.values
  if (scratch.array.length < batch.length) scratch.array = new Float64Array(Math.max(batch.length, 1024))
  const out = scratch.array
  if (column.layout === 'wide') convertWide(column, batch.length, column.type, out)
  else convertFixed(column as FixedColumn, batch.length, scale, out)
  return out
}

function convertFixed(column: FixedColumn, length: number, scale: number, out: Float64Array): void {
  const { values } = column
  if (scale >= 1) for (let i = 0; i < length; i++) out[i] = Math.floor(values[i] as number) * scale
  else {
    const divisor = Math.round(1 / scale)
    for (let i = 0; i < length; i++) out[i] = Math.floor((values[i] as number) / divisor)
  }
}

function convertWide(column: WideColumn, length: number, type: DataType, out: Float64Array): void {
  const divisor = type.kind === 'timestamp' ? (type.unit === 'ns' ? 1e6 : type.unit === 'us' ? 1e3 : 1) : 1
  const words = wordsOf(column.values)
  // Divided word by word: every number on the way is a safe integer.
  for (let i = 0; i < length; i++) {
    const high = words[2 * i + 1] as number
    const quotient = Math.floor(high / divisor)
    const rest = (high - quotient * divisor) * 4294967296 + ((words[2 * i] as number) >>> 0)
    out[i] = quotient * 4294967296 + Math.floor(rest / divisor)
  }
}

/** The first live row (as a live index) whose event time is null or no event time (`isEventTime`), or −1. */
export function firstWithoutEventTime(batch: Batch, column: Column, eventTime: Float64Array): number {
  const rows = rowCount(batch)
  const { validity } = column
  for (let n = 0; n < rows; n++) {
    const i = rowIndex(batch, n)
    if ((validity !== undefined && !isValid(column, i)) || !isEventTime(eventTime[i] as number)) return n
  }
  return -1
}
