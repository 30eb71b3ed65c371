/**
 * Decides from statistics whether a row group can hold a row for which a predicate is true.
 *
 * Comparisons of a column with a literal, IN, IS [NOT] NULL, AND and OR are understood; everything else might be true.
 * NaN is above every number (as in PostgreSQL) and is in no statistics, so an upper bound of floats proves nothing.
 */
import { sameType } from '../../../data/type-text.ts'
import type { DataType } from '../../../data/type.ts'
import type { Pushdown } from '../../source.ts'
import { boundsOf, compareBounds } from './statistics.ts'
import type { Bound, Bounds } from './statistics.ts'
import type { RowGroup } from './metadata.ts'
import type { SchemaNode } from './schema-tree.ts'

type Expression = NonNullable<Pushdown['predicate']>

/** The columns of a row group as a predicate sees them. */
export type ColumnBounds = (name: string) => { readonly type: DataType; readonly bounds: Bounds } | undefined

/** Tells whether the predicate can be true for some row of the row group. */
export function canMatch(predicate: Expression, nodes: readonly SchemaNode[], group: RowGroup): boolean {
  return possible(predicate, (name) => {
    const node = nodes.find((candidate) => candidate.name === name)
    if (node?.kind !== 'leaf') return undefined
    const chunk = group.columns[node.column]
    if (chunk === undefined) return undefined
    return { type: node.type, bounds: boundsOf(node, chunk.statistics, chunk.values) }
  })
}

function possible(expression: Expression, columns: ColumnBounds): boolean {
  if (expression.kind === 'literal') return expression.value === true
  if (expression.kind !== 'call') return true
  const { name, arguments: parts } = expression
  switch (name) {
    case 'and':
      return parts.every((part) => possible(part, columns))
    case 'or':
      return parts.some((part) => possible(part, columns))
    case 'in':
      return inPossible(parts, columns)
    case 'is_null':
    case 'is_not_null':
      return nullTestPossible(name, parts[0] as Expression, columns)
    case '=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparisonPossible(name, parts, columns)
    default:
      return true
  }
}

function inPossible(parts: readonly Expression[], columns: ColumnBounds): boolean {
  const [value, ...items] = parts
  return items.some((item) => comparisonPossible('=', [value as Expression, item], columns))
}

function nullTestPossible(name: string, part: Expression, columns: ColumnBounds): boolean {
  if (part.kind !== 'column') return true
  const bounds = columns(part.name)?.bounds
  if (bounds?.nulls === undefined) return true
  return name === 'is_null' ? bounds.nulls > 0 : bounds.nulls < bounds.values
}

const mirrored: { readonly [name: string]: string } = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

function comparisonPossible(name: string, parts: readonly Expression[], columns: ColumnBounds): boolean {
  const [left, right] = parts
  if (left?.kind === 'literal' && right?.kind === 'column')
    return comparisonPossible(mirrored[name] as string, [right, left], columns)
  if (left?.kind !== 'column' || right?.kind !== 'literal') return true
  // A comparison with null is never true.
  if (right.value === null) return false
  const column = columns(left.name)
  // A column that is converted while it is read has other values than its statistics.
  if (column === undefined || !comparable(column.type, left.type)) return true
  const { low, high, nulls, values } = column.bounds
  if (nulls !== undefined && nulls === values) return false
  const literal = literalBound(right.type, right.value, column.type)
  if (literal === undefined) return true
  return inBounds(name, literal, low, isFloat(column.type) ? undefined : high, high)
}

/** `provenHigh`: an upper bound of all values; `high`: of all but NaN. */
function inBounds(
  name: string,
  literal: Bound,
  low: Bound | undefined,
  provenHigh: Bound | undefined,
  high: Bound | undefined,
): boolean {
  const belowLow = low !== undefined && compareBounds(literal, low) < 0
  const atLow = low !== undefined && compareBounds(literal, low) === 0
  switch (name) {
    case '=':
      return !belowLow && !(high !== undefined && compareBounds(literal, high) > 0)
    case '<':
      return !belowLow && !atLow
    case '<=':
      return !belowLow
    case '>':
      return provenHigh === undefined || compareBounds(literal, provenHigh) < 0
    default:
      return provenHigh === undefined || compareBounds(literal, provenHigh) <= 0
  }
}

function isFloat(type: DataType): boolean {
  return type.kind === 'float32' || type.kind === 'float64'
}

/** The types are one but for what does not change the numbers. */
function comparable(file: DataType, bound: DataType): boolean {
  if (file.kind !== bound.kind) return false
  if (file.kind === 'timestamp' && bound.kind === 'timestamp') return file.unit === bound.unit
  if (file.kind === 'int64' || file.kind === 'uint64') return true
  return sameType(file, bound)
}

const wholeKinds = new Set([
  'boolean',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'date',
  'time',
  'timestamp',
])

/** The literal as a bound of the column, or undefined when the two are not plainly comparable. */
function literalBound(type: DataType, value: unknown, column: DataType): Bound | undefined {
  if (column.kind === 'string' && type.kind === 'string' && typeof value === 'string')
    return new TextEncoder().encode(value)
  if (isFloat(column))
    return isFloat(type) && typeof value === 'number' && !Number.isNaN(value) ? value : undefined
  if (column.kind === 'decimal')
    return type.kind === 'decimal' && type.scale === column.scale ? wholeBound(value) : undefined
  if (!wholeKinds.has(column.kind)) return undefined
  const isInteger = (kind: string): boolean => kind.startsWith('int') || kind.startsWith('uint')
  const fits = isInteger(column.kind)
    ? isInteger(type.kind) && type.kind !== 'interval'
    : comparable(column, type)
  return fits ? wholeBound(value) : undefined
}

function wholeBound(value: unknown): bigint | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : undefined
}
