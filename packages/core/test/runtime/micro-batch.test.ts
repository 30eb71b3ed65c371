// Micro-batch mode: what an epoch reads, when epochs are made and when a run ends.
import { describe, expect, test } from 'vitest'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { memoryRows, memorySink, memoryStream } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { untilEnded } from '../bad-input/copying.ts'
import { runHere } from './run-here.ts'

const Event = schema({ key: t.string(), at: t.timestamp('ms') })
const event = (at: number, key = 'a'): { key: string; at: number } => ({ key, at })

describe('available-now', () => {
  test('reads a bounded input to its end, fires every window, and ends', async () => {
    const sink = memorySink()
    const built = pipeline('windows', (p) => {
      p.read('in', memoryRows(Event, [event(1), event(2), event(20_000)], { splits: 2 }), { eventTime: 'at' })
        .keyBy('key', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', sink)
    })
    const { end, progress } = await runHere(built, {
      mode: 'micro-batch',
      trigger: { kind: 'available-now' },
    })
    expect({ end, epochs: progress.epoch }).toEqual({ end: 'finished', epochs: 2 })
    expect(sink.rows).toHaveLength(2)
  })

  test('reads what is there when it begins, and does not wait or drain', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const sink = memorySink()
    const built = pipeline('windows', (p) => {
      p.read('in', source, { eventTime: 'at', perEpoch: { maxRows: 1 } })
        .filter('more', (row) => {
          if (row.at < 50_000) source.push(event(row.at + 100_000))
          return true
        })
        .keyBy('key', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', sink)
    })
    source.push(event(1), event(2), event(20_000))
    const { end, progress } = await untilEnded(
      host,
      new Job(built.build(), { host, mode: 'micro-batch', trigger: { kind: 'available-now' } }).run(),
    )
    expect({ end, rows: progress.rowsIn }).toEqual({ end: 'idle', rows: 3 })
    expect(sink.rows).toMatchObject([{ n: 2 }])
  })
})

const passing = (source: ReturnType<typeof memoryStream<{ key: string; at: number }>>, perEpoch = {}) => {
  const sink = memorySink()
  const built: Pipeline = pipeline('passing', (p) => p.read('in', source, { perEpoch }).write('out', sink))
  const start = (host: ReturnType<typeof createManualHost>, options: Partial<JobOptions> = {}) =>
    new Job(built.build(), {
      host,
      mode: 'micro-batch',
      trigger: { kind: 'interval', every: '10 s' },
      ...options,
    })
  return { sink, start }
}

describe('by interval', () => {
  test('makes an epoch per interval, and none where nothing came', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { sink, start } = passing(source)
    const job = start(host)
    source.push(event(1))
    const run = job.run()
    await host.advance(1)
    expect([sink.rows.length, job.progress().epoch]).toEqual([1, 1])
    source.push(event(2))
    await host.advance(9000)
    expect(sink.rows).toHaveLength(1)
    await host.advance(1000)
    expect([sink.rows.length, job.progress().epoch]).toEqual([2, 2])
    await host.advance(60_000)
    expect(job.progress().epoch).toBe(2)
    source.push(event(3))
    source.end()
    expect((await untilEnded(host, run)).end).toBe('finished')
    expect(sink.rows).toHaveLength(3)
  })
})

describe('once', () => {
  test('makes one epoch of what is there', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { sink, start } = passing(source)
    source.push(event(1), event(2))
    const { end, progress } = await untilEnded(host, start(host, { trigger: { kind: 'once' } }).run())
    expect({ end, epoch: progress.epoch, rows: sink.rows.length }).toEqual({ end: 'idle', epoch: 1, rows: 2 })
  })
})
