// How runs begin, go on and end: modes, stopping, idleness, draining, epochs, late rows, followed folders.
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { globalWindow, pipeline, schema, t, tumbling } from '../../src/index.ts'
import type { MillraceError, Pipeline } from '../../src/index.ts'
import { memoryRows, memorySink, memoryStream } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { createManualHost, drive } from '../../src/testing/index.ts'
import { hostWith, untilEnded, visibleFiles, writtenRows } from '../bad-input/copying.ts'
import { scriptedSink, scriptedSource } from './scripted-connectors.ts'

vi.setConfig({ testTimeout: 10_000 })

const Event = schema({ key: t.string(), at: t.timestamp('ms') })
const event = (at: number, key = 'a'): { key: string; at: number } => ({ key, at })

const counting = (source: ReturnType<typeof memoryStream<{ key: string; at: number }>>) => {
  const [out, late] = [memorySink<{ n: number; windowStart: number }>(), memorySink()]
  const built: Pipeline = pipeline('counting', (p) => {
    const counts = p
      .read('events', source, { eventTime: 'at' })
      .keyBy('key', 'key')
      .window(tumbling('10 s'))
      .aggregate('count', (a) => ({ n: a.count() }))
    counts.write('out', out)
    counts.late.write('late-out', late)
  })
  return { built, out, late }
}

describe('stopping', () => {
  test('a batch run shows nothing and says so', async () => {
    const host = createManualHost()
    let stopAt: () => void = () => undefined
    const sink = scriptedSink({ write: () => stopAt() })
    const rows = Array.from({ length: 100 }, (_, n) => ({ rows: [event(n)], later: true }))
    const built = pipeline('stopped', (p) =>
      p.read('in', scriptedSource(Event, [rows])).write('out', sink),
    ).build()
    const job = new Job(built, { host })
    stopAt = () => {
      if (sink.hidden >= 10) job.stop()
    }
    const error = await untilEnded(host, job.run()).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'run/cancelled' })
    expect((error as MillraceError).hint).toBeDefined()
    expect(sink.hidden).toBeLessThan(100)
    expect(sink.rows).toEqual([])
    expect(sink.calls.filter((call) => /prepare|commit|finish/.test(call))).toEqual([])
    expect(sink.calls.slice(-2)).toEqual(['close writer', 'close'])
  })

  test('a batch run that writes files leaves no file, hidden or not', async () => {
    const host = hostWith({ 'in/a.ndjson': '{"key":"a","at":1}\n'.repeat(100_000) })
    const job: Job = new Job(
      pipeline('stopped', (p) =>
        p
          .read('in', ndjson('in', { schema: Event }))
          .filter('stop', () => {
            if (job.progress().rowsIn > 20_000) job.stop()
            return true
          })
          .write('out', ndjson('out')),
      ).build(),
      { host },
    )
    await expect(untilEnded(host, job.run())).rejects.toMatchObject({ code: 'run/cancelled' })
    expect(job.progress().rowsIn).toBeLessThan(100_000)
    expect(host.files.paths('out')).toEqual([])
    expect(await host.files.status('out')).toBeUndefined()
    expect(host.files.openFiles).toBe(0)
  })

  test('before it began ends it at once', async () => {
    const host = createManualHost()
    const sink = memorySink()
    const job = new Job(
      pipeline('early', (p) => p.read('in', memoryRows(Event, [event(1)])).write('out', sink)).build(),
      { host },
    )
    job.stop()
    await expect(untilEnded(host, job.run())).rejects.toMatchObject({ code: 'run/cancelled' })
    expect(sink.rows).toEqual([])
  })

  test('a continuous run commits what was read, and ends well', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const sink = memorySink()
    const built = pipeline('stopped', (p) => p.read('in', source).write('out', sink)).build()
    const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1e9 })
    const run = job.run()
    source.push(event(1), event(2))
    await host.advance(10)
    expect(sink.rows).toEqual([])
    job.stop()
    expect((await untilEnded(host, run)).end).toBe('stopped')
    expect(sink.rows).toEqual([event(1), event(2)])
    expect(host.timersSet).toBe(0)
  })

  test('a continuous run commits the rows it rejected, too', async () => {
    const host = hostWith({ 'in/a.ndjson': '{"key":"a","at":1}\noops\n{"key":"b","at":2}\n' })
    const built = pipeline('stopped', (p) => {
      const stream = p.read('in', ndjson('in', { schema: Event }), { onError: 'reject' })
      stream.write('out', ndjson('out'))
      stream.rejected.write('dead', ndjson('rejected'))
    }).build()
    const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1e9 })
    const run = job.run()
    for (let turn = 0; turn < 100 && job.progress().rowsRejected === 0; turn++) await host.advance(100)
    job.stop()
    await untilEnded(host, run)
    expect([writtenRows(host, 'out').length, writtenRows(host, 'rejected').length]).toEqual([2, 1])
  })

  test.each([
    [false, []],
    [true, [{ key: 'a', n: 2 }]],
  ])('windows that are open fire only on a drain (drain: %s)', async (drain, expected) => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { built, out } = counting(source)
    const job = new Job(built.build(), { host, mode: 'continuous', drain })
    const run = job.run()
    source.push(event(1), event(2))
    await host.advance(5000)
    expect(out.rows).toEqual([])
    job.stop()
    await untilEnded(host, run)
    expect(out.rows).toMatchObject(expected)
    expect(out.rows).toHaveLength(expected.length)
  })
})

