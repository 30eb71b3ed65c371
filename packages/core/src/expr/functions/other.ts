/**
 * What fits no other family: a stable hash, the name of a type.
 */
import type { DataType } from '../../data/type.ts'
import { typeToString } from '../../data/type-text.ts'
import { toText } from '../casts.ts'
import { hashBytes } from '../number-kernels.ts'
import { int64Type, isFloat, isNumeric, stringType } from '../types.ts'
import type { Value } from '../value.ts'
import type { FunctionDefinition } from './define.ts'
import { define, parameter } from './define.ts'

const encoder = new TextEncoder()

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
    (values, { types }) => {
      const texts = values.map((value, n) => hashText(value, types[n] as DataType))
      const bytes = encoder.encode(texts.join('\u0000'))
      return BigInt(hashBytes(bytes, 0, bytes.length))
    },
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
