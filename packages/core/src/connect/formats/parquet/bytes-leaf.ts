/**
 * Leaf decoder of strings, bytes, JSON texts and UUIDs.
 *
 * Values stay where they are: rows are ranges of the decompressed page, or codes of the file's dictionary. Only when a
 * batch takes values from two places are their bytes copied together, because a column refers to one chunk (C3).
 */
import type { Column, Utf8Column } from '../../../data/column.ts'
import { damaged, unsupported } from './damage.ts'
import { ByteStreams } from './byte-streams.ts'
import { DictionaryMerge } from './dictionary-merge.ts'
import { grownCapacity } from './leaf.ts'
import type { Leaf } from './leaf.ts'
import type { LeafType } from './leaf-type.ts'
import { RleReader } from './rle-reader.ts'
import { spread } from './spread.ts'
import { rangeSource } from './range-source.ts'
import type { RangeSource } from './range-source.ts'
import { isUtf8Range } from '../text/utf8-text.ts'
import { MillraceError } from '../../../errors.ts'
import { encoding, nameOf, physicalType } from './vocabulary.ts'

const noBytes = new Uint8Array(0)

/** Decoder of byte strings. */
export class BytesLeaf implements Leaf {
  private readonly leaf: LeafType
  private readonly isText: boolean
  private readonly merge: DictionaryMerge
  private readonly runs = new RleReader()
  private readonly streams = new ByteStreams()
  /** Codes of the chunk's dictionary in the file's; undefined: the same. */
  private remap: Int32Array | undefined
  private chunkEntries = -1
  private mode: 'codes' | 'ranges' = 'ranges'
  private source: RangeSource | undefined
  private codes: Int32Array = new Int32Array(0)
  private starts: Int32Array = new Int32Array(0)
  private lengths: Int32Array = new Int32Array(0)
  private length = 0
  /** What the batch's rows are so far. */
  private layout: 'codes' | 'ranges' | 'empty' = 'empty'
  /** The chunk that the rows refer to, and the part of it that they use. */
  private chunk: Uint8Array = noBytes
  private usedStart = 0
  private usedEnd = 0
  /** Where bytes of several places are brought together. */
  private arena: Uint8Array = noBytes
  private arenaLength = 0

  constructor(leaf: LeafType) {
    this.leaf = leaf
    this.isText = leaf.type.kind === 'string' || leaf.type.kind === 'json'
    this.merge = new DictionaryMerge(leaf.type)
  }

  openChunk(): void {
    this.chunkEntries = -1
    this.remap = undefined
  }

  openDictionary(bytes: Uint8Array, count: number): void {
    if (count * (this.leaf.fixedBytes > 0 ? 1 : 4) > bytes.length)
      throw damaged('the dictionary is shorter than its count')
    const source = rangeSource(this.leaf, encoding.plain) as RangeSource
    source.open(bytes, 0, bytes.length)
    const starts = new Int32Array(count)
    const lengths = new Int32Array(count)
    const chunk = source.read(starts, lengths, 0, count)
    if (this.isText) checkText(chunk, starts, lengths, 0, count)
    this.remap = this.merge.merge({ bytes: chunk, starts, lengths, count })
    this.chunkEntries = count
  }

  openPage(code: number, bytes: Uint8Array, start: number, end: number): void {
    if (code === encoding.rleDictionary || code === encoding.plainDictionary) {
      if (this.chunkEntries < 0) throw damaged('a page of codes without a dictionary')
      this.mode = 'codes'
      if (start < end) this.runs.open(bytes, start + 1, end, bytes[start] as number)
      else this.runs.open(bytes, end, end, 1)
      return
    }
    this.mode = 'ranges'
    if (code === encoding.byteStreamSplit && this.leaf.physical === physicalType.fixedLengthByteArray) {
      const joined = new Uint8Array(end - start)
      this.streams.open(bytes, start, end, this.leaf.fixedBytes)
      this.streams.read(joined, joined.length / this.leaf.fixedBytes)
      this.source = rangeSource(this.leaf, encoding.plain)
      this.source?.open(joined, 0, joined.length)
      return
    }
    this.source = rangeSource(this.leaf, code)
    if (this.source === undefined)
      throw unsupported(
        `encoding ${nameOf(encoding, code)} of ${nameOf(physicalType, this.leaf.physical)} values`,
      )
    this.source.open(bytes, start, end)
  }

  begin(capacity: number): void {
    this.length = 0
    this.layout = 'empty'
    this.arenaLength = 0
    this.usedStart = 0
    this.usedEnd = 0
    if (this.codes.length < capacity) this.reserve(capacity)
  }

  private reserve(values: number): void {
    if (values <= this.codes.length) return
    const capacity = grownCapacity(this.codes.length, values)
    this.codes = grown(this.codes, capacity)
    this.starts = grown(this.starts, capacity)
    this.lengths = grown(this.lengths, capacity)
  }

  readDense(count: number): void {
    if (count === 0) return
    this.reserve(this.length + count)
    if (this.mode === 'ranges') this.readRanges(count)
    else {
      this.readCodes(count)
      if (this.layout === 'ranges') this.rangesOfCodes(this.length, count)
      else this.layout = 'codes'
    }
    this.length += count
  }

