/** The built-in aggregates, by name. */
import type { AggregateCall } from '../../plan/logical.ts'
import type { Aggregate, AggregateParts } from './aggregate.ts'
import { createCount } from './count.ts'
import { createExtreme } from './extreme.ts'
import { createMean, createSum } from './sum.ts'

export type { Aggregate, AggregateInput, AggregateParts, InlineNames, RecordRange } from './aggregate.ts'

const table: Partial<{
  readonly [Name in AggregateCall['aggregate']]: (parts: AggregateParts) => Aggregate
}> = {
  count: createCount,
  sum: createSum,
  mean: createMean,
  min: (parts) => createExtreme(parts, -1),
  max: (parts) => createExtreme(parts, 1),
}

/** Makes the aggregate that a call names; its fields are added to the record layout. */
export function createAggregate(parts: AggregateParts): Aggregate {
  return (table[parts.call.aggregate] as (parts: AggregateParts) => Aggregate)(parts)
}
