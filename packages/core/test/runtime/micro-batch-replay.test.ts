// L2 in micro-batch mode: a disk that loses power after any operation, and input that grows between the attempts. What an
// epoch read, the time it saw and the rows that were late follow from the first plan that the log had of it, whoever
// carried it out.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { CheckpointLog, decodeEntry, DirectoryStore, encodeEntry } from '../../src/checkpoint/index.ts'
import type { CheckpointStore, Entry, EpochPlan } from '../../src/checkpoint/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Source } from '../../src/connect/index.ts'
import { AnnouncedTime } from '../../src/engine/source/announced-time.ts'
import type { Json } from '../../src/data/index.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import type { EpochLimits } from '../../src/plan/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobResult } from '../../src/runtime/index.ts'
import { PowerLost, SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { isPowerLost, overlay, randomOf, suiteSeed } from '../testing/crashes.ts'

const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
type Row = { readonly key: string; readonly n: number; readonly at: number }
const Stamped = schema({ n: t.int32(), clock: t.float64() })

const INPUT = '/data/in/a.ndjson'
const WINDOW_MS = 1000
const portions = 4
/** Every third row is earlier than rows before it: whether it is late depends on where epochs end. */
const rows: readonly Row[] = Array.from({ length: 48 }, (_, n) => ({
  key: `k${n % 3}`,
  n,
  at: n * 300 - (n % 3 === 0 ? 2500 : 0),
}))
const lines = rows.map((row) => `${JSON.stringify(row)}\n`)

type Change = (source: Source) => Source

function piped(perEpoch: EpochLimits, change: Change = (same) => same): Pipeline {
  return pipeline('replayed', (p) => {
    const source = ndjson(INPUT, { schema: Row, follow: 'lines', pollInterval: '1 ms' }).toSource()
    const read = p.read('rows', change(source) as typeof source, { eventTime: 'at', perEpoch })
    read
      .keyBy('by-key', 'key')
      .process('stamp', {
        state: {},
        output: Stamped,
        onRow: (row, { emit, now }) => emit({ n: row.n, clock: now() }),
      })
      .write('stamped', ndjson('/data/out/stamped', { roll: 'epoch' }))
    const counts = read
      .keyBy('key', 'key')
      .window(tumbling(`${WINDOW_MS} ms`))
      .aggregate('count', (a) => ({ n: a.count(), sum: a.sum('n') }))
    counts.write('counts', ndjson('/data/out/counts', { roll: 'epoch' }))
    counts.late.write('late', ndjson('/data/out/late', { roll: 'epoch' }))
  })
}

/** A process of the machine, whose clock moves when it is looked at; each boot is later than the one before. */
function hostOf(disk: SimulatedDisk, pid: number): Host {
  const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
  const real = createNodeHost()
  let now = 1_700_000_000_000 + pid * 1_000_000
  return {
    ...real,
    files: new SimulatedFiles(disk),
    clock: { ...real.clock, now: () => now++, monotonic: () => now++ },
    timers: {
      ...real.timers,
      set(_, callback) {
        if (!disk.hasPower) throw new PowerLost('waiting')
        return real.timers.set(0, callback)
      },
    },
    processes: {
      self: () => Promise.resolve(self),
      state: (of) => Promise.resolve(of.pid === pid ? 'alive' : 'dead'),
    },
  }
}

/** What stands between the engine and its parts; a defect is one that is not the truth. */
interface Setting {
  readonly perEpoch: EpochLimits
  readonly change?: Change
  readonly store?: (store: CheckpointStore, host: Host) => CheckpointStore
}

function run(
  disk: SimulatedDisk,
  pid: number,
  { setting: { perEpoch, change, store }, plans }: { readonly setting: Setting; readonly plans: Plans },
): Promise<JobResult> {
  const host = hostOf(disk, pid)
  const state = plans.watched(new DirectoryStore(host, '/data/state'))
  return new Job(piped(perEpoch, change).build(), {
    host,
    mode: 'micro-batch',
    trigger: { kind: 'available-now' },
    state: store === undefined ? state : store(state, host),
    batchRows: 5,
    parallelism: 1 + (pid % 3),
  }).run()
}

/** Adds a portion of the input, which is durable at once. */
async function grow(disk: SimulatedDisk, portion: number): Promise<void> {
  const files = new SimulatedFiles(disk)
  await files.makeDirectory('/data/in')
  const text = Buffer.from(lines.slice((portion * 48) / portions, ((portion + 1) * 48) / portions).join(''))
  const file = await files.open(INPUT, portion === 0 ? 'create' : 'append')
  await file.write(text)
  await file.sync()
  await file.close()
  for (const folder of ['/data/in', '/data', '/']) await files.syncDirectory(folder)
}

interface Plan {
  readonly clockMs: number
  readonly toByte: number
  readonly rows: number
}

/** The first plan of every epoch that the log has had, and what it says that it must not. */
class Plans {
  readonly byEpoch = new Map<number, Plan>()
  readonly faults: string[] = []
  readonly #seen = new Set<number>()

  /** The same store; plans that it creates are known at once: the log may be cut before the run ends. */
  watched(store: CheckpointStore): CheckpointStore {
    const { bytes: checks } = createNodeHost()
    return overlay(store, {
      create: async (name, bytes) => {
        const answer = await store.create(name, bytes)
        const number = Number(/^log\/(\d+)$/.exec(name)?.[1])
        const found = decodeEntry(bytes, number, checks)
        if (answer === 'created' && found.kind === 'entry') this.#take(number, found.entry)
        return answer
      },
    })
  }

  /** What is there that nobody was told of. */
  async look(disk: SimulatedDisk): Promise<void> {
    const host = hostOf(disk, 0)
    const log = new CheckpointLog(new DirectoryStore(host, '/data/state'), host.bytes)
    for (const { number, entry } of await log.read()) this.#take(number, entry)
  }

  #take(number: number, entry: Entry): void {
    if (entry.kind !== 'plan' || this.#seen.has(number)) return
    this.#seen.add(number)
    if (this.byEpoch.has(entry.epoch)) this.faults.push(`epoch ${entry.epoch} was planned twice`)
    else this.byEpoch.set(entry.epoch, planOf(entry.ranges['rows'], entry.clockMs))
  }

  /** The output that follows: with lines of each folder. */
  get answer(): { readonly stamped: string[]; readonly counts: string[]; readonly late: string[] } {
    const windows = new Map<string, { n: number; sum: number; end: number }>()
    const answer = { stamped: [] as string[], counts: [] as string[], late: [] as string[] }
    let [at, byte, reached, watermark] = [0, 0, -Infinity, -Infinity]
    for (const [, plan] of [...this.byEpoch].toSorted(([left], [right]) => left - right)) {
      watermark = Math.max(watermark, reached)
      for (let read = 0; read < plan.rows && byte < plan.toByte; read++, at++) {
        const row = rows[at] as Row
        byte += (lines[at] as string).length
        answer.stamped.push(`${row.n} ${plan.clockMs}`)
        reached = Math.max(reached, row.at)
        const start = Math.floor(row.at / WINDOW_MS) * WINDOW_MS
        if (start + WINDOW_MS <= watermark) {
          answer.late.push(`${row.n}`)
          continue
        }
        const window = windows.get(`${row.key} ${start}`) ?? { n: 0, sum: 0, end: start + WINDOW_MS }
        window.n++
        window.sum += row.n
        windows.set(`${row.key} ${start}`, window)
      }
    }
    for (const [name, { n, sum, end }] of windows)
      if (end <= reached) answer.counts.push(`${name} ${n} ${sum}`)
    return answer
  }
}

function planOf(range: unknown, clockMs: number): Plan {
  const [lane] = (range as { lanes: { splits: { to?: { byte: number } }[]; rows?: number }[] }).lanes
  return { clockMs, toByte: lane?.splits[0]?.to?.byte ?? 0, rows: lane?.rows ?? Infinity }
}

/** Lines of the output in the words of `Plans.answer`. */
async function visible(disk: SimulatedDisk, folder: 'stamped' | 'counts' | 'late'): Promise<string[]> {
  const files = new SimulatedFiles(disk)
  const path = `/data/out/${folder}`
  if ((await files.status(path)) === undefined) return []
  const found: string[] = []
  for (const { name } of await files.list(path)) {
    if (!name.endsWith('.ndjson') || name.startsWith('_')) continue
    const bytes = new Uint8Array((await files.status(`${path}/${name}`))?.size ?? 0)
    const file = await files.open(`${path}/${name}`, 'read')
    await file.read(bytes, 0, bytes.length, 0)
    await file.close()
    for (const line of Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean)) {
      const row = JSON.parse(line) as { [name: string]: never }
      if (folder === 'stamped') found.push(`${row['n']} ${row['clock']}`)
      else if (folder === 'late') found.push(`${row['n']}`)
      else
        found.push(
          `${row['key']} ${Date.parse(row['windowStart'] as unknown as string)} ${row['n']} ${row['sum']}`,
        )
    }
  }
  return found
}

