/**
 * Cells as the values that SQLite keeps, and which columns keep them as they are.
 *
 * SQLite converts what is written by the affinity of the column (https://www.sqlite.org/datatype3.html), silently: so a
 * column whose affinity would change a value is refused.
 */
import { cellJson, cellText } from '@millrace/core/connect'
import { isValid, readValue } from '@millrace/core/data'
import type { Column, DataType } from '@millrace/core/data'
import { MillraceError } from '@millrace/core/errors'

/** What a column does to values. */
export type Affinity = 'integer' | 'real' | 'text' | 'numeric' | 'none'

/** A value as it is bound. Numbers would become floats: whole ones are bigints. */
export type BoundValue = bigint | number | string | Uint8Array | null

/** The class of values that a type is written as; undefined: SQLite has none that holds them all. */
export function storageOf({ kind }: DataType): 'integer' | 'real' | 'text' | 'blob' | undefined {
  switch (kind) {
    case 'boolean':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return 'integer'
    case 'uint64':
      return undefined
    case 'float32':
    case 'float64':
      return 'real'
    case 'bytes':
      return 'blob'
    default:
      return 'text'
  }
}

/** The affinity of a declared type, by the rules of SQLite. */
export function affinityOf(declared: string, isStrict: boolean): Affinity {
  const upper = declared.toUpperCase()
  if (isStrict && upper === 'ANY') return 'none'
  if (upper.includes('INT')) return 'integer'
  if (/CHAR|CLOB|TEXT/.test(upper)) return 'text'
  if (upper === '' || upper.includes('BLOB')) return 'none'
  if (/REAL|FLOA|DOUB/.test(upper)) return 'real'
  return 'numeric'
}

/** Whether a column keeps every value of a type as it is. */
export function keeps(affinity: Affinity, type: DataType): boolean {
  switch (storageOf(type)) {
    case 'integer':
      return affinity === 'integer' || affinity === 'numeric' || affinity === 'none'
    case 'real':
      return affinity === 'real' || affinity === 'none'
    case 'text':
      return affinity === 'text' || affinity === 'none'
    case 'blob':
      // A blob is never converted, and a strict table says itself what it takes.
      return affinity === 'none'
    case undefined:
      return false
  }
}

/** The value of a cell. */
export function valueOf(column: Column, index: number, name: string): BoundValue {
  if (!isValid(column, index)) return null
  switch (storageOf(column.type)) {
    case 'integer':
      return column.type.kind === 'boolean'
        ? BigInt(readValue(column, index) === true)
        : BigInt(cellText(column, index))
    case 'real':
      return realOf(readValue(column, index) as number, name)
    case 'blob':
      return readValue(column, index) as Uint8Array
    default:
      return textOf(column, index)
  }
}

function textOf(column: Column, index: number): string {
  switch (column.type.kind) {
    case 'interval':
      return JSON.parse(cellJson(column, index)) as string
    case 'list':
    case 'map':
    case 'struct':
      return cellJson(column, index)
    default:
      return cellText(column, index)
  }
}

/** SQLite takes NaN for null. */
function realOf(value: number, name: string): number {
  if (!Number.isNaN(value)) return value
  throw new MillraceError('output/rejected', {
    what: `column "${name}" holds NaN, which SQLite cannot keep`,
    detail: 'it would become null',
    hint: 'take null for it before, with an expression',
    place: { column: name },
  })
}
