/**
 * Column batches as the text that COPY reads: cells apart by tabs, rows by line feeds, `\N` for null.
 *
 * https://www.postgresql.org/docs/current/sql-copy.html (Text Format)
 */
import { cellJson, cellText } from '@millrace/core/connect'
import { isValid, readValue, rowCount, rowIndex } from '@millrace/core/data'
import type { Batch, Column, DataType, Interval, ListColumn, Utf8Column } from '@millrace/core/data'
import type { ServerType } from './column-type.ts'

const TAB = 9
const LINE_FEED = 10
const BACKSLASH = 92
const START_BYTES = 64 * 1024

/** What stands before the cells of a row. */
export interface RowMarks {
  /** Cells that all rows share. */
  readonly lead: string
  /** The number of the first row. */
  readonly first: number
  /** Whether the row's weight is a cell too. */
  readonly weights: boolean
}

/** Encodes batches for one table. */
export class CopyText {
  readonly #types: readonly ServerType[]
  #out: Buffer = Buffer.allocUnsafe(START_BYTES)
  #length = 0

  /** @param types - of the columns of the table, in the order of the schema */
  constructor(types: readonly ServerType[]) {
    this.#types = types
  }

  /** The rows of a batch; the bytes are a copy. */
  encode(batch: Batch, { lead, first, weights }: RowMarks): Buffer {
    this.#length = 0
    const count = rowCount(batch)
    for (let n = 0; n < count; n++) {
      const index = rowIndex(batch, n)
      this.#ascii(lead)
      this.#ascii(String(first + n))
      if (weights) this.#ascii((batch.weights?.[index] ?? 1) < 0 ? '\t-1' : '\t1')
      for (let c = 0; c < batch.columns.length; c++) {
        this.#byte(TAB)
        this.#cell(batch.columns[c] as Column, index, c)
      }
      this.#byte(LINE_FEED)
    }
    return Buffer.from(this.#out.subarray(0, this.#length))
  }

  #cell(column: Column, index: number, at: number): void {
    if (!isValid(column, index)) return this.#ascii('\\N')
    const server = this.#types[at] as ServerType
    switch (column.layout) {
      case 'utf8':
        return this.#textOrBytes(column.type, column, index)
      case 'dictionary':
        return this.#textOrBytes(column.type, column.dictionary, column.codes[index] as number)
      case 'fixed': {
        if (isNumber(column.type)) return this.#ascii(numberText(column.values[index] as number))
        return this.#text(plainText(column, index))
      }
      case 'wide':
        return this.#text(plainText(column, index))
      case 'list':
        return this.#text(server.isArray ? arrayText(column, index) : cellJson(column, index))
      case 'struct':
        return this.#text(plainText(column, index))
    }
  }

  #textOrBytes(type: DataType, ranges: Utf8Column, entry: number): void {
    const start = ranges.starts[entry] as number
    const end = start + (ranges.lengths[entry] as number)
    if (type.kind !== 'bytes') return this.#escaped(ranges.bytes, start, end)
    this.#ascii('\\\\x')
    const { bytes } = ranges
    this.#ascii(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('hex'))
  }

  #text(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.#escaped(bytes, 0, bytes.length)
  }

  /** UTF-8 with what COPY would take for something else made harmless. */
  #escaped(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(2 * (end - start))
    const out = this.#out
    let at = this.#length
    for (let p = start; p < end; p++) {
      const byte = bytes[p] as number
      if (byte > 13 && byte !== BACKSLASH) {
        out[at++] = byte
        continue
      }
      const letter = escapes[byte]
      if (letter !== undefined) out[at++] = BACKSLASH
      out[at++] = letter ?? byte
    }
    this.#length = at
  }

  #ascii(text: string): void {
    this.#reserve(text.length)
    for (let k = 0; k < text.length; k++) this.#out[this.#length++] = text.charCodeAt(k)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#out[this.#length++] = byte
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#length + bytes))
    this.#out.copy(larger, 0, 0, this.#length)
    this.#out = larger
  }
}

/** Tab, line feed, carriage return and backslash; other bytes are themselves. */
const escapes: { readonly [byte: number]: number } = { 9: 116, 10: 110, 13: 114, 92: 92 }

function isNumber({ kind }: DataType): boolean {
  return numberKinds.has(kind)
}

const numberKinds: ReadonlySet<string> = new Set([
  'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'float32', 'float64',
]) // prettier-ignore

/** JavaScript's shortest digits read back the same; of float32 they are those of its value as a double. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** A value that is no text of its own, as PostgreSQL reads it. */
function plainText(column: Column, index: number): string {
  const { type } = column
  switch (type.kind) {
    case 'boolean':
      return readValue(column, index) === true ? 't' : 'f'
    case 'date':
      return withYear(cellText(column, index), '')
    case 'timestamp':
      // A zone is said always: a column without one passes it over.
      return withYear(cellText(column, index).replace(/Z$/, ''), 'Z')
    case 'interval':
      return intervalText(readValue(column, index) as Interval)
    case 'map':
    case 'struct':
      return cellJson(column, index)
    default:
      return cellText(column, index)
  }
}

/** ISO 8601 counts years around a year 0 and gives some a sign; PostgreSQL has BC and no signs. */
function withYear(text: string, behind: string): string {
  const match = /^([+-]\d+)(-[^]*)$/.exec(text)
  if (match === null) return text.startsWith('0000') ? `0001${text.slice(4)}${behind} BC` : text + behind
  const year = Number(match[1])
  const rest = `${match[2] ?? ''}${behind}`
  return year > 0 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`
}

/** Every part has its sign: one at the front could count for all of them. */
function intervalText({ months, days, micros }: Interval): string {
  const part = (value: number, unit: string): string => `${value < 0 ? '-' : '+'}${Math.abs(value)} ${unit}`
  return `${part(months, 'mons')} ${part(days, 'days')} ${part(micros, 'us')}`
}

/** A list as the literal of an array. */
function arrayText(column: ListColumn, index: number): string {
  const start = column.starts[index] as number
  const cells = Array.from({ length: column.lengths[index] as number }, (_, k) =>
    elementText(column.child, start + k),
  )
  return `{${cells.join(',')}}`
}

function elementText(column: Column, index: number): string {
  if (!isValid(column, index)) return 'NULL'
  const { type } = column
  if (isNumber(type) && column.layout === 'fixed') return numberText(column.values[index] as number)
  const text =
    type.kind === 'bytes'
      ? `\\x${Buffer.from(readValue(column, index) as Uint8Array).toString('hex')}`
      : plainText(column, index)
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