function strays(found: readonly string[], answer: readonly string[]): string[] {
  const left = [...answer]
  return found.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

const folders = ['stamped', 'counts', 'late'] as const

async function check(disk: SimulatedDisk, plans: Plans, isOver: boolean): Promise<string[]> {
  await plans.look(disk)
  const faults = [...plans.faults]
  const { answer } = plans
  for (const folder of folders) {
    const found = await visible(disk, folder)
    const stray = strays(found, answer[folder])
    if (stray.length > 0) faults.push(`${folder} has ${stray.slice(0, 3).join(', ')}`)
    if (isOver && found.length !== answer[folder].length)
      faults.push(`${folder} has ${found.length} lines of ${answer[folder].length}`)
  }
  if (isOver && answer.stamped.length !== rows.length)
    faults.push(`plans read ${answer.stamped.length} rows of ${rows.length}`)
  return faults
}

/** Loses power after `point` operations of the first attempt and somewhere in the second; gives what is wrong. */
async function trial(
  point: number | undefined,
  setting: Setting,
): Promise<{ faults: string[]; points: number }> {
  const random = randomOf((point ?? 0) + 1)
  const disk = new SimulatedDisk()
  const plans = new Plans()
  let points = 0
  let calm = 0
  for (let attempt = 1; attempt <= 20 && calm < 2; attempt++) {
    if (attempt <= portions) await grow(disk, attempt - 1)
    if (attempt === 1 && point !== undefined) disk.losePowerAfter(point)
    if (attempt === 2 && point !== undefined) disk.losePowerAfter(random(400))
    const before = disk.operations
    const error = await run(disk, attempt, { setting, plans }).then(
      () => undefined,
      (caught: unknown) => caught ?? 'failed',
    )
    if (attempt === 1) points = disk.operations - before
    if (error !== undefined && !isPowerLost(error))
      return {
        faults: [`attempt ${attempt}: ${error instanceof Error ? error.message : 'it failed'}`],
        points,
      }
    disk.restart(random)
    const faults = await check(disk, plans, false)
    if (faults.length > 0) return { faults: faults.map((fault) => `attempt ${attempt}: ${fault}`), points }
    if (attempt > portions && error === undefined) calm++
  }
  return { faults: await check(disk, plans, true), points }
}

async function crashEverywhere(setting: Setting, step: number): Promise<readonly string[]> {
  const calm = await trial(undefined, setting)
  if (calm.faults.length > 0) return calm.faults
  const faults: string[] = []
  // Others with another seed.
  for (let point = suiteSeed % step; point <= calm.points && faults.length < 3; point += step) {
    const found = await trial(point, setting)
    faults.push(...found.faults.map((fault) => `after ${point} of ${calm.points}: ${fault}`))
  }
  return faults
}

/** A store whose plans are read as something else: what an engine would do that did not keep them, or not all of them. */
function plansReadAs(change: (plan: EpochPlan) => EpochPlan): NonNullable<Setting['store']> {
  return (store, { bytes: checks }) =>
    overlay(store, {
      read: async (name, range) => {
        const bytes = await store.read(name, range)
        const number = Number(/^log\/(\d+)$/.exec(name)?.[1])
        if (bytes === undefined || Number.isNaN(number)) return bytes
        const found = decodeEntry(bytes, number, checks)
        if (found.kind !== 'entry' || found.entry.kind !== 'plan') return bytes
        return encodeEntry(change(found.entry), number, checks)
      },
    })
}

/** What the defect of a task reaches. */
interface TimeInside {
  readonly frontier: { combine(): number }
  announced: number
  readonly output: { watermark(watermark: number): void }
}

function byteOf(horizon: Json | undefined): number {
  return (horizon as { readonly byte?: number } | undefined)?.byte ?? 0
}

/** Engines that break one promise each. */
const defects: { readonly [what: string]: Partial<Setting> & { readonly patch?: () => () => void } } = {
  'a plan is not carried out again, but made anew': {
    store: plansReadAs((plan) => ({ ...plan, epoch: 1_000_000 })),
  },
  'the clock of a plan is not kept': {
    store: plansReadAs((plan) => ({ ...plan, clockMs: plan.clockMs + 5 })),
  },
  'readers do not stop at the horizon of the plan': {
    change: (source) => ({
      ...source,
      open: async (split, from, context) => {
        const reader = await source.open(split, from, context)
        const all = await reader.horizon?.({ bytesMax: undefined, within: undefined })
        return overlay(reader, {
          readTo: (to) => reader.readTo?.(byteOf(all?.to) > byteOf(to) ? (all?.to ?? to) : to),
        })
      },
    }),
  },
  'the watermark moves inside an epoch': {
    patch: () => {
      const own = Object.getOwnPropertyDescriptor(AnnouncedTime.prototype, 'announce') as PropertyDescriptor
      Object.defineProperty(AnnouncedTime.prototype, 'announce', {
        configurable: true,
        value(this: TimeInside) {
          const watermark = this.frontier.combine()
          if (watermark <= this.announced) return
          this.announced = watermark
          this.output.watermark(watermark)
        },
      })
      return () => void Object.defineProperty(AnnouncedTime.prototype, 'announce', own)
    },
  },
}

/** Limits of an epoch, and how many operations lie between two tries. */
const settings: readonly (readonly [EpochLimits, number])[] = [
  [{}, 13],
  [{ maxBytes: 150 }, 37],
  [{ maxRows: 5 }, 37],
  [{ maxRows: 1 }, 97],
]

describe('an epoch that was planned', () => {
  it.each(settings)(
    'reads the same rows at the same time by the same watermark, whoever finishes it: %j',
    async (perEpoch, step) => {
      expect(await crashEverywhere({ perEpoch }, step)).toEqual([])
    },
    120_000,
  )

  it.each(Object.entries(defects))(
    'is seen to fail when %s',
    async (_, { patch, ...setting }) => {
      const restore = patch?.()
      try {
        expect(
          (await crashEverywhere({ perEpoch: { maxBytes: 250 }, ...setting }, 11)).length,
        ).toBeGreaterThan(0)
      } finally {
        restore?.()
      }
    },
    120_000,
  )
})