describe('stop-when-idle', () => {
  test('ends a run when nothing came for so long, not before', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const { built, out } = counting(source)
    const job = new Job(built.build(), { host, mode: 'continuous', stopWhenIdleMs: 5000, drain: true })
    let ended = false
    const run = job.run().finally(() => {
      ended = true
    })
    for (let n = 0; n < 5; n++) {
      source.push(event(n))
      await host.advance(4000)
      expect(ended).toBe(false)
    }
    await host.advance(2000)
    expect((await run).end).toBe('idle')
    expect(out.rows).toMatchObject([{ n: 5 }])
  })

  test('waits for a read that is under way', async () => {
    const host = createManualHost()
    let opened: () => void = () => undefined
    const source = scriptedSource(Event, [[{ rows: [event(1)] }]], {
      open: () => new Promise<void>((resolve) => (opened = resolve)),
    })
    const sink = memorySink()
    const built = pipeline('slow', (p) => p.read('in', source).write('out', sink)).build()
    const run = new Job(built, { host, mode: 'continuous', stopWhenIdleMs: 1000 }).run()
    await host.advance(60_000)
    opened()
    expect((await untilEnded(host, run)).end).toBe('finished')
    expect(sink.rows).toHaveLength(1)
  })
})

describe('stop-when-idle shorter than the interval in which a folder is looked at', () => {
  const line = (at: number): string => `${JSON.stringify(event(at))}\n`
  const start = (host: ReturnType<typeof hostWith>) => {
    const sink = memorySink()
    const built = pipeline('short', (p) => p.read('in', ndjson('in', { schema: Event })).write('out', sink))
    const job = new Job(built.build(), { host, mode: 'continuous', stopWhenIdleMs: 20 })
    return { run: job.run(), sink }
  }

  test('waits for a file that was written just now', async () => {
    const host = hostWith({ 'in/a.ndjson': line(1) })
    const { run, sink } = start(host)
    expect((await untilEnded(host, run)).end).toBe('idle')
    expect(sink.rows).toHaveLength(1)
  })

  test('looks once more behind the last row, and ends when nothing is there', async () => {
    const host = hostWith({})
    await host.files.makeDirectory('in')
    const { run, sink } = start(host)
    await host.advance(100)
    host.files.put('in/a.ndjson', line(1))
    await host.advance(800)
    expect(sink.rows).toEqual([])
    host.files.put('in/b.ndjson', line(2))
    const { elapsedMs } = (await untilEnded(host, run)).progress
    expect(sink.rows).toHaveLength(2)
    expect(elapsedMs).toBeLessThan(4000)
  })
})

describe('epochs', () => {
  test('show rows at every interval of a continuous run, and only then', async () => {
    const host = createManualHost()
    const source = memoryStream(Event)
    const sink = memorySink()
    const built = pipeline('epochs', (p) => p.read('in', source).write('out', sink)).build()
    const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1000 })
    const run = job.run()
    await host.advance(0)
    source.push(event(1))
    await host.advance(900)
    expect(sink.rows).toHaveLength(0)
    await host.advance(200)
    expect(sink.rows).toHaveLength(1)
    source.push(event(2))
    await host.advance(1000)
    expect(sink.rows).toHaveLength(2)
    expect(job.progress().epoch).toBe(2)
    source.end()
    expect((await untilEnded(host, run)).end).toBe('finished')
  })

  test('a batch has one, at its end', async () => {
    const host = createManualHost()
    const sink = scriptedSink()
    const rows = Array.from({ length: 1000 }, (_, n) => event(n))
    const built = pipeline('batch', (p) => p.read('in', memoryRows(Event, rows)).write('out', sink)).build()
    const { progress } = await untilEnded(host, new Job(built, { host, batchRows: 7 }).run())
    expect(progress.epoch).toBe(1)
    expect(sink.calls.filter((call) => !call.startsWith('write'))).toEqual([
      'open', 'sweep', 'prepare 1', 'commit 1', 'finish', 'close writer', 'close',
    ]) // prettier-ignore
  })
})

