/**
 * Writes one leaf column of a row group: collects levels and values, cuts pages, compresses them, and remembers what
 * the footer has to say of the chunk.
 */
import type { Column } from '../../../data/column.ts'
import type { Compression } from '../../../host/host.ts'
import { snappyBound, snappyCompress } from './snappy.ts'
import { BooleanWriter } from './boolean-writer.ts'
import { ByteSink } from './byte-sink.ts'
import { BytesWriter } from './bytes-writer.ts'
import { crc32 } from './crc32.ts'
import { FixedWriter } from './fixed-writer.ts'
import { grownCapacity } from './leaf.ts'
import { NumberWriter } from './number-writer.ts'
import { bitWidth } from './rle-reader.ts'
import { writeRepeated, writeRuns } from './rle-writer.ts'
import { Shredder } from './shred.ts'
import type { Shredded } from './shred.ts'
import { ThriftWriter } from './thrift-writer.ts'
import type { ByteBounds, ValueWriter } from './value-writer.ts'
import { codec, encoding, pageType } from './vocabulary.ts'
import type { WriteLeaf } from './write-schema.ts'

/** How pages are compressed. */
export type WriteCodec = 'uncompressed' | 'snappy' | 'gzip' | 'zstd'

/** A page is closed when its values have so many bytes, or it so many entries. */
const PAGE_BYTES = 1 << 20
const PAGE_ENTRIES = 1 << 15

/** A finished column chunk; offsets are from the beginning of the row group. */
export interface WrittenChunk {
  readonly leaf: WriteLeaf
  readonly entries: number
  readonly nulls: number
  readonly encodings: readonly number[]
  readonly dictionaryOffset: number | undefined
  readonly dataOffset: number
  readonly compressedBytes: number
  readonly uncompressedBytes: number
  readonly bounds: ByteBounds | undefined
}

/** Writer of one leaf column. */
export class ColumnWriter {
  private readonly leaf: WriteLeaf
  private readonly codec: WriteCodec
  private readonly compression: Compression
  private readonly values: ValueWriter
  private readonly shredder: Shredder
  private readonly thrift = new ThriftWriter()
  private readonly scratch = new ByteSink()
  private readonly raw = new ByteSink()
  /** Finished data pages of the chunk. */
  private readonly pages = new ByteSink(0)
  private definitions: Int32Array = new Int32Array(0)
  private repetitions: Int32Array = new Int32Array(0)
  private pageEntries = 0
  private pageHasLowLevels = false
  private chunkEntries = 0
  private chunkNulls = 0
  private uncompressedBytes = 0
  private readonly encodings = new Set<number>()

  constructor(leaf: WriteLeaf, writeCodec: WriteCodec, compression: Compression) {
    this.leaf = leaf
    this.codec = writeCodec
    this.compression = compression
    this.values = makeValueWriter(leaf)
    this.shredder = new Shredder(leaf)
    this.values.startChunk()
  }

  /** Bytes of the chunk that are held, about. */
  heldBytes(): number {
    return this.pages.length + this.values.pageBytes()
  }

  /** Takes live rows `start … start + count` of a batch's column. */
  append(column: Column, selection: Int32Array | undefined, start: number, count: number): void {
    const shredded = this.shredder.shred(column, selection, start, count)
    if (this.values.needsFlush(shredded.column)) this.flushPage()
    this.appendLevels(shredded)
    this.values.append(shredded.column, shredded.rows, shredded.first, shredded.present)
    this.chunkNulls += shredded.entries - shredded.present
    if (this.pageEntries >= PAGE_ENTRIES || this.values.pageBytes() >= PAGE_BYTES) this.flushPage()
  }

  private appendLevels(shredded: Shredded): void {
    const { entries, definitions, repetitions } = shredded
    const { definition, repetition } = this.leaf
    const at = this.pageEntries
    this.pageEntries += entries
    if (definition === 0) return
    if (this.pageEntries > this.definitions.length) this.growLevels(at)
    if (definitions === undefined) this.definitions.fill(definition, at, this.pageEntries)
    else {
      this.definitions.set(definitions.subarray(0, entries), at)
      this.pageHasLowLevels = true
    }
    if (repetition > 0 && repetitions !== undefined)
      this.repetitions.set(repetitions.subarray(0, entries), at)
  }

  private growLevels(used: number): void {
    const capacity = grownCapacity(this.definitions.length, this.pageEntries)
    const definitions = new Int32Array(capacity)
    definitions.set(this.definitions.subarray(0, used))
    this.definitions = definitions
    if (this.leaf.repetition === 0) return
    const repetitions = new Int32Array(capacity)
    repetitions.set(this.repetitions.subarray(0, used))
    this.repetitions = repetitions
  }

