/**
 * Page headers: what stands before every page of a column chunk.
 */
import { damaged } from './damage.ts'
import { ThriftReader, thriftType } from './thrift-reader.ts'
import { pageType } from './vocabulary.ts'

/** A page's header. */
export interface PageHeader {
  type: number
  uncompressedBytes: number
  compressedBytes: number
  /** CRC-32 of the bytes as they stand in the file. */
  crc: number | undefined
  /** Entries: values and nulls, and empty lists. */
  values: number
  encoding: number
  /** Version 1: how levels are written. */
  definitionEncoding: number
  repetitionEncoding: number
  /** Version 2: levels stand before the values, uncompressed. */
  definitionBytes: number
  repetitionBytes: number
  valuesCompressed: boolean
}

/** Reads the header at `bytes[start…]`; returns it with the position behind it. */
export function readPageHeader(
  bytes: Uint8Array,
  start: number,
): { readonly header: PageHeader; readonly end: number } {
  const reader = new ThriftReader(bytes, start, bytes.length)
  const header: PageHeader = {
    type: -1,
    uncompressedBytes: -1,
    compressedBytes: -1,
    crc: undefined,
    values: 0,
    encoding: -1,
    definitionEncoding: 3,
    repetitionEncoding: 3,
    definitionBytes: 0,
    repetitionBytes: 0,
    valuesCompressed: true,
  }
  reader.struct((id) => {
    if (id === 1) header.type = reader.int32()
    else if (id === 2) header.uncompressedBytes = reader.int32()
    else if (id === 3) header.compressedBytes = reader.int32()
    else if (id === 4) header.crc = reader.int32()
    else if (id === 5) readData(reader, header)
    else if (id === 7) readDictionary(reader, header)
    else if (id === 8) readDataV2(reader, header)
    else return false
    return true
  })
  checkHeader(header)
  return { header, end: reader.position }
}

function checkHeader(header: PageHeader): void {
  const { definitionBytes, repetitionBytes, compressedBytes, uncompressedBytes } = header
  const levelBytes = definitionBytes + repetitionBytes
  if (uncompressedBytes < 0 || compressedBytes < 0 || header.values < 0)
    throw damaged('a page header has a negative size')
  if (header.type !== pageType.dataV2) return
  if (
    definitionBytes < 0 ||
    repetitionBytes < 0 ||
    levelBytes > compressedBytes ||
    levelBytes > uncompressedBytes
  )
    throw damaged('a page header has levels larger than the page')
}

function readData(reader: ThriftReader, header: PageHeader): void {
  reader.struct((id) => {
    if (id === 1) header.values = reader.int32()
    else if (id === 2) header.encoding = reader.int32()
    else if (id === 3) header.definitionEncoding = reader.int32()
    else if (id === 4) header.repetitionEncoding = reader.int32()
    else return false
    return true
  })
}

function readDictionary(reader: ThriftReader, header: PageHeader): void {
  reader.struct((id) => {
    if (id === 1) header.values = reader.int32()
    else if (id === 2) header.encoding = reader.int32()
    else return false
    return true
  })
}

function readDataV2(reader: ThriftReader, header: PageHeader): void {
  reader.struct((id, type) => {
    if (id === 1) header.values = reader.int32()
    else if (id === 4) header.encoding = reader.int32()
    else if (id === 5) header.definitionBytes = reader.int32()
    else if (id === 6) header.repetitionBytes = reader.int32()
    else if (id === 7) header.valuesCompressed = type === thriftType.true
    else return false
    return true
  })
}
