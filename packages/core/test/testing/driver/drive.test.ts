// A pipeline is driven by hand: what is sent is read, time moves when it is told to, epochs come when they are made.
import { describe, expect, it } from 'vitest'
import { memoryRows, memorySink } from '../../../src/connect/index.ts'
import type { Sink } from '../../../src/connect/sink.ts'
import { pipeline, schema, t, tumbling } from '../../../src/index.ts'
import { drive, tableOf } from '../../../src/testing/index.ts'
import { Flight, hourly, keeping, Seen } from './flights.ts'

const modes = ['batch', 'micro-batch', 'continuous'] as const

describe('driving a pipeline', () => {
  it('reads what is sent and fires windows by watermarks that the test gives', async () => {
    const test = await drive(hourly)
    const flights = test.source('flights', Flight)
    flights.send(
      { origin: 'AMS', at: '2024-01-01T10:20Z', delay: 5 },
      { origin: 'ALB', at: Date.UTC(2024, 0, 1, 10, 40) },
      { origin: 'AMS', at: new Date('2024-01-01T10:59Z'), delay: -1 },
    )
    await test.settle()
    expect(test.sink('out').rows).toEqual([])
    flights.watermark('2024-01-01T11:00Z')
    await test.settle()
    expect(test.sink('out').table()).toMatchInlineSnapshot(`
      "origin  windowStart       windowEnd         flights  delay
      ──────  ────────────────  ────────────────  ───────  ─────
      AMS     2024-01-01T10:00  2024-01-01T11:00        2      4
      ALB     2024-01-01T10:00  2024-01-01T11:00        1   null"
    `)
  })

  it('shows rows before their epoch ends, and as committed behind it', async () => {
    const test = await drive(keeping)
    const seen = test.sink('seen', Seen)
    test.source('flights', Flight).send({ origin: 'AMS', at: 0 })
    await test.settle()
    expect(seen.rows).toEqual([{ origin: 'AMS', flights: 1 }])
    expect(seen.committed).toEqual([])
    expect(await test.epoch()).toEqual({ number: 1, committed: { seen: [{ origin: 'AMS', flights: 1 }] } })
    expect(seen.committed).toEqual(seen.rows)
    expect(await test.epoch()).toEqual({ number: 2, committed: { seen: [] } })
  })

  it('gives with take what came since the last look', async () => {
    const test = await drive(keeping)
    const flights = test.source('flights', Flight)
    flights.send({ origin: 'AMS', at: 0 }, { origin: 'ALB', at: 1 })
    await test.epoch()
    expect(test.sink('seen').take()).toHaveLength(2)
    flights.send({ origin: 'AMS', at: 2 })
    await test.settle()
    expect(test.sink('seen').take()).toEqual([{ origin: 'AMS', flights: 2 }])
    await test.epoch()
    expect(test.sink('seen').take()).toEqual([])
  })

  it.each(modes)('commits everything at the end, with every window fired: %s', async (mode) => {
    const test = await drive(hourly, { mode, parallelism: 2 })
    test.source('flights').send({ origin: 'AMS', at: '2024-01-01T10:20Z', delay: 1 })
    const { committed } = await test.finish()
    const start = Date.UTC(2024, 0, 1, 10)
    const row = { origin: 'AMS', windowStart: start, windowEnd: start + 3_600_000, flights: 1, delay: 1 }
    expect(committed).toEqual({ out: [row] })
    expect(test.sink('out').committed).toEqual([row])
  })

  it('makes epochs of micro-batch mode one by one, within their limits', async () => {
    const limited = pipeline('limited', (p) => {
      p.read('rows', memoryRows(schema({ n: t.int32() }), []), { perEpoch: { maxRows: 2 } }).write(
        'out',
        memorySink(),
      )
    })
    const test = await drive(limited, { mode: 'micro-batch' })
    for (let n = 1; n <= 5; n++) test.source('rows').send({ n })
    await test.settle()
    expect(test.sink('out').rows).toEqual([])
    expect((await test.epoch()).committed).toEqual({ out: [{ n: 1 }, { n: 2 }] })
    expect((await test.epoch()).committed).toEqual({ out: [{ n: 3 }, { n: 4 }] })
    expect((await test.epoch()).committed).toEqual({ out: [{ n: 5 }] })
    expect(await test.epoch()).toEqual({ number: undefined, committed: { out: [] } })
  })

  it('moves event time of micro-batch mode between epochs, as the mode does', async () => {
    const test = await drive(hourly, { mode: 'micro-batch' })
    const flights = test.source('flights')
    flights.send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
    flights.watermark('2024-01-01T11:00Z')
    flights.send({ origin: 'AMS', at: '2024-01-01T10:30Z' })
    expect((await test.epoch()).committed['out']).toEqual([])
    expect((await test.epoch()).committed['out']).toMatchObject([{ origin: 'AMS', flights: 2 }])
  })

  it.each(modes)(
    'IL2: reads the table of a lookup join whole before the stream, whatever was sent first: %s',
    async (mode) => {
      const Airport = schema({ code: t.string(), city: t.string() })
      const joined = pipeline('joined', (p) => {
        const airports = p.read('airports', memoryRows(Airport, []))
        p.read('flights', memoryRows(Flight, []))
          .lookupJoin('with-city', airports, { on: { origin: 'code' }, select: { city: 'city' } })
          .select('short', ['origin', 'city'])
          .write('out', memorySink())
      })
      const test = await drive(joined, { mode })
      test.source('flights').send({ origin: 'AMS', at: 0 })
      test.source('airports').send({ code: 'AMS', city: 'Amsterdam' })
      await test.settle()
      expect(() => test.source('airports').send({ code: 'ALB', city: 'Albany' })).toThrow(/behind its end/)
      await test.finish()
      expect(test.sink('out').rows).toEqual([{ origin: 'AMS', city: 'Amsterdam' }])
    },
  )

  it('gives rows that cannot be decoded to the source, as its policy wants them', async () => {
    const test = await drive(hourly, { watch: ['flights'] })
    test.source('flights').sendUndecodable('AMS;10', 'a column is missing')
    await test.settle()
    expect(test.step('flights').rejected.rows).toMatchObject([
      { raw: 'AMS;10', reason: 'a column is missing' },
    ])
    expect(test.step('flights').counters).toMatchObject({ rejectedRows: 1 })
  })

  it('declares a partition idle when the clock has moved, and then only', async () => {
    const idling = pipeline('idling', (p) => {
      p.read('flights', memoryRows(Flight, []), { eventTime: { column: 'at', idleAfter: '10 s' } })
        .window(tumbling('1 hour'))
        .aggregate('hourly', (a) => ({ flights: a.count() }))
        .write('out', memorySink())
    })
    const test = await drive(idling, { partitions: 2 })
    test.source('flights').send({ origin: 'AMS', at: 0 }, { origin: 'AMS', at: 3_600_000 })
    await test.advanceClock('9 s')
    expect(test.sink('out').rows).toEqual([])
    const before = test.now
    // The partition with rows becomes idle, too: what it has said stands.
    test.source('flights').send({ origin: 'AMS', at: 3_600_001 })
    await test.advanceClock('2 s')
    expect(test.now - before).toBe(2000)
    expect(test.sink('out').rows).toMatchObject([{ flights: 1 }])
  })
})

