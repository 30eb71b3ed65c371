/**
 * The canonical bytes of a key row, for ordered stores; files of today hold keys as columns. FROZEN, with test vectors and
 * in docs/internals/encodings.md.
 *
 * Equal keys have equal bytes whatever their layout, and bytes compare (unsigned, bytewise) as the keys do: column by
 * column, null first. Each column is a tag, 0x00 for null or 0x01 followed by the value:
 *
 *   boolean                        1 byte, 0 or 1
 *   int8 int16 int32 int64, date   1, 2, 4, 8, 4 bytes big-endian, sign bit flipped
 *   uint8 uint16 uint32 uint64     1, 2, 4, 8 bytes big-endian
 *   float32, float64               4, 8 bytes of IEEE 754 big-endian; sign bit flipped when positive, all bits when
 *                                  negative; −0 is +0; every NaN is 0x7FC00000 or 0x7FF8000000000000 (the greatest)
 *   decimal                        16 bytes big-endian of the unscaled integer, sign bit flipped
 *   time, timestamp                8 bytes as int64, in the column's unit
 *   string, json, uuid (as text)   the bytes with 0x00 written as 0x00 0xFF, then 0x00 0x00
 *   bytes                          the same
 *   interval                       months and days as int32, micros as int64
 *   struct                         its fields, each with its tag
 *   list                           each element as 0x01 and the element with its tag, then 0x00
 *   map                            as a list of structs of key and value, in the map's order
 */
import { isValid } from './column.ts'
import type { Column, DictionaryColumn, FixedColumn, ListColumn, Utf8Column } from './column.ts'
import { exactOf } from './fixed-column-builder.ts'
import type { DataType } from './type.ts'

/** Writes keys one after the other into memory that grows. */
export class KeyEncoder {
  #bytes = new Uint8Array(256)
  #view: DataView = new DataView(this.#bytes.buffer)
  #length = 0

  /** The bytes of the key in row `index` of the key columns: valid until the next call. */
  encode(columns: readonly Column[], index: number): Uint8Array {
    this.#length = 0
    for (const column of columns) this.#cell(column, index)
    return this.#bytes.subarray(0, this.#length)
  }

  #cell(column: Column, index: number): void {
    this.#reserve(24)
    if (!isValid(column, index)) {
      this.#bytes[this.#length++] = 0
      return
    }
    this.#bytes[this.#length++] = 1
    switch (column.layout) {
      case 'fixed':
        return this.#number(column, column.values[index] as number)
      case 'wide':
        return this.#exact(column.type, exactOf(column, index))
      case 'utf8':
        return this.#text(column, index)
      case 'dictionary':
        return this.#text((column as DictionaryColumn).dictionary, column.codes[index] as number)
      case 'struct':
        if (column.type.kind === 'interval') return this.#interval(column.children, index)
        for (const child of column.children) this.#cell(child, index)
        return
      case 'list':
        return this.#list(column, index)
    }
  }

  #number(column: FixedColumn, value: number): void {
    const { type } = column
    switch (type.kind) {
      case 'boolean':
      case 'uint8':
        this.#bytes[this.#length++] = value
        return
      case 'int8':
        this.#bytes[this.#length++] = value ^ 0x80
        return
      case 'int16':
      case 'uint16':
        this.#view.setUint16(this.#length, type.kind === 'int16' ? value ^ 0x8000 : value)
        this.#length += 2
        return
      case 'int32':
      case 'date':
        return this.#int32(value)
      case 'uint32':
        this.#view.setUint32(this.#length, value)
        this.#length += 4
        return
      case 'float32':
        return this.#float32(value)
      case 'float64':
        return this.#float64(value)
      default:
        return this.#exact(type, BigInt(value))
    }
  }

  #int32(value: number): void {
    this.#view.setInt32(this.#length, value ^ 0x80000000)
    this.#length += 4
  }

  #exact(type: DataType, value: bigint): void {
    if (type.kind === 'decimal') {
      this.#view.setBigInt64(this.#length, (value >> 64n) ^ -0x8000000000000000n)
      this.#view.setBigUint64(this.#length + 8, BigInt.asUintN(64, value))
      this.#length += 16
      return
    }
    if (type.kind === 'uint64') this.#view.setBigUint64(this.#length, value)
    else this.#view.setBigInt64(this.#length, value ^ -0x8000000000000000n)
    this.#length += 8
  }

  #float32(value: number): void {
    // Adding 0 turns −0 into +0; the payload of a NaN is not ours to keep.
    if (value !== value) this.#view.setUint32(this.#length, 0x7fc00000)
    else this.#view.setFloat32(this.#length, value + 0)
    const bits = this.#view.getInt32(this.#length)
    this.#view.setInt32(this.#length, bits < 0 ? ~bits : bits ^ 0x80000000)
    this.#length += 4
  }

  #float64(value: number): void {
    if (value !== value) this.#view.setBigUint64(this.#length, 0x7ff8000000000000n)
    else this.#view.setFloat64(this.#length, value + 0)
    const bits = this.#view.getBigInt64(this.#length)
    this.#view.setBigInt64(this.#length, bits < 0n ? ~bits : bits ^ -0x8000000000000000n)
    this.#length += 8
  }

  #text(ranges: Utf8Column, entry: number): void {
    const start = ranges.starts[entry] as number
    const length = ranges.lengths[entry] as number
    this.#reserve(length * 2 + 2)
    for (let i = start; i < start + length; i++) {
      const byte = ranges.bytes[i] as number
      this.#bytes[this.#length++] = byte
      if (byte === 0) this.#bytes[this.#length++] = 0xff
    }
    this.#bytes[this.#length++] = 0
    this.#bytes[this.#length++] = 0
  }

  #interval(children: readonly Column[], index: number): void {
    const [months, days, micros] = children as unknown as readonly [FixedColumn, FixedColumn, FixedColumn]
    this.#int32(months.values[index] as number)
    this.#int32(days.values[index] as number)
    this.#exact({ kind: 'int64', rows: 'number' }, BigInt(micros.values[index] as number))
  }

  #list(column: ListColumn, index: number): void {
    const start = column.starts[index] as number
    const end = start + (column.lengths[index] as number)
    for (let i = start; i < end; i++) {
      this.#reserve(1)
      this.#bytes[this.#length++] = 1
      this.#cell(column.child, i)
    }
    this.#reserve(1)
    this.#bytes[this.#length++] = 0
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    bytes.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}