describe('late rows', () => {
  test('are counted, and come out of .late as they went in', async () => {
    const run = await drive(counting(memoryStream(Event)).built)
    for (const at of [1000, 25_000, 2000, 26_000, 3000]) run.source('events', Event).send(event(at))
    await run.finish()
    expect(run.sink('out').table({ columns: ['windowStart', 'n'] })).toMatchInlineSnapshot(`
      "windowStart          n
      ───────────────────  ─
      1970-01-01T00:00:00  1
      1970-01-01T00:00:20  2"
    `)
    expect(run.sink('late-out').rows).toEqual([event(2000), event(3000)])
    expect(run.step('count').counters).toMatchObject({ rowsIn: 5, lateRows: 2 })
  })
})

describe('a folder that is followed', () => {
  const line = (at: number, key = 'a'): string => `${JSON.stringify(event(at, key))}\n`
  const followed = (): { built: ReturnType<Pipeline['build']> } => ({
    built: pipeline('following', (p) =>
      p
        .read('events', ndjson('in', { schema: Event, eventTime: 'at' }))
        .keyBy('key', 'key')
        .window(tumbling('10 s'))
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', ndjson('out', { roll: 'epoch' })),
    ).build(),
  })

  test('gives the rows of a batch over the same files, when it is drained', async () => {
    const files = Array.from({ length: 6 }, (_, n) => line(n * 7000, 'a') + line(n * 7000 + 3000, 'b'))
    const batch = hostWith(Object.fromEntries(files.map((text, n) => [`in/${n}.ndjson`, text])))
    await new Job(followed().built, { host: batch }).run()
    const expected = writtenRows(batch, 'out')
    expect(expected.length).toBeGreaterThan(4)

    const host = hostWith({})
    await host.files.makeDirectory('in')
    const run = new Job(followed().built, {
      host,
      mode: 'continuous',
      stopWhenIdleMs: 5000,
      drain: true,
    }).run()
    for (const [n, text] of files.entries()) {
      await host.advance(2000)
      host.files.put(`in/${n}.ndjson`, text)
    }
    expect((await untilEnded(host, run)).end).toBe('idle')
    const byText = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()
    expect(byText(writtenRows(host, 'out'))).toEqual(byText(expected))
    expect(host.files.paths('out')).toEqual(visibleFiles(host, 'out'))
  })

  test('SO2: a file that waits to be read holds the watermark: no row of it is late', async () => {
    // Files are read one after the other in a batch: the later file has the earlier rows.
    const host = hostWith({
      'in/a.ndjson': line(50_000) + line(60_000),
      'in/b.ndjson': line(1000) + line(70_000),
    })
    const { progress } = await new Job(followed().built, { host }).run()
    expect(progress.rowsLate).toBe(0)
    expect(writtenRows(host, 'out')).toHaveLength(4)
  })
})

describe('a folder that is read to its end', () => {
  test('is read file by file in the order of names, so that sorted files give sorted rows', async () => {
    const lines = (from: number): string =>
      Array.from({ length: 1000 }, (_, n) => `{"n":${from + n}}\n`).join('')
    const files = {
      'in/b.ndjson': lines(1000),
      'in/a.ndjson': lines(0),
      'in/c.ndjson.gz': gzipSync(lines(2000)),
    }
    const host = hostWith(files)
    const out = memorySink<{ n: number }>()
    const built = pipeline('copying', (p) =>
      p.read('in', ndjson('in', { schema: schema({ n: t.int32() }) })).write('out', out),
    ).build()
    await untilEnded(host, new Job(built, { host, batchRows: 100 }).run())
    expect(out.rows.map(({ n }) => n)).toEqual(Array.from({ length: 3000 }, (_, n) => n))
  })
})

describe('zero rows', () => {
  test.each(['batch', 'micro-batch', 'continuous'] as const)('give empty outputs: %s', async (mode) => {
    const nothing = pipeline('nothing', (p) => {
      const events = p.read('in', memoryRows(Event, []), { eventTime: 'at' })
      const table = p.read('table', memoryRows(Event, []))
      events
        .lookupJoin('named', table, { on: 'key', select: { other: 'at' } })
        .keyBy('by', 'key')
        .window(tumbling('1 s'))
        .aggregate('agg', (a) => ({ n: a.count() }))
        .write('out', memorySink())
      events
        .window(globalWindow())
        .aggregate('total', (a) => ({ n: a.count(), most: a.max('at') }))
        .write('totals', memorySink())
      events.filter('none', () => false).write('none-out', memorySink())
    })
    const { committed } = await (await drive(nothing, { mode, parallelism: 3 })).finish()
    expect(committed).toEqual({ out: [], totals: [], 'none-out': [] })
  })
})
