// Whole jobs on a simulated machine: the same seed gives the same run, and behind whatever event they are killed, each
// row counts once.
import { describe, expect, it, vi } from 'vitest'
import { pipeline, schema, state, t } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobResult } from '../../src/runtime/index.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import type { Host } from '../../src/host/host.ts'
import { TaskLoop } from '../../src/engine/loop/task-loop.ts'
import type { LoopInput } from '../../src/engine/loop/loop-input.ts'
import { SourceStep } from '../../src/engine/source/source-step.ts'
import type { Choose } from '../../src/testing/simulated-disk.ts'
import { randomOf, suiteSeed, withoutDirectorySync } from '../testing/crashes.ts'
import { patch } from '../testing/patch.ts'
import { killedBehind, modes, SmallWorld } from './small-jobs.ts'

// These tests wait for nothing; a machine with much else to do is slow.
vi.setConfig({ testTimeout: 300_000 })

const Row = schema({ key: t.string(), n: t.int32() })
const ROWS = 60

/** Counts the rows of a file that grows, by key, into files of partition folders that hold rows back over epochs. */
const counting: Pipeline = pipeline('counting', (p) => {
  p.read('rows', ndjson('/data/in', { schema: Row, follow: 'lines', pollInterval: '20 ms' }))
    .keyBy('by-key', 'key')
    .process('count', {
      state: { count: state.value(t.int32()) },
      output: schema({ n: t.int32(), count: t.int32(), part: t.string() }),
      onRow({ n }, { state: { count }, emit }) {
        count.set((count.get() ?? 0) + 1)
        emit({ n, count: count.get() ?? 0, part: `p${n % 3}` })
      },
    })
    .write('out', ndjson('/data/out', { partitionBy: ['part'], roll: { size: 100, interval: '400 ms' } }))
})

const line = (n: number): string => `${JSON.stringify({ key: `k${n % 4}`, n })}\n`
const answer = Array.from({ length: ROWS }, (_, n) =>
  JSON.stringify({ n, count: Math.floor(n / 4) + 1 }),
).toSorted()

/** What a person does beside the job: adds lines to its input. */
async function append(files: SimulatedFiles, from: number, to: number): Promise<void> {
  await files.makeDirectory('/data/in')
  const file = await files.open('/data/in/rows.ndjson', 'append')
  await file.write(Buffer.from(Array.from({ length: to - from }, (_, n) => line(from + n)).join('')))
  await file.sync()
  await file.close()
  for (const folder of ['/data/in', '/data', '/']) await files.syncDirectory(folder)
}

function start(host: Host): Promise<JobResult> {
  return new Job(counting.build(), {
    host,
    mode: 'continuous',
    state: new DirectoryStore(host, '/data/state'),
    epochIntervalMs: 30,
    discoverIntervalMs: 20,
    stopWhenIdleMs: 150,
    batchRows: 5,
  }).run()
}

async function visible(machine: SimulatedMachine): Promise<readonly string[]> {
  const files = new SimulatedFiles(machine.disk)
  if ((await files.status('/data/out')) === undefined) return []
  return (await linesBelow(files, '/data/out')).toSorted()
}

async function linesBelow(files: SimulatedFiles, folder: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const { name, kind } of await files.list(folder)) {
    if (/^[._]/.test(name)) continue
    const path = `${folder}/${name}`
    if (kind === 'directory') {
      lines.push(...(await linesBelow(files, path)))
      continue
    }
    const bytes = await contentOf(files, path)
    lines.push(...Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean))
  }
  return lines
}

async function bytesBelow(files: SimulatedFiles, folder: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const { name, kind } of await files.list(folder === '' ? '/' : folder)) {
    const path = `${folder}/${name}`
    if (kind === 'directory') found.push(`${path}/`, ...(await bytesBelow(files, path)))
    else found.push(`${path} ${Buffer.from(await contentOf(files, path)).toString('base64')}`)
  }
  return found
}

async function contentOf(files: SimulatedFiles, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
  await (await files.open(path, 'read')).read(bytes, 0, bytes.length, 0)
  return bytes
}

interface Life {
  readonly events: number
  readonly turningPoints: readonly number[]
  readonly digest: string
  /** Everything on the disk, by path. */
  readonly disk: readonly string[]
  readonly shown: readonly string[]
  readonly trouble: readonly string[]
}

