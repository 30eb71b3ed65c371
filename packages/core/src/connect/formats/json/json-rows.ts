/**
 * Rows from JSON records: generated extractors where records have a known shape, the exact reader for all others.
 *
 * Keeps the shapes it has learned, most recently used first; learns when the exact reader was needed often. What is
 * learned never changes what is read, only how fast.
 */
import type { Schema } from '../../../data/type.ts'
import { DecodedColumns } from '../text/decoded-columns.ts'
import type { DecodedColumn } from '../text/decoded-columns.ts'
import type { Extractor, ExtractorState, Framing } from './json-extractor.ts'
import { warmUp } from '../text/generated-function.ts'
import { extractorConstants, makeExtractor } from './json-extractor.ts'
import { JsonRecordReader } from './json-record.ts'
import { skipValue, stringEnd } from './json-scanner.ts'
import type { JsonShape } from './json-shape.ts'
import { learnShape, sameShape } from './json-shape.ts'
import { RecordFault } from '../text/record-fault.ts'
import type { TextChunk } from '../text/text-chunk.ts'
import type { EpochUnit } from '../text/text-options.ts'

/** Shapes kept at a time. */
const SHAPES_MAX = 8
/** Exact records between two attempts to learn: from the first to the most, by this factor. */
const LEARN_FACTOR = 4
const LEARN_AFTER_MAX = 4096
/** After so many records in a row that no shape fitted, shapes are tried for every RETRY_EVERY-th record only. */
const MISSES_MAX = 64
const RETRY_EVERY = 16

interface LearnedShape {
  readonly shape: JsonShape
  readonly framing: Framing
  /** For windows without and with backslashes, made when first needed. */
  plain: Extractor | undefined
  escaped: Extractor | undefined
  /** Line feeds of one record, and of the bytes between two; −1: its values may hold line feeds of their own. */
  readonly recordLines: number
  readonly separatorLines: number
}

/** What JSON rows are read with. */
export interface JsonRowsSettings {
  readonly epochUnit: EpochUnit
  readonly recordBytesMax: number
}

/** Decodes JSON records of one decoder into its columns. */
export class JsonRows {
  readonly target: DecodedColumns
  readonly reader: JsonRecordReader
  /** Line feeds inside the records that `run` took (elements only). */
  linesInRun = 0
  readonly #schema: Schema
  readonly #epochUnit: EpochUnit
  readonly #state: ExtractorState
  readonly #shapes: LearnedShape[] = []
  #exactSince = 0
  #learnAfter = 1
  #misses = 0

  constructor(schema: Schema, { epochUnit, recordBytesMax }: JsonRowsSettings) {
    this.target = new DecodedColumns(schema)
    this.reader = new JsonRecordReader(this.target, epochUnit)
    this.#schema = schema
    this.#epochUnit = epochUnit
    this.#state = makeState(this.target.columns, this.reader, recordBytesMax)
  }

  /** Whether the run stopped behind a record whose separator is another than the shape's. */
  get afterRecord(): boolean {
    return this.#state.afterRecord
  }