  private readCodes(count: number): void {
    const { codes, length, remap, chunkEntries } = this
    this.runs.read(codes, length, count)
    for (let index = length; index < length + count; index++) {
      const code = codes[index] as number
      if (code >>> 0 >= chunkEntries) throw damaged(`code ${code} in a dictionary of ${chunkEntries} values`)
      if (remap !== undefined) codes[index] = remap[code] as number
    }
  }

  private readRanges(count: number): void {
    if (this.layout === 'codes') {
      this.layout = 'ranges'
      this.chunk = noBytes
      this.rangesOfCodes(0, this.length)
    }
    const chunk = (this.source as RangeSource).read(this.starts, this.lengths, this.length, count)
    if (this.isText) checkText(chunk, this.starts, this.lengths, this.length, count)
    this.layout = 'ranges'
    this.adopt(chunk, this.length, count)
  }

  /** Rows `from…` are codes; makes them ranges of the dictionary's bytes. */
  private rangesOfCodes(from: number, count: number): void {
    const { dictionary } = this.merge
    for (let index = from; index < from + count; index++) {
      const code = this.codes[index] as number
      this.starts[index] = dictionary.starts[code] as number
      this.lengths[index] = dictionary.lengths[code] as number
    }
    this.adopt(dictionary.bytes, from, count)
  }

  /** Rows `from…` are ranges of `chunk`; brings the batch back to one chunk. */
  private adopt(chunk: Uint8Array, from: number, count: number): void {
    let lowest = Infinity
    let highest = 0
    for (let index = from; index < from + count; index++) {
      const start = this.starts[index] as number
      const end = start + (this.lengths[index] as number)
      if (start < lowest) lowest = start
      if (end > highest) highest = end
    }
    if (from === 0 || this.chunk === chunk) {
      this.usedStart = from === 0 ? lowest : Math.min(lowest, this.usedStart)
      this.usedEnd = from === 0 ? highest : Math.max(highest, this.usedEnd)
      this.chunk = chunk
      return
    }
    if (this.chunk !== this.arena || this.arenaLength === 0) {
      const shift = this.moveToArena(this.chunk, this.usedStart, this.usedEnd)
      for (let index = 0; index < from; index++) this.starts[index] = (this.starts[index] as number) + shift
    }
    const shift = this.moveToArena(chunk, lowest, highest)
    for (let index = from; index < from + count; index++)
      this.starts[index] = (this.starts[index] as number) + shift
    this.chunk = this.arena
  }

  /** Copies bytes to the arena's end; returns what starts change by. */
  private moveToArena(chunk: Uint8Array, start: number, end: number): number {
    const needed = this.arenaLength + end - start
    if (needed > 0x7fffffff) throw unsupported('a batch of rows with more than 2 GiB in one column')
    if (needed > this.arena.length) {
      const wider = new Uint8Array(grownCapacity(this.arena.length, needed))
      wider.set(this.arena.subarray(0, this.arenaLength))
      if (this.chunk === this.arena) this.chunk = wider
      this.arena = wider
    }
    this.arena.set(chunk.subarray(start, end), this.arenaLength)
    const shift = this.arenaLength - start
    this.arenaLength = needed
    return shift
  }

  finish(rows: number, validity: Uint8Array | undefined): Column {
    const dense = this.length
    this.reserve(rows)
    const { type } = this.leaf
    if (this.layout === 'codes') {
      if (validity !== undefined) {
        spread(this.codes, dense, rows, validity)
        this.makeCodesReadable(dense, rows)
      }
      const { dictionary } = this.merge
      const codes = this.codes.subarray(0, rows)
      return { layout: 'dictionary', type, codes, dictionary, dictionaryLength: this.merge.length, validity }
    }
    if (validity !== undefined) {
      spread(this.starts, dense, rows, validity)
      spread(this.lengths, dense, rows, validity)
      this.clearNullRanges(rows, validity)
    }
    return this.utf8Column(rows, validity)
  }

  /** Codes under null rows may be leftovers of another dictionary; C2 asks that they can be looked up. */
  private makeCodesReadable(dense: number, rows: number): void {
    if (dense === rows) return
    const { codes, merge } = this
    for (let row = 0; row < rows; row++) if ((codes[row] as number) >= merge.length) codes[row] = 0
  }

  private clearNullRanges(rows: number, validity: Uint8Array): void {
    for (let row = 0; row < rows; row++) {
      if (((validity[row >> 3] as number) & (1 << (row & 7))) !== 0) continue
      this.starts[row] = 0
      this.lengths[row] = 0
    }
  }

  private utf8Column(rows: number, validity: Uint8Array | undefined): Utf8Column {
    return {
      layout: 'utf8',
      type: this.leaf.type,
      bytes: this.layout === 'empty' ? noBytes : this.chunk,
      starts: this.starts.subarray(0, rows),
      lengths: this.lengths.subarray(0, rows),
      validity,
    }
  }
}

function grown(array: Int32Array, capacity: number): Int32Array {
  const wider = new Int32Array(capacity)
  wider.set(array)
  return wider
}

function checkText(
  chunk: Uint8Array,
  starts: Int32Array,
  lengths: Int32Array,
  from: number,
  count: number,
): void {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  for (let index = from; index < from + count; index++) {
    const start = starts[index] as number
    if (isUtf8Range(chunk, view, start, start + (lengths[index] as number))) continue
    throw new MillraceError('input/undecodable', {
      what: 'a text in a Parquet file is not valid UTF-8',
      hint: 'declare the column as bytes, or write the file again with valid texts',
    })
  }
}
