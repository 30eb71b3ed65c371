/**
 * Nested values from JSON text: lists, maps, structs and intervals as the row values that data's builders take.
 *
 * The slower path of the JSON decoders (and of CSV fields that hold JSON). Numbers stay exact: int64 beyond 2^53 and
 * counts of µs and ns come out as bigint, decimals as text. Members of a struct that the type lacks are skipped.
 */
import { fitsPrecision, parseDecimal } from '../../../data/decimal.ts'
import { typeToString } from '../../../data/type-text.ts'
import type { DataType, ElementType, Field, Interval, TimeUnit } from '../../../data/type.ts'
import {
  exactCount,
  formatDate,
  parseDate,
  parseInstant,
  parseTimeOfDay,
  UNITS_PER_MS,
} from '../../../time/index.ts'
import { isInterval, parseIsoInterval } from '../text/interval-text.ts'
import {
  expectByte,
  hasEscape,
  isJsonNumber,
  JSON_DEPTH_MAX,
  keyEnd,
  skipColon,
  skipScalar,
  skipSpace,
  skipValue,
  stringEnd,
  unescapeInto,
} from './json-scanner.ts'
import { integerRanges } from '../text/number-limits.ts'
import { quoteInput, RecordFault } from '../text/record-fault.ts'
import { asciiText, decodeBase64 } from '../text/text-cell.ts'
import type { EpochUnit } from '../text/text-options.ts'

const QUOTE = 34
const NANOS_PER_EPOCH: { readonly [Unit in EpochUnit]: bigint } = {
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1000n,
  ns: 1n,
}

/** Reads values of known types from JSON text; `end` is where the last one ended. */
export class JsonValueReader {
  /** Behind the last value read. */
  end = 0
  readonly #epochUnit: EpochUnit
  #depth = 0

  constructor(epochUnit: EpochUnit) {
    this.#epochUnit = epochUnit
  }

  /** The row value at `at` of a field; null only where the field is nullable. */
  read(field: ElementType, path: string, bytes: Uint8Array, at: number, end: number): unknown {
    if (at >= end) throw new RecordFault('the record ends where a value is expected', end)
    const { type } = field
    if (bytes[at] === 110) {
      this.end = skipScalar(bytes, at, end)
      if (field.nullable) return null
      // A JSON column that takes no null of SQL still holds the null of JSON.
      if (type.kind === 'json') return null
      throw new RecordFault(`expected ${typeToString(type)}, found null`, at, { column: path })
    }
    switch (type.kind) {
      case 'list':
        return this.#nested(at, path, () => this.#list(type.element, path, bytes, at, end))
      case 'map':
        return this.#nested(at, path, () => this.#map(type, path, bytes, at, end))
      case 'struct':
        return this.#nested(at, path, () => this.#struct(type.fields, path, bytes, at, end))
      case 'interval':
        return this.#interval(path, bytes, at, end)
      case 'json':
        this.end = skipValue(bytes, at, end)
        return parseJson(bytes, at, this.end, path)
      default:
        return this.#scalar(type, path, bytes, at, end)
    }
  }

