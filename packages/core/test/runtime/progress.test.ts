// The counters that a run shows: of rows, bytes, steps, watermarks and epochs.
import { describe, expect, test } from 'vitest'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import { memoryRows, memorySink, memoryStream } from '../../src/connect/index.ts'
import { files, ndjson, parquet } from '../../src/connect/files/index.ts'
import { parquet as parquetFormat } from '../../src/connect/formats/parquet/index.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { sqlText } from '../../src/expr/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { fileBytes } from '../connect/formats/parquet/parquet-files.ts'
import { hostWith, untilEnded } from '../bad-input/copying.ts'

const Event = schema({ key: t.string(), at: t.timestamp('ms') })

/** A Parquet file of events, one per millisecond. */
function parquetOf(rows: number, rowGroupRows: number): Uint8Array {
  const events = Array.from({ length: rows }, (_, n) => ({ key: `key of event ${n}`, at: n }))
  return fileBytes(parquetFormat({ rowGroupRows }), Event, [batchOfRows(Event, events)])
}

describe('progress', () => {
  test('counts the rows of every step in and out, at any number of tasks', async () => {
    const rows = Array.from({ length: 1000 }, (_, n) => ({ key: `k${n % 10}`, at: n * 100 }))
    for (const parallelism of [1, 3]) {
      const host = createManualHost()
      const built = pipeline('counted', (p) =>
        p
          .read('events', memoryRows(Event, rows, { splits: 2 }), {
            eventTime: { column: 'at', watermark: 'at-end' },
          })
          .filter('half', (row) => row.at % 200 === 0)
          .keyBy('by', 'key')
          .window(tumbling('50 s'))
          .aggregate('count', (a) => ({ n: a.collect('at') }))
          .write('out', memorySink()),
      ).build()
      const job = new Job(built, { host, parallelism, batchRows: 64 })
      const { progress } = await untilEnded(host, job.run())
      const counts = progress.steps.map(({ step, kind, rowsIn, rowsOut }) => [step, kind, rowsIn, rowsOut])
      expect(counts).toEqual([
        ['events', 'source', 1000, 1000],
        ['half', 'row-function', 1000, 500],
        ['by', 'key-by', 500, 500],
        ['count', 'window-aggregate', 500, 10],
        ['out', 'sink', 10, 10],
      ])
      expect(progress).toMatchObject({
        rowsIn: 1000,
        rowsTotal: 1000,
        rowsOut: 10,
        rowsLate: 0,
        rowsRejected: 0,
        watermark: Infinity,
        epoch: 1,
      })
    }
  })

  test('counts every byte once where files are read in parts', async () => {
    const lines = Array.from({ length: 2000 }, (_, n) => `{"key":"${'k'.repeat(n % 37)}","at":${n}}\n`)
    const text = lines.join('')
    const bytes = parquetOf(2000, 100)
    for (const [name, content] of [
      ['in.ndjson', text],
      ['in.parquet', bytes],
    ] as const) {
      const splitBytes = Math.ceil(content.length / 7)
      for (const parallelism of [1, 3]) {
        const host = hostWith({ [name]: content })
        const built = pipeline('bytes', (p) =>
          p.read('events', files(name, { schema: Event, splitBytes })).write('out', memorySink()),
        ).build()
        const { progress } = await untilEnded(host, new Job(built, { host, parallelism }).run())
        expect(progress.rowsIn).toBe(2000)
        expect(progress.bytesIn).toBe(progress.bytesTotal)
        // The footer of a Parquet file is not counted.
        const share = progress.bytesIn / content.length
        expect(share).toBeGreaterThan(typeof content === 'string' ? 0.9999 : 0.5)
        expect(share).toBeLessThanOrEqual(1)
      }
    }
  })

  test('counts neither columns nor row groups that are not read', async () => {
    const bytes = parquetOf(2000, 100)
    const reading = async (condition: string, columns: readonly ('key' | 'at')[]): Promise<number> => {
      const host = hostWith({ 'in.parquet': bytes })
      const built = pipeline('bytes', (p) =>
        p
          .read('events', parquet('in.parquet', { schema: Event }))
          .where('some', sqlText(condition))
          .select('columns', columns)
          .write('out', memorySink()),
      ).build()
      const { progress } = await untilEnded(host, new Job(built, { host }).run())
      expect(progress.bytesIn).toBe(progress.bytesTotal ?? 0)
      return progress.bytesIn
    }
    const all = await reading("at >= '1970-01-01'", ['key', 'at'])
    const times = await reading("at >= '1970-01-01'", ['at'])
    expect(times).toBeGreaterThan(0)
    expect(times).toBeLessThan(all * 0.8)
    const half = await reading("at >= timestamp '1970-01-01 00:00:01'", ['at'])
    expect(half / times).toBeGreaterThan(0.4)
    expect(half / times).toBeLessThan(0.6)
    expect(await reading("at >= '2000-01-01'", ['at'])).toBe(0)
  })

  test('knows the bytes of a bounded input, and has read all of them at the end', async () => {
    const text = '{"key":"a","at":1}\n'.repeat(2000)
    const host = hostWith({ 'in/a.ndjson': text, 'in/b.ndjson': text })
    const built = pipeline('bytes', (p) =>
      p.read('events', ndjson('in', { schema: Event })).write('out', ndjson('out')),
    ).build()
    const { progress } = await untilEnded(host, new Job(built, { host }).run())
    expect(progress).toMatchObject({ bytesIn: 2 * text.length, bytesTotal: 2 * text.length, rowsOut: 4000 })
    expect(progress.bytesOut).toBeGreaterThan(2 * text.length)
  })

  test.each([
    { drain: false, parallelism: 1, pending: 2 },
    { drain: false, parallelism: 3, pending: 2 },
    { drain: true, parallelism: 1, pending: 0 },
  ])('counts timers that had not fired when the run ended: $pending', async ({ pending, ...options }) => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const sink = memorySink()
    const built = pipeline('timers', (p) =>
      p
        .read('events', source, { eventTime: 'at' })
        .keyBy('by', 'key')
        .process('alerts', {
          output: schema({ key: t.string() }),
          onRow: ({ at }, context) => context.setTimer('alert', at + 1000),
          onTimer: (context) => context.emit({ key: context.key.key }),
        })
        .write('out', sink),
    ).build()
    const job = new Job(built, { host, mode: 'continuous', ...options })
    const run = job.run()
    source.push({ key: 'a', at: 0 }, { key: 'b', at: 5000 }, { key: 'c', at: 5500 })
    await host.advance(0)
    job.stop()
    const { progress } = await untilEnded(host, run)
    const timers = progress.steps.map(({ pendingTimers }) => pendingTimers)
    expect(timers).toEqual([0, 0, pending, 0])
    expect(sink.rows).toHaveLength(3 - pending)
  })

  test('shows a run under way: watermark, state, what is not known', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const built = pipeline('under-way', (p) =>
      p
        .read('events', source, { eventTime: { column: 'at', disorder: '1 s' } })
        .keyBy('by', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', memorySink()),
    ).build()
    const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1000 })
    expect(job.progress()).toMatchObject({ rowsIn: 0, epoch: 0, backpressure: 0 })
    const run = job.run()
    source.push({ key: 'a', at: 5000 }, { key: 'b', at: 6000 }, { key: 'a', at: 7000 })
    await host.advance(0)
    await host.advance(2500)
    const seen = job.progress()
    expect(seen).toMatchObject({
      rowsIn: 3,
      rowsOut: 0,
      rowsTotal: undefined,
      bytesTotal: undefined,
      epoch: 2,
    })
    expect(seen.watermark).toBe(6000)
    expect(seen.elapsedMs).toBeGreaterThanOrEqual(2500)
    const count = seen.steps.find(({ step }) => step === 'count')
    expect(count?.stateEntries).toBe(2)
    expect(count?.stateBytes).toBeGreaterThan(0)
    source.end()
    const { progress } = await untilEnded(host, run)
    expect(progress.rowsOut).toBe(2)
    expect(progress.steps.find(({ step }) => step === 'count')?.stateEntries).toBe(0)
  })
})
