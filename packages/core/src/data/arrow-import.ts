/**
 * Apache Arrow data as columns. Buffers that lie as ours do are taken as they are: the columns are valid as long as the
 * Arrow data is not changed.
 */
import type * as Arrow from 'apache-arrow'
import { MillraceError } from '../errors.ts'
import type { ArrowLibrary } from './arrow-types.ts'
import type { Column, Utf8Column } from './column.ts'
import type { ColumnBuilder } from './column-builder.ts'
import { makeColumnBuilder } from './column-builder.ts'
import type { FixedColumnBuilder } from './fixed-column-builder.ts'
import { listChildField, mapEntryType, structFields } from './layout.ts'
import type { DataType, Field } from './type.ts'
import { bitmapBytes } from './validity.ts'
import { CHUNK_BYTES_MAX } from './utf8-column-builder.ts'

/** The column of Arrow data of a type. */
export function columnOfArrow(arrow: ArrowLibrary, data: Arrow.Data, type: DataType): Column {
  const { DataType: Is } = arrow
  const arrowType = data.type
  const validity = validityOf(data)
  if (Is.isNull(arrowType)) return nullColumn(type, data.length)
  if (Is.isDictionary(arrowType)) return dictionaryColumn(arrow, data, type)
  if (
    Is.isUtf8(arrowType) ||
    Is.isBinary(arrowType) ||
    Is.isLargeUtf8(arrowType) ||
    Is.isLargeBinary(arrowType)
  ) {
    return textColumn(data, type, validity)
  }
  if (Is.isFixedSizeBinary(arrowType)) return fixedBytes(data, type, validity, arrowType.byteWidth)
  if (Is.isList(arrowType) || Is.isMap(arrowType) || Is.isFixedSizeList(arrowType)) {
    return listColumn(arrow, data, type, validity)
  }
  if (Is.isStruct(arrowType)) return structColumn(arrow, data, { type, validity })
  if (Is.isInterval(arrowType)) return intervalColumn(arrow, data, { type, validity })
  return numberColumn(arrow, data, { type, validity })
}

interface Target {
  readonly type: DataType
  readonly validity: Uint8Array | undefined
}

/** The bitmap from row 0 on; Arrow's may begin inside a byte. */
function validityOf(data: Arrow.Data): Uint8Array | undefined {
  if (data.nullCount === 0) return undefined
  const { nullBitmap, offset, length } = data
  if (offset === 0) return nullBitmap
  const bits = new Uint8Array(bitmapBytes(length))
  for (let row = 0; row < length; row++) {
    const at = offset + row
    if (((nullBitmap[at >> 3] as number) & (1 << (at & 7))) !== 0)
      bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7))
  }
  return bits
}

function numberColumn(arrow: ArrowLibrary, data: Arrow.Data, { type, validity }: Target): Column {
  const { DataType: Is } = arrow
  const { values, length } = data
  const arrowType = data.type
  if (Is.isBool(arrowType)) return { layout: 'fixed', type, values: unpackedBits(data), validity }
  if (Is.isFloat(arrowType) && arrowType.precision === arrow.Precision.HALF) {
    const read = new arrow.Vector([data])
    return {
      layout: 'fixed',
      type,
      values: Float32Array.from({ length }, (_, row) => Number(read.get(row) ?? 0)),
      validity,
    }
  }
  if (type.kind === 'decimal') return exactColumn(data, { type, validity }, decimalAt)
  if (type.kind === 'date' && Is.isDate(arrowType) && arrowType.unit === arrow.DateUnit.MILLISECOND) {
    const perDay = (row: number): number => Math.floor(Number((values as BigInt64Array)[row]) / 86_400_000)
    return { layout: 'fixed', type, values: Int32Array.from({ length }, (_, row) => perDay(row)), validity }
  }
  // Seconds are the only unit that we lack.
  const inSeconds =
    (Is.isTime(arrowType) || Is.isTimestamp(arrowType)) && arrowType.unit === arrow.TimeUnit.SECOND
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const scale = inSeconds ? 1000n : 1n
    return exactColumn(data, { type, validity }, (from, row) => (from.values as BigInt64Array)[row]! * scale)
  }
  if (type.kind === 'time') {
    const scale = inSeconds ? 1000 : 1
    return {
      layout: 'fixed',
      type,
      values: Float64Array.from(values as Int32Array, (value) => value * scale),
      validity,
    }
  }
  return { layout: 'fixed', type, values: values as Int32Array, validity }
}

/** 64-bit and decimal values: narrow where they fit (column.ts C4). */
function exactColumn(
  data: Arrow.Data,
  { type, validity }: Target,
  at: (data: Arrow.Data, row: number) => bigint,
): Column {
  const builder = makeColumnBuilder({ type, nullable: true }, data.length) as FixedColumnBuilder
  for (let row = 0; row < data.length; row++) if (data.getValid(row)) builder.setExact(row, at(data, row))
  return { ...builder.finish(data.length), validity }
}

function decimalAt(data: Arrow.Data, row: number): bigint {
  const words = data.values as Uint32Array
  let value = 0n
  for (let word = 3; word >= 0; word--) value = (value << 32n) | BigInt(words[row * 4 + word] as number)
  return BigInt.asIntN(128, value)
}

function unpackedBits(data: Arrow.Data): Uint8Array {
  const { values, offset, length } = data
  const bytes = new Uint8Array(length)
  for (let row = 0; row < length; row++) {
    const at = offset + row
    bytes[row] = ((values as Uint8Array)[at >> 3]! >> (at & 7)) & 1
  }
  return bytes
}