  #nested<Value>(at: number, path: string, read: () => Value): Value {
    if (this.#depth >= JSON_DEPTH_MAX) {
      throw new RecordFault(`a value is nested more than ${JSON_DEPTH_MAX} levels deep`, at, { column: path })
    }
    this.#depth++
    try {
      return read()
    } finally {
      this.#depth--
    }
  }

  #list(element: ElementType, path: string, bytes: Uint8Array, at: number, end: number): unknown[] {
    const values: unknown[] = []
    let p = skipSpace(bytes, this.#open(bytes, at, end, 91, 'a list', path), end)
    if (p < end && bytes[p] === 93) {
      this.end = p + 1
      return values
    }
    for (;;) {
      values.push(this.read(element, `${path}[${values.length}]`, bytes, p, end))
      p = skipSpace(bytes, this.end, end)
      if (p < end && bytes[p] === 93) break
      p = skipSpace(bytes, expectByte(bytes, p, end, 44, '"," or "]"'), end)
    }
    this.end = p + 1
    return values
  }

  /** An object when keys are text in JSON; else a list of [key, value] pairs. Both are read. */
  #map(
    type: DataType & { readonly kind: 'map' },
    path: string,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>()
    if (bytes[at] === 91) {
      this.#pairs(type, path, bytes, at, end, map)
      return map
    }
    this.#members(path, bytes, at, end, (keyStart, keyStop, valueAt) => {
      const key = this.#textValue(type.key, path, bytes, keyStart, keyStop)
      map.set(key, this.read(type.value, `${path}[${String(key)}]`, bytes, valueAt, end))
    })
    return map
  }

  #pairs(
    type: DataType & { readonly kind: 'map' },
    path: string,
    bytes: Uint8Array,
    at: number,
    end: number,
    map: Map<unknown, unknown>,
  ): void {
    let p = skipSpace(bytes, at + 1, end)
    while (!(p < end && bytes[p] === 93)) {
      p = skipSpace(bytes, expectByte(bytes, p, end, 91, 'a [key, value] pair'), end)
      const key = this.read({ type: type.key, nullable: false }, `${path}.key`, bytes, p, end)
      p = skipSpace(bytes, expectByte(bytes, skipSpace(bytes, this.end, end), end, 44, '","'), end)
      map.set(key, this.read(type.value, `${path}[${String(key)}]`, bytes, p, end))
      p = skipSpace(bytes, expectByte(bytes, skipSpace(bytes, this.end, end), end, 93, '"]"'), end)
      if (p < end && bytes[p] === 93) break
      p = skipSpace(bytes, expectByte(bytes, p, end, 44, '"," or "]"'), end)
    }
    this.end = p + 1
  }

  #struct(
    fields: readonly Field[],
    path: string,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): { [name: string]: unknown } {
    const value: { [name: string]: unknown } = {}
    const byName = new Map(fields.map((field) => [field.name, field]))
    this.#members(path, bytes, at, end, (keyStart, keyStop, valueAt) => {
      const name = textOf(bytes, keyStart, keyStop)
      const field = byName.get(name)
      if (field === undefined) this.end = skipValue(bytes, valueAt, end)
      else value[name] = this.read(field, `${path}.${name}`, bytes, valueAt, end)
    })
    for (const field of fields) {
      if (field.name in value) continue
      if (!field.nullable) {
        throw new RecordFault(`the member "${field.name}" is missing`, at, {
          column: path,
          code: 'input/missing-column',
        })
      }
      value[field.name] = null
    }
    return value
  }

  #interval(path: string, bytes: Uint8Array, at: number, end: number): Interval {
    if (bytes[at] === QUOTE) {
      const stop = stringEnd(bytes, at + 1, end)
      this.end = stop + 1
      const interval = parseIsoInterval(asciiText(bytes, at + 1, stop))
      if (interval === undefined) throw expected({ kind: 'interval' }, path, bytes, at, this.end)
      return interval
    }
    const parts: { [name: string]: number } = { months: 0, days: 0, micros: 0 }
    this.#members(path, bytes, at, end, (keyStart, keyStop, valueAt) => {
      const name = textOf(bytes, keyStart, keyStop)
      if (parts[name] === undefined) throw expected({ kind: 'interval' }, path, bytes, at, valueAt)
      const field: ElementType = { type: { kind: 'int64', rows: 'number' }, nullable: false }
      parts[name] = Number(this.read(field, `${path}.${name}`, bytes, valueAt, end))
    })
    const interval = parts as unknown as Interval
    if (!isInterval(interval)) throw expected({ kind: 'interval' }, path, bytes, at, this.end)
    return interval
  }

  /** Calls back for each member of an object with the range of its key; the callback moves `end` behind the value. */
  #members(
    path: string,
    bytes: Uint8Array,
    at: number,
    end: number,
    member: (keyStart: number, keyStop: number, valueAt: number) => void,
  ): void {
    let p = skipSpace(bytes, this.#open(bytes, at, end, 123, 'an object', path), end)
    if (!(p < end && bytes[p] === 125)) {
      for (;;) {
        const behindKey = keyEnd(bytes, p, end)
        member(p + 1, behindKey - 1, skipSpace(bytes, skipColon(bytes, behindKey, end), end))
        p = skipSpace(bytes, this.end, end)
        if (p < end && bytes[p] === 125) break
        p = skipSpace(bytes, expectByte(bytes, p, end, 44, '"," or "}"'), end)
      }
    }
    this.end = p + 1
  }

  #open(bytes: Uint8Array, at: number, end: number, byte: number, what: string, path: string): number {
    if (bytes[at] === byte) return at + 1
    const found = quoteInput(bytes, at, Math.min(end, at + 20))
    throw new RecordFault(`expected ${what}, found ${found}`, at, { column: path })
  }

  #scalar(type: DataType, path: string, bytes: Uint8Array, at: number, end: number): unknown {
    if (bytes[at] === QUOTE) {
      const stop = stringEnd(bytes, at + 1, end)
      this.end = stop + 1
      return this.#textValue(type, path, bytes, at + 1, stop)
    }
    const first = bytes[at]
    if (first === 123 || first === 91) throw structureFault(type, path, bytes, at, end)
    const stop = skipScalar(bytes, at, end)
    this.end = stop
    if (first === 116 || first === 102) {
      if (type.kind === 'boolean') return first === 116
      throw expected(type, path, bytes, at, stop)
    }
    if (!isJsonNumber(bytes, at, stop)) throw expected(type, path, bytes, at, stop)
    const value = this.#numberValue(type, asciiText(bytes, at, stop))
    if (value === undefined) throw expected(type, path, bytes, at, stop)
    return value
  }

  /** The row value of a number; undefined when it does not fit the type. Builders need not refuse it any more. */
  #numberValue(type: DataType, text: string): unknown {
    switch (type.kind) {
      case 'float32':
      case 'float64': {
        const value = Number(text)
        return Number.isFinite(type.kind === 'float32' ? Math.fround(value) : value) ? value : undefined
      }
      case 'decimal': {
        const unscaled = parseDecimal(text, type.scale)
        return unscaled !== undefined && fitsPrecision(unscaled, type.precision) ? text : undefined
      }
      case 'timestamp': {
        const nanos = parseDecimal(text, 12)
        if (nanos === undefined) return undefined
        const perUnit = BigInt(1_000_000 / UNITS_PER_MS[type.unit])
        return inRange(
          'int64',
          floorDivide(nanos * NANOS_PER_EPOCH[this.#epochUnit], 1_000_000_000_000n * perUnit),
        )
      }
      case 'time':
        return timeInRange(parseDecimal(text, 0), type.unit)
      case 'date': {
        const days = Number(text)
        return (days | 0) === days ? formatDate(days) : undefined
      }
      default: {
        const exact = inRange(type.kind, parseDecimal(text, 0))
        return exact === undefined || type.kind === 'int64' || type.kind === 'uint64' ? exact : Number(exact)
      }
    }
  }

  /** The value of a type from the content of a JSON string (or a key). */
  #textValue(type: DataType, path: string, bytes: Uint8Array, start: number, stop: number): unknown {
    const text = textOf(bytes, start, stop)
    const value = this.#fromText(type, text)
    if (value === undefined) throw expected(type, path, bytes, start, stop)
    return value
  }

  #fromText(type: DataType, text: string): unknown {
    switch (type.kind) {
      case 'string':
        return text
      case 'uuid':
        return uuidPattern.test(text) ? text : undefined
      case 'bytes':
        return decodeBase64(Buffer.from(text), 0, Buffer.byteLength(text))
      case 'date': {
        const days = parseDate(text)
        return Number.isNaN(days) ? undefined : formatDate(days)
      }
      case 'timestamp': {
        const instant = parseInstant(text)
        return instant === undefined ? undefined : inRange('int64', exactCount(instant, type.unit))
      }
      case 'time': {
        const nanos = parseTimeOfDay(text)
        return nanos === undefined ? undefined : nanos / BigInt(1_000_000 / UNITS_PER_MS[type.unit])
      }
      case 'boolean':
        return text === 'true' ? true : text === 'false' ? false : undefined
      case 'float32':
      case 'float64':
        if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return Number(text)
        return /^-?\d/.test(text) ? this.#numberValue(type, text) : undefined
      default:
        // Keys of maps are always quoted in JSON, and exact numbers often are.
        return /^[+-]?\d/.test(text) ? this.#numberValue(type, text) : undefined
    }
  }
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The value when it is within the range of an integer type, else undefined. */
function inRange(kind: string, value: bigint | undefined): bigint | undefined {
  const range = integerRanges[kind]
  if (range === undefined || value === undefined || value < range[0] || value > range[1]) return undefined
  return value
}

