// Connectors of others that throw, reject, wait or lose: the run ends with a code, a step and a place, and shows nothing.
import { describe, expect, test, vi } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import type { MillraceError } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import type { Sink, Source } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { untilEnded } from '../bad-input/copying.ts'
import { scriptedSink, scriptedSource } from './scripted-connectors.ts'
import type { SinkScript } from './scripted-connectors.ts'

vi.setConfig({ testTimeout: 10_000 })

const Row = schema({ n: t.int32() })
const rows = Array.from({ length: 100 }, (_, n) => ({ n }))

async function run(
  source: Source<{ n: number }>,
  sinks: { readonly [step: string]: Sink },
  options: Partial<JobOptions> = {},
): Promise<{ error: MillraceError | undefined; result: JobResult | undefined; elapsedMs: number }> {
  const host = createManualHost()
  const built = pipeline('failing', (p) => {
    const stream = p.read('in', source)
    for (const [step, sink] of Object.entries(sinks)) stream.write(step, sink)
  }).build()
  const start = host.clock.now()
  const job = new Job(built, { host, batchRows: 10, ...options })
  const outcome = await untilEnded(host, job.run()).then(
    (result) => ({ result, error: undefined }),
    (error: unknown) => ({ result: undefined, error: error as MillraceError }),
  )
  return { ...outcome, elapsedMs: host.clock.now() - start }
}

const failure = new RangeError('the queue is on fire')

describe('a sink that fails', () => {
  const scripts: readonly [string, SinkScript][] = [
    ['opening', { open: () => Promise.reject(failure) }],
    ['writing', { write: () => { throw failure } }],
    ['writing', { write: () => Promise.reject(failure) }],
    ['preparing', { prepare: () => Promise.reject(failure) }],
    ['committing', { commit: () => { throw failure } }],
    ['finishing', { finish: () => Promise.reject(failure) }],
  ] // prettier-ignore

  test.each(scripts)(
    'in %s: output/write-failed with step, what it said, and the cause',
    async (doing, script) => {
      const sink = scriptedSink(script)
      const { error } = await run(memoryRows(Row, rows), { out: sink })
      expect(error).toMatchObject({ code: 'output/write-failed', step: 'out', cause: failure })
      expect(error?.message).toContain(`${doing} the output failed: RangeError: the queue is on fire`)
      expect(error?.hint).toBeDefined()
      // What was not opened is not closed.
      const closed = doing === 'opening' ? [] : ['close writer', 'close']
      expect(sink.calls.filter((call) => call.startsWith('close')).slice(-2)).toEqual(closed)
    },
  )

  test('in a write that it answered with a promise: at once, not when the next rows come', async () => {
    const source = scriptedSource(Row, [[{ rows: [{ n: 1 }] }, { idle: true }]])
    const sink = scriptedSink({ write: () => Promise.reject(failure) })
    const { error, elapsedMs } = await run(
      source,
      { out: sink },
      { mode: 'continuous', epochIntervalMs: 1e9 },
    )
    expect(error).toMatchObject({ code: 'output/write-failed', step: 'out', cause: failure })
    expect(elapsedMs).toBeLessThan(5000)
  })

  test('hides what another sink prepared', async () => {
    const other = scriptedSink()
    await run(memoryRows(Row, rows), {
      first: other,
      second: scriptedSink({ prepare: () => Promise.reject(failure) }),
    })
    expect(other.rows).toEqual([])
    expect(other.calls).toContain('prepare 1')
    expect(other.calls.some((call) => call.startsWith('commit'))).toBe(false)
  })

  test('in closing after a failure does not hide the failure', async () => {
    const { error } = await run(scriptedSource(Row, [[{ throws: failure }]]), {
      out: scriptedSink({ close: () => Promise.reject(new Error('closing failed too')) }),
    })
    expect(error).toMatchObject({ code: 'input/read-failed', cause: failure })
  })
})

describe('a commit', () => {
  test('that is lost ends the run with the epoch and what to do', async () => {
    const sink = scriptedSink({ commit: () => ({ kind: 'lost', reason: 'the transaction has expired' }) })
    const { error } = await run(memoryRows(Row, rows), { out: sink })
    expect(error).toMatchObject({ code: 'output/lost', step: 'out' })
    expect(error?.message).toMatch(
      /output of epoch 1 is lost: the transaction has expired[^]*hint: run .* again/,
    )
    expect(sink.rows).toEqual([])
    expect(sink.calls).not.toContain('finish')
  })

  test('that asks to be tried again is tried again, after longer and longer waits, until it stands', async () => {
    const sink = scriptedSink({
      commit: (tries) => (tries < 5 ? { kind: 'retry', reason: 'busy' } : undefined),
    })
    const { error, elapsedMs } = await run(memoryRows(Row, rows), { out: sink })
    expect(error).toBeUndefined()
    expect(sink.rows).toEqual(rows)
    expect(sink.calls.filter((call) => call === 'commit 1')).toHaveLength(6)
    expect(elapsedMs).toBeGreaterThanOrEqual(50 + 100 + 200 + 400 + 800)
    expect(sink.calls).toContain('finish')
  })

  test('that asks for ever is given up with its reason: waits have a bound', async () => {
    const sink = scriptedSink({
      commit: () => ({ kind: 'retry', reason: 'the target is away', cause: failure }),
    })
    const { error, elapsedMs } = await run(memoryRows(Row, rows), { out: sink })
    expect(error).toMatchObject({ code: 'output/write-failed', step: 'out', cause: failure })
    expect(error?.detail).toContain('the target is away')
    expect(elapsedMs).toBeLessThan(5 * 60_000)
  })

  test('that stood already counts as done', async () => {
    const sink = scriptedSink({ commit: () => ({ kind: 'already-committed' }) })
    expect((await run(memoryRows(Row, rows), { out: sink })).result?.end).toBe('finished')
  })

  test('comes only when every sink has prepared', async () => {
    const calls: string[] = []
    const sink = (name: string): Sink =>
      scriptedSink({
        prepare: () => calls.push(`prepare ${name}`),
        commit: () => void calls.push(`commit ${name}`),
      })
    await run(memoryRows(Row, rows), { a: sink('a'), b: sink('b') })
    expect(calls).toEqual(['prepare a', 'prepare b', 'commit a', 'commit b'])
  })

  test('of each epoch comes in order, and no epoch is skipped', async () => {
    const sink = scriptedSink()
    await run(memoryRows(Row, rows), { out: sink }, { mode: 'continuous', epochIntervalMs: 1 })
    const epochs = sink.calls.flatMap((call) => (call.startsWith('prepare') ? [Number(call.slice(8))] : []))
    expect(epochs).toEqual(epochs.map((_, at) => at + 1))
  })
})

