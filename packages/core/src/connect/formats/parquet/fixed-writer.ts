/**
 * Writes leaves of fixed-length bytes, PLAIN: UUIDs, decimals of more than 18 digits, intervals.
 */
import type { Column, StructColumn } from '../../../data/column.ts'
import type { DataType } from '../../../data/type.ts'
import type { ByteSink } from './byte-sink.ts'
import { ByteSink as Sink } from './byte-sink.ts'
import type { ByteBounds, ValueWriter } from './value-writer.ts'
import { encoding } from './vocabulary.ts'
import { unwritable } from './write-type.ts'

/** Collects and encodes values of fixed length. */
export class FixedWriter implements ValueWriter {
  private readonly type: DataType
  private readonly size: number
  private readonly name: string
  private readonly page = new Sink(0)

  constructor(type: DataType, size: number, name: string) {
    this.type = type
    this.size = size
    this.name = name
  }

  startChunk(): void {}

  pageBytes(): number {
    return this.page.length
  }

  needsFlush(): boolean {
    return false
  }

  append(column: Column, rows: Int32Array | undefined, first: number, count: number): void {
    this.page.reserve(count * this.size)
    for (let index = 0; index < count; index++) {
      const row = rows === undefined ? first + index : (rows[index] as number)
      if (this.type.kind === 'uuid') this.appendUuid(column, row)
      else if (this.type.kind === 'decimal') this.appendDecimal(column, row)
      else this.appendInterval(column as StructColumn, row)
      this.page.length += this.size
    }
  }

  private appendUuid(column: Column, row: number): void {
    if (column.layout === 'dictionary') {
      this.appendUuid(column.dictionary, column.codes[row] as number)
      return
    }
    const { bytes, starts, lengths } = column as Column & { layout: 'utf8' }
    const start = starts[row] as number
    if (lengths[row] !== 36) throw unwritable(this.name, 'it is not a UUID of 36 characters')
    let to = this.page.length
    for (let index = 0; index < 36; index++) {
      if (index === 8 || index === 13 || index === 18 || index === 23) continue
      const high = hexDigit(bytes[start + index++] as number)
      const low = hexDigit(bytes[start + index] as number)
      if (high < 0 || low < 0) throw unwritable(this.name, 'it is not a UUID')
      this.page.bytes[to++] = (high << 4) | low
    }
  }

  private appendDecimal(column: Column, row: number): void {
    let value =
      column.layout === 'wide'
        ? ((column.values[2 * row + 1] as bigint) << 64n) |
          BigInt.asUintN(64, column.values[2 * row] as bigint)
        : BigInt((column as Column & { layout: 'fixed' }).values[row] as number)
    for (let index = this.size - 1; index >= 0; index--) {
      this.page.bytes[this.page.length + index] = Number(value & 255n)
      value >>= 8n
    }
  }

  private appendInterval(column: StructColumn, row: number): void {
    const [months, days, micros] = column.children.map((child) => {
      return (child as Column & { layout: 'fixed' }).values[row] as number
    }) as [number, number, number]
    const millis = micros / 1000
    const fits = months >= 0 && days >= 0 && millis >= 0 && millis <= 0xffffffff && Number.isInteger(millis)
    if (!fits)
      throw unwritable(
        this.name,
        `Parquet's intervals have no negative parts and whole milliseconds; it is ${months} months, ${days} days, ${micros} µs`,
      )
    const { view, length } = this.page
    view.setInt32(length, months, true)
    view.setInt32(length + 4, days, true)
    view.setUint32(length + 8, millis, true)
  }

  encodePage(sink: ByteSink): number {
    sink.append(this.page.written())
    this.page.length = 0
    return encoding.plain
  }

  encodeDictionary(): number {
    return 0
  }

  bounds(): ByteBounds | undefined {
    return undefined
  }
}

function hexDigit(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30
  const lower = character | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