function textColumn(data: Arrow.Data, type: DataType, validity: Uint8Array | undefined): Utf8Column {
  const { valueOffsets, length } = data
  const starts = new Int32Array(length)
  const lengths = new Int32Array(length)
  const last = Number(valueOffsets[length] ?? 0)
  if (last > CHUNK_BYTES_MAX) {
    throw new MillraceError('schema/unmappable', {
      what: 'an Arrow column has more text than a column batch can hold',
      detail: `${last} bytes in one record batch; ${CHUNK_BYTES_MAX} are possible`,
      hint: 'hand it over in smaller record batches',
    })
  }
  for (let row = 0; row < length; row++) {
    const start = Number(valueOffsets[row])
    starts[row] = start
    lengths[row] = Number(valueOffsets[row + 1]) - start
  }
  return { layout: 'utf8', type, bytes: data.values as Uint8Array, starts, lengths, validity }
}

function fixedBytes(
  data: Arrow.Data,
  type: DataType,
  validity: Uint8Array | undefined,
  width: number,
): Utf8Column {
  const starts = Int32Array.from({ length: data.length }, (_, row) => row * width)
  const lengths = new Int32Array(data.length).fill(width)
  return { layout: 'utf8', type, bytes: data.values as Uint8Array, starts, lengths, validity }
}

function listColumn(
  arrow: ArrowLibrary,
  data: Arrow.Data,
  type: DataType,
  validity: Uint8Array | undefined,
): Column {
  const { length, valueOffsets } = data
  const starts = new Int32Array(length)
  const lengths = new Int32Array(length)
  const width = arrow.DataType.isFixedSizeList(data.type) ? data.type.listSize : undefined
  for (let row = 0; row < length; row++) {
    // A sliced list of fixed size has its children sliced with it.
    starts[row] = width === undefined ? Number(valueOffsets[row]) : row * width
    lengths[row] = width ?? Number(valueOffsets[row + 1]) - Number(valueOffsets[row])
  }
  const childType = type.kind === 'map' ? mapEntryType(type) : listChildField(type).type
  return {
    layout: 'list',
    type,
    starts,
    lengths,
    child: columnOfArrow(arrow, data.children[0] as Arrow.Data, childType),
    validity,
  }
}

function structColumn(arrow: ArrowLibrary, data: Arrow.Data, { type, validity }: Target): Column {
  const children = structFields(type).map((field: Field, c) => {
    return columnOfArrow(arrow, data.children[c] as Arrow.Data, field.type)
  })
  return { layout: 'struct', type, children, validity }
}

function intervalColumn(arrow: ArrowLibrary, data: Arrow.Data, { type, validity }: Target): Column {
  const { length } = data
  const values = data.values as Int32Array
  const unit = (data.type as Arrow.Interval).unit
  const months = new Int32Array(length)
  const days = new Int32Array(length)
  const micros = new Float64Array(length)
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  for (let row = 0; row < length; row++) {
    if (!data.getValid(row)) continue
    if (unit === arrow.IntervalUnit.YEAR_MONTH) {
      months[row] = values[row] as number
    } else if (unit === arrow.IntervalUnit.DAY_TIME) {
      days[row] = values[row * 2] as number
      micros[row] = (values[row * 2 + 1] as number) * 1000
    } else {
      months[row] = values[row * 4] as number
      days[row] = values[row * 4 + 1] as number
      micros[row] = exactMicros(view.getBigInt64(row * 16 + 8, true))
    }
  }
  const parts = [months, days, micros]
  const children = structFields(type).map((field, c): Column => {
    return { layout: 'fixed', type: field.type, values: parts[c] as Int32Array, validity: undefined }
  })
  return { layout: 'struct', type, children, validity }
}

function exactMicros(nanos: bigint): number {
  if (nanos % 1000n !== 0n) {
    throw new MillraceError('value/invalid', {
      what: 'an Arrow interval has nanoseconds',
      detail: `intervals count microseconds, and ${nanos} ns are not a whole number of them`,
    })
  }
  return Number(nanos / 1000n)
}

function dictionaryColumn(arrow: ArrowLibrary, data: Arrow.Data, type: DataType): Column {
  const dictionary = data.dictionary as Arrow.Vector
  const entries = dictionary.data[0]
  const isText =
    type.kind === 'string' || type.kind === 'bytes' || type.kind === 'uuid' || type.kind === 'json'
  if (isText && dictionary.data.length === 1 && entries !== undefined && entries.nullCount === 0) {
    const column = columnOfArrow(arrow, entries, type)
    if (column.layout === 'utf8') {
      const codes = Int32Array.from(data.values as Int32Array, Number)
      return {
        layout: 'dictionary',
        type,
        codes,
        dictionary: column,
        dictionaryLength: entries.length,
        validity: validityOf(data),
      }
    }
  }
  // Other dictionaries are rare: each row takes its entry's value.
  const plain = arrow.vectorFromArray([...new arrow.Vector([data])], dictionary.type)
  return columnOfArrow(arrow, plain.data[0] as Arrow.Data, type)
}

function nullColumn(type: DataType, length: number): Column {
  const builder: ColumnBuilder = makeColumnBuilder({ type, nullable: true }, length)
  for (let row = 0; row < length; row++) builder.setNull(row)
  return builder.finish(length)
}