describe('a slow sink', () => {
  test('SK1: never writes twice at a time, and holds the source back: a bounded queue', async () => {
    const waiting: (() => void)[] = []
    const sink = scriptedSink({ write: () => new Promise<void>((resolve) => waiting.push(resolve)) })
    const source = scriptedSource(Row, [rows.map((row) => ({ rows: [row] }))])
    const host = createManualHost()
    const built = pipeline('slow', (p) => p.read('in', source).write('out', sink)).build()
    const job = new Job(built, { host })
    const run = job.run()
    const readWhenHeld: number[] = []
    for (let n = 0; n < rows.length; n++) {
      await host.advance(10)
      readWhenHeld.push(source.read - n)
      waiting.shift()?.()
    }
    const result = await untilEnded(host, run)
    expect(Math.max(...readWhenHeld)).toBeLessThanOrEqual(2)
    expect(sink.overlapping).toBe(1)
    expect(sink.rows).toEqual(rows)
    expect(result.progress.backpressure).toBeGreaterThan(0.9)
  })

  test('SK1: is prepared only when it has written everything', async () => {
    const host = createManualHost()
    const log: string[] = []
    const sink = scriptedSink({
      write: async () => {
        await host.timers.yield()
        log.push('written')
      },
      prepare: () => log.push('prepared'),
    })
    const built = pipeline('slow', (p) =>
      p
        .read('in', memoryRows(Row, rows))
        .flatMap('many', Row, (row) => Array.from({ length: 7 }, () => row))
        .write('out', sink),
    ).build()
    await untilEnded(host, new Job(built, { host, batchRows: 10 }).run())
    expect(log.at(-1)).toBe('prepared')
    expect(log.filter((entry) => entry === 'prepared')).toHaveLength(1)
    expect(sink.rows).toHaveLength(700)
    expect(sink.overlapping).toBe(1)
  })

  test('that rejects later still fails the run, though nothing more is written to it', async () => {
    const sink = scriptedSink({ write: () => Promise.reject(failure) })
    const { error } = await run(memoryRows(Row, rows.slice(0, 5)), { out: sink }, { mode: 'continuous' })
    expect(error).toMatchObject({ code: 'output/write-failed', step: 'out', cause: failure })
    expect(sink.rows).toEqual([])
  })
})

describe('a source that fails', () => {
  const good = { rows: rows.slice(0, 10) }

  test.each([
    ['throws when it is read', [[good, { throws: failure }]], {}],
    ['rejects when it is read', [[good, { rejects: failure }]], {}],
    ['rejects when a split is opened', [[good]], { open: () => Promise.reject(failure) }],
  ] as const)(
    '%s: input/read-failed with step, split and cause; what came before is not shown',
    async (_, splits, options) => {
      for (const way of [{}, { parallelism: 3 }, { mode: 'continuous', epochIntervalMs: 1e9 }] as const) {
        const sink = memorySink()
        const source = scriptedSource(Row, splits, options)
        const { error } = await run(source, { out: sink }, way)
        expect(error).toMatchObject({
          code: 'input/read-failed',
          step: 'in',
          place: { name: 'split-0' },
          cause: failure,
        })
        expect(error?.detail).toBe('RangeError: the queue is on fire')
        expect(sink.rows).toEqual([])
      }
    },
  )

  test('when its splits are listed says the step', async () => {
    const source = scriptedSource(Row, [], { list: () => Promise.reject(failure) })
    const { error } = await run(source, { out: memorySink() })
    expect(error).toMatchObject({ code: 'input/read-failed', step: 'in', cause: failure })
  })

  test('closes every reader that was opened, also one that was just being opened', async () => {
    const host = createManualHost()
    const source = scriptedSource(Row, [[good, { rejects: failure }], [{ idle: true }], [{ idle: true }]], {
      open: async (split) => {
        for (let turn = 0; turn < split * 20; turn++) await host.timers.yield()
      },
    })
    const { error } = await run(source, { out: memorySink() })
    expect(error).toMatchObject({ cause: failure })
    const opened = source.calls.filter((call) => call.startsWith('open')).map((call) => call.slice(5))
    const closed = source.calls.filter((call) => /^close \d/.test(call)).map((call) => call.slice(6))
    expect(closed.toSorted()).toEqual(opened.toSorted())
    expect(opened).toHaveLength(3)
    expect(source.calls.at(-1)).toBe('close list')
  })
})
