/**
 * Generated aggregates: each over a column, or an expression, that it can take.
 */
import type { DataType, Field } from '../../data/index.ts'
import type { AggregateCall } from '../../plan/index.ts'
import type { AggregateCase } from './description.ts'
import type { Dice } from './dice.ts'
import type { DrawnStream } from './generate-steps.ts'
import { Expressions, quoted } from './generate-expressions.ts'
import { INEXACT, isInexact, isNested } from './generate-values.ts'

type Name = AggregateCall['aggregate']

const numeric = ['int8', 'int16', 'int32', 'uint8', 'uint16', 'uint32', 'int64', 'uint64', 'float32', 'float64', 'decimal'] // prettier-ignore
const ordered = [...numeric, 'boolean', 'string', 'uuid', 'date', 'time', 'timestamp']

const isNumeric = ({ kind }: DataType): boolean => numeric.includes(kind)
const isOrdered = ({ kind }: DataType): boolean => ordered.includes(kind)

/** What each can be computed of. */
const inputs: { readonly [Aggregate in Name]: (type: DataType) => boolean } = {
  count: () => true,
  sum: isNumeric,
  min: isOrdered,
  max: isOrdered,
  mean: isNumeric,
  variance: isNumeric,
  stddev: isNumeric,
  quantile: isNumeric,
  'count-distinct': () => true,
  'approximate-distinct': () => true,
  first: () => true,
  last: () => true,
  top: isOrdered,
  collect: () => true,
  user: () => true,
}
const names = Object.keys(inputs) as readonly Name[]
/** Sums of floats, and what is computed by way of them. */
const inexact: ReadonlySet<Name> = new Set(['mean', 'variance', 'stddev', 'sum'])
/** What hangs on the last digits of its input. */
const isClose: ReadonlySet<Name> = new Set(['count-distinct', 'approximate-distinct', 'top'])
const bySequence: ReadonlySet<Name> = new Set(['first', 'last', 'top', 'collect'])

/** Some aggregates over a stream, a count of all rows first. */
export function drawAggregates(dice: Dice, stream: DrawnStream, step: number): readonly AggregateCase[] {
  const { fields } = stream.schema
  // What comes first among rows that only nested values tell apart is not promised.
  const hasSequence = !stream.hasTies || !fields.some(({ type }) => isNested(type) || type.kind === 'json')
  const choices = names.filter((name) => hasSequence || !bySequence.has(name))
  return Array.from({ length: 1 + dice.below(3) }, (_, at) => {
    const drawn = drawAggregate(dice, stream, { name: `${step}${'abc'[at]}`, aggregate: dice.one(choices) })
    return { ...drawn, name: `${isInexactResult(drawn) ? INEXACT : 'a'}${drawn.name}` }
  })
}

function isInexactResult({ aggregate, input = '', parameters }: AggregateCase): boolean {
  const { columns = [] } = parameters as { readonly columns?: readonly string[] }
  return inexact.has(aggregate) || isInexact(input.replaceAll('"', '')) || columns.some(isInexact)
}

function drawAggregate(
  dice: Dice,
  { schema }: DrawnStream,
  { name, aggregate }: { readonly name: string; readonly aggregate: Name },
): AggregateCase {
  const expressions = new Expressions(dice, schema)
  const filter = dice.chance(5) ? { filter: expressions.condition() } : {}
  const fitting = schema.fields.filter(
    ({ name: column, type }) => inputs[aggregate](type) && !(isClose.has(aggregate) && isInexact(column)),
  )
  const parameters = parametersOf(dice, aggregate, schema.fields)
  if (aggregate === 'user') return { name, aggregate, parameters, ...filter }
  if (aggregate === 'count' && !dice.chance(2)) return { name, aggregate, parameters, ...filter }
  const field = dice.one(fitting)
  if (aggregate === 'top')
    return field === undefined
      ? { name, aggregate: 'count', parameters: {} }
      : { name, aggregate, input: field.name, parameters, ...filter }
  const input = field === undefined || dice.chance(5) ? expressions.of(isFloatOnly(aggregate) ? 'float' : 'whole', 2) : quoted(field.name) // prettier-ignore
  return { name, aggregate, input, parameters, ...filter }
}

function isFloatOnly(aggregate: Name): boolean {
  return aggregate === 'mean' || aggregate === 'quantile'
}

function parametersOf(dice: Dice, aggregate: Name, fields: readonly Field[]): AggregateCase['parameters'] {
  switch (aggregate) {
    case 'quantile':
      return { q: dice.one([0.5, 0, 1, 0.25, 0.95]) }
    case 'collect':
      return { max: dice.one([3, 1, 1000]) }
    case 'approximate-distinct':
      return { precision: dice.one([14, 12, 18]) }
    case 'user':
      return { columns: dice.some(fields.map(({ name }) => name).filter((name) => !isInexact(name))) }
    case 'top': {
      const columns = dice.chance(2) ? { columns: dice.some(fields.map(({ name }) => name)) } : {}
      return { n: dice.one([2, 1, 5]), order: dice.one(['desc', 'asc']), ...columns }
    }
    default:
      return {}
  }
}
