/**
 * One CSV record, exactly: cut into fields (quotes, doubled quotes, line ends in quotes), then into cells.
 *
 * The path of the records that the generated extractor does not take (csv-extractor.ts), and the one that words faults.
 */
import { typeToString } from '../../../data/type-text.ts'
import type { CsvDialect } from './csv-dialect.ts'
import type { DecodedColumn, DecodedColumns } from '../text/decoded-columns.ts'
import { parseIsoInterval } from '../text/interval-text.ts'
import { skipSpace, skipValue } from '../json/json-scanner.ts'
import { JsonValueReader, parseJson } from '../json/json-value.ts'
import { quoteInput, RecordFault } from '../text/record-fault.ts'
import { asciiText, TextCellReader } from '../text/text-cell.ts'

/** Fields that a record may have. */
const CSV_FIELDS_MAX = 20_000

/** How a field stands in the file. */
export const FIELD_PLAIN = 0
export const FIELD_QUOTED = 1
/** In quotes, with escaped quotes inside. */
const FIELD_ESCAPED = 2

/** The fields of the record that was cut last. */
export class CsvFields {
  count = 0
  /** Ranges of the contents, without quotes. */
  starts: Int32Array = new Int32Array(64)
  ends: Int32Array = new Int32Array(64)
  forms: Uint8Array = new Uint8Array(64)

  add(start: number, end: number, form: number): void {
    if (this.count === this.starts.length) this.#grow()
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.forms[this.count] = form
    this.count++
  }

  #grow(): void {
    const { starts, ends, forms } = this
    this.starts = new Int32Array(starts.length * 2)
    this.ends = new Int32Array(starts.length * 2)
    this.forms = new Uint8Array(starts.length * 2)
    this.starts.set(starts)
    this.ends.set(ends)
    this.forms.set(forms)
  }
}

/**
 * Cuts the record at `at` into fields and gives the position of the line feed that ends it, or `end`. A quoted field
 * that is not closed before `end` throws a RecordFault with `position` = `end`.
 */
export function cutRecord(
  fields: CsvFields,
  dialect: CsvDialect,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const { delimiter, quote, trim } = dialect
  fields.count = 0
  let p = at
  for (;;) {
    if (fields.count >= CSV_FIELDS_MAX) {
      throw new RecordFault(`the record has more than ${CSV_FIELDS_MAX} fields`, p)
    }
    let start = p
    if (trim) while (start < end && isBlank(bytes[start] as number, delimiter)) start++
    if (start < end && bytes[start] === quote) {
      p = cutQuoted(fields, dialect, bytes, start + 1, end)
      if (trim) while (p < end && isBlank(bytes[p] as number, delimiter)) p++
      if (p + 1 < end && bytes[p] === 13 && bytes[p + 1] === 10) p++
      else if (p + 1 === end && bytes[p] === 13) p++
    } else {
      while (p < end && bytes[p] !== delimiter && bytes[p] !== 10) p++
      let stop = p
      const isLast = p >= end || bytes[p] === 10
      if (isLast && stop > start && bytes[stop - 1] === 13) stop--
      if (trim) while (stop > start && isBlank(bytes[stop - 1] as number, delimiter)) stop--
      fields.add(Math.min(start, stop), stop, FIELD_PLAIN)
    }
    if (p >= end || bytes[p] === 10) return Math.min(p, end)
    if (bytes[p] !== delimiter) {
      const found = quoteInput(bytes, p, lineEnd(bytes, p, Math.min(end, p + 10)))
      throw new RecordFault(`expected a delimiter behind the closing quote, found ${found}`, p, {
        hint: 'quotes inside a quoted field are doubled; see the option "escape"',
      })
    }
    p++
  }
}

/** Whether a field without quotes holds a carriage return, as where the lines of a file end in these alone. */
export function hasBareCarriageReturn(fields: CsvFields, bytes: Uint8Array): boolean {
  for (let at = 0; at < fields.count; at++) {
    if (fields.forms[at] !== FIELD_PLAIN) continue
    if (bytes.subarray(fields.starts[at], fields.ends[at]).includes(13)) return true
  }
  return false
}

/** The line feed in a range, or its end. */
function lineEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = at
  while (p < end && bytes[p] !== 10) p++
  return p
}

function isBlank(byte: number, delimiter: number): boolean {
  return (byte === 32 || byte === 9) && byte !== delimiter
}

/** Cuts the quoted field whose content starts at `at`; gives the position behind its closing quote. */
function cutQuoted(
  fields: CsvFields,
  dialect: CsvDialect,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const { quote, escape } = dialect
  let form = FIELD_QUOTED
  let p = at
  for (;;) {
    if (p >= end) throw new RecordFault('a quoted field is not closed', end)
    const byte = bytes[p]
    if (byte === escape && (escape !== quote || bytes[p + 1] === quote)) {
      // A quote that is the last byte so far may be the first of two.
      if (p + 1 >= end) throw new RecordFault('a quoted field is not closed', end)
      form = FIELD_ESCAPED
      p += 2
    } else if (byte === quote) {
      fields.add(at, p, form)
      return p + 1
    } else {
      p++
    }
  }
}

/** The content of a field as a string, escaped quotes made plain. */
export function fieldText(
  fields: CsvFields,
  at: number,
  { quote, escape }: CsvDialect,
  bytes: Uint8Array,
): string {
  const start = fields.starts[at] as number
  const end = fields.ends[at] as number
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  if (fields.forms[at] !== FIELD_ESCAPED) return text.toString('utf8')
  const plain = Buffer.alloc(end - start)
  return plain.toString('utf8', 0, unescapeField(plain, 0, bytes, start, end, { quote, escape }))
}

