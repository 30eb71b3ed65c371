/**
 * Comparison: = <> < <= > >=, BETWEEN, IN, IS DISTINCT FROM, and greatest/least.
 *
 * PostgreSQL's order: NaN equals itself and is the largest float; text compares by code points (as UTF-8 bytes, the
 * "C" collation); false is below true; intervals by length with a month of 30 days.
 */
import type { DataType, Interval } from '../../data/type.ts'
import type { Expression } from '../expression.ts'
import { intervalMicros } from '../interval.ts'
import { booleanType, commonType, isInteger, isNumeric } from '../types.ts'
import type { Value } from '../value.ts'
import { fitsLiteral } from './arithmetic.ts'
import type { FunctionDefinition, Resolution } from './define.ts'
import { isTextLiteral, isUntypedNull } from './define.ts'

/** The type in which all parts can be compared, or undefined. Literals adapt to the columns beside them. */
export function comparableType(parts: readonly Expression[]): DataType | undefined {
  const fixed = parts.filter((part) => !isUntypedNull(part) && !isTextLiteral(part))
  if (fixed.length === 0) return parts[0]?.type
  const anchor = fixed.find((part) => part.kind !== 'literal') ?? (fixed[0] as Expression)
  let type: DataType | undefined = anchor.type
  for (const part of fixed) {
    if (type === undefined) return undefined
    if (part === anchor || (isInteger(type) && fitsLiteral(part, type))) continue
    type = commonType(type, part.type)
  }
  if (type === undefined || !parts.some(isTextLiteral)) return type
  // A number is not written in quotes: '15' beside a number is more likely a mistake than meant.
  return isNumeric(type) || ['list', 'map', 'struct'].includes(type.kind) ? undefined : type
}

const compared = new Set<DataType['kind']>(['map', 'json'])

function resolveComparison(parts: readonly Expression[], ordered: boolean): Resolution | undefined {
  const type = comparableType(parts)
  if (type === undefined || (ordered && compared.has(type.kind))) return undefined
  return { parameters: parts.map(() => type), type: booleanType }
}

/** Compares two values of one type: negative, 0 or positive. */
export function compareValues(a: Value, b: Value, type: DataType): number {
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return compareFloats(a as number, b as number)
    case 'string':
    case 'json':
    case 'uuid':
      return compareText(a as string, b as string)
    case 'bytes':
      return compareBytes(a as Uint8Array, b as Uint8Array)
    case 'interval': {
      const first = intervalMicros(a as Interval)
      const second = intervalMicros(b as Interval)
      return first < second ? -1 : first > second ? 1 : 0
    }
    case 'list':
      return compareLists(a as readonly Value[], b as readonly Value[], () => type.element.type)
    case 'map':
      return compareLists((a as readonly Value[]).flat(), (b as readonly Value[]).flat(), (n) => n % 2 === 0 ? type.key : type.value.type) // prettier-ignore
    case 'struct':
      return compareLists(a as readonly Value[], b as readonly Value[], (n) => (type.fields[n] as { type: DataType }).type) // prettier-ignore
    default:
      return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
  }
}

function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return 0
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1
}

/** By code points, which is the order of the UTF-8 bytes; UTF-16 units put surrogates below U+E000 … U+FFFF. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const isSurrogateX = x >= 0xd800 && x < 0xe000
    const isSurrogateY = y >= 0xd800 && y < 0xe000
    if (isSurrogateX !== isSurrogateY) return isSurrogateX ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  }
  return a.length - b.length
}

/** Element by element, then by length; null elements are equal and sort last, as in PostgreSQL arrays. */
function compareLists(a: readonly Value[], b: readonly Value[], typeAt: (n: number) => DataType): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a[i] as Value
    const y = b[i] as Value
    if (x === null || y === null) {
      if (x !== y) return x === null ? 1 : -1
      continue
    }
    const order = compareValues(x, y, typeAt(i))
    if (order !== 0) return order
  }
  return a.length - b.length
}

function comparison(
  name: string,
  doc: string,
  ordered: boolean,
  test: (order: number) => boolean,
): FunctionDefinition {
  return {
    name,
    family: 'comparison',
    signature: `a ${name} b`,
    doc,
    nulls: 'strict',
    resolve: (parts) => (parts.length === 2 ? resolveComparison(parts, ordered) : undefined),
    evaluate: ([a, b], { types }) => test(compareValues(a as Value, b as Value, types[0] as DataType)),
  }
}

function distinct(name: string, doc: string, isDistinct: boolean): FunctionDefinition {
  return {
    name,
    family: 'comparison',
    signature: `a ${name.replaceAll('_', ' ')} b`,
    doc,
    nulls: 'seen',
    resolve(parts) {
      const resolution = parts.length === 2 ? resolveComparison(parts, false) : undefined
      return resolution === undefined ? undefined : { ...resolution, nullable: false }
    },
    evaluate([a, b], { types }) {
      if (a === null || b === null) return (a === b) !== isDistinct
      return (compareValues(a as Value, b as Value, types[0] as DataType) !== 0) === isDistinct
    },
  }
}

const inList: FunctionDefinition = {
  name: 'in',
  family: 'comparison',
  signature: 'a in (b, …)',
  doc: 'Whether a equals one of the values; null when none is equal and one is null.',
  nulls: 'seen',
  resolve: (parts) => (parts.length >= 2 ? resolveComparison(parts, false) : undefined),
  evaluate([value, ...items], { types }) {
    if (value === null) return null
    let sawNull = false
    for (const item of items) {
      if (item === null) sawNull = true
      else if (compareValues(value as Value, item, types[0] as DataType) === 0) return true
    }
    return sawNull ? null : false
  },
}

function extreme(name: 'greatest' | 'least', doc: string, sign: number): FunctionDefinition {
  return {
    name,
    family: 'comparison',
    signature: `${name}(a, …)`,
    doc,
    nulls: 'seen',
    resolve(parts) {
      const type = parts.length > 0 ? comparableType(parts) : undefined
      if (type === undefined || compared.has(type.kind)) return undefined
      return { parameters: parts.map(() => type), type, nullable: parts.every((part) => part.nullable) }
    },
    evaluate(values, { type }) {
      let best: Value = null
      for (const value of values) {
        if (value === null) continue
        if (best === null || compareValues(value, best, type) * sign > 0) best = value
      }
      return best
    },
  }
}

/** The entries of this family. */
export const comparisonFunctions: readonly FunctionDefinition[] = [
  comparison('=', 'Whether both are equal.', false, (order) => order === 0),
  comparison('<>', 'Whether both differ.', false, (order) => order !== 0),
  comparison('<', 'Whether a is below b.', true, (order) => order < 0),
  comparison('<=', 'Whether a is below b or equal.', true, (order) => order <= 0),
  comparison('>', 'Whether a is above b.', true, (order) => order > 0),
  comparison('>=', 'Whether a is above b or equal.', true, (order) => order >= 0),
  distinct('is_distinct_from', 'Whether both differ, null being a value like others.', true),
  distinct('is_not_distinct_from', 'Whether both are equal, null being a value like others.', false),
  inList,
  extreme('greatest', 'The largest of the values that are not null.', 1),
  extreme('least', 'The smallest of the values that are not null.', -1),
]
