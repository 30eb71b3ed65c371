/**
 * What generated code knows of a value: JavaScript expressions for the value and for "is it null".
 *
 * Null convention: where `isNull` holds, the value expression may be evaluated but means nothing. 'false' means never.
 */
import type { DataType } from '../data/type.ts'

/** A number (see narrow values, C4) or a JavaScript boolean. */
export interface ScalarCode {
  readonly form: 'scalar'
  readonly value: string
  readonly isNull: string
}

/** A range of bytes. `bytes` names a variable; text columns of the input keep theirs to the output. */
export interface TextCode {
  readonly form: 'text'
  readonly bytes: string
  readonly start: string
  readonly length: string
  readonly isNull: string
  /** Set when `bytes` is the chunk of one input column, whatever the row. */
  readonly chunkOf?: number
}

/** A JavaScript string, or Uint8Array for bytes. */
export interface StringCode {
  readonly form: 'string'
  readonly value: string
  readonly isNull: string
  /** The memo (generator.ts) that holds it, and the variable of its slot: a whole output of it is a dictionary column. */
  readonly memo?: { readonly index: number; readonly slot: string }
}

/** One of some constant texts, by index. */
export interface ChoiceCode {
  readonly form: 'choice'
  readonly table: readonly string[]
  readonly index: string
  readonly isNull: string
}

/** A value as the evaluator has it; null is null. */
export interface BoxedCode {
  readonly form: 'boxed'
  readonly value: string
  readonly isNull: string
}

/** An integer of 64 bits as two numbers (generate-wide.ts): `high` · 2^32 + `low`. */
export interface PairCode {
  readonly form: 'pair'
  readonly high: string
  readonly low: string
  readonly isNull: string
}

/** Code of a value, integers beyond ±(2^53 − 1) among them. */
export type AnyCode = Code | PairCode

/** Code of a value in one of its forms. */
export type Code = ScalarCode | TextCode | StringCode | ChoiceCode | BoxedCode

/** The largest safe integer, as generated code writes it. */
export const SAFE_MAX = '9007199254740991'

/** A disjunction of null tests, without those that are never true. */
export function anyNull(tests: readonly string[]): string {
  const real = [...new Set(tests.filter((test) => test !== 'false'))]
  if (real.includes('true')) return 'true'
  if (real.length === 0) return 'false'
  return real.length === 1 ? (real[0] as string) : `(${real.join(' || ')})`
}

/** The form in which values of a type travel through generated code unless something better is known. */
export function formOf(type: DataType): 'scalar' | 'string' | 'boxed' {
  switch (type.kind) {
    case 'string':
    case 'bytes':
    case 'json':
    case 'uuid':
      return 'string'
    case 'interval':
    case 'list':
    case 'map':
    case 'struct':
      return 'boxed'
    default:
      return 'scalar'
  }
}
