/**
 * Logical types as Apache Arrow types and back.
 *
 * What Arrow has no word for (numbers or bigints in rows, uuid and json as texts) travels as the field's metadata
 * `millrace:type`; uuid and json are also marked with Arrow's extension names where their storage is the agreed one.
 */
import type * as Arrow from 'apache-arrow'
import { MillraceError } from '../errors.ts'
import { makeSchema } from './schema.ts'
import { typeFromJson, typeToJson } from './schema-json.ts'
import { sameType } from './type-text.ts'
import type { DataType, Field, TimeUnit } from './type.ts'
import { t } from './builder.ts'

/** The library, loaded when it is first needed. */
export type ArrowLibrary = typeof Arrow

/** Metadata key that carries our type. */
const TYPE_KEY = 'millrace:type'

/** Our field as an Arrow field. */
export function arrowFieldOf(arrow: ArrowLibrary, field: Field): Arrow.Field {
  const metadata = new Map([[TYPE_KEY, JSON.stringify(typeToJson(field.type))]])
  if (field.type.kind === 'json') metadata.set('ARROW:extension:name', 'arrow.json')
  return new arrow.Field(field.name, arrowTypeOf(arrow, field.type), field.nullable, metadata)
}

/** Our type as an Arrow type. */
export function arrowTypeOf(arrow: ArrowLibrary, type: DataType): Arrow.DataType {
  switch (type.kind) {
    case 'boolean':
      return new arrow.Bool()
    case 'int8':
      return new arrow.Int8()
    case 'int16':
      return new arrow.Int16()
    case 'int32':
      return new arrow.Int32()
    case 'int64':
      return new arrow.Int64()
    case 'uint8':
      return new arrow.Uint8()
    case 'uint16':
      return new arrow.Uint16()
    case 'uint32':
      return new arrow.Uint32()
    case 'uint64':
      return new arrow.Uint64()
    case 'float32':
      return new arrow.Float32()
    case 'float64':
      return new arrow.Float64()
    case 'decimal':
      return new arrow.Decimal(type.scale, type.precision, 128)
    case 'string':
    case 'uuid':
    case 'json':
      return new arrow.Utf8()
    case 'bytes':
      return new arrow.Binary()
    case 'date':
      return new arrow.DateDay()
    case 'time':
      return type.unit === 'ms'
        ? new arrow.TimeMillisecond()
        : type.unit === 'us'
          ? new arrow.TimeMicrosecond()
          : new arrow.TimeNanosecond()
    case 'timestamp':
      return new arrow.Timestamp(arrowUnit(arrow, type.unit), type.zoned ? 'UTC' : null)
    case 'interval':
      return new arrow.IntervalMonthDayNano()
    case 'list':
      return new arrow.List(
        arrowFieldOf(arrow, { name: 'item', type: type.element.type, nullable: type.element.nullable }),
      )
    case 'map':
      return mapType(arrow, type)
    case 'struct':
      return new arrow.Struct(type.fields.map((field) => arrowFieldOf(arrow, field)))
  }
}

function mapType(arrow: ArrowLibrary, type: DataType & { kind: 'map' }): Arrow.DataType {
  const key = arrowFieldOf(arrow, { name: 'key', type: type.key, nullable: false })
  const value = arrowFieldOf(arrow, { name: 'value', type: type.value.type, nullable: type.value.nullable })
  const entries = new arrow.Struct<{ key: Arrow.DataType; value: Arrow.DataType }>([key, value])
  return new arrow.Map_(new arrow.Field('entries', entries, false))
}

function arrowUnit(arrow: ArrowLibrary, unit: TimeUnit): Arrow.TimeUnit {
  return unit === 'ms'
    ? arrow.TimeUnit.MILLISECOND
    : unit === 'us'
      ? arrow.TimeUnit.MICROSECOND
      : arrow.TimeUnit.NANOSECOND
}

/**
 * An Arrow field as ours.
 *
 * @throws MillraceError `schema/unmappable` for unions, durations and other types without a column type.
 */
export function fieldOfArrow(arrow: ArrowLibrary, field: Arrow.Field): Field {
  const type = typeOfArrow(arrow, field.type, field.name)
  return {
    name: field.name,
    type: declaredType(field, type) ?? extensionType(field, type),
    nullable: field.nullable,
  }
}

/** The type in the metadata, when it lies in memory as the Arrow type does. */
function declaredType(field: Arrow.Field, stored: DataType): DataType | undefined {
  const text = field.metadata.get(TYPE_KEY)
  if (text === undefined) return undefined
  let declared: DataType
  try {
    declared = typeFromJson(JSON.parse(text))
  } catch {
    return undefined
  }
  return sameType(storageType(declared), storageType(stored)) ? declared : undefined
}

