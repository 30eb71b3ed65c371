/**
 * Writes the footer: FileMetaData of parquet.thrift.
 */
import type { Field } from '../../../data/type.ts'
import { codecNumber } from './column-writer.ts'
import type { WriteCodec, WrittenChunk } from './column-writer.ts'
import { thriftType } from './thrift-reader.ts'
import { ThriftWriter } from './thrift-writer.ts'
import { MAGIC } from './vocabulary.ts'
import { writeSchemaElements } from './write-schema.ts'

/** A finished row group and where it begins in the file. */
export interface WrittenGroup {
  readonly start: number
  readonly rows: number
  readonly chunks: readonly WrittenChunk[]
}

/** What the footer is made of. */
export interface FooterParts {
  readonly fields: readonly Field[]
  readonly groups: readonly WrittenGroup[]
  readonly codec: WriteCodec
  readonly metadata: { readonly [key: string]: string }
}

/** The bytes behind the last row group: metadata, its length, and the magic. */
export function writeFooter(parts: FooterParts): Uint8Array {
  const thrift = new ThriftWriter()
  const { fields, groups } = parts
  thrift.int32(1, 2)
  writeSchemaElements(fields, thrift)
  thrift.int64(
    3,
    groups.reduce((sum, group) => sum + group.rows, 0),
  )
  thrift.list(4, thriftType.struct, groups.length)
  groups.forEach((group, ordinal) => writeGroup(group, ordinal, parts.codec, thrift))
  writeKeyValues(parts.metadata, thrift)
  thrift.text(6, 'millrace')
  writeColumnOrders(groups, fields, thrift)
  thrift.endStruct()
  const metadata = thrift.written()
  const footer = new Uint8Array(metadata.length + 8)
  footer.set(metadata)
  new DataView(footer.buffer).setUint32(metadata.length, metadata.length, true)
  footer.set(MAGIC, metadata.length + 4)
  return footer
}

function writeKeyValues(metadata: { readonly [key: string]: string }, thrift: ThriftWriter): void {
  const entries = Object.entries(metadata)
  if (entries.length === 0) return
  thrift.list(5, thriftType.struct, entries.length)
  for (const [key, value] of entries) {
    thrift.element()
    thrift.text(1, key)
    thrift.text(2, value)
    thrift.endStruct()
  }
}

/** Every column orders by its type: without this, readers do not trust the bounds of unsigned values and texts. */
function writeColumnOrders(
  groups: readonly WrittenGroup[],
  fields: readonly Field[],
  thrift: ThriftWriter,
): void {
  const leaves = groups[0]?.chunks.length ?? 0
  if (leaves === 0 || fields.length === 0) return
  thrift.list(7, thriftType.struct, leaves)
  for (let leaf = 0; leaf < leaves; leaf++) {
    thrift.element()
    thrift.mark(1)
    thrift.endStruct()
  }
}

function writeGroup(group: WrittenGroup, ordinal: number, codec: WriteCodec, thrift: ThriftWriter): void {
  const { chunks, start, rows } = group
  thrift.element()
  thrift.list(1, thriftType.struct, chunks.length)
  for (const chunk of chunks) writeChunk(chunk, start, codec, thrift)
  thrift.int64(
    2,
    chunks.reduce((sum, chunk) => sum + chunk.uncompressedBytes, 0),
  )
  thrift.int64(3, rows)
  thrift.int64(5, start)
  thrift.int64(
    6,
    chunks.reduce((sum, chunk) => sum + chunk.compressedBytes, 0),
  )
  if (ordinal < 0x8000) thrift.int16(7, ordinal)
  thrift.endStruct()
}

function writeChunk(chunk: WrittenChunk, start: number, codec: WriteCodec, thrift: ThriftWriter): void {
  const { leaf, dictionaryOffset } = chunk
  thrift.element()
  thrift.int64(2, 0)
  thrift.struct(3)
  thrift.int32(1, leaf.form.physical)
  thrift.list(2, thriftType.int32, chunk.encodings.length)
  for (const encoding of chunk.encodings) thrift.int32Element(encoding)
  thrift.list(3, thriftType.binary, leaf.path.length)
  for (const name of leaf.path) thrift.textElement(name)
  thrift.int32(4, codecNumber(codec))
  thrift.int64(5, chunk.entries)
  thrift.int64(6, chunk.uncompressedBytes)
  thrift.int64(7, chunk.compressedBytes)
  thrift.int64(9, start + chunk.dataOffset)
  if (dictionaryOffset !== undefined) thrift.int64(11, start + dictionaryOffset)
  writeStatistics(chunk, thrift)
  thrift.endStruct()
  thrift.endStruct()
}

function writeStatistics(chunk: WrittenChunk, thrift: ThriftWriter): void {
  const { bounds } = chunk
  thrift.struct(12)
  thrift.int64(3, chunk.nulls)
  if (bounds !== undefined) {
    thrift.binary(5, bounds.max)
    thrift.binary(6, bounds.min)
    thrift.boolean(7, bounds.maxExact)
    thrift.boolean(8, bounds.minExact)
  }
  thrift.endStruct()
}
