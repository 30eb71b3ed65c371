/**
 * Which types of PostgreSQL hold which logical types without losing anything, and what to write into a `CREATE TABLE`.
 */
import type { DataType } from '@millrace/core/data'

/** The type of a column of a table, domains resolved. */
export interface ServerType {
  /** The name in `pg_type`: int4, text, numeric, …; of the elements for arrays. */
  readonly name: string
  readonly isArray: boolean
  readonly isEnum: boolean
  /** `atttypmod`: precision, scale, length; −1: none. */
  readonly modifier: number
}

const texts = ['text', 'varchar', 'bpchar', 'citext', 'xml', 'inet', 'cidr', 'macaddr', 'macaddr8', 'ltree'] // prettier-ignore

/** Whether every value of a logical type can be kept in a column. */
export function fits(type: DataType, server: ServerType): boolean {
  const { name, modifier } = server
  if (type.kind === 'list' && server.isArray)
    return type.element.type.kind !== 'list' && fits(type.element.type, { ...server, isArray: false })
  if (server.isArray) return false
  switch (type.kind) {
    case 'boolean':
      return name === 'bool'
    case 'int8':
    case 'int16':
    case 'uint8':
      return ['int2', 'int4', 'int8'].includes(name) || holdsDigits(server, 5, 0)
    case 'int32':
    case 'uint16':
      return ['int4', 'int8'].includes(name) || holdsDigits(server, 10, 0)
    case 'int64':
    case 'uint32':
      return name === 'int8' || holdsDigits(server, 19, 0)
    case 'uint64':
      return holdsDigits(server, 20, 0)
    case 'float32':
      return name === 'float4' || name === 'float8'
    case 'float64':
      return name === 'float8'
    case 'decimal':
      return holdsDigits(server, type.precision, type.scale)
    case 'string':
      return server.isEnum || texts.includes(name)
    case 'bytes':
      return name === 'bytea'
    case 'date':
      return name === 'date'
    case 'time':
      return name === 'time' && holdsUnit(type.unit, modifier)
    case 'timestamp':
      return (
        (name === 'timestamptz' || (name === 'timestamp' && !type.zoned)) && holdsUnit(type.unit, modifier)
      )
    case 'interval':
      return name === 'interval' && modifier === -1
    case 'uuid':
      return name === 'uuid' || name === 'text'
    case 'json':
      return name === 'jsonb' || name === 'json' || name === 'text'
    case 'list':
    case 'map':
    case 'struct':
      return name === 'jsonb' || name === 'json'
  }
}

/** The type for a new column; undefined: there is none, and `whyNone` says why. */
export function typeInTable(type: DataType): string | undefined {
  switch (type.kind) {
    case 'boolean':
      return 'boolean'
    case 'int8':
    case 'int16':
    case 'uint8':
      return 'smallint'
    case 'int32':
    case 'uint16':
      return 'integer'
    case 'int64':
    case 'uint32':
      return 'bigint'
    case 'uint64':
      return 'numeric(20, 0)'
    case 'float32':
      return 'real'
    case 'float64':
      return 'double precision'
    case 'decimal':
      return `numeric(${type.precision}, ${type.scale})`
    case 'string':
      return 'text'
    case 'bytes':
      return 'bytea'
    case 'date':
      return 'date'
    case 'time':
      return type.unit === 'ns' ? undefined : 'time'
    case 'timestamp':
      if (type.unit === 'ns') return undefined
      return type.zoned ? 'timestamptz' : 'timestamp'
    case 'interval':
      return 'interval'
    case 'uuid':
      return 'uuid'
    case 'json':
    case 'map':
    case 'struct':
      return 'jsonb'
    case 'list': {
      const element = isPlain(type.element.type) ? typeInTable(type.element.type) : 'jsonb'
      return element === undefined || element === 'jsonb' ? element : `${element}[]`
    }
  }
}

/** What to do about a type that no column holds. */
export const whyNone = 'PostgreSQL keeps microseconds: cast the column to a timestamp or time in "us" first'

/** Whether an array can hold values of the type one by one. */
function isPlain({ kind }: DataType): boolean {
  return kind !== 'list' && kind !== 'map' && kind !== 'struct' && kind !== 'json'
}

/** Whether a numeric column holds all numbers of so many digits, `scale` of them behind the point. */
function holdsDigits({ name, modifier }: ServerType, precision: number, scale: number): boolean {
  if (name !== 'numeric') return false
  if (modifier === -1) return true
  const kept = modifier - 4
  // The scale of PostgreSQL 15 and later has eleven bits and a sign.
  const keptScale = ((kept & 0x7ff) ^ 1024) - 1024
  const keptPrecision = (kept >> 16) & 0xffff
  return keptScale >= scale && keptPrecision - keptScale >= precision - scale
}

function holdsUnit(unit: 'ms' | 'us' | 'ns', modifier: number): boolean {
  if (unit === 'ns') return false
  return modifier === -1 || modifier >= (unit === 'ms' ? 3 : 6)
}
