/**
 * Bytes of one cell of a snapshot, for accumulators that are no handful of numbers: written and read field by field.
 *
 * Little-endian whatever the machine. What the fields are is the business of each aggregate; a change of them is a
 * change of the format.
 */
import { assert } from '../errors.ts'

const LENGTH_MIN = 256

/** Writes cells, one at a time, into memory that it uses again. */
export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(LENGTH_MIN)
  length = 0
  #view: DataView = new DataView(this.bytes.buffer)

  /** Begins the next cell. */
  reset(): void {
    this.length = 0
  }

  u8(value: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = value
  }

  i32(value: number): void {
    this.#reserve(4)
    this.#view.setInt32(this.length, value, true)
    this.length += 4
  }

  f64(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.length, value, true)
    this.length += 8
  }

  /** Bytes without their length. */
  raw(source: Uint8Array, start: number, length: number): void {
    this.#reserve(length)
    this.bytes.set(source.subarray(start, start + length), this.length)
    this.length += length
  }

  /** The length of some bytes, then the bytes. */
  block(source: Uint8Array, start: number, length: number): void {
    this.i32(length)
    this.raw(source, start, length)
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

/** Reads the cell that lies in some bytes. */
export class ByteReader {
  bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #end = 0

  /** Points at a cell. */
  bind(bytes: Uint8Array, start: number, length: number): void {
    if (this.bytes !== bytes) {
      this.bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.#at = start
    this.#end = start + length
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#end - this.#at
  }

  u8(): number {
    return this.bytes[this.#skip(1)] as number
  }

  i32(): number {
    return this.#view.getInt32(this.#skip(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.#skip(8), true)
  }

  /** Where the next `length` bytes start. */
  raw(length: number): number {
    return this.#skip(length)
  }

  #skip(length: number): number {
    const at = this.#at
    assert(length >= 0 && at + length <= this.#end, 'a cell of a snapshot ends before its last field')
    this.#at += length
    return at
  }
}
