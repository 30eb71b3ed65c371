/**
 * The meaning of aggregates: from the list of rows of a window to one value.
 */
import { fieldOf } from '../../data/index.ts'
import type { DataType, Schema } from '../../data/index.ts'
import { MillraceError } from '../../errors.ts'
import type { AggregateCall } from '../../plan/index.ts'
import type { Value } from '../../expr/value.ts'
import type { OracleRow, Relation, RowPlace } from './relation.ts'
import { cellsOfRow, compareValues, doubleOf, exactOf, normal, rowOfCells, textOfValue } from './values.ts'

/** What an aggregate knows of its step. */
export interface AggregateAround {
  readonly input: Relation
  readonly keys: readonly string[]
  readonly functions: ReadonlyMap<string, unknown>
}

/** A row, with its value in the aggregate's first column, which is not null. */
interface Counted {
  readonly value: Value
  readonly row: OracleRow
}

interface Call {
  readonly call: AggregateCall
  /** Type of the first column. */
  readonly type: DataType
  readonly schema: Schema
  readonly around: AggregateAround
}

/** Of rows in the order of event time, without those whose value is null. */
type AggregateMeaning = (rows: readonly Counted[], call: Call) => Value

/** The value of an aggregate over the rows of a window. */
export function aggregate(call: AggregateCall, rows: readonly OracleRow[], around: AggregateAround): Value {
  const { schema } = around.input
  const [column] = call.columns
  const isWhole = call.aggregate === 'user' || column === undefined
  const counted = rows
    .filter(({ cells }) => call.filter === undefined || cells[call.filter] === true)
    .toSorted((left, right) => compareRows(left, right, around))
    .map((row): Counted => ({ row, value: isWhole ? true : (row.cells[column] as Value) }))
    .filter(({ value }) => value !== null)
  const type: DataType = isWhole ? { kind: 'boolean' } : fieldOf(schema, column).type
  return normal(meanings[call.aggregate](counted, { call, type, schema, around }))
}

const meanings: { readonly [Name in AggregateCall['aggregate']]: AggregateMeaning } = {
  count: (rows) => BigInt(rows.length),
  sum,
  min: (rows) => best(rows, (order) => order < 0),
  max: (rows) => best(rows, (order) => order > 0),
  mean: (rows, call) => (rows.length === 0 ? null : mean(rows, call)),
  variance,
  stddev: (rows, call) => {
    const squared = variance(rows, call)
    return squared === null ? null : Math.sqrt(squared as number)
  },
  quantile,
  'count-distinct': distinct,
  // Exact for as few values as a test has.
  'approximate-distinct': distinct,
  first: (rows) => rows[0]?.value ?? null,
  last: (rows) => rows.at(-1)?.value ?? null,
  top,
  collect: (rows, { call }) =>
    rows.slice(0, call.parameters['max'] as number).map(({ value }) => normal(value)),
  user,
}

/** Integers and decimals exactly, or not at all. */
function sum(rows: readonly Counted[], { call, type }: Call): Value {
  if (rows.length === 0) return null
  if (exactOf(type, 0) === undefined) return total(rows.map(({ value }) => value as number))
  const exact = exactTotal(rows, type)
  const [low, high] = rangeOf(call.type)
  if (exact < low || exact > high)
    throw new MillraceError('value/overflow', { what: `the sum ${exact} does not fit its type` })
  return exact
}

function exactTotal(rows: readonly Counted[], type: DataType): bigint {
  return rows.reduce((all, { value }) => all + (exactOf(type, value) as bigint), 0n)
}

function rangeOf(type: DataType): readonly [bigint, bigint] {
  if (type.kind === 'uint64') return [0n, 2n ** 64n - 1n]
  if (type.kind === 'decimal')
    return [-(10n ** BigInt(type.precision)) + 1n, 10n ** BigInt(type.precision) - 1n]
  return [-(2n ** 63n), 2n ** 63n - 1n]
}

function total(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}

function mean(rows: readonly Counted[], { type }: Call): number {
  if (exactOf(type, 0) === undefined) return total(rows.map(({ value }) => value as number)) / rows.length
  return doubleOf(type, exactTotal(rows, type)) / rows.length
}

