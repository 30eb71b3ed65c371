/**
 * Which conditions statistics of row groups can say something about; whether one holds is prune.ts.
 */
import type { DataType } from '../../../data/type.ts'
import type { Pushdown } from '../../source.ts'
import type { Bound } from './statistics.ts'

type Expression = NonNullable<Pushdown['predicate']>
type Column = Extract<Expression, { readonly kind: 'column' }>

/** A comparison of a column with a constant. */
export interface Comparison {
  readonly operator: '=' | '<' | '<=' | '>' | '>='
  readonly column: Column
  /** In which they are compared: the column's, or the one that it is cast to. */
  readonly type: DataType
  /** Null: the comparison is never true. */
  readonly literal: Bound | null
}

const mirrored = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const

/** The expression as a comparison that bounds decide; undefined when it is none. */
export function comparisonOf(expression: Expression): Comparison | undefined {
  if (expression.kind !== 'call' || !Object.hasOwn(mirrored, expression.name)) return undefined
  const operator = expression.name as Comparison['operator']
  const [left, right] = expression.arguments as readonly [Expression, Expression]
  return left.kind === 'literal' ? compared(mirrored[operator], right, left) : compared(operator, left, right)
}

function compared(
  operator: Comparison['operator'],
  value: Expression,
  constant: Expression,
): Comparison | undefined {
  if (constant.kind !== 'literal') return undefined
  const column = value.kind === 'call' && value.name === 'cast' ? value.arguments[0] : value
  if (column?.kind !== 'column') return undefined
  const { type } = value
  if (!sameNumbers(constant.type, type)) return undefined
  const literal = constant.value === null ? null : literalBound(type, constant.value)
  return literal === undefined ? undefined : { operator, column, type, literal }
}

/** IN as the comparisons of which one must hold. */
export function inComparisons([value, ...items]: readonly Expression[]): readonly Expression[] {
  return items.map((item) => ({
    kind: 'call',
    name: '=',
    type: { kind: 'boolean' },
    nullable: true,
    arguments: [value as Expression, item],
  }))
}

/** The types are one but for what does not change the numbers. */
function sameNumbers(a: DataType, b: DataType): boolean {
  if (a.kind !== b.kind) return false
  if (a.kind === 'decimal' && b.kind === 'decimal') return a.scale === b.scale
  return !('unit' in a) || !('unit' in b) || a.unit === b.unit
}

function literalBound(type: DataType, value: unknown): Bound | undefined {
  switch (type.kind) {
    case 'string':
      return typeof value === 'string' ? new TextEncoder().encode(value) : undefined
    case 'float32':
    case 'float64':
      return typeof value === 'number' ? value : undefined
    case 'bytes':
    case 'interval':
    case 'uuid':
    case 'json':
    case 'list':
    case 'map':
    case 'struct':
      return undefined
    default:
      return wholeBound(value)
  }
}

function wholeBound(value: unknown): bigint | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?\d+$/.test(value) ? BigInt(value) : undefined
}

/** The part of a condition that statistics can rule out; undefined when there is none. */
export function prunablePart(expression: Expression): Expression | undefined {
  if (expression.kind !== 'call') return undefined
  const { name, arguments: parts } = expression
  switch (name) {
    case 'and': {
      const kept = parts.map(prunablePart).filter((part) => part !== undefined)
      return kept.length > 1 ? { ...expression, arguments: kept } : kept[0]
    }
    case 'or': {
      const kept = parts.map(prunablePart)
      return kept.every((part) => part !== undefined) ? { ...expression, arguments: kept } : undefined
    }
    case 'in':
      return inComparisons(parts).every((part) => comparisonOf(part) !== undefined) ? expression : undefined
    case 'is_null':
    case 'is_not_null':
      return parts[0]?.kind === 'column' && !nested.has(parts[0].type.kind) ? expression : undefined
    default:
      return comparisonOf(expression) === undefined ? undefined : expression
  }
}

const nested: ReadonlySet<DataType['kind']> = new Set(['list', 'map', 'struct'])
