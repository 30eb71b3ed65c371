/**
 * Row values of any shape as bytes and back: nested values in lists, sets and keyed state.
 *
 * Self-describing, so that it needs no type, and canonical: equal values have equal bytes (one zero, one NaN, fields in
 * their order). FROZEN: cells of snapshots hold these bytes (docs/internals/checkpoints.md); tags are added, never
 * changed.
 *
 * `faithful` encoders are for objects that user code goes on with: they tell undefined from null and −0 from 0, take
 * sets and arrays of numbers too, and refuse what would come back as something else.
 */
import { isWellFormed } from '../data/text-bytes.ts'
import { MillraceError, assert } from '../errors.ts'

const TAG_NULL = 0
const TAG_FALSE = 1
const TAG_TRUE = 2
const TAG_INTEGER = 3
const TAG_NUMBER = 4
const TAG_TEXT = 5
const TAG_BYTES = 6
const TAG_BIGINT = 7
const TAG_ARRAY = 8
const TAG_OBJECT = 9
const TAG_MAP = 10
const TAG_UNDEFINED = 11
const TAG_SET = 12
const TAG_NUMBERS = 13

/** Arrays of numbers by their number in the format. */
const NUMBER_ARRAYS = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const

/** What stands in front of the UTF-8 of an encoded text: its tag and its length. */
export const TEXT_HEADER_BYTES = 5

/** Nesting that a value may have. */
const DEPTH_MAX = 64

const encoder = new TextEncoder()
// A mark at the beginning is a part of the text: without it two texts would be one.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Writes values into memory of its own, one at a time. */
export class ValueEncoder {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0
  #view = new DataView(this.bytes.buffer)
  readonly #isFaithful: boolean

  constructor(options?: { readonly faithful?: boolean }) {
    this.#isFaithful = options?.faithful === true
  }

  /** Encodes a text that is there as UTF-8. */
  encodeText(source: Uint8Array, start: number, length: number): void {
    this.length = 0
    this.#tag(TAG_TEXT)
    this.#count(length)
    this.#reserve(length)
    this.bytes.set(source.subarray(start, start + length), this.length)
    this.length += length
  }

  /** Takes over the bytes of a value that was encoded before. */
  takeEncoded(source: Uint8Array, start: number, length: number): void {
    this.length = 0
    this.#reserve(length)
    this.bytes.set(source.subarray(start, start + length))
    this.length = length
  }

  /** Encodes a value; the result lies in `bytes[0 … length)` until the next call. */
  encode(value: unknown): void {
    this.length = 0
    this.#value(value, 0)
  }

  #value(value: unknown, depth: number): void {
    if (this.#isFaithful && depth > DEPTH_MAX) throw tooDeep()
    assert(depth <= DEPTH_MAX, `a value is nested more than ${DEPTH_MAX} deep`)
    switch (typeof value) {
      case 'undefined':
        return this.#tag(this.#isFaithful ? TAG_UNDEFINED : TAG_NULL)
      case 'boolean':
        return this.#tag(value ? TAG_TRUE : TAG_FALSE)
      case 'number':
        return this.#number(value)
      case 'string':
        this.#tag(TAG_TEXT)
        return this.#text(value)
      case 'bigint':
        this.#tag(TAG_BIGINT)
        return this.#text(value.toString())
      case 'object':
        return value === null ? this.#tag(TAG_NULL) : this.#object(value, depth)
      default:
        throw new MillraceError('value/invalid', {
          what: `a ${typeof value} cannot be kept in state`,
          hint: 'keep numbers, strings, booleans, bigints, bytes, arrays, maps and plain objects',
        })
    }
  }

  #number(value: number): void {
    this.#reserve(9)
    if ((value | 0) === value && !(this.#isFaithful && Object.is(value, -0))) {
      this.bytes[this.length] = TAG_INTEGER
      this.#view.setInt32(this.length + 1, value, true)
      this.length += 5
      return
    }
    this.bytes[this.length] = TAG_NUMBER
    this.#view.setFloat64(this.length + 1, value === value ? value : Number.NaN, true)
    this.length += 9
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) {
      this.#tag(TAG_BYTES)
      this.#count(value.length)
      this.#reserve(value.length)
      this.bytes.set(value, this.length)
      this.length += value.length
    } else if (this.#isFaithful && !(value instanceof Map) && !Array.isArray(value)) {
      this.#faithfulObject(value, depth)
    } else if (Array.isArray(value)) {
      this.#tag(TAG_ARRAY)
      this.#count(value.length)
      for (const element of value) this.#value(element, depth + 1)
    } else if (value instanceof Map) {
      this.#tag(TAG_MAP)
      this.#count(value.size)
      for (const [key, one] of value) {
        this.#value(key, depth + 1)
        this.#value(one, depth + 1)
      }
    } else this.#plainObject(value, depth)
  }

  #plainObject(value: object, depth: number): void {
    const entries = Object.entries(value)
    this.#tag(TAG_OBJECT)
    this.#count(entries.length)
    for (const [key, one] of entries) {
      this.#text(key)
      this.#value(one, depth + 1)
    }
  }

  #faithfulObject(value: object, depth: number): void {
    const kind = NUMBER_ARRAYS.findIndex((type) => value instanceof type)
    if (value instanceof Set) {
      this.#tag(TAG_SET)
      this.#count(value.size)
      for (const one of value) this.#value(one, depth + 1)
    } else if (kind >= 0) {
      const array = value as InstanceType<(typeof NUMBER_ARRAYS)[number]>
      this.#tag(TAG_NUMBERS)
      this.#tag(kind)
      this.#count(array.length)
      for (const one of array) this.#value(one, depth + 1)
    } else {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype !== Object.prototype && prototype !== null) throw ofClass(value)
      this.#plainObject(value, depth)
    }
  }

  #text(text: string): void {
    if (this.#isFaithful && !isWellFormed(text)) throw halfCharacter(text)
    this.#reserve(4 + text.length * 3)
    const { written } = encoder.encodeInto(text, this.bytes.subarray(this.length + 4))
    this.#view.setUint32(this.length, written, true)
    this.length += 4 + written
  }

  #tag(tag: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = tag
  }

  #count(count: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.length, count, true)
    this.length += 4
  }

  #reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    bytes.set(this.bytes.subarray(0, this.length))
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

