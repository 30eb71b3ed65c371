import { describe, expectTypeOf, it } from 'vitest'
import { schema, t } from '../../src/data/builder.ts'
import { extendSchema, omitColumns, pickColumns, renameColumns } from '../../src/data/schema.ts'
import type { CalendarDate, Decimal, TimeOfDay, Timestamp, Uuid } from '../../src/data/row-values.ts'
import type { Interval, Json, RowOf, Schema } from '../../src/data/type.ts'

const all = schema({
  boolean: t.boolean(),
  int32: t.int32(),
  int64: t.int64(),
  big: t.int64().bigint(),
  uint64: t.uint64().bigint().nullable(),
  float: t.float32().nullable(),
  decimal: t.decimal(10, 2),
  string: t.string(),
  bytes: t.bytes(),
  date: t.date(),
  time: t.time('us'),
  timestamp: t.timestamp('ns', { zoned: true }),
  interval: t.interval(),
  uuid: t.uuid(),
  json: t.json(),
  shaped: t.json<{ a: number }>(),
  list: t.list(t.string().nullable()),
  map: t.map(t.string(), t.int32()),
  struct: t.struct({ a: t.int8(), b: t.list(t.struct({ c: t.date() })) }).nullable(),
})

describe('the row type of a schema', () => {
  it('follows from its column types', () => {
    expectTypeOf<RowOf<typeof all>>().toEqualTypeOf<{
      readonly boolean: boolean
      readonly int32: number
      readonly int64: number
      readonly big: bigint
      readonly uint64: bigint | null
      readonly float: number | null
      readonly decimal: Decimal
      readonly string: string
      readonly bytes: Uint8Array
      readonly date: CalendarDate
      readonly time: TimeOfDay
      readonly timestamp: Timestamp
      readonly interval: Interval
      readonly uuid: Uuid
      readonly json: Json
      readonly shaped: { a: number }
      readonly list: readonly (string | null)[]
      readonly map: ReadonlyMap<string, number>
      readonly struct: { readonly a: number; readonly b: readonly { readonly c: CalendarDate }[] } | null
    }>()
  })

  it('marks what JavaScript has no type of its own for, and takes plain values all the same', () => {
    type Row = RowOf<typeof all>
    expectTypeOf<number>().toExtend<Row['timestamp']>()
    expectTypeOf<Row['timestamp']>().toExtend<number>()
    expectTypeOf<string>().toExtend<Row['decimal']>()
    expectTypeOf<Row['decimal']>().toExtend<string>()
    expectTypeOf<Row['time']>().not.toExtend<Row['timestamp']>()
    expectTypeOf<Row['date']>().not.toExtend<Row['uuid']>()
  })

  it('follows through picking, omitting, renaming and extending', () => {
    const flights = schema({ origin: t.string(), delay: t.int32().nullable() })
    expectTypeOf(pickColumns(flights, ['delay'])).toEqualTypeOf<
      Schema<Pick<RowOf<typeof flights>, 'delay'>>
    >()
    expectTypeOf<RowOf<ReturnType<typeof omitted>>>().toEqualTypeOf<{ readonly origin: string }>()
    function omitted() {
      return omitColumns(flights, ['delay'])
    }
    const renamed = renameColumns(flights, { origin: 'from' })
    expectTypeOf<RowOf<typeof renamed>>().toEqualTypeOf<{
      readonly from: string
      readonly delay: number | null
    }>()
    const extended = extendSchema(flights, schema({ delay: t.string() }))
    expectTypeOf<RowOf<typeof extended>['delay']>().toEqualTypeOf<string>()
  })

  it('does not compile for unknown columns, wrong units or changed rows', () => {
    const flights = schema({ origin: t.string() })
    // @ts-expect-error there is no column of that name
    pickColumns(flights, ['orign'])
    // @ts-expect-error there is no column of that name
    renameColumns(flights, { orign: 'from' })
    // @ts-expect-error seconds are no unit
    t.timestamp('s')
    const change = (row: RowOf<typeof flights>): void => {
      // @ts-expect-error rows are read-only
      row.origin = 'x'
    }
    expectTypeOf(change).toBeFunction()
  })
})
