/**
 * Decides from statistics whether a row group can hold a row for which a predicate is true.
 *
 * Comparisons of a column (or of a cast that loses nothing of it) with a literal, IN, IS [NOT] NULL, AND and OR are
 * understood; everything else might be true. Statistics are of the file's values: they are converted to the declared
 * type first. Where a value of the column may not fit that type the row group is read, so that it is told.
 * NaN is above every number (as in PostgreSQL) and is in no statistics, so an upper bound of floats proves nothing.
 */
import type { DataType, Field } from '../../../data/type.ts'
import type { Pushdown } from '../../source.ts'
import { castBound, conformBound, isFloat } from './bound-conversion.ts'
import { comparisonOf, inComparisons } from './prunable.ts'
import type { Comparison } from './prunable.ts'
import { boundsOf, compareBounds } from './statistics.ts'
import type { Bound, Bounds } from './statistics.ts'
import type { RowGroup } from './metadata.ts'
import { fieldOf } from './schema-tree.ts'
import type { SchemaNode } from './schema-tree.ts'

type Expression = NonNullable<Pushdown['predicate']>

/** What is known of a column of a row group, in the declared type. */
interface ColumnBounds extends Bounds {
  /** NaN may be among its values. */
  readonly hasNaN: boolean
}

/** Gives what is known of a column; undefined: nothing. */
type ColumnsOfGroup = (name: string) => ColumnBounds | undefined

/** A column of the file and what it is declared as. */
export interface DeclaredNode {
  readonly field: Field
  readonly node: SchemaNode | undefined
}

/** Tells whether the predicate can be true for some row of the row group. */
export function canMatch(predicate: Expression, declared: readonly DeclaredNode[], group: RowGroup): boolean {
  return possible(predicate, (name) => {
    const column = declared.find(({ field }) => field.name === name)
    if (column?.node?.kind !== 'leaf') return undefined
    const chunk = group.columns[column.node.column]
    if (chunk === undefined) return undefined
    return inDeclaredType(
      boundsOf(column.node, chunk.statistics, chunk.values),
      fieldOf(column.node),
      column.field,
    )
  })
}

function inDeclaredType(bounds: Bounds, file: Field, declared: Field): ColumnBounds | undefined {
  const { nulls, values } = bounds
  // A null that may not be there has to be told.
  if (file.nullable && !declared.nullable && nulls !== 0) return undefined
  const conformed = (bound: Bound | undefined): Bound | undefined =>
    bound === undefined ? undefined : conformBound(bound, file.type, declared.type)
  const [low, high] = [conformed(bounds.low), conformed(bounds.high)]
  const isKnown = (low !== undefined && high !== undefined) || nulls === values
  // Of another type a value may not fit, unless both bounds do.
  if (!isKnown && !sameUnits(file.type, declared.type)) return undefined
  return { low, high, nulls, values, hasNaN: isFloat(file.type) }
}

function sameUnits(a: DataType, b: DataType): boolean {
  return a.kind === b.kind && (!('unit' in a) || !('unit' in b) || a.unit === b.unit)
}

function possible(expression: Expression, columns: ColumnsOfGroup): boolean {
  if (expression.kind === 'literal') return expression.value === true
  if (expression.kind !== 'call') return true
  const { name, arguments: parts } = expression
  switch (name) {
    case 'and':
      return parts.every((part) => possible(part, columns))
    case 'or':
      return parts.some((part) => possible(part, columns))
    case 'in':
      return inComparisons(parts).some((comparison) => possible(comparison, columns))
    case 'is_null':
    case 'is_not_null':
      return nullTestPossible(name, parts[0] as Expression, columns)
    default:
      return comparisonPossible(expression, columns)
  }
}

function nullTestPossible(name: string, part: Expression, columns: ColumnsOfGroup): boolean {
  const bounds = part.kind === 'column' ? columns(part.name) : undefined
  if (bounds?.nulls === undefined) return true
  return name === 'is_null' ? bounds.nulls > 0 : bounds.nulls < bounds.values
}

function comparisonPossible(expression: Expression, columns: ColumnsOfGroup): boolean {
  const comparison = comparisonOf(expression)
  if (comparison === undefined) return true
  const { operator, column, type, literal } = comparison
  const known = columns(column.name)
  if (known === undefined) return true
  // A comparison with null is never true.
  if (literal === null) return false
  if (known.nulls !== undefined && known.nulls === known.values) return false
  const cast = (bound: Bound | undefined): Bound | undefined =>
    bound === undefined || type === column.type ? bound : castBound(bound, column.type, type)
  const [low, high] = [cast(known.low), cast(known.high)]
  // A value between bounds that do not fit may make the cast fail, which is to be told.
  if (type !== column.type && (low === undefined || high === undefined)) return true
  return inBounds(operator, literal, low, known.hasNaN ? undefined : high, high)
}

/** `provenHigh`: an upper bound of all values; `high`: of all but NaN. */
function inBounds(
  operator: Comparison['operator'],
  literal: Bound,
  low: Bound | undefined,
  provenHigh: Bound | undefined,
  high: Bound | undefined,
): boolean {
  const belowLow = low !== undefined && compareBounds(literal, low) < 0
  const atLow = low !== undefined && compareBounds(literal, low) === 0
  switch (operator) {
    case '=':
      return !belowLow && !(high !== undefined && compareBounds(literal, high) > 0)
    case '<':
      return !belowLow && !atLow
    case '<=':
      return !belowLow
    case '>':
      return provenHigh === undefined || compareBounds(literal, provenHigh) < 0
    case '>=':
      return provenHigh === undefined || compareBounds(literal, provenHigh) <= 0
  }
}
