/**
 * One value of keyed state as a cell of a snapshot and back, for who reads or converts snapshots row by row.
 *
 * The operators write and read the same cells without making values of them (state-value.ts).
 */
import type { DataType } from '../data/type.ts'
import { valueShape } from './state-value.ts'
import { ValueCheck } from './value-check.ts'
import { decodeValue, ValueEncoder } from './value-codec.ts'

/** The value in a cell of a column of `savedType`; `cell` is the row value of that column. */
export function valueOfSavedCell(type: DataType, cell: unknown): unknown {
  const shape = valueShape(type)
  return shape === 'bigint' || shape === 'other' ? decodeValue(cell as Uint8Array, 0) : cell
}

/**
 * Makes row values of a column of `savedType` that stand for values of a state.
 *
 * The function throws `value/invalid` unless the state can hold the value.
 */
export function savedCells(type: DataType, name: string): (value: unknown) => unknown {
  const check = new ValueCheck(type, name)
  const isPlain = check.shape !== 'bigint' && check.shape !== 'other'
  const encoder = new ValueEncoder()
  return (value) => {
    check.check(value)
    if (isPlain) return value
    encoder.encode(value)
    return encoder.bytes.slice(0, encoder.length)
  }
}
