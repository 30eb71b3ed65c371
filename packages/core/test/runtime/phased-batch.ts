// A batch in three phases on a simulated machine, with an output in each: what its tests share. A life is a job that is
// killed behind some events, started again each time, and at last left alone.
import { expect } from 'vitest'
import { pipeline, schema, session, sql, state, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { CheckpointLog, DirectoryStore } from '../../src/checkpoint/index.ts'
import type { Manifest } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

export const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
export const rows = Array.from({ length: 48 }, (_, n) => ({ key: `k${(n * 7) % 5}`, n, at: n * 100 }))
const Name = schema({ key: t.string(), name: t.string() })
const names = ['k0', 'k1', 'k2', 'k3'].map((key) => ({ key, name: `name of ${key}` }))

/** Calls of user functions, by the phase that they are in. */
export type Calls = [number, number, number]

export interface Changes {
  readonly thirds?: number
  readonly first?: (n: number) => number
  readonly last?: (seen: number) => number
  readonly inFirst?: () => void
  readonly inSecond?: () => void
  readonly inLast?: () => void
}

/**
 * Three phases, an output in each, and a table beside them: rows by key into windows, windows by name into sessions and a
 * process step.
 */
export function inPhases(calls: Calls, changes: Changes = {}): Pipeline {
  const { first = (n) => n, last = (seen) => seen, thirds = 3, inFirst, inSecond, inLast } = changes
  return pipeline('in-phases', (p) => {
    const input = p.read('rows', memoryRows(Row, rows, { splits: 3 }), {
      eventTime: { column: 'at', disorder: '20 s' },
    })
    const table = p.read('names', memoryRows(Name, names))
    const mapped = input.map('first', Row, (row) => {
      calls[0]++
      inFirst?.()
      return { key: row.key, n: first(row.n), at: row.at }
    })
    mapped
      .where('thirds', sql`n % ${thirds} = 0`)
      .write('rows-out', ndjson('/data/out/rows', { roll: { size: 300 } }))
    const windows = mapped
      .keyBy('by-key', 'key')
      .window(tumbling('1 s'))
      .aggregate('windows', (a) => ({ n: a.count(), total: a.sum('n'), ends: a.last('n') }))
      .lookupJoin('named', table, { on: 'key', select: { name: 'name' } })
      .filter('counted', () => {
        calls[1]++
        inSecond?.()
        return true
      })
    windows.write('windows-out', ndjson('/data/out/windows'))
    const again = windows.keyBy('by-name', 'name')
    again
      .window(session('1 s'))
      .aggregate('sessions', (a) => ({ windows: a.count(), rows: a.sum('n') }))
      .write('sessions-out', ndjson('/data/out/sessions'))
    again
      .process('seen', {
        state: { seen: state.value(t.int32()) },
        output: schema({ name: t.string().nullable(), seen: t.int32() }),
        onRow(_, context) {
          calls[2]++
          inLast?.()
          context.state.seen.set((context.state.seen.get() ?? 0) + 1)
          context.setTimer('end', 60_000)
        },
        onTimer(context) {
          context.emit({ name: context.key.name, seen: last(context.state.seen.get() ?? 0) })
        },
      })
      .write('seen-out', ndjson('/data/out/seen'))
  })
}

export const STATE = '/data/state'
export const real = createNodeHost()

export type Start = (host: Host, calls: Calls) => Promise<JobResult>

export function starting(options: Partial<JobOptions> = {}, changes: Changes = {}): Start {
  return (host, calls) =>
    new Job(inPhases(calls, changes).build(), {
      host,
      state: new DirectoryStore(host, STATE),
      batchRows: 5,
      ...options,
    }).run()
}

/** Everything that shows, by folder, in an order of its own. */
export async function visible(machine: SimulatedMachine): Promise<readonly string[]> {
  const files = new SimulatedFiles(machine.disk)
  const lines: string[] = []
  for (const folder of ['rows', 'windows', 'sessions', 'seen']) {
    const path = `/data/out/${folder}`
    if ((await files.status(path)) === undefined) continue
    for (const { name } of await files.list(path)) {
      if (/^[._]/.test(name)) continue
      const bytes = new Uint8Array((await files.status(`${path}/${name}`))?.size ?? 0)
      await (await files.open(`${path}/${name}`, 'read')).read(bytes, 0, bytes.length, 0)
      const text = Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean)
      lines.push(...text.map((line) => `${folder} ${line}`))
    }
  }
  return lines.toSorted()
}

