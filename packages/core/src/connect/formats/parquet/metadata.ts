/**
 * The footer of a Parquet file as data: schema elements, row groups, column chunks, statistics.
 *
 * A plain reading of FileMetaData; nothing is interpreted here. Numbers are checked to be whole and not negative,
 * their plausibility against the file is checked in footer.ts.
 */
import { damaged } from './damage.ts'
import { ThriftReader, thriftType } from './thrift-reader.ts'

/** A logical type as the footer says it. */
export type LogicalType =
  | {
      readonly kind:
        | 'string'
        | 'map'
        | 'list'
        | 'enum'
        | 'date'
        | 'json'
        | 'bson'
        | 'uuid'
        | 'float16'
        | 'unknown'
        | 'other'
    }
  | { readonly kind: 'decimal'; readonly scale: number; readonly precision: number }
  | { readonly kind: 'time' | 'timestamp'; readonly utc: boolean; readonly unit: 'ms' | 'us' | 'ns' }
  | { readonly kind: 'integer'; readonly bits: number; readonly signed: boolean }

/** A node of the schema, in depth-first order. */
export interface SchemaElement {
  name: string
  /** Undefined for groups. */
  type: number | undefined
  typeLength: number
  repetition: number
  children: number
  converted: number | undefined
  scale: number
  precision: number
  logical: LogicalType | undefined
}

/** What is known of the values of a column chunk. Bounds are in the PLAIN encoding without length. */
export interface Statistics {
  nullCount: number | undefined
  min: Uint8Array | undefined
  max: Uint8Array | undefined
  /** The bounds are of the old fields, which compared bytes as signed. */
  signedOrder: boolean
}

/** One column of one row group. */
export interface ColumnChunk {
  filePath: string | undefined
  encrypted: boolean
  type: number
  path: string[]
  codec: number
  values: number
  uncompressedBytes: number
  compressedBytes: number
  dataOffset: number
  dictionaryOffset: number | undefined
  statistics: Statistics | undefined
}

/** A horizontal piece of the file. */
export interface RowGroup {
  columns: ColumnChunk[]
  rows: number
  bytes: number
}

/** The whole footer. */
export interface FileMetadata {
  schema: SchemaElement[]
  rows: number
  groups: RowGroup[]
  createdBy: string
  encrypted: boolean
}

/** Reads a footer. Throws input/corrupt. */
export function decodeMetadata(bytes: Uint8Array): FileMetadata {
  const reader = new ThriftReader(bytes, 0, bytes.length)
  const metadata: FileMetadata = { schema: [], rows: 0, groups: [], createdBy: '', encrypted: false }
  reader.struct((id, type) => {
    if (id === 2) metadata.schema = reader.list(type, () => schemaElement(reader))
    else if (id === 3) metadata.rows = size(reader)
    else if (id === 4) metadata.groups = reader.list(type, () => rowGroup(reader))
    else if (id === 6) metadata.createdBy = reader.text()
    else if (id === 8) {
      metadata.encrypted = true
      return false
    } else return false
    return true
  })
  if (metadata.schema.length === 0) throw damaged('the footer has no schema')
  return metadata
}

function size(reader: ThriftReader): number {
  const value = reader.integer()
  if (value < 0) throw damaged('the footer has a negative count or offset')
  return value
}

function schemaElement(reader: ThriftReader): SchemaElement {
  const element: SchemaElement = {
    name: '',
    type: undefined,
    typeLength: 0,
    repetition: 0,
    children: 0,
    converted: undefined,
    scale: 0,
    precision: 0,
    logical: undefined,
  }
  reader.struct((id) => {
    switch (id) {
      case 1:
        element.type = reader.int32()
        return true
      case 2:
        element.typeLength = size(reader)
        return true
      case 3:
        element.repetition = reader.int32()
        return true
      case 4:
        element.name = reader.text()
        return true
      case 5:
        element.children = size(reader)
        return true
      case 6:
        element.converted = reader.int32()
        return true
      case 7:
        element.scale = reader.int32()
        return true
      case 8:
        element.precision = reader.int32()
        return true
      case 10:
        element.logical = logicalType(reader)
        return true
      default:
        return false
    }
  })
  return element
}

const simpleLogicalTypes: { readonly [id: number]: LogicalType } = {
  1: { kind: 'string' },
  2: { kind: 'map' },
  3: { kind: 'list' },
  4: { kind: 'enum' },
  6: { kind: 'date' },
  11: { kind: 'unknown' },
  12: { kind: 'json' },
  13: { kind: 'bson' },
  14: { kind: 'uuid' },
  15: { kind: 'float16' },
}

