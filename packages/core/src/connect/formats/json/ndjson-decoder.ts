/**
 * The decoder of newline-delimited JSON: one object per line, LF or CRLF, blank lines skipped, a byte order mark allowed.
 *
 * A line feed always ends a record, so a damaged record never takes the next one with it.
 */
import type { Batch } from '../../../data/batch.ts'
import type { Json, Schema } from '../../../data/type.ts'
import type { DecoderOptions, RecordDecoder } from '../../format.ts'
import { decodedSchema } from '../text/decoder-schema.ts'
import { JsonRows } from './json-rows.ts'
import { skipSpace } from './json-scanner.ts'
import { quoteInput, RecordFault, reportFault } from '../text/record-fault.ts'
import { byteOrderMark, TextChunk } from '../text/text-chunk.ts'
import type { EpochUnit } from '../text/text-options.ts'

/** Bytes of a record that is too long that are handed to `reject`. */
const REJECTED_BYTES_MAX = 65_536
const BACKSLASH = 92

/** What an NDJSON decoder is made with, checked. */
export interface NdjsonSettings {
  readonly epochUnit: EpochUnit
  readonly recordBytesMax: number
}

/** A line with something in it. */
interface LineRange {
  readonly start: number
  /** The first byte that is not white space. */
  readonly at: number
  /** Without the line end. */
  readonly end: number
  readonly lineEnd: number
}

/** Decodes NDJSON. */
export class NdjsonDecoder implements RecordDecoder {
  readonly schema: Schema
  line: number
  readonly #options: DecoderOptions
  readonly #settings: NdjsonSettings
  readonly #rows: JsonRows
  readonly #chunk: TextChunk
  /** Whether text is read at all: without it its encoding does not matter. */
  readonly #readsText: boolean
  /** Where the next pushed byte stands in the stream. */
  #byte: number
  /** Inside a line that was too long and is reported already. */
  #skipping: boolean
  /** Of the push: where its range starts and ends, and whether it is the last. */
  #start = 0
  #end = 0
  #final = false
  #consumedEnd = 0

  constructor(schema: Schema, options: DecoderOptions, settings: NdjsonSettings) {
    this.schema = decodedSchema(schema, options)
    this.line = options.line ?? 1
    this.#options = options
    this.#settings = settings
    this.#rows = new JsonRows(this.schema, settings)
    this.#chunk = new TextChunk(options.isUtf8)
    this.#readsText = this.#rows.target.columns.some((column) => column.holder !== 'fixed')
    this.#byte = options.byte ?? 0
    this.#skipping = (options.resume as { readonly skipping?: boolean } | null | undefined)?.skipping === true
  }

  get rows(): number {
    return this.#rows.target.rows
  }

  push(chunk: Uint8Array, start: number, end: number, final: boolean, rowsMax: number): number {
    this.#chunk.bind(chunk)
    this.#rows.target.begin(chunk, start, rowsMax)
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
    if (this.#skipping) position = this.#skipLine(position)
    position = this.#decode(position, rowsMax)
    this.#consumedEnd = position
    this.#byte += position - start
    return position - start
  }

  take(): Batch | undefined {
    return this.#rows.target.take(this.#consumedEnd)
  }

  resume(): Json {
    return this.#skipping ? { v: 1, skipping: true } : null
  }

  /** Decodes whole lines from `start` on, window by window; gives the position of the first that is not decoded. */
  #decode(start: number, rowsMax: number): number {
    const { target } = this.#rows
    const chunk = this.#chunk
    let position = start
    let windowEnd = -1
    let fast = false
    let escapes = false
    while (position < this.#end && target.rows < rowsMax) {
      if (position >= windowEnd) {
        windowEnd = chunk.linesEnd(position, this.#end)
        // Without a line feed only the last line of the stream is whole.
        const inspectedEnd = windowEnd < 0 ? this.#end : windowEnd
        if (windowEnd < 0 && !this.#final) return this.#waitOrSkip(position)
        windowEnd = inspectedEnd
        fast = !this.#readsText || chunk.isUtf8(position, windowEnd)
        escapes = fast && chunk.holds(BACKSLASH, position, windowEnd)
      }
      if (fast && this.#options.located === undefined) {
        const before = target.rows
        position = this.#rows.run(chunk, position, windowEnd, rowsMax, escapes)
        this.line += target.rows - before
        if (position >= windowEnd || target.rows >= rowsMax) continue
      }
      position = this.#decodeLine(position, fast)
    }
    return position
  }

  /** Decodes the line at `start` exactly; gives where the next one starts. */
  #decodeLine(start: number, isText: boolean): number {
    const { bytes } = this.#chunk
    const feed = this.#chunk.lineFeed(start, this.#end)
    const next = feed < 0 ? this.#end : feed + 1
    let end = feed < 0 ? this.#end : feed
    if (end > start && bytes[end - 1] === 13) end--
    const at = skipSpace(bytes, start, end)
    if (at < end) this.#decodeRecord({ start, at, end, lineEnd: feed < 0 ? this.#end : feed }, isText)
    if (feed >= 0) this.line++
    return next
  }

  #decodeRecord({ start, at, end, lineEnd }: LineRange, isText: boolean): void {
    if (lineEnd - start > this.#settings.recordBytesMax) return this.#reportTooLong(start)
    const { bytes } = this.#chunk
    const { target, reader } = this.#rows
    try {
      if (!isText && !this.#chunk.isUtf8(start, end)) {
        throw new RecordFault('the line is not valid UTF-8', -1, {
          hint: "convert the file to UTF-8, or go on without such rows: read with { onError: 'reject' }",
        })
      }
      const behind = reader.read(bytes, at, end, target.rows)
      const rest = skipSpace(bytes, behind, end)
      if (rest < end) {
        throw new RecordFault(`expected the end of the line, found ${quoteInput(bytes, rest, end)}`, rest)
      }
    } catch (fault) {
      target.clearRow(target.rows)
      return this.#report(fault, start, end)
    }
    target.rows++
    this.#options.located?.(this.line, this.#byteOf(start))
    this.#rows.learn(bytes, start, end, { kind: 'lines' })
  }

  #report(fault: unknown, start: number, end: number): void {
    const record = {
      bytes: this.#chunk.bytes,
      start,
      end,
      line: this.line,
      byte: this.#byteOf(start),
    }
    reportFault(fault, record, this.#options)
  }

  #byteOf(position: number): number {
    return this.#byte + position - this.#start
  }

  /** No line feed is there yet: wait for more bytes, unless the line is too long already. */
  #waitOrSkip(start: number): number {
    if (this.#end - start <= this.#settings.recordBytesMax) return start
    this.#reportTooLong(start)
    this.#skipping = true
    return this.#end
  }

  #reportTooLong(start: number): void {
    const { recordBytesMax } = this.#settings
    const fault = new RecordFault(`the record is longer than ${recordBytesMax} bytes`, -1, {
      hint: 'raise the option recordBytesMax, or check that the file has line feeds between its records',
    })
    this.#report(fault, start, start + Math.min(REJECTED_BYTES_MAX, recordBytesMax))
  }

  /** Steps over the rest of a line that is too long. */
  #skipLine(start: number): number {
    const feed = this.#chunk.lineFeed(start, this.#end)
    if (feed < 0) return this.#end
    this.#skipping = false
    this.line++
    return feed + 1
  }
}