/** The newest manifest, and the files of state. */
export async function kept(
  machine: SimulatedMachine,
): Promise<{ readonly manifest: Manifest | undefined; readonly files: readonly string[] }> {
  const store = new DirectoryStore({ ...real, files: new SimulatedFiles(machine.disk) }, STATE)
  const entries = await new CheckpointLog(store, real.bytes).read()
  const manifest = entries.findLast(({ entry }) => entry.kind === 'manifest')?.entry
  return {
    manifest: manifest?.kind === 'manifest' ? manifest : undefined,
    files: (await store.list('state/')).map(({ name }) => name),
  }
}

/** What a run shows that keeps nothing, and is not run in phases. */
export async function answerOf(parallelism: number): Promise<readonly string[]> {
  const machine = new SimulatedMachine(1)
  const options = { host: machine.boot(), batchRows: 5, parallelism }
  await machine.run(new Job(inPhases([0, 0, 0]).build(), options).run())
  return visible(machine)
}

export interface Life {
  readonly events: number
  readonly shown: readonly string[]
  readonly trouble: readonly string[]
}

/** Kills a job behind some events, one start after the other, and then lets it run to its end. */
export async function live(
  start: Start,
  seed: number,
  kills: readonly number[],
  hasOutput = false,
): Promise<Life> {
  const machine = hasOutput ? await withOutput(seed) : new SimulatedMachine(seed)
  const before = await visible(machine)
  const trouble: string[] = []
  let done = 0
  for (const [at, kill] of [...kills, Infinity].entries()) {
    if (kill < Infinity) machine.killAfter(kill)
    const calls: Calls = [0, 0, 0]
    await machine.run(start(machine.boot(), calls)).catch((error: unknown) => {
      if (!(error instanceof ProcessKilled)) trouble.push(`start ${at}: ${String(error)}`)
    })
    // Behind the end the power stays: what was removed just now could come back, for the next start to remove.
    machine.kill(at % 2 === 0 && kill < Infinity ? 'power' : 'process')
    for (let phase = 0; phase < done; phase++)
      if (calls[phase] !== 0) trouble.push(`start ${at} computed phase ${phase} again, which was sealed`)
    const { manifest } = await kept(machine)
    if (manifest?.end === undefined && (await visible(machine)).join() !== before.join())
      trouble.push(`start ${at} showed rows before the last epoch`)
    done = manifest?.end === undefined ? (manifest?.border?.done ?? 0) : 3
  }
  const { files } = await kept(machine)
  if (files.length > 0) trouble.push(`the end left ${files.join()}`)
  return { events: machine.events, shown: await visible(machine), trouble }
}

/** A machine on which an output of other rows lies. */
async function withOutput(seed: number): Promise<SimulatedMachine> {
  const machine = new SimulatedMachine(seed)
  const other = inPhases([0, 0, 0], { first: (n) => n + 1000 }).build()
  await machine.run(new Job(other, { host: machine.boot() }).run())
  machine.kill('process')
  return machine
}

export const breakingInLast: Changes = {
  inLast: () => {
    throw new MillraceError('input/read-failed', { what: 'the network is away' })
  },
}

/** A machine on which a job has failed in its last phase. */
export async function stopped(start: Start): Promise<SimulatedMachine> {
  const machine = new SimulatedMachine(6)
  const failure = machine.run(start(machine.boot(), [0, 0, 0]))
  await expect(failure).rejects.toMatchObject({ code: 'input/read-failed' })
  machine.kill('process')
  expect((await kept(machine)).manifest?.border?.done).toBe(2)
  return machine
}
