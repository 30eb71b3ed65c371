/**
 * Writes Thrift's compact protocol into a growing buffer: footers and page headers.
 *
 * Fields must be written in ascending order of their ids; `struct` and `endStruct` pair up.
 */
import { thriftType } from './thrift-reader.ts'

const text = new TextEncoder()

/** A growing buffer of Thrift bytes. */
export class ThriftWriter {
  private bytes = new Uint8Array(256)
  private length = 0
  private lastId = 0
  private readonly outerIds: number[] = []

  /** What was written; valid until the next write. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  reset(): void {
    this.length = 0
    this.lastId = 0
    this.outerIds.length = 0
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  private byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  private varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.byte((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  private zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  private field(id: number, type: number): void {
    const delta = id - this.lastId
    if (delta > 0 && delta < 16) this.byte((delta << 4) | type)
    else {
      this.byte(type)
      this.zigzag(id)
    }
    this.lastId = id
  }

  private rawBinary(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  int32(id: number, value: number): void {
    this.field(id, thriftType.int32)
    this.zigzag(value)
  }

  int16(id: number, value: number): void {
    this.field(id, thriftType.int16)
    this.zigzag(value)
  }

  int64(id: number, value: number): void {
    this.field(id, thriftType.int64)
    this.zigzag(value)
  }

  int8(id: number, value: number): void {
    this.field(id, thriftType.byte)
    this.byte(value & 0xff)
  }

  boolean(id: number, value: boolean): void {
    this.field(id, value ? thriftType.true : thriftType.false)
  }

  binary(id: number, bytes: Uint8Array): void {
    this.field(id, thriftType.binary)
    this.rawBinary(bytes)
  }

  text(id: number, value: string): void {
    this.binary(id, text.encode(value))
  }

  /** Opens a struct that is field `id` of the present one. */
  struct(id: number): void {
    this.field(id, thriftType.struct)
    this.element()
  }

  /** Opens a struct that is an element of a list. */
  element(): void {
    this.outerIds.push(this.lastId)
    this.lastId = 0
  }

  endStruct(): void {
    this.byte(thriftType.stop)
    this.lastId = this.outerIds.pop() ?? 0
  }

  /** An empty struct, as Parquet's unions use them for their alternatives. */
  mark(id: number): void {
    this.struct(id)
    this.endStruct()
  }

  /** Opens a list; `size` elements must follow. */
  list(id: number, type: number, size: number): void {
    this.field(id, thriftType.list)
    if (size < 15) this.byte((size << 4) | type)
    else {
      this.byte(0xf0 | type)
      this.varint(size)
    }
  }

  /** One 32-bit element of a list. */
  int32Element(value: number): void {
    this.zigzag(value)
  }

  /** One text element of a list. */
  textElement(value: string): void {
    this.rawBinary(text.encode(value))
  }
}