  /** Closes the present page. */
  private flushPage(): void {
    if (this.pageEntries === 0) return
    const { raw, leaf } = this
    raw.length = 0
    if (leaf.repetition > 0) this.writeLevels(this.repetitions, leaf.repetition)
    if (leaf.definition > 0) {
      if (this.pageHasLowLevels) this.writeLevels(this.definitions, leaf.definition)
      else this.writeHighLevels(leaf.definition)
    }
    const chosen = this.values.encodePage(raw)
    this.encodings.add(chosen)
    this.writePage(
      this.pages,
      () => {
        this.thrift.struct(5)
        this.thrift.int32(1, this.pageEntries)
        this.thrift.int32(2, chosen)
        this.thrift.int32(3, encoding.rle)
        this.thrift.int32(4, encoding.rle)
        this.thrift.endStruct()
      },
      pageType.data,
    )
    this.chunkEntries += this.pageEntries
    this.pageEntries = 0
    this.pageHasLowLevels = false
  }

  private writeLevels(levels: Int32Array, max: number): void {
    const { raw } = this
    const lengthAt = raw.length
    raw.int32(0)
    writeRuns(levels, this.pageEntries, bitWidth(max), raw)
    raw.view.setInt32(lengthAt, raw.length - lengthAt - 4, true)
  }

  /** All entries have the highest level. */
  private writeHighLevels(max: number): void {
    const { raw } = this
    const lengthAt = raw.length
    raw.int32(0)
    writeRepeated(max, this.pageEntries, bitWidth(max), raw)
    raw.view.setInt32(lengthAt, raw.length - lengthAt - 4, true)
  }

  /** Compresses `raw` and appends it behind a header to `target`. */
  private writePage(target: ByteSink, writeKind: () => void, kind: number): void {
    const { raw, thrift } = this
    const body = this.compress(raw)
    thrift.reset()
    thrift.int32(1, kind)
    thrift.int32(2, raw.length)
    thrift.int32(3, body.length)
    thrift.int32(4, crc32(body, 0, body.length))
    writeKind()
    thrift.endStruct()
    const header = thrift.written()
    this.uncompressedBytes += header.length + raw.length
    target.append(header)
    target.append(body)
  }

  private compress(raw: ByteSink): Uint8Array {
    if (this.codec === 'uncompressed') return raw.written()
    if (this.codec !== 'snappy') return this.compression.compressBlock(this.codec, raw.written())
    const { scratch } = this
    scratch.length = 0
    scratch.reserve(snappyBound(raw.length))
    scratch.length = snappyCompress(raw.bytes, { start: 0, end: raw.length }, scratch.bytes, 0)
    return scratch.written()
  }

  /** Ends the chunk: appends its pages to the row group's bytes. */
  finishChunk(group: ByteSink): WrittenChunk {
    this.flushPage()
    const start = group.length
    const hasDictionary = this.writeDictionary(group)
    const dataOffset = group.length
    group.append(this.pages.written())
    const written: WrittenChunk = {
      leaf: this.leaf,
      entries: this.chunkEntries,
      nulls: this.chunkNulls,
      encodings: this.encodingList(hasDictionary),
      dictionaryOffset: hasDictionary ? start : undefined,
      dataOffset,
      compressedBytes: group.length - start,
      uncompressedBytes: this.uncompressedBytes,
      bounds: this.values.bounds(),
    }
    this.startChunk()
    return written
  }

  private writeDictionary(group: ByteSink): boolean {
    this.raw.length = 0
    const entries = this.values.encodeDictionary(this.raw)
    if (entries === 0) return false
    this.writePage(
      group,
      () => {
        this.thrift.struct(7)
        this.thrift.int32(1, entries)
        this.thrift.int32(2, encoding.plain)
        this.thrift.endStruct()
      },
      pageType.dictionary,
    )
    return true
  }

  private encodingList(hasDictionary: boolean): readonly number[] {
    const list = new Set(this.encodings)
    if (hasDictionary) list.add(encoding.plain)
    if (this.leaf.definition > 0) list.add(encoding.rle)
    return [...list].toSorted((a, b) => a - b)
  }

  private startChunk(): void {
    this.pages.length = 0
    this.chunkEntries = 0
    this.chunkNulls = 0
    this.uncompressedBytes = 0
    this.encodings.clear()
    this.values.startChunk()
  }
}

/** The number of a codec in the footer. */
export function codecNumber(name: WriteCodec): number {
  return codec[name]
}

function makeValueWriter(leaf: WriteLeaf): ValueWriter {
  const { form, type } = leaf
  switch (form.form) {
    case 'boolean':
      return new BooleanWriter()
    case 'number':
      return new NumberWriter(type, form.physical)
    case 'bytes':
      return new BytesWriter(type.kind !== 'bytes')
    case 'fixed':
      return new FixedWriter(type, form.fixedBytes, leaf.path.join('.'))
  }
}
