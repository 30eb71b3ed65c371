/**
 * The decoder of CSV and TSV: RFC 4180 and its usual dialects.
 *
 * Records of several lines are read as one; a record with a damaged quote costs its own first line at most, decoding goes
 * on behind it. Blank lines are no records, except in files of one column, where they are an empty field.
 */
import type { Batch } from '../../../data/batch.ts'
import type { Json, Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import type { DecoderOptions, RecordDecoder } from '../../format.ts'
import type { CsvDialect } from './csv-dialect.ts'
import type { CsvExtractor, CsvExtractorState } from './csv-extractor.ts'
import { csvExtractorConstants, makeCsvExtractor } from './csv-extractor.ts'
import { warmUp } from '../text/generated-function.ts'
import type { CsvLayout } from './csv-header.ts'
import { carriageReturnsError, csvLayout } from './csv-header.ts'
import {
  CsvCellReader,
  CsvFields,
  cutRecord,
  FIELD_PLAIN,
  FIELD_QUOTED,
  fieldText,
  hasBareCarriageReturn,
} from './csv-record.ts'
import type { DecodedColumn } from '../text/decoded-columns.ts'
import { DecodedColumns } from '../text/decoded-columns.ts'
import { decodedSchema } from '../text/decoder-schema.ts'
import { lineFeeds } from '../json/json-rows.ts'
import { RecordFault, reportFault } from '../text/record-fault.ts'
import { byteOrderMark, TextChunk } from '../text/text-chunk.ts'

/** Bytes of a record that is too long that are handed to `reject`. */
const REJECTED_BYTES_MAX = 65_536

interface CsvResume {
  readonly v: 1
  readonly names?: readonly string[]
  readonly skipping?: boolean
}

/** Decodes CSV. */
export class CsvDecoder implements RecordDecoder {
  readonly schema: Schema
  line: number
  readonly #declared: Schema
  readonly #options: DecoderOptions
  readonly #dialect: CsvDialect
  readonly #target: DecodedColumns
  readonly #cells: CsvCellReader
  readonly #fields = new CsvFields()
  readonly #chunk: TextChunk
  readonly #state: CsvExtractorState
  readonly #readsText: boolean
  #layout: CsvLayout | undefined
  #extractor: CsvExtractor | undefined
  #byte: number
  /** Inside a line that was too long and is reported already. */
  #skipping: boolean
  #start = 0
  #end = 0
  #final = false
  #consumedEnd = 0

  constructor(schema: Schema, options: DecoderOptions, dialect: CsvDialect) {
    this.schema = decodedSchema(schema, options)
    this.#declared = schema
    this.line = options.line ?? 1
    this.#options = options
    this.#dialect = dialect
    this.#target = new DecodedColumns(this.schema)
    this.#cells = new CsvCellReader(this.#target, dialect)
    this.#chunk = new TextChunk(options.isUtf8)
    this.#readsText = this.#target.columns.some((column) => column.holder !== 'fixed')
    this.#state = this.#makeState()
    this.#byte = options.byte ?? 0
    const resume = options.resume as unknown as CsvResume | null | undefined
    this.#skipping = resume?.skipping === true
    const names = resume?.names ?? declaredNames(schema, dialect)
    if (names !== undefined) this.#layout = this.#layoutOf(names)
  }

  get rows(): number {
    return this.#target.rows
  }

  push(chunk: Uint8Array, start: number, end: number, final: boolean, rowsMax: number): number {
    this.#chunk.bind(chunk)
    this.#target.begin(chunk, start, rowsMax)
    this.#start = start
    this.#end = end
    this.#final = final
    this.#consumedEnd = start
    let position = start
    if (this.#byte === 0) {
      const mark = byteOrderMark(chunk, start, end, final)
      if (mark < 0) return 0
      position += mark
    }
    position = this.#decode(position, rowsMax)
    this.#consumedEnd = position
    this.#byte += position - start
    return position - start
  }

  take(): Batch | undefined {
    return this.#target.take(this.#consumedEnd)
  }

  resume(): Json {
    const names = this.#dialect.header === true ? this.#layout?.names : undefined
    if (names === undefined && !this.#skipping) return null
    return { v: 1, ...(names === undefined ? {} : { names }), ...(this.#skipping ? { skipping: true } : {}) }
  }

  #decode(start: number, rowsMax: number): number {
    const target = this.#target
    const chunk = this.#chunk
    let position = this.#skipping ? this.#skipLine(start) : start
    const isFast = this.#options.located === undefined
    let windowEnd = -1
    let fast = false
    while (position < this.#end && target.rows < rowsMax) {
      if (position >= windowEnd) {
        windowEnd = chunk.linesEnd(position, this.#end)
        if (windowEnd < 0) windowEnd = this.#end
        fast = isFast && (!this.#readsText || chunk.isUtf8(position, windowEnd))
      }
      if (fast && this.#extractor !== undefined) {
        const before = target.rows
        const { bytes, view } = chunk
        target.rows = this.#extractor(this.#state, bytes, view, position, windowEnd, before, rowsMax)
        position = this.#state.position
        this.line += target.rows - before
        if (position >= windowEnd || target.rows >= rowsMax) continue
      }
      const next = this.#decodeRecord(position)
      if (next < 0) break
      position = next
    }
    return position
  }

  /** Reads what stands at `start` exactly; gives where the next record starts, or −1 when this one is not whole yet. */
  #decodeRecord(start: number): number {
    const { bytes } = this.#chunk
    const { comment } = this.#dialect
    if (comment >= 0 && bytes[start] === comment) return this.#stepOver(start)
    const isCutCarriage = bytes[start] === 13 && start + 1 === this.#end
    if (isCutCarriage && !this.#final) return -1
    const isBlank = bytes[start] === 10 || (bytes[start] === 13 && (bytes[start + 1] === 10 || isCutCarriage))
    if (isBlank && this.#layout?.columns.length !== 1) return this.#stepOver(start)
    let feed: number
    try {
      feed = cutRecord(this.#fields, this.#dialect, bytes, start, this.#end)
    } catch (fault) {
      return this.#recover(fault, start)
    }
    const { recordBytesMax } = this.#dialect
    if (feed - start > recordBytesMax) return this.#tooLong(start)
    if (feed >= this.#end && !this.#final) return -1
    const stop = feed > start && bytes[feed - 1] === 13 ? feed - 1 : feed
    if (this.#layout === undefined) this.#readHeader(start, stop)
    else this.#readRecord(start, stop)
    this.line += lineFeeds(bytes, start, Math.min(feed + 1, this.#end))
    return Math.min(feed + 1, this.#end)
  }

  #readRecord(start: number, stop: number): void {
    const { bytes } = this.#chunk
    const target = this.#target
    const fields = this.#fields
    const { columns, missing, names } = this.#layout as CsvLayout
    const row = target.rows
    try {
      if (this.#readsText && !this.#chunk.isUtf8(start, stop)) {
        throw new RecordFault('the record is not valid UTF-8', -1, { hint: 'convert the file to UTF-8' })
      }
      if (fields.count !== columns.length) {
        throw new RecordFault(`expected ${columns.length} fields, found ${fields.count}`, -1, {
          hint: `the columns are ${names.slice(0, 20).join(', ')}; check the options delimiter and quote`,
        })
      }
      target.clearRow(row)
      columns.forEach((index, at) => {
        if (index < 0) return
        const column = target.columns[index] as DecodedColumn
        const from = fields.starts[at] as number
        this.#cells.readField(column, row, bytes, from, fields.ends[at] as number, fields.forms[at] as number)
      })
      for (const index of missing) target.setNull(target.columns[index] as DecodedColumn, row)
      target.rows++
      this.#options.located?.(this.line, this.#byteOf(start))
      this.#extractor ??= this.#learn()
    } catch (fault) {
      target.clearRow(row)
      this.#report(fault, start, stop)
    }
  }

  /** Generates the extractor, with the lengths of the record just read as a guess of where fields end. */
  #learn(): CsvExtractor {
    const { columns, missing } = this.#layout as CsvLayout
    const fields = columns.map((column, at) => ({
      column,
      length: (this.#fields.ends[at] as number) - (this.#fields.starts[at] as number),
    }))
    const made = makeCsvExtractor({ schema: this.schema, dialect: this.#dialect, fields, missing })
    const { bytes, view } = this.#chunk
    warmUp(() => made(this.#state, bytes, view, 0, 0, 0, 0))
    return made
  }

  #readHeader(start: number, stop: number): void {
    const fields = this.#fields
    const { bytes } = this.#chunk
    if (hasBareCarriageReturn(fields, bytes)) throw carriageReturnsError(this.#options.file)
    const names = Array.from({ length: fields.count }, (_, at) => fieldText(fields, at, this.#dialect, bytes))
    if (!this.#chunk.isUtf8(start, stop)) {
      throw new MillraceError('input/undecodable', {
        what: `the header of "${this.#options.file}" is not valid UTF-8`,
        hint: 'convert the file to UTF-8',
        place: { file: this.#options.file, line: this.line, byte: this.#byteOf(start) },
      })
    }
    this.#layout = this.#layoutOf(names)
  }

  #layoutOf(names: readonly string[]): CsvLayout {
    return csvLayout(this.schema, names, { ...this.#options, declared: this.#declared })
  }

  /** A record could not be cut into fields: waits for more bytes, or reports it and gives where to go on. */
  #recover(fault: unknown, start: number): number {
    if (!(fault instanceof RecordFault)) throw fault
    if (fault.position >= this.#end) {
      if (this.#end - start > this.#dialect.recordBytesMax) return this.#tooLong(start)
      if (!this.#final) return -1
    }
    const from = fault.position >= this.#end ? start : fault.position
    const feed = this.#chunk.lineFeed(from, this.#end)
    if (feed < 0 && !this.#final) {
      return this.#end - start > this.#dialect.recordBytesMax ? this.#tooLong(start) : -1
    }
    const stop = feed < 0 ? this.#end : feed
    if (stop - start > this.#dialect.recordBytesMax) return this.#tooLong(start)
    this.#report(fault, start, stop)
    this.line += lineFeeds(this.#chunk.bytes, start, Math.min(stop + 1, this.#end))
    return Math.min(stop + 1, this.#end)
  }

  /** The record is longer than allowed: reports it and goes on behind its first line. */
  #tooLong(start: number): number {
    const { recordBytesMax } = this.#dialect
    const { bytes } = this.#chunk
    if (this.#layout === undefined && bytes.subarray(start, start + recordBytesMax).includes(13))
      throw carriageReturnsError(this.#options.file)
    const fault = new RecordFault(`the record is longer than ${recordBytesMax} bytes`, -1, {
      hint: 'raise the option recordBytesMax, or check for a quote that is not closed',
    })
    this.#report(fault, start, start + Math.min(REJECTED_BYTES_MAX, recordBytesMax))
    this.#skipping = true
    return this.#skipLine(start)
  }

  /** Steps over a line that is no record; −1 when its end is not there yet. */
  #stepOver(start: number): number {
    const feed = this.#chunk.lineFeed(start, this.#end)
    if (feed < 0 && !this.#final) return -1
    this.line += feed < 0 ? 0 : 1
    return feed < 0 ? this.#end : feed + 1
  }

  #skipLine(start: number): number {
    const feed = this.#chunk.lineFeed(start, this.#end)
    if (feed < 0) return this.#end
    this.#skipping = false
    this.line++
    return feed + 1
  }

  #report(fault: unknown, start: number, end: number): void {
    const record = { bytes: this.#chunk.bytes, start, end, line: this.line, byte: this.#byteOf(start) }
    reportFault(fault, record, this.#options)
  }

  #byteOf(position: number): number {
    return this.#byte + position - this.#start
  }

  #makeState(): CsvExtractorState {
    const target = this.#target
    const cells = this.#cells
    const dialect = this.#dialect
    return {
      ...csvExtractorConstants,
      columns: target.columns,
      position: 0,
      recordBytesMax: dialect.recordBytesMax,
      isNull: (bytes, start, end) => cells.isNull(bytes, start, end),
      field: (index, row, bytes, at, end) => {
        const column = target.columns[index] as DecodedColumn
        try {
          return readOneField(dialect, cells, { target, column, row }, bytes, at, end)
        } catch (fault) {
          if (fault instanceof RecordFault) return -1
          throw fault
        }
      },
    }
  }
}

interface CellPlace {
  readonly target: DecodedColumns
  readonly column: DecodedColumn
  readonly row: number
}

/** Reads the field at `at`; gives the position behind it, or −1 when the whole record has to be read exactly. */
function readOneField(
  { delimiter, quote, escape, trim }: CsvDialect,
  cells: CsvCellReader,
  { target, column, row }: CellPlace,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const isQuoted = bytes[at] === quote
  const start = isQuoted ? at + 1 : at
  const stopper = isQuoted ? quote : delimiter
  let stop = start
  while (stop < end && bytes[stop] !== stopper) {
    if (isQuoted && bytes[stop] === escape) return -1
    stop++
  }
  if (isQuoted && (stop >= end || bytes[stop + 1] === quote)) return -1
  // Blanks may have to be dropped before it is known what the field is.
  if (trim && (isBlank(bytes[start]) || isBlank(bytes[stop - 1]))) return -1
  target.clearCell(column, row)
  cells.readField(column, row, bytes, start, stop, isQuoted ? FIELD_QUOTED : FIELD_PLAIN)
  return isQuoted ? stop + 1 : stop
}

function isBlank(byte: number | undefined): boolean {
  return byte === 32 || byte === 9
}

function declaredNames(schema: Schema, { header }: CsvDialect): readonly string[] | undefined {
  if (header === true) return undefined
  return header === false ? schema.fields.map((field) => field.name) : header
}