  /** Decodes records from `start` on while a known shape fits; gives the position of the first that none fits. */
  run(chunk: TextChunk, start: number, windowEnd: number, rowsMax: number, escapes: boolean): number {
    const { target } = this
    const state = this.#state
    let position = start
    this.linesInRun = 0
    state.afterRecord = false
    // Records without any common shape are read faster without trying the shapes first.
    if (this.#misses > MISSES_MAX && ++this.#misses % RETRY_EVERY !== 0) return position
    for (let tried = 0; tried < this.#shapes.length && target.rows < rowsMax && position < windowEnd;) {
      const learned = this.#shapes[tried] as LearnedShape
      const extractor = this.#extractorOf(learned, escapes, chunk)
      const rows = extractor(state, chunk.bytes, chunk.view, position, windowEnd, target.rows, rowsMax)
      const gained = rows - target.rows
      const from = position
      target.rows = rows
      position = state.position
      // What is left of the record that ended the run.
      if (rows < rowsMax) target.clearRow(rows)
      if (gained === 0) {
        tried++
        continue
      }
      this.linesInRun += linesOfRun(
        learned,
        { gained, afterRecord: state.afterRecord },
        chunk.bytes,
        from,
        position,
      )
      if (state.afterRecord) break
      this.#promote(learned)
      // The shape that just ran does not fit the next record: start with the second.
      tried = this.#shapes.length > 1 ? 1 : this.#shapes.length
    }
    this.#misses = position > start ? 0 : this.#misses + 1
    return position
  }

  /** Tells of a record that the exact reader took without a fault: now and then its shape is learned. */
  learn(bytes: Uint8Array, start: number, end: number, framing: Framing): void {
    if (++this.#exactSince < this.#learnAfter) return
    this.#exactSince = 0
    const shape = learnShape(this.#schema, bytes, start, end)
    if (shape === undefined) return
    const known = this.#shapes.some(
      (learned) => sameShape(learned.shape, shape) && sameFraming(learned.framing, framing),
    )
    if (known) return
    if (this.#shapes.length >= SHAPES_MAX) this.#shapes.pop()
    this.#learnAfter = Math.min(this.#learnAfter * LEARN_FACTOR, LEARN_AFTER_MAX)
    this.#shapes.unshift({
      shape,
      framing,
      plain: undefined,
      escaped: undefined,
      recordLines: this.#hasLines(shape) ? -1 : lineFeeds(bytes, start, end),
      separatorLines:
        framing.kind === 'elements' ? lineFeeds(framing.separator, 0, framing.separator.length) : 0,
    })
  }

  #hasLines(shape: JsonShape): boolean {
    const isNested = ({ holder, field }: DecodedColumn): boolean =>
      holder === 'nested' || field.type.kind === 'json'
    return shape.members.some((member) => member.nested) || this.target.columns.some(isNested)
  }

  #extractorOf(learned: LearnedShape, escapes: boolean, chunk: TextChunk): Extractor {
    const known = escapes ? learned.escaped : learned.plain
    if (known !== undefined) return known
    const plan = {
      schema: this.#schema,
      shape: learned.shape,
      framing: learned.framing,
      epochUnit: this.#epochUnit,
      escapes,
    }
    const made = makeExtractor(plan)
    warmUp(() => made(this.#state, chunk.bytes, chunk.view, 0, 0, 0, 0))
    if (escapes) learned.escaped = made
    else learned.plain = made
    return made
  }

  #promote(learned: LearnedShape): void {
    const at = this.#shapes.indexOf(learned)
    if (at <= 0) return
    this.#shapes.splice(at, 1)
    this.#shapes.unshift(learned)
  }
}

/** Line feeds in the records of a run. Native search hops from one to the next where they cannot be computed. */
function linesOfRun(
  learned: LearnedShape,
  run: { readonly gained: number; readonly afterRecord: boolean },
  bytes: Buffer,
  start: number,
  end: number,
): number {
  if (learned.framing.kind === 'lines') return 0
  const { recordLines, separatorLines } = learned
  if (recordLines >= 0) {
    return run.gained * (recordLines + separatorLines) - (run.afterRecord ? separatorLines : 0)
  }
  let count = 0
  for (let at = bytes.indexOf(10, start); at >= 0 && at < end; at = bytes.indexOf(10, at + 1)) count++
  return count
}

/** Line feeds in a range. */
export function lineFeeds(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let p = start; p < end; p++) if (bytes[p] === 10) count++
  return count
}

function sameFraming(a: Framing, b: Framing): boolean {
  if (a.kind === 'lines' || b.kind === 'lines') return a.kind === b.kind
  return Buffer.compare(a.separator, b.separator) === 0
}

function makeState(
  columns: readonly DecodedColumn[],
  reader: JsonRecordReader,
  recordBytesMax: number,
): ExtractorState {
  return {
    recordBytesMax,
    ...extractorConstants,
    columns,
    position: 0,
    afterRecord: false,
    cell: (column, row, bytes, at, end) =>
      orFailed(() => reader.readCell(columns[column] as DecodedColumn, row, bytes, at, end)),
    escaped: (column, row, bytes, start, escape, end) =>
      orFailed(() => {
        const stop = stringEnd(bytes, escape, end)
        reader.readEscaped(columns[column] as DecodedColumn, row, bytes, start, stop)
        return stop + 1
      }),
    skip: (bytes, at, end) => orFailed(() => skipValue(bytes, at, end)),
  }
}

/** A fault in an extractor's cell only ends its run: the exact reader meets it again and words it. */
function orFailed(read: () => number): number {
  try {
    return read()
  } catch (fault) {
    if (fault instanceof RecordFault) return -1
    throw fault
  }
}
