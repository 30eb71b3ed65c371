/**
 * What type an aggregate's result has, given its input: the one table that the SDK and SQL share.
 *
 * Follows PostgreSQL where it has the function: sums of integers are 64 bits wide, averages of nothing are null,
 * variance and standard deviation are those of a sample (null for a single value).
 */
import type { DataType, Field } from '../data/type.ts'
import { typeToString } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import type { AggregateCall } from './logical.ts'

/** The name of an aggregate. */
export type AggregateName = AggregateCall['aggregate']

/** A result type with its nullability. */
export interface AggregateType {
  readonly type: DataType
  readonly nullable: boolean
}

const count: AggregateType = { type: { kind: 'int64', rows: 'number' }, nullable: false }
const float64: DataType = { kind: 'float64' }

/**
 * The result type of a built-in aggregate over `input` (undefined for a plain count; for `top`, the column that
 * orders). `filtered`: a FILTER may leave no row to aggregate.
 *
 * @throws MillraceError `plan/type-mismatch` when the aggregate cannot take the input.
 */
export function aggregateType(
  aggregate: Exclude<AggregateName, 'user'>,
  input: Field | undefined,
  filtered: boolean,
): AggregateType {
  if (input === undefined) {
    if (aggregate === 'count') return count
    throw new MillraceError('plan/invalid-argument', { what: `the aggregate ${aggregate} has no column` })
  }
  const nullable = input.nullable || filtered
  switch (aggregate) {
    case 'count':
    case 'approximate-distinct':
    case 'count-distinct':
      return count
    case 'sum':
      return { type: sumType(input), nullable }
    case 'mean':
    case 'quantile':
      checkNumeric(aggregate, input)
      return { type: float64, nullable }
    case 'variance':
    case 'stddev':
      checkNumeric(aggregate, input)
      return { type: float64, nullable: true }
    case 'min':
    case 'max':
      checkOrdered(aggregate, input)
      return { type: input.type, nullable }
    case 'first':
    case 'last':
      return { type: input.type, nullable }
    case 'top':
      checkOrdered(aggregate, input)
      return { type: { kind: 'list', element: { type: input.type, nullable: false } }, nullable: false }
    case 'collect':
      return { type: { kind: 'list', element: { type: input.type, nullable: false } }, nullable: false }
  }
}

/** Whether values of a type are numbers to add up. */
function isNumeric(type: DataType): boolean {
  switch (type.kind) {
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'int64':
    case 'uint64':
    case 'float32':
    case 'float64':
    case 'decimal':
      return true
    default:
      return false
  }
}

/** Whether values of a type have an order that MIN, MAX and top-N can use. */
function isOrdered(type: DataType): boolean {
  switch (type.kind) {
    case 'boolean':
    case 'string':
    case 'uuid':
    case 'date':
    case 'time':
    case 'timestamp':
      return true
    default:
      return isNumeric(type)
  }
}

function sumType(input: Field): DataType {
  checkNumeric('sum', input)
  const { type } = input
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return float64
    case 'decimal':
      return { kind: 'decimal', precision: 38, scale: type.scale }
    case 'int64':
    case 'uint64':
      return type
    default:
      return { kind: 'int64', rows: 'number' }
  }
}

function checkNumeric(aggregate: string, { name, type }: Field): void {
  if (isNumeric(type)) return
  throw new MillraceError('plan/type-mismatch', {
    what: `the aggregate ${aggregate} needs a number`,
    detail: `column "${name}" is of type ${typeToString(type)}`,
  })
}

function checkOrdered(aggregate: string, { name, type }: Field): void {
  if (isOrdered(type)) return
  throw new MillraceError('plan/type-mismatch', {
    what: `the aggregate ${aggregate} needs values that have an order`,
    detail: `column "${name}" is of type ${typeToString(type)}`,
  })
}