/** Writes the content of a quoted field without its escapes at `at`; gives the length. */
function unescapeField(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  { quote, escape }: Pick<CsvDialect, 'quote' | 'escape'>,
): number {
  let to = at
  for (let p = start; p < end; p++) {
    const next = bytes[p + 1]
    // Of a backslash pair only quotes and backslashes lose their escape; other pairs stay as they are.
    if (bytes[p] === escape && p + 1 < end && (next === quote || next === escape)) p++
    target[to++] = bytes[p] as number
  }
  return to - at
}

/** Writes the cells of cut records; one per decoder. */
export class CsvCellReader {
  readonly #target: DecodedColumns
  readonly #dialect: CsvDialect
  readonly #cells: TextCellReader
  readonly #values: JsonValueReader
  readonly #nullLengthMax: number

  constructor(target: DecodedColumns, dialect: CsvDialect) {
    this.#target = target
    this.#dialect = dialect
    this.#cells = new TextCellReader(target, dialect.epochUnit)
    this.#values = new JsonValueReader(dialect.epochUnit)
    this.#nullLengthMax = dialect.nulls.reduce((most, text) => Math.max(most, text.length), -1)
  }

  /** Tells whether the content of a field without quotes means null. */
  isNull(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.#nullLengthMax) return false
    return this.#dialect.nulls.some((text) => {
      if (text.length !== end - start) return false
      for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
      return true
    })
  }

  /** Reads a field into its cell. */
  readField(
    column: DecodedColumn,
    row: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    form: number,
  ): void {
    const { nullable, type } = column.field
    if (form === FIELD_PLAIN && this.isNull(bytes, start, end) && (nullable || type.kind !== 'string')) {
      if (nullable) return this.#target.setNull(column, row)
      throw new RecordFault(`expected ${typeToString(type)}, found an empty or null field`, start, {
        column: column.field.name,
        hint: "declare the column as nullable, or send such rows elsewhere with { onError: 'reject' }",
      })
    }
    if (form !== FIELD_ESCAPED) return this.#readContent(column, row, bytes, start, end)
    const arena = this.#target.arena(end - start)
    const from = this.#target.arenaAt
    const length = unescapeField(arena, from, bytes, start, end, this.#dialect)
    this.#target.claimArena(column, length)
    this.#readContent(column, row, arena, from, from + length)
  }

  #readContent(column: DecodedColumn, row: number, bytes: Uint8Array, start: number, end: number): void {
    const { type, name } = column.field
    if (type.kind === 'string') {
      column.starts[row] = start
      column.lengths[row] = end - start
      return
    }
    let from = start
    let to = end
    while (from < to && isBlank(bytes[from] as number, -1)) from++
    while (to > from && isBlank(bytes[to - 1] as number, -1)) to--
    switch (type.kind) {
      case 'boolean':
        column.values[row] = this.#boolean(column, bytes, from, to)
        return
      case 'json':
        parseJson(bytes, from, to, name)
        column.starts[row] = from
        column.lengths[row] = to - from
        return
      case 'interval': {
        const interval = parseIsoInterval(asciiText(bytes, from, to))
        if (interval === undefined) throw this.#expected(column, bytes, from, to)
        column.cells[row] = interval
        return
      }
      case 'list':
      case 'map':
      case 'struct':
        column.cells[row] = this.#nested(column, bytes, from, to)
        return
      case 'uuid':
      case 'bytes':
      case 'date':
        return this.#cells.readText(column, row, bytes, from, to)
      default:
        return this.#isNumber(bytes, from, to)
          ? this.#cells.readNumber(column, row, bytes, from, to)
          : this.#cells.readText(column, row, bytes, from, to)
    }
  }

  /** A number, as opposed to an ISO time or a name such as NaN: nothing but the bytes of numbers, and no date's dash. */
  #isNumber(bytes: Uint8Array, start: number, end: number): boolean {
    for (let p = start; p < end; p++) {
      const byte = bytes[p] as number
      const isSign = byte === 45 || byte === 43
      if (isSign ? p > start && ((bytes[p - 1] as number) | 32) !== 101 : !isNumberByte(byte)) return false
    }
    return end > start
  }

  #boolean(column: DecodedColumn, bytes: Uint8Array, start: number, end: number): number {
    const text = end - start <= 5 ? asciiText(bytes, start, end).toLowerCase() : ''
    if (text === 'true' || text === 't' || text === '1') return 1
    if (text === 'false' || text === 'f' || text === '0') return 0
    throw this.#expected(column, bytes, start, end)
  }

  #nested(column: DecodedColumn, bytes: Uint8Array, start: number, end: number): unknown {
    const { type, name } = column.field
    const value = this.#values.read({ type, nullable: false }, name, bytes, start, end)
    const rest = skipSpace(bytes, this.#values.end, end)
    if (rest < end) {
      skipValue(bytes, start, end)
      throw this.#expected(column, bytes, start, end)
    }
    return value
  }

  #expected(column: DecodedColumn, bytes: Uint8Array, start: number, end: number): RecordFault {
    const { type, name } = column.field
    return new RecordFault(`expected ${typeToString(type)}, found ${quoteInput(bytes, start, end)}`, start, {
      column: name,
    })
  }
}

function isNumberByte(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || byte === 46 || byte === 101 || byte === 69
}
