// Output that stays open over many epochs, in whole jobs: what is kept for it, and going back to when it was open.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import { CheckpointLog, DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { writtenRows } from '../bad-input/copying.ts'
import { scriptedSink } from './scripted-connectors.ts'

const Row = schema({ n: t.int32() })
const rows = Array.from({ length: 900 }, (_, n) => ({ n }))

const writing = pipeline('writing', (p) => {
  p.read('rows', memoryRows(Row, rows)).write('out', ndjson('out', { roll: { size: 400 } }))
})

/** The same job over twice the rows. */
const more = pipeline('writing', (p) => {
  const twice = Array.from({ length: 2 * rows.length }, (_, n) => ({ n }))
  p.read('rows', memoryRows(Row, twice)).write('out', ndjson('out', { roll: { size: 400 } }))
})

/** Runs with a clock that moves when it is looked at, so that epochs come. */
function run(
  host: ManualHost,
  options: Partial<JobOptions> = {},
  job: typeof writing = writing,
): Promise<JobResult> {
  let now = 1_700_000_000_000
  const real = createNodeHost()
  const moving = {
    ...host,
    clock: { ...host.clock, now: () => now, monotonic: () => now++ },
    timers: { ...real.timers, set: (_: number, callback: () => void) => real.timers.set(0, callback) },
  }
  const state = new DirectoryStore(moving, 'state')
  return new Job(job.build(), {
    host: moving, state, mode: 'continuous', epochIntervalMs: 15, batchRows: 4, ...options,
  }).run() // prettier-ignore
}

const journals = (host: ManualHost): string[] =>
  host.files.paths('out/_staged').filter((path) => path.endsWith('.journal'))
const numbers = (host: ManualHost): number[] =>
  writtenRows(host, 'out')
    .map((row) => (row as { n: number }).n)
    .toSorted((a, b) => a - b)

