/**
 * What type names of SQL mean, and how a type is written in SQL.
 *
 * PostgreSQL's names, plus DuckDB's for unsigned ones. Note `int8`: PostgreSQL's name for 64 bits (an 8-bit integer
 * is `tinyint`), although `t.int8()` of the TypeScript builder counts bits.
 */
import type { DataType, TimeUnit } from '../data/type.ts'
import { nearestNames } from '../data/nearest-names.ts'
import { DECIMAL_PRECISION_LIMIT } from './decimal.ts'
import { errorAt } from './syntax-error.ts'
import type { SourceText, TypeName } from './syntax.ts'

const plain: { readonly [name: string]: DataType['kind'] } = {
  boolean: 'boolean', bool: 'boolean',
  tinyint: 'int8', smallint: 'int16', int2: 'int16', int16: 'int16',
  integer: 'int32', int: 'int32', int4: 'int32', int32: 'int32',
  utinyint: 'uint8', uint8: 'uint8', usmallint: 'uint16', uint16: 'uint16', uinteger: 'uint32', uint32: 'uint32',
  real: 'float32', float4: 'float32', float32: 'float32', double: 'float64', float8: 'float64', float64: 'float64',
  text: 'string', string: 'string', varchar: 'string', bytes: 'bytes', bytea: 'bytes', blob: 'bytes',
  date: 'date', interval: 'interval', uuid: 'uuid', json: 'json', jsonb: 'json',
} // prettier-ignore
const wide: { readonly [name: string]: 'int64' | 'uint64' } = {
  bigint: 'int64', int8: 'int64', int64: 'int64', ubigint: 'uint64', uint64: 'uint64',
} // prettier-ignore
const parameterised = ['decimal', 'numeric', 'float', 'timestamp', 'timestamptz', 'time']

const plainNames: { readonly [kind: string]: string } = {
  int8: 'tinyint', int16: 'smallint', int32: 'integer', int64: 'bigint',
  uint8: 'utinyint', uint16: 'usmallint', uint32: 'uinteger', uint64: 'ubigint',
  float32: 'real', float64: 'double precision', string: 'text', bytes: 'bytea',
} // prettier-ignore

/** The type behind a name. Throws `expression/type` at its place. */
export function typeOfName(written: TypeName, source: SourceText | undefined): DataType {
  let type = written.type ?? scalarType(written, source)
  for (let i = 0; i < written.dimensions; i++) type = { kind: 'list', element: { type, nullable: true } }
  return type
}

function scalarType(written: TypeName, source: SourceText | undefined): DataType {
  const { name, parameters } = written
  const kind = plain[name]
  if (kind !== undefined && parameters.length === 0) return { kind } as DataType
  const wideKind = wide[name]
  if (wideKind !== undefined && parameters.length === 0) return { kind: wideKind, rows: 'number' }
  if (name === 'float' && parameters.length <= 1) {
    return { kind: (parameters[0] ?? 53) <= 24 ? 'float32' : 'float64' }
  }
  if ((name === 'decimal' || name === 'numeric') && parameters.length <= 2) {
    const precision = parameters[0] ?? DECIMAL_PRECISION_LIMIT
    const scale = parameters[1] ?? (parameters.length === 0 ? 9 : 0)
    if (precision >= 1 && precision <= DECIMAL_PRECISION_LIMIT && scale <= precision) {
      return { kind: 'decimal', precision, scale }
    }
  }
  const unit = parameters.length <= 1 ? unitOf(parameters[0]) : undefined
  if (name.startsWith('timestamp') && unit !== undefined)
    return { kind: 'timestamp', unit, zoned: written.zoned }
  if (name === 'time' && unit !== undefined) return { kind: 'time', unit }
  const known = [...Object.keys(plain), ...Object.keys(wide), ...parameterised]
  const exists = known.includes(name)
  const near = nearestNames(name, known)
  const shown = parameters.length === 0 ? name : `${name}(${parameters.join(', ')})`
  throw errorAt('expression/type', source, written.at, {
    what: exists ? `type "${shown}" has parameters that it cannot have` : `type "${shown}" does not exist`,
    hint: near.length > 0 && !exists ? `did you mean ${near.join(' or ')}?` : undefined,
  })
}

/** Digits of a second to a unit; without digits milliseconds, the precision of event time. */
function unitOf(digits: number | undefined): TimeUnit | undefined {
  if (digits === undefined || digits <= 3) return 'ms'
  if (digits <= 6) return 'us'
  return digits <= 9 ? 'ns' : undefined
}

/** A type as SQL writes it: `decimal(10, 2)`, `timestamp(6) with time zone`, `text[]`. */
export function sqlTypeName(type: DataType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'timestamp':
      return `timestamp(${digitsOfUnit(type.unit)})${type.zoned ? ' with time zone' : ''}`
    case 'time':
      return `time(${digitsOfUnit(type.unit)})`
    case 'list':
      return `${sqlTypeName(type.element.type)}[]`
    case 'map':
      return `map(${sqlTypeName(type.key)}, ${sqlTypeName(type.value.type)})`
    case 'struct':
      return `struct(${type.fields.map((field) => `"${field.name}" ${sqlTypeName(field.type)}`).join(', ')})`
    default:
      return plainNames[type.kind] ?? type.kind
  }
}

function digitsOfUnit(unit: TimeUnit): number {
  return unit === 'ms' ? 3 : unit === 'us' ? 6 : 9
}
