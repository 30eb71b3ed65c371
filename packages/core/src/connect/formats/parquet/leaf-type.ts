/**
 * What the values of a Parquet leaf column mean to us: physical and logical type to column type.
 *
 * `kind` picks the decoder: `number` (one lane per value), `long` (64 bits and decimals, narrow or wide), `bytes`
 * (strings and the like), `interval`.
 */
import type { DataType, TimeUnit } from '../../../data/type.ts'
import { damaged, unsupported } from './damage.ts'
import type { SchemaElement } from './metadata.ts'
import { convertedType, physicalType } from './vocabulary.ts'

/** A leaf column's type and how to decode it. */
export interface LeafType {
  readonly kind: 'number' | 'long' | 'bytes' | 'interval'
  readonly type: DataType
  readonly physical: number
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value. */
  readonly fixedBytes: number
}

/** Values of a fixed length beyond this are taken for damage. */
const FIXED_BYTES_MAX = 1 << 20

/** The digits that two 64-bit words hold. */
const PRECISION_MAX = 38

/** Reads a leaf's type off its schema element. Throws input/unsupported or input/corrupt. */
export function leafType(element: SchemaElement): LeafType {
  const physical = element.type as number
  switch (physical) {
    case physicalType.boolean:
      return leaf('number', { kind: 'boolean' }, element)
    case physicalType.int32:
      return int32Leaf(element)
    case physicalType.int64:
      return leaf('long', int64Type(element), element)
    case physicalType.int96:
      return leaf('long', { kind: 'timestamp', unit: 'us', zoned: false }, element)
    case physicalType.float:
      return leaf('number', { kind: 'float32' }, element)
    case physicalType.double:
      return leaf('number', { kind: 'float64' }, element)
    case physicalType.byteArray:
      return byteArrayLeaf(element)
    case physicalType.fixedLengthByteArray:
      return fixedLeaf(element)
    default:
      throw damaged(`column ${element.name} has physical type ${physical}, which does not exist`)
  }
}

function leaf(kind: LeafType['kind'], type: DataType, element: SchemaElement): LeafType {
  return { kind, type, physical: element.type as number, fixedBytes: element.typeLength }
}

function int32Leaf(element: SchemaElement): LeafType {
  const { logical, converted } = element
  const decimal = decimalOf(element)
  if (decimal !== undefined) return leaf('long', decimal, element)
  if (logical?.kind === 'date' || converted === convertedType.date)
    return leaf('number', { kind: 'date' }, element)
  if (logical?.kind === 'time' || converted === convertedType.timeMillis)
    return leaf('number', { kind: 'time', unit: 'ms' }, element)
  if (logical?.kind === 'integer') return leaf('number', smallInteger(logical.bits, logical.signed), element)
  switch (converted) {
    case convertedType.int8:
      return leaf('number', { kind: 'int8' }, element)
    case convertedType.int16:
      return leaf('number', { kind: 'int16' }, element)
    case convertedType.uint8:
      return leaf('number', { kind: 'uint8' }, element)
    case convertedType.uint16:
      return leaf('number', { kind: 'uint16' }, element)
    case convertedType.uint32:
      return leaf('number', { kind: 'uint32' }, element)
    default:
      return leaf('number', { kind: 'int32' }, element)
  }
}

function smallInteger(bits: number, signed: boolean): DataType {
  if (bits === 8) return { kind: signed ? 'int8' : 'uint8' }
  if (bits === 16) return { kind: signed ? 'int16' : 'uint16' }
  return { kind: signed ? 'int32' : 'uint32' }
}

function int64Type(element: SchemaElement): DataType {
  const { logical, converted } = element
  const decimal = decimalOf(element)
  if (decimal !== undefined) return decimal
  if (logical?.kind === 'timestamp') return { kind: 'timestamp', unit: logical.unit, zoned: logical.utc }
  if (logical?.kind === 'time') return { kind: 'time', unit: logical.unit }
  if (logical?.kind === 'integer') return { kind: logical.signed ? 'int64' : 'uint64', rows: 'number' }
  switch (converted) {
    case convertedType.timestampMillis:
      return { kind: 'timestamp', unit: 'ms', zoned: true }
    case convertedType.timestampMicros:
      return { kind: 'timestamp', unit: 'us', zoned: true }
    case convertedType.timeMicros:
      return { kind: 'time', unit: 'us' satisfies TimeUnit }
    case convertedType.uint64:
      return { kind: 'uint64', rows: 'number' }
    default:
      return { kind: 'int64', rows: 'number' }
  }
}

function byteArrayLeaf(element: SchemaElement): LeafType {
  const { logical, converted } = element
  const decimal = decimalOf(element)
  if (decimal !== undefined) return leaf('long', decimal, element)
  if (logical?.kind === 'string' || logical?.kind === 'enum')
    return leaf('bytes', { kind: 'string' }, element)
  if (logical?.kind === 'json' || converted === convertedType.json)
    return leaf('bytes', { kind: 'json' }, element)
  if (converted === convertedType.utf8 || converted === convertedType.enum)
    return leaf('bytes', { kind: 'string' }, element)
  return leaf('bytes', { kind: 'bytes' }, element)
}

function fixedLeaf(element: SchemaElement): LeafType {
  const { logical, converted, typeLength } = element
  if (typeLength === 0 || typeLength > FIXED_BYTES_MAX)
    throw damaged(`column ${element.name} has values of ${typeLength} bytes`)
  const decimal = decimalOf(element)
  if (decimal !== undefined) return leaf('long', decimal, element)
  if (logical?.kind === 'uuid' && typeLength === 16) return leaf('bytes', { kind: 'uuid' }, element)
  if (logical?.kind === 'float16' && typeLength === 2) return leaf('number', { kind: 'float32' }, element)
  if (converted === convertedType.interval && typeLength === 12)
    return leaf('interval', { kind: 'interval' }, element)
  return leaf('bytes', { kind: 'bytes' }, element)
}

function decimalOf(element: SchemaElement): DataType | undefined {
  const { logical, converted } = element
  if (logical?.kind !== 'decimal' && converted !== convertedType.decimal) return undefined
  const { precision, scale } = logical?.kind === 'decimal' ? logical : element
  if (precision < 1 || scale < 0 || scale > precision)
    throw damaged(`column ${element.name} is decimal(${precision}, ${scale})`)
  if (precision > PRECISION_MAX)
    throw unsupported(
      `column ${element.name} is decimal(${precision}, ${scale}); ${PRECISION_MAX} digits are the most`,
    )
  return { kind: 'decimal', precision, scale }
}