/** Reads values that a `ValueEncoder` wrote, one after another. */
export class ValueDecoder {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = start
  }

  /** Where the next value starts. */
  get position(): number {
    return this.#at
  }

  /** The next value. */
  decode(): unknown {
    switch (this.#bytes[this.#at++]) {
      case TAG_NULL:
        return null
      case TAG_FALSE:
        return false
      case TAG_TRUE:
        return true
      case TAG_INTEGER:
        this.#at += 4
        return this.#view.getInt32(this.#at - 4, true)
      case TAG_NUMBER:
        this.#at += 8
        return this.#view.getFloat64(this.#at - 8, true)
      case TAG_TEXT:
        return this.#text()
      case TAG_BIGINT:
        return BigInt(this.#text())
      case TAG_BYTES: {
        const length = this.#count()
        this.#at += length
        return this.#bytes.slice(this.#at - length, this.#at)
      }
      case TAG_UNDEFINED:
        return undefined
      case TAG_SET:
        return new Set(Array.from({ length: this.#count() }, () => this.decode()))
      case TAG_NUMBERS: {
        const type = NUMBER_ARRAYS[this.#bytes[this.#at++] as number]
        assert(type !== undefined, 'an encoded array of numbers is of no known kind')
        const values = Array.from({ length: this.#count() }, () => this.decode())
        return (type as unknown as { from(values: unknown[]): unknown }).from(values)
      }
      case TAG_ARRAY:
        return Array.from({ length: this.#count() }, () => this.decode())
      case TAG_MAP:
        return new Map(Array.from({ length: this.#count() }, () => [this.decode(), this.decode()]))
      case TAG_OBJECT:
        return Object.fromEntries(Array.from({ length: this.#count() }, () => [this.#text(), this.decode()]))
      default:
        throw new MillraceError('internal/assertion', {
          what: `an encoded value has no tag at byte ${this.#at - 1}`,
        })
    }
  }

  /** Passes the next value over. */
  skip(): void {
    switch (this.#bytes[this.#at]) {
      case TAG_INTEGER:
        this.#at += 5
        return
      case TAG_NUMBER:
        this.#at += 9
        return
      case TAG_TEXT:
      case TAG_BIGINT:
      case TAG_BYTES: {
        this.#at++
        const length = this.#count()
        this.#at += length
        return
      }
      default:
        this.decode()
    }
  }

  #text(): string {
    const length = this.#count()
    this.#at += length
    return decoder.decode(this.#bytes.subarray(this.#at - length, this.#at))
  }

  #count(): number {
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }
}

function tooDeep(): MillraceError {
  return new MillraceError('value/invalid', {
    what: `an object nested more than ${DEPTH_MAX} deep cannot be kept in state`,
    hint: 'keep plain data without references to itself',
  })
}

function halfCharacter(text: string): MillraceError {
  return new MillraceError('value/invalid', {
    what: `the text ${JSON.stringify(text.slice(0, 60))} with half a character (a lone surrogate) cannot be kept in state`,
    detail: 'it would come back with U+FFFD in its place',
    hint: 'cut texts between characters, as in [...text], or keep text.toWellFormed()',
  })
}

function ofClass(value: object): MillraceError {
  const name = (value.constructor as { readonly name?: string } | undefined)?.name ?? ''
  return new MillraceError('value/invalid', {
    what: `an object of class ${name === '' ? 'without a name' : name} cannot be kept in state`,
    detail: 'it would come back without its class',
    hint: 'keep plain objects, arrays, maps, sets, bytes, strings and numbers; a date as its getTime()',
  })
}

/** Where the value encoded at `start` ends. */
export function encodedEnd(bytes: Uint8Array, start: number): number {
  const decoder = new ValueDecoder(bytes, start)
  decoder.skip()
  return decoder.position
}

/** The value encoded at `start`. */
export function decodeValue(bytes: Uint8Array, start: number): unknown {
  return new ValueDecoder(bytes, start).decode()
}
