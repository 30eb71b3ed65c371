/**
 * What values of state are checked for when a user function sets them: that they come back as they are, now and from a
 * checkpoint.
 *
 * Numbers cost a few comparisons. Nested values are walked once before they are encoded (value-codec.ts); nothing is
 * allocated unless something is wrong.
 */
import { fitsPrecision, parseDecimal } from '../data/decimal.ts'
import { integerRanges } from '../data/integer-ranges.ts'
import { isWellFormed } from '../data/text-bytes.ts'
import { typeToString } from '../data/type-text.ts'
import type { DataType, ElementType, Field } from '../data/type.ts'
import { valueText } from '../data/value-text.ts'
import { MillraceError } from '../errors.ts'
import { parseDate } from '../time/instant.ts'
import { valueShape } from './state-value.ts'
import type { ValueShape } from './state-value.ts'

/** What is wrong with a value, or with a part of it. */
interface Fault {
  /** From the value to the part, as in `.items[2].when`; empty: the value itself. */
  readonly path: string
  readonly value: unknown
  readonly type: DataType
  readonly wanted?: string | undefined
  readonly hint?: string | undefined
}

/** Nesting that an encoded value may have. */
const DEPTH_MAX = 64

const wholeText = 'a text of whole characters'
const halfCharacterHint =
  'it has half a character (a lone surrogate): cut texts between characters, as in [...text], or give text.toWellFormed()'

const DAY_MS = 86_400_000
/** Milliseconds whose nanoseconds a count of 64 bits has. */
const NANOSECOND_RANGE_MS = 9_223_372_036_854

