/**
 * Row values of any shape as bytes and back: nested values in lists, sets and keyed state.
 *
 * Self-describing, so that it needs no type, and canonical: equal values have equal bytes (one zero, one NaN, fields in
 * their order). Not a storage format: what a checkpoint writes is defined there, by field ids.
 */
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

/** Nesting that a value may have. */
const DEPTH_MAX = 64

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Writes values into memory of its own, one at a time. */
export class ValueEncoder {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0
  #view = new DataView(this.bytes.buffer)

  /** Encodes a value; the result lies in `bytes[0 … length)` until the next call. */
  encode(value: unknown): void {
    this.length = 0
    this.#value(value, 0)
  }

  #value(value: unknown, depth: number): void {
    assert(depth <= DEPTH_MAX, `a value is nested more than ${DEPTH_MAX} deep`)
    switch (typeof value) {
      case 'undefined':
        return this.#tag(TAG_NULL)
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
    if ((value | 0) === value) {
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
    } else {
      const entries = Object.entries(value)
      this.#tag(TAG_OBJECT)
      this.#count(entries.length)
      for (const [key, one] of entries) {
        this.#text(key)
        this.#value(one, depth + 1)
      }
    }
  }

  #text(text: string): void {
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

/** The value encoded at `start`. */
export function decodeValue(bytes: Uint8Array, start: number): unknown {
  return new ValueDecoder(bytes, start).decode()
}