/** The life of a job: lines come in two parts, and the process is killed behind some events, again and again. */
async function live(
  seed: number,
  kills: readonly number[],
  lie: (host: Host) => Host = (host) => host,
): Promise<Life> {
  const machine = new SimulatedMachine(seed)
  const trouble: string[] = []
  await append(new SimulatedFiles(machine.disk), 0, ROWS / 2)
  for (const [at, kill] of [...kills, Infinity].entries()) {
    if (at === kills.length) await append(new SimulatedFiles(machine.disk), ROWS / 2, ROWS)
    if (kill < Infinity) machine.killAfter(kill)
    await machine.run(start(lie(machine.boot()))).catch((error: unknown) => {
      if (!(error instanceof ProcessKilled)) trouble.push(String(error))
    })
    // Also the power behind a kill: what the process before has made and not synced was taken over from it. In the end
    // nothing that counts may be on its way to the disk.
    machine.kill(at === kills.length || (at + seed) % 2 === 0 ? 'power' : 'process')
    const shown = await visible(machine)
    if (new Set(shown).size < shown.length || shown.some((row) => !answer.includes(row)))
      trouble.push(`after start ${at} the output has rows too often: ${shown.length}`)
  }
  const { events, turningPoints, digest, disk } = machine
  const bytes = await bytesBelow(new SimulatedFiles(disk), '')
  return { events, turningPoints, digest, disk: bytes, shown: await visible(machine), trouble }
}

/** Inputs, and the tasks of each, take their turns in an order that is drawn; the function ends that. */
function inAnyOrder(random: Choose): () => void {
  const inputs = patch<() => readonly LoopInput[]>(
    TaskLoop.prototype,
    'readable',
    (own) =>
      function (this: TaskLoop) {
        const readable = own.call(this)
        const first = random(Math.max(1, readable.length))
        return [...readable.slice(first), ...readable.slice(0, first)]
      },
  )
  const tasks = patch<(ask: boolean) => boolean>(
    SourceStep.prototype,
    'turn',
    (own) =>
      function (this: SourceStep, ask) {
        Object.assign(this, { current: random(this.tasks.length) })
        return own.call(this, ask)
      },
  )
  return () => {
    inputs()
    tasks()
  }
}

describe('a job on a simulated machine', () => {
  it('SH1: runs the same way from the same seed, and another way from another', async () => {
    const [first, second, other] = await Promise.all([
      live(7, [400, 300]),
      live(7, [400, 300]),
      live(8, [400, 300]),
    ])
    expect(second).toEqual(first)
    expect(other.digest).not.toBe(first.digest)
    expect(other.disk).not.toEqual(first.disk)
    expect(first.disk.length).toBeGreaterThan(10)
    expect(first.shown).toEqual(answer)
  })

  it('gives each row once, killed behind any event', async () => {
    const { events, turningPoints } = await live(suiteSeed, [])
    for (const [at, point] of turningPoints.entries()) {
      // Of a job as large as this one some, and others with another seed; small ones are in every-crash-point.test.ts.
      if (at % 4 !== suiteSeed % 4) continue
      const { shown, trouble } = await live(suiteSeed, [point, (point * 7) % events])
      expect({ point, trouble, shown }).toEqual({ point, trouble: [], shown: answer })
    }
  })

  it.each([0, 1, 2, 3, 4, 5])(
    'gives the same rows whatever the order in which inputs and their tasks take their turns: %i',
    async (draw) => {
      const random = randomOf(suiteSeed * 10 + draw)
      const mend = inAnyOrder(random)
      try {
        const orders = new Set<string>()
        for (const mode of modes) {
          const job = { mode, output: 'files', store: 'directory' } as const
          const world = new SmallWorld(draw + 1, job, { options: { parallelism: 3 } })
          expect(await killedBehind(world, [{ events: 20 + random(100), how: 'process' }])).toEqual([])
          orders.add(world.machine.digest)
        }
        expect(orders.size).toBe(modes.length)
      } finally {
        mend()
      }
    },
  )

  it('is seen to lose rows when directories are not synced', async () => {
    const lie = (host: Host): Host => ({ ...host, files: withoutDirectorySync(host.files) })
    let wrong = 0
    for (let point = 50; point < 400 && wrong === 0; point += 25) {
      const { shown, trouble } = await live(point, [point], lie)
      if (trouble.length > 0 || shown.join() !== answer.join()) wrong++
    }
    expect(wrong).toBe(1)
  })

  it('goes on with its epochs when the wall clock is set back under it', async () => {
    const machine = new SimulatedMachine(4)
    await append(new SimulatedFiles(machine.disk), 0, ROWS)
    const host = machine.boot()
    // Now and then an hour back, now and then a day ahead.
    let looks = 0
    const clock = {
      ...host.clock,
      now: () => host.clock.now() + (++looks % 7) * 86_400_000 - (looks % 3) * 3_600_000,
    }
    const { end, progress } = await machine.run(start({ ...host, clock }))
    expect(end).toBe('idle')
    expect(progress.elapsedMs).toBeGreaterThan(150)
    expect(progress.elapsedMs).toBeLessThan(1500)
    expect(await visible(machine)).toEqual(answer)
  })

  it('is not disturbed by a wall clock that jumps', async () => {
    for (const ms of [-86_400_000, 86_400_000]) {
      const machine = new SimulatedMachine(3)
      await append(new SimulatedFiles(machine.disk), 0, ROWS)
      machine.killAfter(200)
      await machine.run(start(machine.boot())).catch(() => undefined)
      machine.kill('process')
      machine.jump(ms)
      await machine.run(start(machine.boot()))
      expect(await visible(machine)).toEqual(answer)
    }
  })
})
