/**
 * Columns as Apache Arrow data. `column` has its rows side by side and its texts in row order (a dense copy): buffers
 * are then handed over as they are wherever Arrow lays values out as we do.
 */
import type * as Arrow from 'apache-arrow'
import type { ArrowLibrary } from './arrow-types.ts'
import { arrowTypeOf } from './arrow-types.ts'
import type {
  Column,
  DictionaryColumn,
  FixedColumn,
  ListColumn,
  StructColumn,
  Utf8Column,
  WideColumn,
} from './column.ts'
import { isValid } from './column.ts'
import { exactOf } from './fixed-column-builder.ts'
import { wideWords } from './layout.ts'
import { copyBytes } from './text-bytes.ts'
import { Utf8ColumnBuilder } from './utf8-column-builder.ts'
import { bitmapBytes, countNulls } from './validity.ts'

/** The properties of `makeData` that are used; its own type is one overload per Arrow type. */
interface DataProperties {
  readonly type: Arrow.DataType
  readonly length: number
  readonly nullCount: number
  readonly nullBitmap: Uint8Array | null
  readonly data?: unknown
  readonly valueOffsets?: Int32Array
  readonly child?: Arrow.Data
  readonly children?: readonly Arrow.Data[]
  readonly dictionary?: Arrow.Vector
}

/** The Arrow data of the first `length` rows of a dense column. */
export function arrowDataOf(arrow: ArrowLibrary, column: Column, length: number): Arrow.Data {
  const make = (
    properties: Omit<DataProperties, 'length' | 'nullCount' | 'nullBitmap' | 'type'>,
    type?: Arrow.DataType,
  ) => {
    const nullCount = countNulls(column.validity, length)
    const nullBitmap =
      nullCount === 0 ? null : (column.validity as Uint8Array).subarray(0, bitmapBytes(length))
    const all: DataProperties = {
      type: type ?? arrowTypeOf(arrow, column.type),
      length,
      nullCount,
      nullBitmap,
      ...properties,
    }
    return (arrow.makeData as unknown as (properties: DataProperties) => Arrow.Data)(all)
  }
  switch (column.layout) {
    case 'fixed':
    case 'wide':
      return make({ data: numbersOf(column, length) })
    case 'utf8':
      return make({ ...textBuffers(column, length) })
    case 'dictionary':
      return make(
        { data: column.codes.subarray(0, length), dictionary: dictionaryOf(arrow, column) },
        dictionaryType(arrow, column),
      )
    case 'struct':
      if (column.type.kind === 'interval') return make({ data: intervals(column, length) })
      return make({ children: column.children.map((child) => nestedDataOf(arrow, child, length)) })
    case 'list': {
      const valueOffsets = offsetsOf(column, length)
      return make({ valueOffsets, child: nestedDataOf(arrow, column.child, valueOffsets[length] as number) })
    }
  }
}

/** Inside of other columns dictionaries are written out: the type of the outer one would have to say so before. */
function nestedDataOf(arrow: ArrowLibrary, column: Column, length: number): Arrow.Data {
  return arrowDataOf(arrow, column.layout === 'dictionary' ? writtenOut(column, length) : column, length)
}

function writtenOut(column: DictionaryColumn, length: number): Column {
  const builder = new Utf8ColumnBuilder(column.type, true, length)
  const { bytes, starts, lengths } = column.dictionary
  for (let row = 0; row < length; row++) {
    const code = column.codes[row] as number
    if (isValid(column, row)) builder.setBytes(row, bytes, starts[code] as number, lengths[code] as number)
    else builder.setNull(row)
  }
  return builder.finish(length)
}

/** The Arrow type that a column of a field has: its layout may make it a dictionary. */
export function arrowColumnField(arrow: ArrowLibrary, field: Arrow.Field, data: Arrow.Data): Arrow.Field {
  return new arrow.Field(field.name, data.type, field.nullable, field.metadata)
}

function dictionaryType(arrow: ArrowLibrary, column: DictionaryColumn): Arrow.DataType {
  return new arrow.Dictionary(arrowTypeOf(arrow, column.type), new arrow.Int32())
}

function dictionaryOf(arrow: ArrowLibrary, column: DictionaryColumn): Arrow.Vector {
  return new arrow.Vector([arrowDataOf(arrow, column.dictionary, column.dictionaryLength)])
}

/** Values as Arrow's array of the type. */
function numbersOf(column: FixedColumn | WideColumn, length: number): unknown {
  const { type } = column
  switch (type.kind) {
    case 'boolean':
      return packedBits((column as FixedColumn).values as Uint8Array, length)
    case 'int64':
    case 'timestamp':
      return words(column, length)
    case 'time':
      // Arrow has milliseconds of the day in 32 bits.
      return type.unit === 'ms'
        ? Int32Array.from((column as FixedColumn).values.subarray(0, length))
        : words(column, length)
    case 'uint64':
      return new BigUint64Array(words(column, length).buffer)
    case 'decimal':
      return new Uint32Array(words(column, length).buffer)
    default:
      return (column as FixedColumn).values.subarray(0, length)
  }
}

function words(column: FixedColumn | WideColumn, length: number): BigInt64Array<ArrayBuffer> {
  const perRow = wideWords(column.type)
  const target = new BigInt64Array(length * perRow)
  for (let row = 0; row < length; row++) {
    // Under a null may lie any number, also one with a fraction (C2).
    if (!isValid(column, row)) continue
    const value = column.layout === 'wide' ? exactOf(column, row) : BigInt(column.values[row] as number)
    target[row * perRow] = value
    if (perRow === 2) target[row * 2 + 1] = value >> 64n
  }
  return target
}

function packedBits(values: Uint8Array, length: number): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(length))
  for (let row = 0; row < length; row++)
    if (values[row] !== 0) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7))
  return bits
}

function textBuffers(column: Utf8Column, length: number): { valueOffsets: Int32Array; data: Uint8Array } {
  const valueOffsets = offsetsOf(column, length)
  const total = valueOffsets[length] as number
  let row = 0
  while (row < length && (column.lengths[row] === 0 || column.starts[row] === valueOffsets[row])) row++
  if (row === length) return { valueOffsets, data: column.bytes.subarray(0, total) }
  // Arrow wants the texts side by side.
  const data = new Uint8Array(total)
  for (row = 0; row < length; row++) {
    copyBytes(
      column.bytes,
      column.starts[row] as number,
      column.lengths[row] as number,
      data,
      valueOffsets[row] as number,
    )
  }
  return { valueOffsets, data }
}

function offsetsOf(column: Utf8Column | ListColumn, length: number): Int32Array {
  const offsets = new Int32Array(length + 1)
  for (let row = 0; row < length; row++)
    offsets[row + 1] = (offsets[row] as number) + (column.lengths[row] as number)
  return offsets
}

/** Months and days of 32 bits, then nanoseconds of 64. */
function intervals(column: StructColumn, length: number): Int32Array {
  const [months, days, micros] = column.children as unknown as readonly [
    FixedColumn,
    FixedColumn,
    FixedColumn,
  ]
  const target = new DataView(new ArrayBuffer(length * 16))
  for (let row = 0; row < length; row++) {
    if (!isValid(column, row)) continue
    target.setInt32(row * 16, months.values[row] as number, true)
    target.setInt32(row * 16 + 4, days.values[row] as number, true)
    target.setBigInt64(row * 16 + 8, BigInt(micros.values[row] as number) * 1000n, true)
  }
  return new Int32Array(target.buffer)
}
