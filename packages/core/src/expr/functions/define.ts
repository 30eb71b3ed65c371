/**
 * What an entry of the function catalogue is, and the vocabulary in which parameters are declared.
 *
 * An entry says which arguments it takes, what type comes out, and computes one value (the reference). Faster code for
 * columns is expr/generate*; a function without it is still compiled, by calling its reference per row.
 */
import type { DataType } from '../../data/type.ts'
import type { Expression } from '../expression.ts'
import { isFloat, isInteger, isNumeric } from '../types.ts'
import * as types from '../types.ts'
import type { Value } from '../value.ts'

/** Families, one file each. */
export type Family =
  | 'arithmetic'
  | 'comparison'
  | 'logic'
  | 'string'
  | 'pattern'
  | 'math'
  | 'time'
  | 'json'
  | 'collection'
  | 'other'

/** What an overload comes to: the types that arguments are converted to, and the type of the result. */
export interface Resolution {
  readonly parameters: readonly DataType[]
  readonly type: DataType
  /** Whether the result can be null; by default it can when an argument can. */
  readonly nullable?: boolean
}

/** What a reference implementation is told besides its arguments. */
export interface CallContext {
  /** Type of the result. */
  readonly type: DataType
  /** Types of the arguments. */
  readonly types: readonly DataType[]
}

/** An entry of the catalogue. */
export interface FunctionDefinition {
  readonly name: string
  readonly family: Family
  /** For people: `left(text, count) → text`. */
  readonly signature: string
  /** One line. */
  readonly doc: string
  /** Undefined: no overload takes these arguments. */
  readonly resolve: (parts: readonly Expression[]) => Resolution | undefined
  /** Computes one value. Not called when an argument is null, unless `nulls` is 'seen'. */
  readonly evaluate: (values: readonly Value[], call: CallContext) => Value
  readonly nulls: 'strict' | 'seen'
  /** Looks at its arguments one after the other and may leave the rest alone (AND, OR, coalesce). */
  readonly lazy?: (parts: readonly (() => Value)[], call: CallContext) => Value
}

/** A kind of parameter: the type that an argument is converted to, or undefined when it is not accepted. */
export interface Parameter {
  readonly label: string
  accept(part: Expression): DataType | undefined
}

/** A literal NULL that has no type of its own yet. */
export function isUntypedNull(part: Expression): boolean {
  return part.kind === 'literal' && part.value === null && part.type.kind === 'string'
}

/** A text literal, which may become a date, a uuid, … where one is wanted. */
export function isTextLiteral(part: Expression): boolean {
  return part.kind === 'literal' && part.type.kind === 'string' && part.value !== null
}

function kind(
  label: string,
  fallback: DataType,
  test: (type: DataType) => DataType | undefined,
  fromText: boolean,
): Parameter {
  return {
    label,
    accept(part) {
      if (isUntypedNull(part)) return fallback
      return test(part.type) ?? (fromText && isTextLiteral(part) ? fallback : undefined)
    },
  }
}

const same =
  (name: DataType['kind']) =>
  (type: DataType): DataType | undefined =>
    type.kind === name ? type : undefined

/** Kinds of parameters. `number` keeps the argument's own type, `float` converts to float64. */
export const parameter: { readonly [Name in 'text' | 'boolean' | 'integer' | 'number' | 'float' | 'exact' | 'timestamp' | 'date' | 'time' | 'interval' | 'json' | 'bytes' | 'uuid' | 'list' | 'map' | 'any' | 'textOrBytes']: Parameter } = {
  text: kind('text', types.stringType, same('string'), false),
  boolean: kind('boolean', types.booleanType, same('boolean'), true),
  integer: kind('integer', types.int32Type, (type) => (isInteger(type) ? type : undefined), false),
  number: kind('number', types.int32Type, (type) => (isNumeric(type) ? type : undefined), false),
  float: kind('number', types.float64Type, (type) => (isNumeric(type) ? types.float64Type : undefined), false),
  exact: kind('integer or decimal', types.int32Type, (type) => (isNumeric(type) && !isFloat(type) ? type : undefined), false),
  timestamp: kind(
    'timestamp',
    { kind: 'timestamp', unit: 'ms', zoned: false },
    (type) => (type.kind === 'date' ? { kind: 'timestamp', unit: 'ms', zoned: false } : same('timestamp')(type)),
    true,
  ),
  date: kind('date', types.dateType, same('date'), true),
  time: kind('time', { kind: 'time', unit: 'ms' }, same('time'), true),
  interval: kind('interval', types.intervalType, same('interval'), true),
  json: kind('json', types.jsonType, same('json'), true),
  bytes: kind('bytes', types.bytesType, same('bytes'), false),
  uuid: kind('uuid', types.uuidType, same('uuid'), true),
  list: kind('list', { kind: 'list', element: { type: types.stringType, nullable: true } }, same('list'), false),
  map: kind('map', types.stringType, same('map'), false),
  any: kind('any', types.stringType, (type) => type, false),
  textOrBytes: kind('text or bytes', types.stringType, (type) => same('string')(type) ?? same('bytes')(type), false),
} // prettier-ignore

/** One way to call a function. */
export interface Overload {
  readonly parameters: readonly Parameter[]
  /** How many of the last parameters may be left out. */
  readonly optional?: number
  /** Further arguments of this kind, any number. */
  readonly rest?: Parameter
  /** From the types the arguments are converted to. */
  readonly result: DataType | ((types: readonly DataType[]) => DataType | undefined)
  readonly nullable?: boolean
}

/** Resolves by the first overload that accepts all arguments, preferring those that need no conversion. */
function byOverloads(overloads: readonly Overload[]): FunctionDefinition['resolve'] {
  return (parts) => {
    let best: Resolution | undefined
    let bestScore = -1
    for (const overload of overloads) {
      const resolution = tryOverload(overload, parts)
      if (resolution === undefined) continue
      const score = resolution.parameters.filter((type, n) => type.kind === parts[n]?.type.kind).length
      if (score > bestScore) {
        best = resolution
        bestScore = score
      }
    }
    return best
  }
}

function tryOverload(overload: Overload, parts: readonly Expression[]): Resolution | undefined {
  const { parameters, optional = 0, rest } = overload
  if (parts.length < parameters.length - optional) return undefined
  if (parts.length > parameters.length && rest === undefined) return undefined
  const accepted: DataType[] = []
  for (const [index, part] of parts.entries()) {
    const type = (parameters[index] ?? (rest as Parameter)).accept(part)
    if (type === undefined) return undefined
    accepted.push(type)
  }
  const type = typeof overload.result === 'function' ? overload.result(accepted) : overload.result
  if (type === undefined) return undefined
  return overload.nullable === undefined
    ? { parameters: accepted, type }
    : { parameters: accepted, type, nullable: overload.nullable }
}

/** Makes an entry from overloads. */
export function define(
  name: string,
  family: Family,
  signature: string,
  doc: string,
  overloads: readonly Overload[],
  evaluate: FunctionDefinition['evaluate'],
  nulls: 'strict' | 'seen' = 'strict',
): FunctionDefinition {
  return { name, family, signature, doc, resolve: byOverloads(overloads), evaluate, nulls }
}
