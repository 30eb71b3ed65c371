/** The built-in aggregates, by name. */
import type { AggregateCall } from '../../plan/logical.ts'
import type { Aggregate, AggregateParts } from './aggregate.ts'
import { createApproximateDistinct } from './approximate-distinct.ts'
import { createCount } from './count.ts'
import { createDistinct } from './distinct.ts'
import { createExtreme } from './extreme.ts'
import { createCollect, createFirstOrLast, createTop } from './ordered-values.ts'
import { createQuantile } from './quantile.ts'
import { createMean, createSum } from './sum.ts'
import { createUserAggregate } from './user-aggregate.ts'
import { createVariance } from './variance.ts'

export type {
  Aggregate,
  AggregateInput,
  AggregateParts,
  InlineNames,
  PartialForm,
  RecordRange,
  SavedForm,
} from './aggregate.ts'

const table: {
  readonly [Name in AggregateCall['aggregate']]: (parts: AggregateParts) => Aggregate
} = {
  count: createCount,
  sum: createSum,
  mean: createMean,
  min: (parts) => createExtreme(parts, -1),
  max: (parts) => createExtreme(parts, 1),
  variance: (parts) => createVariance(parts, 'variance'),
  stddev: (parts) => createVariance(parts, 'stddev'),
  quantile: createQuantile,
  'count-distinct': createDistinct,
  'approximate-distinct': createApproximateDistinct,
  first: (parts) => createFirstOrLast(parts, 'first'),
  last: (parts) => createFirstOrLast(parts, 'last'),
  top: createTop,
  collect: createCollect,
  user: createUserAggregate,
}

/** Makes the aggregate that a call names; its fields are added to the record layout. */
export function createAggregate(parts: AggregateParts): Aggregate {
  return table[parts.call.aggregate](parts)
}
