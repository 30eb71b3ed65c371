// What the compiler knows of rows that a test sends and looks at.
import { expectTypeOf, test } from 'vitest'
import { schema, t } from '../../../src/index.ts'
import type { Pipeline, RowOf } from '../../../src/index.ts'
import { drive } from '../../../src/testing/index.ts'

const Flight = schema({ origin: t.string(), at: t.timestamp('ms'), delay: t.int32().nullable() })
declare const pipeline: Pipeline

test('rows that are sent have the columns of the schema; those that may be null may be left out', async () => {
  const run = await drive(pipeline)
  const flights = run.source('flights', Flight)
  flights.send({ origin: 'AMS', at: 0, delay: null }, { origin: 'AMS', at: '2024-01-01T10:00Z' })
  flights.partition(1).send({ origin: 'AMS', at: new Date() })
  // @ts-expect-error a column is missing
  flights.send({ origin: 'AMS' })
  // @ts-expect-error a column has another type
  flights.send({ origin: 7, at: 0 })
  // @ts-expect-error there is no such column
  flights.send({ origin: 'AMS', at: 0, delays: 1 })
  run.source('other').send({ anything: 'goes', and: 'is checked when it is sent' })
})

test('rows that are looked at have those of theirs', async () => {
  const run = await drive(pipeline)
  const rows = run.sink('out', Flight).rows
  expectTypeOf(rows[0]).toEqualTypeOf<RowOf<typeof Flight> | undefined>()
  const [any] = run.sink('out').rows
  expectTypeOf(any?.['column']).toEqualTypeOf<unknown>()
  expectTypeOf(run.sink('out', Flight).changes[0]?.row.origin).toEqualTypeOf<string | undefined>()
})