function extensionType(field: Arrow.Field, stored: DataType): DataType {
  const isJson = field.metadata.get('ARROW:extension:name') === 'arrow.json'
  return isJson && stored.kind === 'string' ? { kind: 'json' } : stored
}

/** A type without what Arrow does not tell apart. */
function storageType(type: DataType): DataType {
  switch (type.kind) {
    case 'int64':
    case 'uint64':
      return { kind: type.kind, rows: 'number' }
    case 'uuid':
    case 'json':
      return { kind: 'string' }
    case 'list':
      return {
        kind: 'list',
        element: { type: storageType(type.element.type), nullable: type.element.nullable },
      }
    case 'map':
      return {
        kind: 'map',
        key: storageType(type.key),
        value: { type: storageType(type.value.type), nullable: type.value.nullable },
      }
    case 'struct':
      return {
        kind: 'struct',
        fields: type.fields.map((field) => ({ ...field, type: storageType(field.type) })),
      }
    default:
      return type
  }
}

/** An Arrow type as ours, without metadata. */
function typeOfArrow(arrow: ArrowLibrary, type: Arrow.DataType, path: string): DataType {
  const { DataType: Is } = arrow
  if (Is.isDictionary(type)) return typeOfArrow(arrow, type.dictionary, path)
  if (Is.isBool(type)) return t.boolean().type
  if (Is.isInt(type)) return integerType(type)
  if (Is.isFloat(type)) return type.precision === arrow.Precision.DOUBLE ? t.float64().type : t.float32().type
  if (Is.isUtf8(type) || Is.isLargeUtf8(type)) return t.string().type
  if (Is.isBinary(type) || Is.isLargeBinary(type) || Is.isFixedSizeBinary(type)) return t.bytes().type
  if (Is.isDecimal(type) && type.bitWidth === 128 && type.scale >= 0)
    return t.decimal(type.precision, type.scale).type
  if (Is.isDate(type)) return t.date().type
  if (Is.isTime(type)) return t.time(unitOfArrow(arrow, type.unit)).type
  if (Is.isTimestamp(type))
    return t.timestamp(unitOfArrow(arrow, type.unit), { zoned: Boolean(type.timezone) }).type
  if (Is.isInterval(type)) return t.interval().type
  if (Is.isNull(type)) return t.string().type
  return nestedType(arrow, type, path)
}

function nestedType(arrow: ArrowLibrary, type: Arrow.DataType, path: string): DataType {
  const { DataType: Is } = arrow
  if (Is.isList(type) || Is.isFixedSizeList(type)) {
    const element = fieldOfArrow(arrow, type.children[0] as Arrow.Field)
    return Object.freeze<DataType>({
      kind: 'list',
      element: { type: element.type, nullable: element.nullable },
    })
  }
  if (Is.isStruct(type)) {
    const fields = (type.children as Arrow.Field[]).map((field) => fieldOfArrow(arrow, field))
    return Object.freeze<DataType>({ kind: 'struct', fields: makeSchema(fields).fields })
  }
  if (Is.isMap(type)) {
    const [key, value] = (type.children[0] as Arrow.Field).type.children as [Arrow.Field, Arrow.Field]
    const valueField = fieldOfArrow(arrow, value)
    return Object.freeze<DataType>({
      kind: 'map',
      key: fieldOfArrow(arrow, key).type,
      value: { type: valueField.type, nullable: valueField.nullable },
    })
  }
  throw new MillraceError('schema/unmappable', {
    what: `the Arrow column "${path}" has no column type`,
    detail: `its type is ${arrow.Type[(type as Arrow.DataType).typeId]}`,
    hint: 'convert the column before it is handed over',
    place: { column: path },
  })
}

function integerType(type: Arrow.Int): DataType {
  const kind = `${type.isSigned ? '' : 'u'}int${type.bitWidth}` as 'int8' | 'int64'
  return kind === 'int64' || (kind as string) === 'uint64' ? ({ kind, rows: 'number' } as DataType) : { kind }
}

/** Seconds become milliseconds. */
function unitOfArrow(arrow: ArrowLibrary, unit: Arrow.TimeUnit): TimeUnit {
  if (unit === arrow.TimeUnit.NANOSECOND) return 'ns'
  return unit === arrow.TimeUnit.MICROSECOND ? 'us' : 'ms'
}
