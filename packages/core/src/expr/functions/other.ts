/**
 * What fits no other family: a stable hash, the name of a type.
 */
import type { DataType } from '../../data/type.ts'
import { typeToString } from '../../data/type-text.ts'
import { toText } from '../casts.ts'
import { int64Type, isFloat, isNumeric, stringType } from '../types.ts'
import type { Value } from '../value.ts'
import type { FunctionDefinition } from './define.ts'
import { define, parameter } from './define.ts'

const encoder = new TextEncoder()

/** FNV-1a over 32 bits with two seeds, cut to 53 bits: Fowler, Noll, Vo (1991). Small, and the same everywhere for ever. */
function hashBytes(bytes: Uint8Array): bigint {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte, 0x85ebca6b)
  }
  return (BigInt((high >>> 0) & 0x1fffff) << 32n) | BigInt(low >>> 0)
}

/** Equal values of different number types hash alike: numbers by their text, −0 as 0. */
function hashText(value: Value, type: DataType): string {
  if (value === null) return 'null'
  if (Array.isArray(value))
    return `[${value.map((item) => hashText(item as Value, elementType(type))).join()}]`
  if (isFloat(type) && Number.isInteger(value)) return String(BigInt(value as number))
  const text = toText(value, type)
  return isNumeric(type) && text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function elementType(type: DataType): DataType {
  return type.kind === 'list' ? type.element.type : stringType
}

/** The entries of this family. */
export const otherFunctions: readonly FunctionDefinition[] = [
  define(
    'hash',
    'other',
    'hash(a, …) → bigint',
    'A number from 0 to 2^53 − 1 that is the same for the same values, in every run and version. Not for security.',
    [{ parameters: [parameter.any], rest: parameter.any, result: int64Type, nullable: false }],
    (values, { types }) =>
      hashBytes(
        encoder.encode(values.map((value, n) => hashText(value, types[n] as DataType)).join('\u0000')),
      ),
    'seen',
  ),
  define(
    'typeof',
    'other',
    'typeof(x) → text',
    'The name of the type of an expression.',
    [{ parameters: [parameter.any], result: stringType, nullable: false }],
    (_, { types }) => typeToString(types[0] as DataType),
    'seen',
  ),
]