describe('output that is held back', () => {
  it('leaves journals only of epochs that the job may still go back to', async () => {
    const host = createManualHost()
    const { progress } = await run(host)
    expect(progress.epoch).toBeGreaterThan(40)
    expect(numbers(host)).toEqual(rows.map(({ n }) => n))
    const made = host.files.log.filter((entry) => /^open .*\.journal$/.test(entry)).length
    expect(made).toBeGreaterThan(5)
    const log = new CheckpointLog(new DirectoryStore(host, 'state'), host.bytes)
    const named = new Set(
      (await log.read()).flatMap(({ entry }) =>
        entry.kind !== 'manifest'
          ? []
          : (JSON.stringify(entry.pending).match(/_staged\/[^"]*\.journal/g) ?? []),
      ),
    )
    expect(
      journals(host)
        .map((path) => path.slice('/out/'.length))
        .toSorted(),
    ).toEqual([...named].toSorted())
    expect(journals(host).length).toBeLessThan(made)
  })

  it('comes again from an older epoch with everything that was shown since', async () => {
    const host = createManualHost()
    await run(host)
    const log = new CheckpointLog(new DirectoryStore(host, 'state'), host.bytes)
    const holding = (await log.read()).flatMap(({ entry }) =>
      entry.kind === 'manifest' && JSON.stringify(entry.pending).includes('.journal') ? [entry.epoch] : [],
    )
    const from = holding[0]
    if (from === undefined) throw new Error('no epoch holds rows back')
    await run(host, { from })
    const found = numbers(host)
    expect(new Set(found).size).toBe(rows.length)
    // What was visible before that epoch is there once, what came since twice.
    const twice = found.filter((n, at) => found[at - 1] === n)
    const [first] = twice
    expect(first).toBeGreaterThan(0)
    expect(twice).toEqual(rows.map(({ n }) => n).filter((n) => n >= (first ?? 0)))
  })

  it('of a history that was left goes, but for what epochs before it name', async () => {
    const host = createManualHost()
    await run(host)
    const staged = (): string[] =>
      host.files.paths('out/_staged').map((path) => path.slice('/out/_staged/'.length))
    const [left = ''] = staged().map((name) => name.slice(0, 12))
    const log = new CheckpointLog(new DirectoryStore(host, 'state'), host.bytes)
    const holding = (await log.read()).flatMap(({ entry }) =>
      entry.kind === 'manifest' && JSON.stringify(entry.pending).includes('.journal') ? [entry] : [],
    )
    const branch = holding[0]
    const journalsLeft = staged().filter((name) => name.endsWith('.journal'))
    // What a killed attempt of that history leaves, and what another job does that goes on here.
    host.files.put(`out/_staged/${left}-a1-t0-900.tmp`, 'rubbish')
    host.files.put(`out/_staged/${left}-a1-t0-901.journal`, 'rubbish')
    host.files.put('out/_staged/0123456789ab-a1-t0-1.journal', 'of another job')
    host.files.put('out/_staged/0123456789ab-a1.owner', '{"v":1,"process":null,"resumable":true}')
    let during: string[] = []
    const stopped = new Error('far enough')
    const watch: Sink = {
      ...scriptedSink(),
      open: async (context) => ({
        ...(await scriptedSink().open(context)),
        sweep: async () => {
          during = staged()
          throw stopped
        },
      }),
    }
    const looking = pipeline('writing', (p) => {
      const read = p.read('rows', memoryRows(Row, rows))
      read.write('out', ndjson('out', { roll: { size: 400 } }))
      read.write('watch', watch)
    })
    await expect(
      new Job(looking.build(), {
        host,
        state: new DirectoryStore(host, 'state'),
        mode: 'continuous',
        from: branch?.epoch ?? 0,
      }).run(),
    ).rejects.toThrow('far enough')
    const needed = journalsLeft.filter((name) =>
      JSON.stringify(holding.filter(({ epoch }) => epoch <= (branch?.epoch ?? 0))).includes(name),
    )
    expect(needed.length).toBeGreaterThan(0)
    expect(during.filter((name) => name.startsWith(left) && !name.endsWith('.owner')).toSorted()).toEqual(
      needed.toSorted(),
    )
    // Its record stays with them, or others would take them for rubbish.
    expect(during.filter((name) => name.startsWith(left) && name.endsWith('.owner')).length).toBeGreaterThan(
      0,
    )
    expect(during.filter((name) => name.startsWith('0123456789ab')).length).toBe(2)

    await run(host, {}, more)
    expect(new Set(numbers(host)).size).toBe(2 * rows.length)
    // With enough epochs behind it nothing goes back to that one any more.
    expect(staged().filter((name) => name.startsWith(left))).toEqual([])
    expect(staged().filter((name) => name.startsWith('0123456789ab')).length).toBe(2)
  })

  it('replaces older output at the end, also where it went back to an earlier epoch meanwhile', async () => {
    const host = createManualHost()
    await run(host)
    const older = host.files.paths('out').filter((path) => path.endsWith('.ndjson'))
    const elsewhere = { state: new DirectoryStore(host, 'other'), outputMode: 'overwrite' } as const
    const failing: Sink = {
      ...scriptedSink({ finish: () => Promise.reject(new Error('no end')) }),
    }
    const broken = pipeline('writing', (p) => {
      const read = p.read('rows', memoryRows(Row, rows))
      // Sinks finish in their order.
      read.write('broken', failing)
      read.write('out', ndjson('out', { roll: { size: 400 } }))
    })
    await expect(run(host, elsewhere, broken)).rejects.toThrow(/finishing/)
    const log = new CheckpointLog(elsewhere.state, host.bytes)
    const epochs = (await log.read()).flatMap(({ entry }) => (entry.kind === 'manifest' ? [entry.epoch] : []))
    const from = epochs.at(-2) ?? 0
    expect(older.some((path) => host.files.get(path) !== undefined)).toBe(true)
    await run(
      host,
      { ...elsewhere, from },
      pipeline('writing', (p) => {
        const read = p.read('rows', memoryRows(Row, rows))
        read.write('broken', scriptedSink())
        read.write('out', ndjson('out', { roll: { size: 400 } }))
      }),
    )
    expect(older.filter((path) => host.files.get(path) !== undefined)).toEqual([])
    expect(host.files.paths('out/_staged').filter((path) => path.endsWith('.replaces'))).toEqual([])
    expect(new Set(numbers(host)).size).toBe(rows.length)
  })

  it.each([true, false])(
    'is not given up by a run that fails when a later one goes on with it: %s',
    async (goesOn) => {
      const host = createManualHost()
      const failing = scriptedSink({ finish: () => Promise.reject(new Error('no end')) })
      const sink: Sink = {
        ...failing,
        open: async (context) => ({
          ...(await failing.open(context)),
          async abandon() {
            failing.calls.push('abandon')
          },
        }),
      }
      const job = pipeline('failing', (p) => {
        p.read('rows', memoryRows(Row, rows.slice(0, 3))).write('out', sink)
      })
      const state = goesOn ? { state: new DirectoryStore(host, 'state') } : {}
      await expect(new Job(job.build(), { host, ...state }).run()).rejects.toThrow(/finishing/)
      expect(failing.calls.includes('abandon')).toBe(!goesOn)
    },
  )
})
