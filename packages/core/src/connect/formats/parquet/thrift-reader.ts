/**
 * Reads Thrift's compact protocol, as far as Parquet uses it: footers and page headers.
 *
 * Every length is checked against the bytes that are left before anything is made of that size, and nesting has a
 * bound, so a damaged header costs at most time in proportion to its bytes.
 */
import { damaged } from './damage.ts'

/** Types of the compact protocol. */
export const thriftType = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  int16: 4,
  int32: 5,
  int64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const

/** Deeper nesting than this is taken for damage; Parquet's own structures are six deep. */
const NESTING_MAX = 32

// A mark at the beginning of a name is a part of it.
const text = new TextDecoder('utf-8', { ignoreBOM: true })

/** A cursor over Thrift bytes. */
export class ThriftReader {
  readonly bytes: Uint8Array
  position: number
  readonly end: number
  private nesting = 0

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  private byte(): number {
    if (this.position >= this.end) throw damaged('a header ends in the middle of a value')
    return this.bytes[this.position++] as number
  }

  /** An unsigned number of up to 64 bits, exact below 2^53. */
  private varint(): number {
    let result = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      const byte = this.byte()
      result += (byte & 0x7f) * scale
      if (byte < 0x80) return result
      scale *= 128
    }
    throw damaged('a number in a header has more than ten bytes')
  }

  /** A signed whole number inside ±2^52. */
  integer(): number {
    const folded = this.varint()
    if (folded > Number.MAX_SAFE_INTEGER) throw damaged('a number in a header is too large')
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
  }

  /** A signed whole number that must fit 32 bits. */
  int32(): number {
    const value = this.integer()
    if (value !== (value | 0)) throw damaged('a 32-bit number in a header is too large')
    return value
  }

  int8(): number {
    return (this.byte() << 24) >> 24
  }

  /** A view of a byte string. */
  binary(): Uint8Array {
    const length = this.varint()
    if (length > this.end - this.position) throw damaged('a text in a header is longer than the header')
    const start = this.position
    this.position += length
    return this.bytes.subarray(start, this.position)
  }

  text(): string {
    return text.decode(this.binary())
  }

  /** Reads a struct; `onField` consumes the field and returns true, or leaves it and returns false. */
  struct(onField: (id: number, type: number) => boolean): void {
    if (++this.nesting > NESTING_MAX) throw damaged('a header is nested too deeply')
    let id = 0
    for (;;) {
      const head = this.byte()
      const type = head & 0x0f
      if (type === thriftType.stop) break
      const delta = head >> 4
      id = delta === 0 ? this.integer() : id + delta
      if (!onField(id, type)) this.skip(type)
    }
    this.nesting--
  }

  /** Reads a list; `onElement` consumes one element. */
  list<Element>(fieldType: number, onElement: (type: number) => Element): Element[] {
    if (fieldType !== thriftType.list && fieldType !== thriftType.set)
      throw damaged('a header has another field where a list belongs')
    const { type, size } = this.listHead()
    const elements: Element[] = []
    for (let index = 0; index < size; index++) elements.push(onElement(type))
    return elements
  }

  private listHead(): { type: number; size: number } {
    const head = this.byte()
    const short = head >> 4
    const size = short === 15 ? this.varint() : short
    // Every element has at least one byte.
    if (size > this.end - this.position) throw damaged('a list in a header is longer than the header')
    return { type: head & 0x0f, size }
  }

  /** Passes over a field's value. */
  skip(type: number): void {
    switch (type) {
      case thriftType.true:
      case thriftType.false:
        return
      case thriftType.byte:
        this.byte()
        return
      case thriftType.int16:
      case thriftType.int32:
      case thriftType.int64:
        this.varint()
        return
      case thriftType.double:
        this.advance(8)
        return
      case thriftType.binary:
        this.binary()
        return
      case thriftType.list:
      case thriftType.set:
        this.skipList()
        return
      case thriftType.map:
        this.skipMap()
        return
      case thriftType.struct:
        this.struct(() => false)
        return
      default:
        throw damaged(`a header has a field of type ${type}, which does not exist`)
    }
  }

  private advance(length: number): void {
    if (length > this.end - this.position) throw damaged('a header ends in the middle of a value')
    this.position += length
  }

  private skipElement(type: number): void {
    if (type === thriftType.true || type === thriftType.false) this.advance(1)
    else this.skip(type)
  }

  private skipList(): void {
    if (++this.nesting > NESTING_MAX) throw damaged('a header is nested too deeply')
    const { type, size } = this.listHead()
    for (let index = 0; index < size; index++) this.skipElement(type)
    this.nesting--
  }

  private skipMap(): void {
    if (++this.nesting > NESTING_MAX) throw damaged('a header is nested too deeply')
    const size = this.varint()
    if (size > this.end - this.position) throw damaged('a map in a header is longer than the header')
    if (size > 0) {
      const types = this.byte()
      for (let index = 0; index < size; index++) {
        this.skipElement(types >> 4)
        this.skipElement(types & 0x0f)
      }
    }
    this.nesting--
  }
}
