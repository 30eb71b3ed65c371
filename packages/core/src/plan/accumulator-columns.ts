/**
 * The columns in which unfinished results travel from a partial aggregate to the aggregate behind the exchange.
 *
 * Only aggregates whose accumulator is a handful of numbers or one text have a form here; the engine's aggregates fill
 * the same columns in the same order (`PartialForm` in engine/aggregates), which tests compare for every type.
 */
import { canBeWide } from '../data/layout.ts'
import type { DataType, Field, Schema } from '../data/type.ts'
import type { AggregateCall } from './logical.ts'

const float64: DataType = { kind: 'float64' }

/** Groups that a partial aggregate holds in a task before it sends all: about what a core's own cache takes. */
export const PARTIAL_GROUPS_MAX = 16_384

/** Decimals of more digits need a third limb. */
const BIG_DECIMAL_DIGITS = 18

/**
 * The schema of accumulators: the keys, the number of rows, and each aggregate's columns. Undefined when one of the
 * aggregates has none, or when the names of keys would be taken twice.
 */
export function accumulatorSchema(
  input: Schema,
  keys: readonly string[],
  aggregates: readonly AggregateCall[],
): Schema | undefined {
  const fieldOf = (name: string | undefined): Field | undefined =>
    input.fields.find((field) => field.name === name)
  const fields: Field[] = []
  for (const key of keys) {
    const field = fieldOf(key)
    if (field === undefined) return undefined
    fields.push(field)
  }
  fields.push({ name: '/rows', type: float64, nullable: false })
  for (const call of aggregates) {
    const columns = accumulatorColumns(call, fieldOf(call.columns[0]))
    if (columns === undefined) return undefined
    for (const { name, ...rest } of columns) fields.push({ ...rest, name: `${call.name}/${name}` })
  }
  const names = new Set(fields.map(({ name }) => name))
  return names.size === fields.length ? { fields } : undefined
}

/** The columns of one aggregate's accumulator; undefined for aggregates that do not travel. */
export function accumulatorColumns(
  call: AggregateCall,
  input: Field | undefined,
): readonly Field[] | undefined {
  switch (call.aggregate) {
    case 'count':
      return numbers('rows')
    case 'sum':
      return input === undefined ? undefined : numbers(...sumParts(input.type, false))
    case 'mean':
      return input === undefined ? undefined : numbers(...sumParts(input.type, true))
    case 'variance':
    case 'stddev':
      return numbers('rows', ...tripleParts('sum'), ...tripleParts('squares'))
    case 'min':
    case 'max':
      return input === undefined ? undefined : extremeColumns(input.type)
    case 'quantile':
    case 'count-distinct':
    case 'approximate-distinct':
    case 'first':
    case 'last':
    case 'top':
    case 'collect':
    case 'user':
      return undefined
  }
}

function numbers(...names: readonly string[]): readonly Field[] {
  return names.map((name) => ({ name, type: float64, nullable: false }))
}

/** Sums in three parts: the sum, its error, and the error of that. */
function tripleParts(name: string): readonly string[] {
  return [name, `${name}-error`, `${name}-rest`]
}

/** Sums of floats carry their error, sums of whole numbers are limbs. */
function sumParts(type: DataType, isMean: boolean): readonly string[] {
  if (isFloat(type)) return ['sum', 'error', 'rows']
  const isBig = type.kind === 'decimal' && type.precision > BIG_DECIMAL_DIGITS
  return ['low', 'middle', ...(isBig ? ['high'] : []), ...(isMean ? ['rows'] : [])]
}

function extremeColumns(type: DataType): readonly Field[] {
  if (type.kind === 'string' || type.kind === 'bytes' || type.kind === 'uuid')
    return [{ name: 'best', type, nullable: true }]
  const isBig = type.kind === 'decimal' && type.precision > BIG_DECIMAL_DIGITS
  const parts = ['first', 'second', 'third'].slice(0, canBeWide(type) ? (isBig ? 3 : 2) : 1)
  const seen: Field = { name: 'seen', type: { kind: 'int32' }, nullable: false }
  return isFloat(type) ? [...numbers(...parts), seen] : numbers(...parts)
}

function isFloat({ kind }: DataType): boolean {
  return kind === 'float32' || kind === 'float64'
}
