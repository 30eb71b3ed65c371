/**
 * The decoder of JSON documents: one array of objects, `[{…}, {…}]`, with any white space, read as a stream; also objects
 * one behind another without an array.
 *
 * A value that does not fit the schema costs its element only. Damage to the structure itself (a missing comma, a
 * string that is not closed) leaves no safe place to go on at: it is an error also where rows are rejected.
 */
import type { Batch } from '../../../data/batch.ts'
import type { Json, Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import type { DecoderOptions, RecordDecoder } from '../../format.ts'
import { decodedSchema } from '../text/decoder-schema.ts'
import type { Framing } from './json-extractor.ts'
import type { JsonRowsSettings } from './json-rows.ts'
import { JsonRows, lineFeeds } from './json-rows.ts'
import { skipSpace, skipValue } from './json-scanner.ts'
import { quoteInput, RecordFault, reportFault } from '../text/record-fault.ts'
import { byteOrderMark, TextChunk, WINDOW_BYTES } from '../text/text-chunk.ts'
import { wholeCharactersEnd } from '../text/utf8-text.ts'

/**
 * Where in the document the next byte stands: before it, behind `[`, behind a comma, behind an element, behind `]`;
 * `stream`: between objects that are in no array.
 */
type Place = 'start' | 'first' | 'element' | 'separator' | 'end' | 'stream'

const BACKSLASH = 92

/** Decodes JSON documents. */
export class JsonDecoder implements RecordDecoder {
  readonly schema: Schema
  line: number
  readonly #options: DecoderOptions
  readonly #settings: JsonRowsSettings
  readonly #rows: JsonRows
  readonly #chunk: TextChunk
  readonly #readsText: boolean
  #place: Place
  #byte: number
  #start = 0
  #end = 0
  #final = false
  #consumedEnd = 0
  /** The record read last by the exact reader, in the current push, to learn its separator; −1: none. */
  #lastStart = -1
  #lastEnd = -1

  constructor(schema: Schema, options: DecoderOptions, settings: JsonRowsSettings) {
    this.schema = decodedSchema(schema, options)
    this.line = options.line ?? 1
    this.#options = options
    this.#settings = settings
    this.#rows = new JsonRows(this.schema, settings)
    this.#chunk = new TextChunk(options.isUtf8)
    this.#readsText = this.#rows.target.columns.some((column) => column.holder !== 'fixed')
    this.#byte = options.byte ?? 0
    this.#place = (options.resume as { readonly place?: Place } | null | undefined)?.place ?? 'start'
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
    this.#lastStart = -1
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
    if (final && position >= end) this.#checkEnd()
    return position - start
  }

  take(): Batch | undefined {
    return this.#rows.target.take(this.#consumedEnd)
  }

  resume(): Json {
    return { v: 1, place: this.#place }
  }

  #decode(start: number, rowsMax: number): number {
    const { target } = this.#rows
    let position = start
    let windowEnd = -1
    let fast = false
    let escapes = false
    while (target.rows < rowsMax) {
      position = this.#nextElement(position)
      if (position >= this.#end || this.#place === 'end') break
      if (position >= windowEnd) {
        windowEnd = Math.min(this.#end, position + WINDOW_BYTES)
        const textEnd = wholeCharactersEnd(this.#chunk.bytes, position, windowEnd)
        fast = !this.#readsText || this.#chunk.isUtf8(position, textEnd)
        escapes = fast && this.#chunk.holds(BACKSLASH, position, windowEnd)
      }
      if (fast && this.#options.located === undefined) {
        const from = position
        position = this.#runShapes(position, windowEnd, rowsMax, escapes)
        if (position > from) continue
      }
      const next = this.#decodeElement(position)
      if (next < 0) break
      position = next
    }
    return position
  }

  #runShapes(start: number, windowEnd: number, rowsMax: number, escapes: boolean): number {
    const rows = this.#rows
    const before = rows.target.rows
    const position = rows.run(this.#chunk, start, windowEnd, rowsMax, escapes)
    if (rows.target.rows > before) {
      this.line += rows.linesInRun
      const behind = rows.afterRecord
      if (this.#place !== 'stream') this.#place = behind ? 'separator' : 'element'
      this.#lastStart = -1
    }
    return position
  }

  /** Steps over what stands between elements, up to the next one; stops at the end of the bytes. */
  #nextElement(start: number): number {
    let position = this.#skipSpace(start)
    while (position < this.#end) {
      const byte = this.#chunk.bytes[position] as number
      if (this.#place === 'element' || this.#place === 'stream') break
      if (this.#place === 'end') throw this.#damage(position, 'nothing behind the closing "]"')
      if (this.#place === 'start') {
        if (byte === 123) {
          this.#place = 'stream'
          break
        }
        if (byte !== 91) throw this.#damage(position, '"[" or "{"')
        this.#place = 'first'
      } else if (byte === 93 && (this.#place === 'first' || this.#place === 'separator')) {
        this.#place = 'end'
      } else if (this.#place === 'first') {
        this.#place = 'element'
        break
      } else {
        if (byte !== 44) throw this.#damage(position, '"," or "]"')
        this.#place = 'element'
      }
      position = this.#skipSpace(position + 1)
    }
    this.#learnSeparator(position)
    return position
  }

  /** Now that the next record is there, the one before it and the bytes between them can be learned. */
  #learnSeparator(position: number): void {
    if (this.#lastStart < 0 || position >= this.#end || this.#place === 'end') return
    const { bytes } = this.#chunk
    const framing: Framing = { kind: 'elements', separator: bytes.slice(this.#lastEnd, position) }
    if (framing.separator.length <= 512) this.#rows.learn(bytes, this.#lastStart, this.#lastEnd, framing)
    this.#lastStart = -1
  }

  #skipSpace(start: number): number {
    const position = skipSpace(this.#chunk.bytes, start, this.#end)
    if (position > start) this.line += lineFeeds(this.#chunk.bytes, start, position)
    return position
  }

  /** Reads the element at `start` exactly; gives the position behind it, or −1 when it is not whole yet. */
  #decodeElement(start: number): number {
    const { bytes } = this.#chunk
    const { target, reader } = this.#rows
    let behind = -1
    try {
      behind = reader.read(bytes, start, this.#end, target.rows)
      this.#checkRecord(start, behind)
      target.rows++
      this.#options.located?.(this.line, this.#byteOf(start))
      this.#lastStart = start
      this.#lastEnd = behind
    } catch (fault) {
      target.clearRow(target.rows)
      behind = this.#elementEnd(start, fault)
      if (behind < 0) return -1
      this.#report(fault, start, behind)
    }
    this.line += lineFeeds(bytes, start, behind)
    if (this.#place !== 'stream') this.#place = 'separator'
    return behind
  }

  /** Where a faulty element ends; −1 when more bytes are needed. Throws when its structure is damaged. */
  #elementEnd(start: number, fault: unknown): number {
    if (!(fault instanceof RecordFault)) throw fault
    try {
      const behind = skipValue(this.#chunk.bytes, start, this.#end)
      // A number or word at the end of the bytes may go on.
      if (behind < this.#end || this.#final) return behind
      const last = this.#chunk.bytes[behind - 1]
      return last === 125 || last === 93 || last === 34 ? behind : -1
    } catch (damage) {
      if (!(damage instanceof RecordFault)) throw damage
      const isCut = damage.position >= this.#end
      if (!isCut) throw this.#damageOf(damage, start)
      if (!this.#final) {
        if (this.#end - start > this.#settings.recordBytesMax) throw this.#tooLong(start)
        return -1
      }
      throw new MillraceError('input/truncated', {
        what: `"${this.#options.file}" ends inside a record`,
        detail: damage.reason,
        hint: 'write the file again, or wait until its writer has finished it',
        place: { file: this.#options.file, line: this.line, byte: this.#byteOf(this.#end) },
      })
    }
  }

  #checkRecord(start: number, behind: number): void {
    if (behind - start > this.#settings.recordBytesMax) {
      throw new RecordFault(`the record is longer than ${this.#settings.recordBytesMax} bytes`, -1, {
        hint: 'raise the option recordBytesMax',
      })
    }
    if (this.#readsText && !this.#chunk.isUtf8(start, behind)) {
      throw new RecordFault('the record is not valid UTF-8', -1, { hint: 'convert the file to UTF-8' })
    }
  }

  #report(fault: unknown, start: number, end: number): void {
    const record = { bytes: this.#chunk.bytes, start, end, line: this.line, byte: this.#byteOf(start) }
    reportFault(fault, record, this.#options)
  }

  #byteOf(position: number): number {
    return this.#byte + position - this.#start
  }

  /** All bytes are read: the document must be whole. */
  #checkEnd(): void {
    const { file } = this.#options
    if (this.#place === 'end' || this.#place === 'stream' || this.#place === 'start') return
    throw new MillraceError('input/truncated', {
      what: `"${file}" ends inside its array`,
      detail: 'the closing "]" is missing',
      hint: 'write the file again, or wait until its writer has finished it',
      place: { file, line: this.line, byte: this.#byte },
    })
  }

  #damage(position: number, wanted: string): MillraceError {
    const found = quoteInput(this.#chunk.bytes, position, Math.min(this.#end, position + 20))
    return this.#damageOf(new RecordFault(`expected ${wanted}, found ${found}`, position), position)
  }

  #damageOf(damage: RecordFault, start: number): MillraceError {
    const { file } = this.#options
    return new MillraceError('input/undecodable', {
      what: `"${file}" is not a JSON array of objects`,
      detail: damage.reason,
      hint: 'correct the file; for one object per line choose the format ndjson',
      place: {
        file,
        line: this.line + lineFeeds(this.#chunk.bytes, start, Math.max(start, damage.position)),
        byte: this.#byteOf(Math.max(start, damage.position)),
      },
    })
  }

  #tooLong(start: number): MillraceError {
    const { file } = this.#options
    return new MillraceError('input/undecodable', {
      what: `a record of "${file}" is longer than ${this.#settings.recordBytesMax} bytes`,
      hint: 'raise the option recordBytesMax, or check that the file is whole',
      place: { file, line: this.line, byte: this.#byteOf(start) },
    })
  }
}