const rangesInRows: { readonly [kind: string]: readonly [low: number, high: number] } = {
  ...integerRanges,
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  time: [0, DAY_MS - 1],
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The numbers that a type of whole numbers takes in rows. */
function integerRange(type: DataType): readonly [low: number, high: number] {
  if (type.kind !== 'timestamp') return rangesInRows[type.kind] ?? [0, 0]
  return type.unit === 'ns'
    ? [-NANOSECOND_RANGE_MS, NANOSECOND_RANGE_MS]
    : [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
}

/** Checks the values of one state, or the keys of a map of state. */
export class ValueCheck {
  readonly shape: ValueShape
  readonly #type: DataType
  readonly #name: string
  readonly #low: number
  readonly #high: number

  constructor(type: DataType, name: string) {
    this.shape = valueShape(type)
    this.#type = type
    this.#name = name
    const [low, high] = this.shape === 'integer' ? integerRange(type) : [0, 0]
    this.#low = low
    this.#high = high
  }

  /**
   * Lets a value pass that the state can hold.
   *
   * @throws MillraceError `value/invalid` with the path of what it cannot hold.
   */
  check(value: unknown): void {
    switch (this.shape) {
      case 'number':
        if (typeof value === 'number') return
        break
      case 'integer':
        if (Number.isInteger(value) && (value as number) >= this.#low && (value as number) <= this.#high)
          return
        break
      case 'boolean':
        if (typeof value === 'boolean') return
        break
      case 'text':
        if (typeof value === 'string' && this.#type.kind === 'string' && isWellFormed(value)) return
        break
      case 'other':
        // Whether a state is nullable is not known here.
        if (value === null) return
        break
      case 'bigint':
    }
    const fault = faultOf(this.#type, value, 0)
    if (fault !== undefined) throw refused(fault, this.#name)
  }
}

/** What is wrong with a value of a type, if anything. */
function faultOf(type: DataType, value: unknown, depth: number): Fault | undefined {
  if (depth > DEPTH_MAX) return tooDeep(type, value)
  switch (type.kind) {
    case 'json':
      return jsonFault(type, value, depth)
    case 'list':
      return Array.isArray(value) ? listFault(type.element, value, depth) : wrong(type, value, 'an array')
    case 'map':
      return value instanceof Map ? mapFault(type, value, depth) : wrong(type, value, 'a Map')
    case 'struct':
      return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map)
        ? structFault(type, value, depth)
        : wrong(type, value, 'an object')
    default:
      return isFlat(type, value) ? undefined : wrong(type, value, wantedOf(type))
  }
}

/** Whether a value is one of a type without parts. */
function isFlat(type: DataType, value: unknown): boolean {
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'float32':
    case 'float64':
      return typeof value === 'number'
    case 'string':
      return typeof value === 'string' && isWellFormed(value)
    case 'uuid':
      return typeof value === 'string' && uuidPattern.test(value)
    case 'date': {
      const days = typeof value === 'string' ? parseDate(value) : Number.NaN
      return days === days
    }
    case 'decimal': {
      const unscaled = typeof value === 'string' ? parseDecimal(value, type.scale) : undefined
      return unscaled !== undefined && fitsPrecision(unscaled, type.precision)
    }
    case 'bytes':
      return value instanceof Uint8Array
    case 'interval':
      return isInterval(value)
    default: {
      const [low, high] = integerRange(type)
      if (valueShape(type) === 'bigint') return typeof value === 'bigint' && asWord(type, value) === value
      return Number.isInteger(value) && (value as number) >= low && (value as number) <= high
    }
  }
}

function asWord({ kind }: DataType, value: bigint): bigint {
  return kind === 'uint64' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)
}

function isInterval(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { months, days, micros } = value as { readonly [part: string]: unknown }
  return Number.isSafeInteger(months) && Number.isSafeInteger(days) && Number.isSafeInteger(micros)
}

function wantedOf(type: DataType): string | undefined {
  switch (type.kind) {
    case 'string':
      return wholeText
    case 'date':
      return "a text such as '2001-03-25'"
    case 'time':
      return 'whole milliseconds of a day, 0 to 86399999'
    case 'timestamp':
      return 'whole milliseconds since 1970'
    case 'decimal':
      return `a text of at most ${type.precision} digits, ${type.scale} of them after the point`
    case 'bytes':
      return 'a Uint8Array'
    case 'interval':
      return 'whole numbers of months, days and micros'
    case 'int64':
    case 'uint64':
      if (type.rows === 'bigint') return 'a bigint of 64 bits'
      return rangeText(type)
    default:
      return valueShape(type) === 'integer' ? rangeText(type) : undefined
  }
}

function rangeText(type: DataType): string {
  const [low, high] = integerRange(type)
  return `a whole number from ${low} to ${high}`
}

function wrong(type: DataType, value: unknown, wanted: string | undefined): Fault {
  if (typeof value === 'string' && !isWellFormed(value))
    return { path: '', value, type, wanted, hint: halfCharacterHint }
  const isMoment = isDate(value) && (type.kind === 'timestamp' || type.kind === 'time')
  return { path: '', value, type, wanted, hint: isMoment ? 'give its getTime()' : roundingHint(type, value) }
}

function roundingHint(type: DataType, value: unknown): string | undefined {
  const isFraction = typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value)
  return isFraction && valueShape(type) === 'integer'
    ? 'round it, for example with Math.round(…), or declare a type of fractions'
    : undefined
}

function tooDeep(type: DataType, value: unknown): Fault {
  const wanted = `values nested at most ${DEPTH_MAX} deep, without references to themselves`
  return { path: '', value, type, wanted }
}

/** A fault in a part, told of from the whole. */
function inPart(fault: Fault | undefined, segment: () => string): Fault | undefined {
  return fault === undefined ? undefined : { ...fault, path: segment() + fault.path }
}

/** An element, entry or member: null where it may be. */
function elementFault({ type, nullable }: ElementType, value: unknown, depth: number): Fault | undefined {
  return nullable && (value === null || value === undefined) ? undefined : faultOf(type, value, depth + 1)
}

function listFault(element: ElementType, value: readonly unknown[], depth: number): Fault | undefined {
  for (let i = 0; i < value.length; i++) {
    const fault = elementFault(element, value[i], depth)
    if (fault !== undefined) return inPart(fault, () => `[${i}]`)
  }
  return undefined
}

function mapFault(
  type: Extract<DataType, { kind: 'map' }>,
  value: ReadonlyMap<unknown, unknown>,
  depth: number,
): Fault | undefined {
  for (const [key, entry] of value) {
    const ofKey = faultOf(type.key, key, depth + 1)
    if (ofKey !== undefined) return inPart(ofKey, () => '.key')
    const fault = elementFault(type.value, entry, depth)
    if (fault !== undefined)
      return inPart(fault, () => `[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`)
  }
  return undefined
}

function structFault(
  { fields }: { readonly fields: readonly Field[] },
  value: object,
  depth: number,
): Fault | undefined {
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field
    // What is inherited would be left behind: only an object's own members are kept.
    const isOwn = Object.prototype.propertyIsEnumerable.call(value, field.name)
    const member = isOwn ? (value as { readonly [name: string]: unknown })[field.name] : undefined
    const fault = elementFault(field, member, depth)
    if (fault !== undefined) return inPart(fault, () => `.${field.name}`)
  }
  return undefined
}

function jsonFault(type: DataType, value: unknown, depth: number): Fault | undefined {
  if (depth > DEPTH_MAX) return tooDeep(type, value)
  switch (typeof value) {
    case 'string':
      return isWellFormed(value) ? undefined : wrong(type, value, wholeText)
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value)
        ? undefined
        : notJson(type, value, 'JSON has no such number: give null, or a text')
    case 'object':
      if (value === null) return undefined
      if (Array.isArray(value)) return listFault({ type, nullable: false }, value, depth)
      return isPlain(value) ? jsonObjectFault(type, value, depth) : notJson(type, value, plainForm(value))
    case 'undefined':
      return notJson(
        type,
        value,
        depth === 0 ? 'use .clear() to forget a value' : 'leave it out, or give null',
      )
    default:
      return notJson(type, value, typeof value === 'bigint' ? 'give it as a text' : undefined)
  }
}

function jsonObjectFault(type: DataType, value: object, depth: number): Fault | undefined {
  for (const name of Object.keys(value)) {
    if (!isWellFormed(name)) return wrong(type, name, wholeText)
    const fault = jsonFault(type, (value as { readonly [name: string]: unknown })[name], depth + 1)
    if (fault !== undefined) return inPart(fault, () => `.${name}`)
  }
  return undefined
}

/** Whether it is an object of no class: literals, what JSON.parse gives, views of rows. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function notJson(type: DataType, value: unknown, hint: string | undefined): Fault {
  return { path: '', value, type, wanted: 'what JSON can hold', hint }
}

function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Date]'
}

/** What could be given in the place of an object that JSON has not. */
function plainForm(value: object): string | undefined {
  if (isDate(value)) return 'give its getTime(), or its toISOString()'
  if (value instanceof Map) return 'declare t.map(…), or give Object.fromEntries(…)'
  if (value instanceof Set || ArrayBuffer.isView(value)) return 'give an array: [...values]'
  return 'give a plain object: { ...value }'
}

function refused({ path, value, type, wanted, hint }: Fault, name: string): MillraceError {
  const expected = `${typeToString(type)} was expected${wanted === undefined ? '' : `: ${wanted}`}`
  return new MillraceError('value/invalid', {
    what: `state "${name}" cannot hold this value`,
    detail: `${name}${path} is ${valueText(value)}, and ${expected}`,
    hint: hint ?? (value === undefined || value === null ? 'use .clear() to forget a value' : undefined),
  })
}
