/**
 * How values of our types stand in Parquet: physical type, logical type, old converted type.
 */
import { MillraceError } from '../../../errors.ts'
import type { DataType } from '../../../data/type.ts'
import type { ThriftWriter } from './thrift-writer.ts'
import { convertedType, physicalType } from './vocabulary.ts'

/** The form of a leaf's values in pages. `number`: through float64; `fixed`: bytes of one length. */
export interface WriteType {
  readonly form: 'boolean' | 'number' | 'bytes' | 'fixed'
  readonly physical: number
  readonly fixedBytes: number
}

/** Digits that 32 and 64 bits hold. */
const INT32_DIGITS = 9
const INT64_DIGITS = 18

/** The form of a type's values; undefined for lists, maps and structs. */
export function writeType(type: DataType): WriteType | undefined {
  switch (type.kind) {
    case 'boolean':
      return { form: 'boolean', physical: physicalType.boolean, fixedBytes: 0 }
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'date':
      return number(physicalType.int32)
    case 'int64':
    case 'uint64':
    case 'timestamp':
      return number(physicalType.int64)
    case 'time':
      return number(type.unit === 'ms' ? physicalType.int32 : physicalType.int64)
    case 'float32':
      return number(physicalType.float)
    case 'float64':
      return number(physicalType.double)
    case 'decimal':
      if (type.precision <= INT32_DIGITS) return number(physicalType.int32)
      return type.precision <= INT64_DIGITS ? number(physicalType.int64) : fixed(decimalBytes(type.precision))
    case 'string':
    case 'json':
    case 'bytes':
      return { form: 'bytes', physical: physicalType.byteArray, fixedBytes: 0 }
    case 'uuid':
      return fixed(16)
    case 'interval':
      return fixed(12)
    case 'list':
    case 'map':
    case 'struct':
      return undefined
  }
}

function number(physical: number): WriteType {
  return { form: 'number', physical, fixedBytes: 0 }
}

function fixed(fixedBytes: number): WriteType {
  return { form: 'fixed', physical: physicalType.fixedLengthByteArray, fixedBytes }
}

/** The fewest bytes of two's complement that hold so many digits. */
function decimalBytes(precision: number): number {
  let bytes = 1
  while (2n ** BigInt(8 * bytes - 1) <= 10n ** BigInt(precision) - 1n) bytes++
  return bytes
}

const convertedOf: { readonly [kind: string]: number } = {
  string: convertedType.utf8,
  json: convertedType.json,
  date: convertedType.date,
  decimal: convertedType.decimal,
  interval: convertedType.interval,
  int8: convertedType.int8,
  int16: convertedType.int16,
  int32: convertedType.int32,
  int64: convertedType.int64,
  uint8: convertedType.uint8,
  uint16: convertedType.uint16,
  uint32: convertedType.uint32,
  uint64: convertedType.uint64,
}

/** Fields 6 to 10 of a leaf's SchemaElement. */
export function writeLogicalType(type: DataType, thrift: ThriftWriter): void {
  const converted =
    type.kind === 'timestamp' && type.zoned && type.unit !== 'ns'
      ? type.unit === 'ms'
        ? convertedType.timestampMillis
        : convertedType.timestampMicros
      : convertedOf[type.kind]
  if (converted !== undefined) thrift.int32(6, converted)
  if (type.kind === 'decimal') {
    thrift.int32(7, type.scale)
    thrift.int32(8, type.precision)
  }
  writeUnion(type, thrift)
}

function writeUnion(type: DataType, thrift: ThriftWriter): void {
  switch (type.kind) {
    case 'string':
      return writeMark(1, thrift)
    case 'date':
      return writeMark(6, thrift)
    case 'json':
      return writeMark(12, thrift)
    case 'uuid':
      return writeMark(14, thrift)
    case 'decimal':
      thrift.struct(10)
      thrift.struct(5)
      thrift.int32(1, type.scale)
      thrift.int32(2, type.precision)
      thrift.endStruct()
      thrift.endStruct()
      return undefined
    case 'time':
      return writeTime(7, type.unit, false, thrift)
    case 'timestamp':
      return writeTime(8, type.unit, type.zoned, thrift)
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return writeInteger(type.kind, thrift)
    default:
      return undefined
  }
}

function writeMark(id: number, thrift: ThriftWriter): void {
  thrift.struct(10)
  thrift.mark(id)
  thrift.endStruct()
}

function writeTime(id: number, unit: 'ms' | 'us' | 'ns', utc: boolean, thrift: ThriftWriter): void {
  thrift.struct(10)
  thrift.struct(id)
  thrift.boolean(1, utc)
  thrift.struct(2)
  thrift.mark(unit === 'ms' ? 1 : unit === 'us' ? 2 : 3)
  thrift.endStruct()
  thrift.endStruct()
  thrift.endStruct()
}

function writeInteger(kind: string, thrift: ThriftWriter): void {
  thrift.struct(10)
  thrift.struct(10)
  thrift.int8(1, Number(kind.replace(/\D+/, '')))
  thrift.boolean(2, !kind.startsWith('u'))
  thrift.endStruct()
  thrift.endStruct()
}

/** The error for a value that its column's Parquet type cannot hold. */
export function unwritable(column: string, detail: string): MillraceError {
  return new MillraceError('value/invalid', {
    what: `a value of column "${column}" cannot be written to Parquet`,
    detail,
    hint: 'convert the column in a step before the output',
    place: { column },
  })
}