function timeInRange(count: bigint | undefined, unit: TimeUnit): bigint | undefined {
  const dayUnits = 86_400_000n * BigInt(UNITS_PER_MS[unit])
  return count !== undefined && count >= 0n && count < dayUnits ? count : undefined
}

/** The string of the content of a JSON string. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (!hasEscape(bytes, start, end)) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
  }
  const plain = Buffer.allocUnsafe(end - start)
  return plain.toString('utf8', 0, unescapeInto(plain, 0, bytes, start, end))
}

/** JSON.parse of a range, with the place when it is refused. */
export function parseJson(bytes: Uint8Array, start: number, end: number, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'))
  } catch {
    throw new RecordFault(`${quoteInput(bytes, start, end)} is not JSON`, start, { column: path })
  }
}

function expected(type: DataType, path: string, bytes: Uint8Array, start: number, end: number): RecordFault {
  const found = quoteInput(bytes, start, end)
  return new RecordFault(`expected ${typeToString(type)}, found ${found}`, start, { column: path })
}

/** An object or an array where a plain value belongs; the fault of the document instead when it does not end well. */
export function structureFault(
  type: DataType,
  path: string,
  bytes: Uint8Array,
  at: number,
  end: number,
): RecordFault {
  skipValue(bytes, at, end)
  const found = bytes[at] === 123 ? 'an object' : 'an array'
  return new RecordFault(`expected ${typeToString(type)}, found ${found}`, at, {
    column: path,
    hint: 'declare what it is: t.struct({ … }), t.list(…), t.map(…), or t.json() for any of them',
  })
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient
}
