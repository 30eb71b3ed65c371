/**
 * Reads the entries of one leaf column: opens pages, cuts them into levels and values, and hands both on.
 *
 * Flat columns (no list, at most one optional) come as whole columns from `readFlat`; columns inside lists and structs
 * give their levels through `readRecords`, from which assemble.ts builds.
 */
import type { Column } from '../../../data/column.ts'
import { bitmapBytes } from '../../../data/validity.ts'
import type { Compression } from '../../../host/host.ts'
import type { RandomAccessFile } from '../../format.ts'
import { BytesLeaf } from './bytes-leaf.ts'
import { crc32 } from './crc32.ts'
import { damaged, unsupported } from './damage.ts'
import { IntervalLeaf } from './interval-leaf.ts'
import type { Leaf } from './leaf.ts'
import { grownCapacity } from './leaf.ts'
import { LongLeaf } from './long-leaf.ts'
import type { ColumnChunk } from './metadata.ts'
import { NumberLeaf } from './number-leaf.ts'
import { checkCodec, decompressPage } from './page-codec.ts'
import type { PageHeader } from './page-header.ts'
import { PageQueue } from './page-queue.ts'
import { bitWidth, RleReader } from './rle-reader.ts'
import type { LeafNode } from './schema-tree.ts'
import { encoding, nameOf, pageType, physicalType } from './vocabulary.ts'

/** Entries of one batch of a nested column, at most; a crafted page can announce far more with a few bytes. */
const ENTRIES_MAX = 1 << 26

/** Levels are looked at in portions. */
const LEVELS_PORTION = 1024

/** Reader of one leaf column over all row groups. */
export class ColumnReader {
  readonly node: LeafNode
  readonly leaf: Leaf
  readonly pages: PageQueue
  private readonly compression: Compression
  private codec = 0
  private readonly definitions = new RleReader()
  private readonly repetitions = new RleReader()
  private pageLeft = 0
  private entriesLeft = 0
  private validity = new Uint8Array(0)
  /** Levels of the last `readRecords`. */
  definitionLevels: Int32Array = new Int32Array(0)
  repetitionLevels: Int32Array = new Int32Array(0)
  entries = 0
  /** Levels of the present page that were looked at and not taken. */
  private readonly aheadDefinitions = new Int32Array(LEVELS_PORTION)
  private readonly aheadRepetitions = new Int32Array(LEVELS_PORTION)
  private aheadAt = 0
  private aheadEnd = 0

  constructor(node: LeafNode, file: RandomAccessFile, compression: Compression) {
    this.node = node
    this.leaf = makeLeaf(node)
    this.pages = new PageQueue(file)
    this.compression = compression
  }

  /** Starts a row group's chunk. */
  openChunk(chunk: ColumnChunk, bytes: Uint8Array | undefined): void {
    const { leaf } = this.node
    if (chunk.type !== leaf.physical)
      throw damaged(`a column chunk holds ${nameOf(physicalType, chunk.type)} values`)
    checkCodec(chunk.codec)
    this.codec = chunk.codec
    this.pages.open(chunk, bytes)
    this.leaf.openChunk()
    this.pageLeft = 0
    this.entriesLeft = chunk.values
    this.aheadAt = 0
    this.aheadEnd = 0
  }

  /** Makes sure that the next `rows` rows can be read without waiting. */
  prepare(rows: number): Promise<void> | undefined {
    // How many entries rows have is not known before they are read, so nested chunks are fetched whole.
    if (this.node.repetition > 0) return this.pages.prepare(this.entriesLeft)
    return this.pages.prepare(rows - this.pageLeft)
  }

  /** The next `rows` rows of a column at the top level. */
  readFlat(rows: number): Column {
    const optional = this.node.definition > 0
    if (optional) this.clearValidity(rows)
    this.leaf.begin(rows)
    let present = 0
    for (let done = 0; done < rows;) {
      if (this.pageLeft === 0) {
        this.openPage()
        continue
      }
      const part = Math.min(this.pageLeft, rows - done)
      const valid = optional ? this.definitions.readBitmap(this.validity, done, part) : part
      this.leaf.readDense(valid)
      present += valid
      this.pageLeft -= part
      this.entriesLeft -= part
      done += part
    }
    const validity = present === rows ? undefined : this.validity.subarray(0, bitmapBytes(rows))
    return this.leaf.finish(rows, validity)
  }

  private clearValidity(rows: number): void {
    const byteCount = bitmapBytes(rows)
    if (this.validity.length < byteCount) this.validity = new Uint8Array(byteCount)
    else this.validity.fill(0, 0, byteCount)
  }

  /** Reads the levels of the next `rows` rows, and their dense values into the leaf. */
  readRecords(rows: number): void {
    this.entries = 0
    this.leaf.begin(rows)
    let started = 0
    for (;;) {
      if (this.aheadAt === this.aheadEnd && !this.lookAhead()) break
      const { aheadRepetitions, aheadEnd } = this
      let at = this.aheadAt
      for (; at < aheadEnd; at++) {
        if (aheadRepetitions[at] !== 0) continue
        if (started === rows) break
        started++
      }
      this.takeAhead(at)
      if (at < aheadEnd) break
    }
    if (started < rows) throw damaged('the pages of a column hold fewer rows than the row group')
  }

