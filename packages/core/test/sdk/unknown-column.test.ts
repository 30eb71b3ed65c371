// A column that is not there: one error, wherever it is named, with the step and the line that the user wrote.
import { describe, expect, it } from 'vitest'
import { isMillraceError, pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import type { MillraceError } from '../../src/errors.ts'
import type { Stream } from '../../src/index.ts'
import { airports, flights, plannedSink } from './planned-ends.ts'
import type { Airport, Flight } from './planned-ends.ts'

/** Names that the compiler would refuse. */
const not = (value: unknown): never => value as never

function refusal(make: (source: Stream<Flight>, table: Stream<Airport>) => unknown): MillraceError {
  try {
    pipeline('test', (p) => {
      const table = p.read('airports', airports)
      const source = p.read('flights', flights, { eventTime: 'date' })
      ;(make(source, table) as Stream<object> | undefined)?.write('out', plannedSink('out'))
    }).build()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const hourly = (f: Stream<Flight>) => f.window(tumbling('1 hour'))

describe('a column that does not exist', () => {
  it.each<[string, (f: Stream<Flight>, table: Stream<Airport>) => unknown]>([
    ['where', (f) => f.where('x', sql`dely > 15`)],
    ['where, by name', (f) => f.where('x', not('dely'))],
    [
      'where, by a callback',
      (f) =>
        f.where(
          'x',
          not((c: { dely: { gt(n: number): never } }) => c.dely.gt(1)),
        ),
    ],
    ['filter', (f) => f.filter('x', sql`dely > 15`)],
    ['notNull', (f) => f.notNull('x', not('dely'))],
    ['select, by name', (f) => f.select('x', not(['dely']))],
    ['select', (f) => f.select('x', { y: not('dely') })],
    ['select, by SQL', (f) => f.select('x', { y: sql`dely` })],
    ['extend', (f) => f.extend('x', { y: sql`coalesce(dely, 0) + 1` })],
    ['omit', (f) => f.omit('x', not('dely'))],
    ['rename', (f) => f.rename('x', not({ dely: 'y' }))],
    ['uses', (f) => f.filter('x', () => true, { uses: not(['dely']) })],
    ['keyBy', (f) => f.keyBy('x', not('dely'))],
    ['keyBy, by SQL', (f) => f.keyBy('x', { y: sql`dely` })],
    ['sum', (f) => hourly(f).aggregate('x', (a) => ({ y: a.sum(not('dely')) }))],
    ['sum, by SQL', (f) => hourly(f).aggregate('x', (a) => ({ y: a.sum(sql.number`dely`) }))],
    [
      'top',
      (f) => hourly(f).aggregate('x', (a) => ({ y: a.top('distance', 1, { columns: [not('dely')] }) })),
    ],
    [
      'a filter of an aggregate',
      (f) => hourly(f).aggregate('x', (a) => ({ y: a.count().filter(sql`dely > 1`) })),
    ],
    [
      'process',
      (f) =>
        f
          .keyBy('key', 'origin')
          .process('x', { output: schema({ y: t.int32() }), uses: not(['dely']), onRow: () => undefined }),
    ],
    [
      'lookupJoin',
      (f, table) => f.lookupJoin('x', table, { on: not({ dely: 'iata' }), select: { y: 'name' } }),
    ],
  ])('%s', (_, make) => {
    const error = refusal(make)
    expect(error).toMatchObject({
      code: 'plan/unknown-column',
      what: 'column "dely" does not exist',
      detail: expect.stringContaining('the columns are "date", "delay", "distance"'),
      step: 'x',
      hint: 'did you mean "delay"?',
    })
    expect(error.stack).toMatch(/unknown-column\.test\.ts:\d+/)
  })

  it('in SQL is pointed at', () => {
    const { message } = refusal((f) => f.where('x', sql`distance > 1 and dely > 15`))
    expect(message).toContain('line 1, column 18')
    expect(message).toContain('    distance > 1 and dely > 15\n                     ^^^^')
  })

  it('of a struct is a field', () => {
    const error = refusal((f) =>
      hourly(f)
        .aggregate('best', (a) => ({ top: a.top('distance', 1, { columns: ['origin'] }) }))
        .select('x', { y: sql`top[1].orign` }),
    )
    expect(error).toMatchObject({
      code: 'plan/unknown-column',
      what: 'field "orign" does not exist',
      step: 'x',
      hint: 'did you mean "origin"?',
    })
  })
})

describe('other mistakes of building', () => {
  it.each<[string, string, (f: Stream<Flight>) => unknown]>([
    ['SQL that cannot be read', 'expression/syntax', (f) => f.where('x', sql`delay >`)],
    ['types that do not fit', 'expression/type', (f) => f.extend('x', { y: sql`origin + 1` })],
    [
      'a sum of text',
      'plan/type-mismatch',
      (f) => hourly(f).aggregate('x', (a) => ({ y: a.sum(not('origin')) })),
    ],
  ])('say where they were written: %s', (_, code, make) => {
    const error = refusal((f, table) => {
      table.write('table', plannedSink('table'))
      return make(f)
    })
    expect(error).toMatchObject({ code })
    expect(error.stack).toMatch(/unknown-column\.test\.ts:\d+/)
  })

  it('rows that lead nowhere: at the step that makes them', () => {
    const leadsNowhere = (f: Stream<Flight>): void => void f.where('x', sql`delay > 1`)
    const error = refusal((f, table) => {
      table.write('table', plannedSink('table'))
      leadsNowhere(f)
    })
    expect(error).toMatchObject({ code: 'plan/no-sink', step: 'x' })
    const own = (error.stack ?? '').split('\n').filter((line) => line.includes('unknown-column.test.ts'))
    expect(own[0]).toContain('leadsNowhere')
  })
})