describe('what a test sees of a driven step', () => {
  it('is its state as plain rows, list and map included, and its timers', async () => {
    const test = await drive(keeping, { parallelism: 3 })
    const flights = test.source('flights', Flight)
    flights.send(
      { origin: 'AMS', at: '2024-01-01T10:20Z', delay: 5 },
      { origin: 'ALB', at: '2024-01-01T10:40Z' },
      { origin: 'AMS', at: '2024-01-01T11:00Z', delay: 7 },
    )
    await test.epoch()
    const keep = test.step('keep')
    expect(await keep.state({ origin: 'AMS' })).toEqual([
      {
        origin: 'AMS',
        flights: 2,
        delays: [5, 7],
        byHour: new Map([
          [10, 1],
          [11, 1],
        ]),
      },
    ])
    expect(await keep.timers({ origin: 'ALB' })).toEqual([
      { key: { origin: 'ALB' }, name: 'quiet', at: Date.UTC(2024, 0, 2, 10, 40) },
    ])
    expect(tableOf(await keep.state(), { sort: true })).toMatchInlineSnapshot(`
      "origin  flights  delays  byHour
      ──────  ───────  ──────  ───────────────
      ALB           1          [[10,1]]
      AMS           2  [5,7]   [[10,1],[11,1]]"
    `)
    flights.watermark('2024-01-03T00:00Z')
    await test.epoch()
    expect(await keep.state()).toEqual([])
    expect(await keep.timers()).toEqual([])
  })

  it('is as of the last epoch', async () => {
    const test = await drive(keeping)
    test.source('flights').send({ origin: 'AMS', at: 0 })
    await test.settle()
    expect(await test.step('keep').state()).toEqual([])
    await test.epoch()
    test.source('flights').send({ origin: 'AMS', at: 1 })
    await test.settle()
    expect(await test.step('keep').state()).toMatchObject([{ flights: 1 }])
  })

  it('is what it put out and put aside, when the step is watched', async () => {
    const test = await drive(hourly, { watch: ['hourly'], parallelism: 2 })
    const flights = test.source('flights')
    flights.send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
    flights.watermark('2024-01-01T12:00Z')
    flights.send({ origin: 'AMS', at: '2024-01-01T10:30Z', delay: 3 })
    await test.settle()
    expect(test.step('hourly').output.rows).toEqual(test.sink('out').rows)
    expect(test.step('hourly').counters).toMatchObject({ rowsIn: 2, rowsOut: 1, lateRows: 1 })
    expect(test.step('hourly').late.table()).toMatchInlineSnapshot(`
      "origin  at                delay
      ──────  ────────────────  ─────
      AMS     2024-01-01T10:30      3"
    `)
  })

  it('has signs where rows are taken back, and rows are what stands', async () => {
    const changing: Sink = { ...memorySink(), accepts: 'retract' }
    const late = pipeline('late', (p) => {
      p.read('flights', memoryRows(Flight, []), { eventTime: 'at' })
        .keyBy('by-origin', 'origin')
        .window(tumbling('1 hour'), { allowedLateness: '1 hour' })
        .aggregate('hourly', (a) => ({ flights: a.count() }))
        .write('out', changing)
    })
    const test = await drive(late)
    const flights = test.source('flights')
    flights.send({ origin: 'AMS', at: '2024-01-01T10:20Z' })
    flights.watermark('2024-01-01T11:00Z')
    await test.settle()
    expect(test.sink('out').take()).toMatchObject([{ flights: 1 }])
    flights.send({ origin: 'AMS', at: '2024-01-01T10:30Z' })
    await test.settle()
    expect(() => test.sink('out').take()).toThrow(/were taken back/)
    expect(test.sink('out').rows).toMatchObject([{ flights: 2 }])
    expect(test.sink('out').changes.map(({ weight }) => weight)).toEqual([1, -1, 1])
    expect(test.sink('out').table({ columns: ['origin', 'windowStart', 'flights'] })).toMatchInlineSnapshot(`
      "±  origin  windowStart       flights
      ─  ──────  ────────────────  ───────
      +  AMS     2024-01-01T10:00        1
      −  AMS     2024-01-01T10:00        1
      +  AMS     2024-01-01T10:00        2"
    `)
  })
})