function best(rows: readonly Counted[], isBetter: (order: number) => boolean): Value {
  return rows.reduce<Value>(
    (found, { value }) => (found === null || isBetter(compareValues(value, found)) ? value : found),
    null,
  )
}

/** Of a sample: null below two values, NaN with a value that is not finite. */
function variance(rows: readonly Counted[], { type }: Call): Value {
  if (rows.length < 2) return null
  const values = rows.map(({ value }) => doubleOf(type, value))
  if (!values.every((value) => Math.abs(value) <= 1e150)) return Number.NaN
  const middle = total(values) / values.length
  const apart = values.map((value) => value - middle)
  // The mean is rounded: by how much the sum of the differences tells (Chan, Golub, LeVeque, 1983, the corrected two-pass).
  return (total(apart.map((one) => one ** 2)) - total(apart) ** 2 / values.length) / (values.length - 1)
}

/** Between two values in proportion, as SQL's percentile_cont. */
function quantile(rows: readonly Counted[], { call, type }: Call): Value {
  if (rows.length === 0) return null
  const values = rows.map(({ value }) => doubleOf(type, value)).toSorted(compareValues)
  const place = (call.parameters['q'] as number) * (values.length - 1)
  const low = values[Math.floor(place)] as number
  const high = values[Math.ceil(place)] as number
  return low === high ? low : low + (high - low) * (place - Math.floor(place))
}

function distinct(rows: readonly Counted[]): Value {
  return BigInt(new Set(rows.map(({ value }) => textOfValue(value))).size)
}

/** The best values first; of equal ones the earlier row. */
function top(rows: readonly Counted[], { call }: Call): Value {
  const { n, order } = call.parameters
  const sign = order === 'asc' ? 1 : -1
  const ordered = rows.toSorted((left, right) => sign * compareValues(left.value, right.value))
  const [, ...columns] = call.columns
  return ordered
    .slice(0, n as number)
    .map(({ value, row }) =>
      columns.length === 0 ? normal(value) : columns.map((name) => normal(row.cells[name] as Value)),
    )
}

interface UserAggregate {
  create(): unknown
  add(accumulator: unknown, row: object): unknown
  result(accumulator: unknown): unknown
}

function user(rows: readonly Counted[], { call, schema, around }: Call): Value {
  const functions = around.functions.get(call.functionId ?? '') as UserAggregate
  const accumulator = rows.reduce<unknown>((before, { row }) => {
    return functions.add(before, rowOfCells(schema, row.cells)) ?? before
  }, functions.create())
  const field = { name: call.name, type: call.type, nullable: call.nullable }
  return cellsOfRow({ fields: [field] }, { [call.name]: functions.result(accumulator) })[call.name] as Value
}

/**
 * The order of event time. Rows of one time are in the order of their source; where that does not tell them apart, the
 * smaller row is first, column by column, nulls last.
 */
function compareRows(left: OracleRow, right: OracleRow, { input, keys }: AggregateAround): number {
  const byTime = (left.eventTime ?? 0) - (right.eventTime ?? 0)
  if (byTime !== 0) return byTime
  const byPlace = comparePlaces(left.order, right.order)
  if (byPlace !== 0 || !input.hasTies) return byPlace
  for (const { name } of input.schema.fields) {
    if (keys.includes(name)) continue
    const [a, b] = [left.cells[name] as Value, right.cells[name] as Value]
    const order = a === null || b === null ? Number(a === null) - Number(b === null) : compareCells(a, b)
    if (order !== 0) return order
  }
  return 0
}

function comparePlaces(left: RowPlace | undefined, right: RowPlace | undefined): number {
  if (left === undefined || right === undefined)
    return Number(left === undefined) - Number(right === undefined)
  return left.source - right.source || left.split - right.split || left.position - right.position
}

/** Lists and structs have no order that means anything: equal or not is all that is told here. */
function compareCells(left: Value, right: Value): number {
  const isNested = typeof left === 'object' && !(left instanceof Uint8Array)
  return isNested ? 0 : compareValues(left, right)
}