function logicalType(reader: ThriftReader): LogicalType {
  let logical: LogicalType = { kind: 'other' }
  reader.struct((id) => {
    if (id === 5) logical = decimalType(reader)
    else if (id === 7) logical = timeType(reader, 'time')
    else if (id === 8) logical = timeType(reader, 'timestamp')
    else if (id === 10) logical = integerType(reader)
    else {
      logical = simpleLogicalTypes[id] ?? { kind: 'other' }
      return false
    }
    return true
  })
  return logical
}

function decimalType(reader: ThriftReader): LogicalType {
  let scale = 0
  let precision = 0
  reader.struct((id) => {
    if (id === 1) scale = reader.int32()
    else if (id === 2) precision = reader.int32()
    else return false
    return true
  })
  return { kind: 'decimal', scale, precision }
}

function timeType(reader: ThriftReader, kind: 'time' | 'timestamp'): LogicalType {
  let utc = false
  let unit: 'ms' | 'us' | 'ns' | undefined
  reader.struct((id, type) => {
    if (id === 1) {
      utc = type === thriftType.true
      return true
    }
    if (id !== 2) return false
    reader.struct((unitId) => {
      unit = unitId === 1 ? 'ms' : unitId === 2 ? 'us' : unitId === 3 ? 'ns' : undefined
      return false
    })
    return true
  })
  if (unit === undefined) throw damaged('the footer has a time without a unit')
  return { kind, utc, unit }
}

function integerType(reader: ThriftReader): LogicalType {
  let bits = 0
  let signed = true
  reader.struct((id, type) => {
    if (id === 1) bits = reader.int8()
    else if (id === 2) signed = type === thriftType.true
    else return false
    return true
  })
  return { kind: 'integer', bits, signed }
}

function rowGroup(reader: ThriftReader): RowGroup {
  const group: RowGroup = { columns: [], rows: 0, bytes: 0 }
  reader.struct((id, type) => {
    if (id === 1) group.columns = reader.list(type, () => columnChunk(reader))
    else if (id === 2) group.bytes = size(reader)
    else if (id === 3) group.rows = size(reader)
    else return false
    return true
  })
  return group
}

function columnChunk(reader: ThriftReader): ColumnChunk {
  const chunk: ColumnChunk = {
    filePath: undefined,
    encrypted: false,
    type: -1,
    path: [],
    codec: -1,
    values: 0,
    uncompressedBytes: 0,
    compressedBytes: 0,
    dataOffset: 0,
    dictionaryOffset: undefined,
    statistics: undefined,
  }
  reader.struct((id) => {
    if (id === 1) chunk.filePath = reader.text()
    else if (id === 3) reader.struct((inner, type) => columnMetadata(reader, chunk, inner, type))
    else if (id === 8 || id === 9) {
      chunk.encrypted = true
      return false
    } else return false
    return true
  })
  return chunk
}

function columnMetadata(reader: ThriftReader, chunk: ColumnChunk, id: number, type: number): boolean {
  switch (id) {
    case 1:
      chunk.type = reader.int32()
      return true
    case 3:
      chunk.path = reader.list(type, () => reader.text())
      return true
    case 4:
      chunk.codec = reader.int32()
      return true
    case 5:
      chunk.values = size(reader)
      return true
    case 6:
      chunk.uncompressedBytes = size(reader)
      return true
    case 7:
      chunk.compressedBytes = size(reader)
      return true
    case 9:
      chunk.dataOffset = size(reader)
      return true
    case 11:
      chunk.dictionaryOffset = size(reader)
      return true
    case 12:
      chunk.statistics = statistics(reader)
      return true
    default:
      return false
  }
}

function statistics(reader: ThriftReader): Statistics {
  const found: Statistics = { nullCount: undefined, min: undefined, max: undefined, signedOrder: false }
  let oldMax: Uint8Array | undefined
  let oldMin: Uint8Array | undefined
  reader.struct((id) => {
    if (id === 1) oldMax = reader.binary()
    else if (id === 2) oldMin = reader.binary()
    else if (id === 3) found.nullCount = size(reader)
    else if (id === 5) found.max = reader.binary()
    else if (id === 6) found.min = reader.binary()
    else return false
    return true
  })
  if (found.min === undefined && found.max === undefined && (oldMin !== undefined || oldMax !== undefined)) {
    found.min = oldMin
    found.max = oldMax
    found.signedOrder = true
  }
  return found
}
