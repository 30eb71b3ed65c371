/**
 * One value of keyed state as a cell of a snapshot and back, for who reads or converts snapshots row by row.
 *
 * The operators write and read the same cells without making values of them (state-value.ts).
 */
import type { DataType } from '../data/type.ts'
import { checkValue, valueShape } from './state-value.ts'
import { decodeValue, ValueEncoder } from './value-codec.ts'

/** The value in a cell of a column of `savedType`; `cell` is the row value of that column. */
export function valueOfSavedCell(type: DataType, cell: unknown): unknown {
  const shape = valueShape(type)
  return shape === 'bigint' || shape === 'other' ? decodeValue(cell as Uint8Array, 0) : cell
}

/**
 * The row value of a column of `savedType` that stands for a value.
 *
 * @throws MillraceError `value/invalid` unless the state can hold the value.
 */
export function savedCellOfValue(type: DataType, value: unknown, name: string): unknown {
  const shape = valueShape(type)
  checkValue(shape, value, name)
  if (shape !== 'bigint' && shape !== 'other') return value
  const encoder = new ValueEncoder()
  encoder.encode(value)
  return encoder.bytes.slice(0, encoder.length)
}
