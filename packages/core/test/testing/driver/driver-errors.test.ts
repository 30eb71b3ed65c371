// What a test gets wrong is told with what to do instead.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t } from '../../../src/index.ts'
import { drive } from '../../../src/testing/index.ts'
import type { TestDriver } from '../../../src/testing/index.ts'
import { Flight, hourly, keeping } from './flights.ts'
import { memoryRows, memorySink } from '../../../src/connect/index.ts'

const Row = schema({ n: t.int32() })
const timeless = pipeline('timeless', (p) => {
  p.read('rows', memoryRows(Row, [])).write('out', memorySink())
})

const wrong: readonly (readonly [string, (test: TestDriver) => unknown, string])[] = [
  ['a source that is not there', (test) => test.source('flight'), 'test/unknown-name'],
  ['a sink that is not there', (test) => test.sink('hourly'), 'test/unknown-name'],
  ['a step that is not there', (test) => test.step('minutely'), 'test/unknown-name'],
  ['a partition that is not there', (test) => test.source('flights').partition(1), 'test/unknown-name'],
  ['another schema', (test) => test.source('flights', Row), 'test/not-possible'],
  ['late rows of a step that is not watched', (test) => test.step('hourly').late, 'test/not-possible'],
  ['a moment that is none', (test) => test.source('flights').watermark('noon'), 'value/invalid'],
  ['a duration that is none', (test) => test.advanceClock('soon' as never), 'duration/invalid'],
  ['an option that is not there', (test) => test.crash({ when: 'now' } as never), 'plan/invalid-argument'],
]

describe('a test that drives a pipeline and asks for', () => {
  it.each(wrong)('%s gets an error', async (_, act, code) => {
    const test = await drive(hourly)
    expect(() => act(test)).toThrow(expect.objectContaining({ code }))
  })

  it('what a row cannot be gets its number and column, and nothing is sent', async () => {
    const test = await drive(hourly)
    const flights = test.source('flights')
    const fine = { origin: 'AMS', at: 0 }
    const bad: readonly (readonly [object, RegExp])[] = [
      [{ origin: 7, at: 0 }, /column "origin"[^]*step: flights[^]*row 2/],
      [{ at: 0 }, /"origin"[^]*row 2/],
      [{ origin: 'AMS', at: 'noon' }, /"noon" is no moment[^]*row 2/],
      [{ origin: 'AMS', at: 0, delays: 1 }, /has "delays"[^]*its columns: origin, at, delay/],
    ]
    for (const [row, message] of bad) expect(() => flights.send(fine, row as never)).toThrow(message)
    await test.finish()
    expect(test.sink('out').rows).toEqual([])
  })

  it('a watermark of a source without event time gets an error', async () => {
    const test = await drive(timeless)
    expect(() => test.source('rows').watermark(0)).toThrow(/has no event time/)
  })

  it('epochs or state of a batch gets an error', async () => {
    const test = await drive(keeping, { mode: 'batch' })
    await expect(test.epoch()).rejects.toThrow(/call finish\(\)/)
    await expect(test.step('keep').state()).rejects.toThrow(/keeps no state/)
  })

  it('state that there cannot be gets an error, before and behind the first epoch', async () => {
    const test = await drive(keeping)
    const keep = test.step('keep')
    for (let epoch = 0; epoch < 2; epoch++) {
      await expect(keep.state({ orign: 'AMS' })).rejects.toThrow(/no column "orign"[^]*did you mean "origin"/)
      await expect(keep.state({ origin: 1 })).rejects.toMatchObject({ code: 'value/invalid' })
      await expect(keep.timers({ flights: 1 })).rejects.toMatchObject({ code: 'test/unknown-name' })
      await expect(test.step('seen').state()).rejects.toThrow(/step "seen" keeps no state/)
      await expect(test.step('seen').timers()).rejects.toThrow(/step "seen" sets no timers/)
      expect(await keep.state({ origin: 'SEA' })).toEqual([])
      expect(await keep.state({ origin: 'AMS', flights: 1 })).toHaveLength(epoch)
      test.source('flights', Flight).send({ origin: 'AMS', at: 1 })
      await test.epoch()
    }
  })

  it('state of a window by a column that it does not have gets an error', async () => {
    const test = await drive(hourly)
    test.source('flights', Flight).send({ origin: 'AMS', at: 1 })
    await test.epoch()
    await expect(test.step('hourly').state({ orign: 'AMS' })).rejects.toThrow(/did you mean "origin"/)
    await expect(test.step('hourly').timers()).rejects.toThrow(/sets no timers/)
    expect(await test.step('hourly').state({ origin: 'AMS' })).toHaveLength(1)
  })

  it('a table of columns or with options that are not there gets an error', async () => {
    const test = await drive(hourly)
    const table =
      (options: object): (() => string) =>
      () =>
        test.sink('out').table(options)
    expect(table({ columns: ['fligths'] })).toThrow(/no column "fligths"[^]*did you mean "flights"/)
    expect(table({ column: ['flights'] })).toThrow(expect.objectContaining({ code: 'plan/invalid-argument' }))
  })

  it('a watermark that goes back gets an error', async () => {
    const test = await drive(hourly, { partitions: 2 })
    const flights = test.source('flights')
    flights.partition(1).watermark(5000)
    flights.partition(0).watermark(1000)
    flights.partition(0).watermark(1000)
    expect(() => flights.watermark(4998)).toThrow(/go back/)
    flights.partition(0).watermark(2000)
    expect(() => flights.partition(1).watermark(4999)).toThrow(
      /would go back from 1970-01-01T00:00:05[^]* to 1970-01-01T00:00:04\.999/,
    )
    await test.crash()
    expect(() => flights.watermark(0)).toThrow(expect.objectContaining({ code: 'test/not-possible' }))
  })

  it('more behind the end gets an error, and what was read stays', async () => {
    const test = await drive(keeping)
    test.source('flights', Flight).send({ origin: 'AMS', at: 1 })
    await test.finish()
    for (const act of [() => test.settle(), () => test.epoch(), () => test.crash(), () => test.restart()])
      await expect(act()).rejects.toMatchObject({ code: 'test/not-running' })
    expect(test.sink('seen').committed).toHaveLength(1)
  })

  it('a run that cannot start gets the error of the start', async () => {
    const streaming = pipeline('streaming', (p) => {
      p.read('rows', { ...memoryRows(Row, []), supports: ['unbounded'] }).write('out', memorySink())
    })
    await expect(drive(streaming, { mode: 'batch' })).rejects.toMatchObject({ code: 'plan/unsupported' })
  })

  it('a crash in an epoch that nothing is there for gets an error', async () => {
    const test = await drive(keeping, { mode: 'micro-batch' })
    for (const during of ['prepare', 'commit'] as const)
      await expect(test.crash({ during })).rejects.toThrow(/nothing to make an epoch for/)
    await test.finish()
  })

  it('a source whose end it has said gets an error', async () => {
    const test = await drive(keeping)
    test.source('flights').end()
    expect(() => test.source('flights').send({ origin: 'AMS', at: 1 })).toThrow(/behind its end/)
  })
})
