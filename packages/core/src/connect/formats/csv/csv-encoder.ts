/**
 * Columns as CSV text: a header, then one line per row, quotes only where they are needed. Generated per schema and layout.
 */
import type { Batch } from '../../../data/batch.ts'
import { rowCount } from '../../../data/batch.ts'
import type { Column } from '../../../data/column.ts'
import type { Interval, Schema } from '../../../data/type.ts'
import { readValue } from '../../../data/read-value.ts'
import type { RecordEncoder } from '../../format.ts'
import type { CsvDialect } from './csv-dialect.ts'
import type { BatchWriter, EncoderState, RowSyntax } from '../text/encoder-source.ts'
import { layoutKey, makeBatchWriter, textViews } from '../text/encoder-source.ts'
import { warmUp, writeLiteral } from '../text/generated-function.ts'
import { formatIsoInterval } from '../text/interval-text.ts'
import { jsonTextOf, plainTextOf } from '../json/json-text.ts'
import { TextOutput } from '../text/text-output.ts'
import { writers } from '../text/value-writers.ts'

const NOTHING = new Uint8Array(0)

/** Encodes batches of one schema. */
export class CsvEncoder implements RecordEncoder {
  readonly #schema: Schema
  readonly #dialect: CsvDialect
  readonly #output = new TextOutput()
  readonly #syntax: RowSyntax
  readonly #state: EncoderState
  readonly #writers = new Map<string, BatchWriter>()

  constructor(schema: Schema, dialect: CsvDialect) {
    this.#schema = schema
    this.#dialect = dialect
    this.#syntax = csvSyntax(schema, dialect)
    this.#state = makeState(this.#output, dialect)
  }

  begin(): Uint8Array | undefined {
    if (this.#dialect.header !== true) return undefined
    const { delimiter } = this.#dialect
    const parts = this.#schema.fields.map((field) => {
      const name = Buffer.from(field.name, 'utf8')
      const text = Buffer.alloc(name.length * 2 + 2)
      const needs = needsQuotes(name, 0, name.length, this.#dialect)
      return needs ? text.subarray(0, writeQuoted(text, 0, name, 0, name.length, this.#dialect)) : name
    })
    const line = parts.flatMap((part, k) => (k === 0 ? [part] : [Buffer.from([delimiter]), part]))
    return Buffer.concat([...line, Buffer.from('\n')])
  }

  encode(batch: Batch): Uint8Array {
    const count = rowCount(batch)
    if (count === 0) return NOTHING
    const key = layoutKey(batch)
    let write = this.#writers.get(key)
    if (write === undefined) {
      const made = makeBatchWriter(this.#syntax, batch)
      warmUp(() => made(this.#state, batch.columns, textViews(batch), batch.selection, 0, 0))
      write = made
      this.#writers.set(key, write)
    }
    const used = write(this.#state, batch.columns, textViews(batch), batch.selection, count, 0)
    return this.#output.bytes.subarray(0, used)
  }

  end(): Uint8Array | undefined {
    return undefined
  }

  estimatedBytes(): number {
    return 0
  }
}

function csvSyntax(schema: Schema, dialect: CsvDialect): RowSyntax {
  const nullText = Buffer.from(dialect.nulls[0] ?? '', 'latin1')
  const delimiter = writeLiteral(Uint8Array.of(dialect.delimiter))
  // Text that would read as null, as a comment, as a byte order mark or (in a file of one column) as a blank line has to be quoted.
  const first = dialect.comment < 0 ? '' : `||out[w]===${dialect.comment}`
  const longest = dialect.nulls.reduce((most, text) => Math.max(most, text.length), 0)
  const blanks = dialect.trim ? '||out[w]<33||out[w+n-1]<33' : ''
  return {
    times: dialect,
    json: false,
    // A colon, slash, space or equals sign as a special character.
    guardsScalars: [32, 47, 58, 61].some((byte) => [dialect.delimiter, dialect.quote].includes(byte)),
    nullBytesMax: longest,
    before: (k) => (k === 0 ? '' : delimiter),
    behind: 'out[w++]=10;',
    nullValue: nullText.length === 0 ? ';' : writeLiteral(nullText),
    special: specialSource(dialect),
    specialText: `n<=${longest}${first}${blanks}||out[w]===239&&n>2&&out[w+1]===187&&out[w+2]===191`,
    literalBytes: schema.fields.length * (nullText.length + 1) + 16,
  }
}

/** Source text that marks a word with a delimiter, a quote, an escape, a line feed or a carriage return. */
function specialSource({ delimiter, quote, escape }: CsvDialect): string {
  const bytes = new Set([delimiter, quote, escape, 10, 13])
  return [...bytes].map((byte) => `x=y^${(byte * 0x01010101) | 0};m|=(x-0x01010101)&~x;`).join('')
}

function makeState(output: TextOutput, dialect: CsvDialect): EncoderState {
  return {
    output,
    writers,
    text: (w, need, source, start, length) => {
      output.reserve(w, need + 2 * length + 2)
      return writeQuoted(output.bytes, w, source, start, length, dialect)
    },
    cell: (w, need, column: Column, row) => {
      const text = Buffer.from(cellText(column, row, dialect), 'utf8')
      output.reserve(w, need + 2 * text.length + 2)
      if (needsQuotes(text, 0, text.length, dialect)) {
        return writeQuoted(output.bytes, w, text, 0, text.length, dialect)
      }
      output.bytes.set(text, w)
      return w + text.length
    },
  }
}

function cellText(column: Column, row: number, dialect: CsvDialect): string {
  if (column.layout === 'list') return jsonTextOf(column, row, dialect)
  if (column.layout !== 'struct') return plainTextOf(column, row, dialect)
  return column.type.kind === 'interval'
    ? formatIsoInterval(readValue(column, row) as Interval)
    : jsonTextOf(column, row, dialect)
}

function needsQuotes(text: Uint8Array, start: number, length: number, dialect: CsvDialect): boolean {
  const { delimiter, quote, escape, comment, trim } = dialect
  if (dialect.nulls.some((nullText) => nullText.length === length)) return true
  for (let p = start; p < start + length; p++) {
    const byte = text[p] as number
    if (byte === delimiter || byte === quote || byte === escape || byte === 10 || byte === 13) return true
  }
  const isBlankAtEnd = (text[start] as number) < 33 || (text[start + length - 1] as number) < 33
  const isByteOrderMark =
    length > 2 && text[start] === 0xef && text[start + 1] === 0xbb && text[start + 2] === 0xbf
  return text[start] === comment || isByteOrderMark || (trim && isBlankAtEnd)
}

function writeQuoted(
  out: Uint8Array,
  w: number,
  source: Uint8Array,
  start: number,
  length: number,
  { quote, escape }: CsvDialect,
): number {
  let at = w
  out[at++] = quote
  for (let p = start; p < start + length; p++) {
    const byte = source[p] as number
    if (byte === quote || byte === escape) out[at++] = escape
    out[at++] = byte
  }
  out[at++] = quote
  return at
}