  /** Looks at levels of the present page, or opens the next; false at the end of the chunk. */
  private lookAhead(): boolean {
    while (this.pageLeft === 0) {
      if (this.entriesLeft === 0) return false
      this.openPage()
    }
    const { node } = this
    const part = Math.min(this.pageLeft, LEVELS_PORTION)
    if (node.definition > 0) this.definitions.read(this.aheadDefinitions, 0, part)
    if (node.repetition > 0) this.repetitions.read(this.aheadRepetitions, 0, part)
    this.pageLeft -= part
    this.entriesLeft -= part
    this.aheadAt = 0
    this.aheadEnd = part
    return true
  }

  /** Takes the levels before `end` and reads the values that belong to them. */
  private takeAhead(end: number): void {
    const count = end - this.aheadAt
    if (this.entries + count > ENTRIES_MAX) throw unsupported('a batch of rows with very long lists')
    this.reserveLevels(this.entries + count)
    const { definition, repetition } = this.node
    let present = 0
    for (let at = this.aheadAt; at < end; at++, this.entries++) {
      const level = this.aheadDefinitions[at] as number
      const repeat = this.aheadRepetitions[at] as number
      if (level > definition || level < 0 || repeat > repetition || repeat < 0)
        throw damaged('a level is too high')
      this.definitionLevels[this.entries] = level
      this.repetitionLevels[this.entries] = repeat
      if (level === definition) present++
    }
    this.aheadAt = end
    this.leaf.readDense(present)
  }

  private reserveLevels(count: number): void {
    if (count <= this.definitionLevels.length) return
    const capacity = grownCapacity(this.definitionLevels.length, count)
    const definitions = new Int32Array(capacity)
    const repetitions = new Int32Array(capacity)
    definitions.set(this.definitionLevels.subarray(0, this.entries))
    repetitions.set(this.repetitionLevels.subarray(0, this.entries))
    this.definitionLevels = definitions
    this.repetitionLevels = repetitions
  }

  private openPage(): void {
    const { header, body } = this.pages.next()
    if (header.crc !== undefined && crc32(body, 0, body.length) !== header.crc)
      throw damaged('the checksum of a page does not fit its bytes')
    if (header.type === pageType.dictionary) {
      const bytes = decompressPage(this.compression, this.codec, body, header.uncompressedBytes)
      this.leaf.openDictionary(bytes, header.values)
    } else if (header.type === pageType.dataV2) this.openV2(header, body)
    else this.openV1(header, body)
  }

  private openV1(header: PageHeader, body: Uint8Array): void {
    const bytes = decompressPage(this.compression, this.codec, body, header.uncompressedBytes)
    const { definition, repetition } = this.node
    let position = 0
    if (repetition > 0) {
      if (header.repetitionEncoding !== encoding.rle)
        throw unsupported('levels in the old bit-packed encoding')
      position = openLevels(this.repetitions, bytes, position, repetition)
    }
    if (definition > 0) {
      if (header.definitionEncoding !== encoding.rle)
        throw unsupported('levels in the old bit-packed encoding')
      position = openLevels(this.definitions, bytes, position, definition)
    }
    this.leaf.openPage(header.encoding, bytes, position, bytes.length)
    this.pageLeft = header.values
  }

  private openV2(header: PageHeader, body: Uint8Array): void {
    const { definition, repetition } = this.node
    const { repetitionBytes, definitionBytes } = header
    const levelBytes = repetitionBytes + definitionBytes
    if (repetition > 0) this.repetitions.open(body, 0, repetitionBytes, bitWidth(repetition))
    if (definition > 0) this.definitions.open(body, repetitionBytes, levelBytes, bitWidth(definition))
    const size = header.uncompressedBytes - levelBytes
    const packed = body.subarray(levelBytes)
    const bytes = decompressPage(this.compression, header.valuesCompressed ? this.codec : 0, packed, size)
    this.leaf.openPage(header.encoding, bytes, 0, bytes.length)
    this.pageLeft = header.values
  }
}

/** Opens levels that stand behind their length; returns where they end. */
function openLevels(reader: RleReader, bytes: Uint8Array, position: number, max: number): number {
  if (position + 4 > bytes.length) throw damaged('a page ends in its levels')
  const length = new DataView(bytes.buffer, bytes.byteOffset + position, 4).getUint32(0, true)
  const start = position + 4
  if (length > bytes.length - start) throw damaged('the levels of a page are longer than the page')
  reader.open(bytes, start, start + length, bitWidth(max))
  return start + length
}

function makeLeaf(node: LeafNode): Leaf {
  const { leaf } = node
  switch (leaf.kind) {
    case 'number':
      return new NumberLeaf(leaf)
    case 'long':
      return new LongLeaf(leaf)
    case 'bytes':
      return new BytesLeaf(leaf)
    case 'interval':
      return new IntervalLeaf(leaf)
  }
}
