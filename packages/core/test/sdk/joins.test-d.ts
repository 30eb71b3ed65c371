// Types of joins: what the result has, and what does not compile.
import { describe, expectTypeOf, it } from 'vitest'
import { sql } from '../../src/index.ts'
import type { Flat, PipelineBuilder, Stream } from '../../src/index.ts'
import { flights } from './planned-ends.ts'
import type { Flight } from './planned-ends.ts'

type RowIn<Of> = Of extends Stream<infer Row> ? Row : never

declare const p: PipelineBuilder
const source = p.read('flights', flights, { eventTime: 'date' })

describe('joins', () => {
  const departures = source.keyBy('by-origin', 'origin')
  const arrivals = source.keyBy('by-destination', 'destination')
  const within = ['-1 hour', '3 hours'] as const

  it('add columns of the right side, and leave out what the kind may leave out', () => {
    const inner = departures.join('j', arrivals, { within, select: { from: 'origin' } })
    expectTypeOf<RowIn<typeof inner>>().toEqualTypeOf<Flat<Flight & { readonly from: string }>>()
    const left = departures.join('j', arrivals, { within, join: 'left', select: { from: 'origin' } })
    expectTypeOf<RowIn<typeof left>['from']>().toEqualTypeOf<string | null>()
    expectTypeOf<RowIn<typeof left>['origin']>().toEqualTypeOf<string>()
    const right = departures.join('j', arrivals, { within, join: 'right', select: { from: 'origin' } })
    expectTypeOf<RowIn<typeof right>['from']>().toEqualTypeOf<string>()
    expectTypeOf<RowIn<typeof right>['origin']>().toEqualTypeOf<string | null>()
    const full = departures.join('j', arrivals, { within, join: 'full', select: { from: 'origin' } })
    expectTypeOf<RowIn<typeof full>['from']>().toEqualTypeOf<string | null>()
    expectTypeOf<RowIn<typeof full>['origin']>().toEqualTypeOf<string | null>()
    const semi = departures.join('j', arrivals, { within, join: 'semi', select: {} })
    expectTypeOf<RowIn<typeof semi>>().toEqualTypeOf<Flight>()
    expectTypeOf<RowIn<typeof semi.lateRight>>().toEqualTypeOf<Flight>()
  })

  it('take a condition over both sides, as an expression of any form', () => {
    const select = { other: 'distance' } as const
    departures.join('j', arrivals, { within, select, where: (c) => c.distance.lt(c.other) })
    departures.join('j', arrivals, { within, select, where: sql`distance < other` })
    // @ts-expect-error no such column of the pair
    departures.join('j', arrivals, { within, select, where: (c) => c.distance.lt(c.others) })
  })

  it('refuse what cannot be', () => {
    // @ts-expect-error no such column of the right side
    departures.join('j', arrivals, { within, select: { from: 'orign' } })
    // @ts-expect-error no such kind
    departures.join('j', arrivals, { within, join: 'outer', select: {} })
    // @ts-expect-error one bound is missing
    departures.join('j', arrivals, { within: ['1 min'], select: {} })
    // @ts-expect-error the right side has no key
    departures.join('j', source, { within, select: {} })
    // @ts-expect-error a number is never equal to text
    departures.join('j', source.keyBy('by-distance', 'distance'), { within, select: {} })
  })
})
