// Small but whole jobs on a simulated machine, in each mode and with a sink of each family: what tests share that kill
// them. A world is the machine with all that it reaches: a disk, a bucket, a service over HTTP and a table.
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import { DirectoryStore, ObjectStore } from '../../src/checkpoint/index.ts'
import type { CheckpointStore, ObjectClient } from '../../src/checkpoint/index.ts'
import { memoryRows, toHttp } from '../../src/connect/index.ts'
import type { MemoryPosition, Sink, Source } from '../../src/connect/index.ts'
import { ndjson, objectFolder } from '../../src/connect/files/index.ts'
import type { Host, Http } from '../../src/host/host.ts'
import type { BuiltPlan } from '../../src/plan/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { ProcessKilled, SimulatedMachine } from '../../src/testing/simulated-host.ts'
import type { Kill } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedObjects } from '../../src/testing/simulated-objects.ts'
import type { ObjectEffect } from '../../src/testing/simulated-objects.ts'
import { overlay, randomOf } from '../testing/crashes.ts'
import { SimulatedTable } from './simulated-table.ts'
import type { TableDefect } from './simulated-table.ts'

export const modes = ['continuous', 'micro-batch', 'batch'] as const
/** Sinks of each family: publish (with every epoch, held back over epochs, in a bucket), transaction, idempotent. */
export const outputs = ['files', 'held files', 'bucket files', 'table', 'service'] as const
export const stores = ['directory', 'bucket'] as const

/** What job runs, and on what. */
export interface SmallJob {
  readonly mode: (typeof modes)[number]
  readonly output: (typeof outputs)[number]
  readonly store: (typeof stores)[number]
}

const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
const rows = Array.from({ length: 28 }, (_, n) => ({ key: `k${(n * 5) % 3}`, n, at: n * 150 }))
const WINDOW_MS = 1000
const OUTPUT = '/data/out'
/** How long rows take to be there. */
const READ_MS = 12

/** What every job puts out, computed without the engine. */
export const answer: readonly string[] = [...new Set(rows.map(({ key, at }) => `${key} ${windowOf(at)}`))]
  .map((name) => {
    const inside = rows.filter(({ key, at }) => `${key} ${windowOf(at)}` === name)
    const [key = '', start] = name.split(' ')
    const total = inside.reduce((sum, { n }) => sum + n, 0)
    return `${key} ${Number(start)} ${inside.length} ${total}`
  })
  .toSorted()

function windowOf(at: number): number {
  return Math.floor(at / WINDOW_MS) * WINDOW_MS
}

/** A row of the output in the words of the answer. */
export function textOf(row: object): string {
  const { key, windowStart, n, total } = row as { readonly [name: string]: string | number }
  return `${key} ${new Date(windowStart as string | number).getTime()} ${n} ${total}`
}

/** What stands between the job and its world; for defects. */
export interface Between {
  readonly host?: (host: Host) => Host
  readonly sink?: (sink: Sink) => Sink
  readonly table?: TableDefect
  readonly client?: (client: ObjectClient) => ObjectClient
  /** Decides over each request to the bucket. */
  readonly strike?: () => ObjectEffect | undefined
  /** The row that a split of an input says to be its next one. */
  readonly position?: (row: number, input: string, split: number) => number
  /** Of all starts. Default: parallelism 1 and 2 in turns. */
  readonly options?: Partial<JobOptions>
}

/** A machine and what it reaches, over all starts of a job. */
export class SmallWorld {
  readonly machine: SimulatedMachine
  readonly objects: SimulatedObjects
  readonly table: SimulatedTable
  /** Bodies of requests by their keys. */
  readonly #taken = new Map<string, string>()
  readonly #job: SmallJob
  readonly #between: Between
  #starts = 0

  /** @param beside - a world that this one shares all with but the outputs */
  constructor(seed: number, job: SmallJob, between: Between = {}, beside?: SmallWorld) {
    const { strike, table } = between
    this.machine = beside?.machine ?? new SimulatedMachine(seed)
    this.machine.service ??= (request) => this.#answer(request)
    this.objects = beside?.objects ?? new SimulatedObjects(strike === undefined ? {} : { strike })
    this.table = new SimulatedTable(table)
    this.#job = job
    this.#between = between
  }

  /** Starts the job as a new process, which may be killed before it ends. */
  async start(options: Partial<JobOptions> = {}): Promise<JobResult | 'killed'> {
    return this.alive(this.job(this.boot(), options).run())
  }

  /** Runs what a process does; it may be killed before that is done. */
  async alive<Result>(work: Promise<Result>): Promise<Result | 'killed'> {
    return this.machine.run(work).catch((error: unknown) => {
      if (error instanceof ProcessKilled) return 'killed'
      throw error
    })
  }

  job(host: Host, options: Partial<JobOptions> = {}): Job {
    const { mode } = this.#job
    return new Job(this.#built(), {
      host,
      mode,
      ...(mode === 'continuous' ? { epochIntervalMs: 10 } : {}),
      ...(mode === 'micro-batch' ? { trigger: { kind: 'available-now' } } : {}),
      state: this.place('state', host),
      batchRows: 3,
      parallelism: 1 + (this.#starts++ % 2),
      ...this.#between.options,
      ...options,
    })
  }

  /** A process, whose clock moves also when it is looked at: work takes time. */
  boot(): Host {
    const host = this.machine.boot()
    let looks = 0
    const clock = { ...host.clock, monotonic: () => host.clock.monotonic() + looks++ }
    return this.#between.host?.({ ...host, clock }) ?? { ...host, clock }
  }

  place(name: string, host: Host): CheckpointStore {
    if (this.#job.store === 'directory') return new DirectoryStore(host, `/data/${name}`)
    const { client = (same) => same } = this.#between
    const own = this.objects.client((what, arrive) => this.machine.remotely(what, arrive))
    return new ObjectStore(host, client(own), { prefix: name, partBytes: 400 })
  }

  /** What readers of the output find, in an order of its own. */
  async visible(): Promise<readonly string[]> {
    const lines = Array.from(this.#taken.values()).flatMap((body) => body.split('\n').filter(Boolean))
    const written = [...lines, ...(await this.#lines())].map((line) => textOf(JSON.parse(line) as object))
    return [...written, ...this.table.rows.map(({ row }) => textOf(row))].toSorted()
  }

  #built(): BuiltPlan {
    const { sink = (same) => same, position } = this.#between
    const built = counting(sink(this.#sink()), position).build()
    if (this.#job.mode !== 'micro-batch') return built
    const { plan, ...rest } = built
    const nodes = plan.nodes.map((node) =>
      node.kind === 'source' ? { ...node, perEpoch: { maxRows: 10 } } : node,
    )
    return { ...rest, plan: { ...plan, nodes } }
  }

  #sink(): Sink {
    switch (this.#job.output) {
      case 'files':
        return ndjson(OUTPUT, { roll: 'epoch' }).toSink() as Sink
      case 'held files':
        return ndjson(OUTPUT, { roll: { size: 300 } }).toSink() as Sink
      case 'bucket files': {
        const client = this.objects.client((what, arrive) => this.machine.remotely(what, arrive))
        const place = objectFolder(client, { prefix: 'out', partBytes: 200 })
        return ndjson(place, { roll: { size: 300 } }).toSink() as Sink
      }
      case 'table':
        return this.table.sink((what, arrive) => this.machine.remotely(what, arrive)) as unknown as Sink
      case 'service':
        return toHttp('http://service/rows', { maxRows: 3 }) as unknown as Sink
    }
  }

  /** Takes rows as services should: a key that it has seen does nothing again. */
  async #answer({
    headers,
    body = new Uint8Array(0),
  }: Parameters<Http['request']>[0]): ReturnType<Http['request']> {
    const key = headers['idempotency-key'] ?? ''
    const text = Buffer.from(body).toString('utf8')
    const before = this.#taken.get(key)
    // Other rows under a key that was seen are no repetition: they show.
    this.#taken.set(before === undefined || before === text ? key : `${key} again`, text)
    return { status: 200, header: () => undefined, body: new Uint8Array(0) }
  }

  async #lines(): Promise<readonly string[]> {
    if (this.#job.output === 'bucket files')
      return this.objects
        .contents()
        .filter(([key]) => /^out\/[^._]/.test(key))
        .flatMap(([, bytes]) => Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean))
    const files = new SimulatedFiles(this.machine.disk)
    if ((await files.status(OUTPUT)) === undefined) return []
    const lines: string[] = []
    for (const { name } of await files.list(OUTPUT)) {
      if (/^[._]/.test(name)) continue
      const path = `${OUTPUT}/${name}`
      const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
      await (await files.open(path, 'read')).read(bytes, 0, bytes.length, 0)
      lines.push(...Buffer.from(bytes).toString('utf8').split('\n').filter(Boolean))
    }
    return lines
  }
}

/** Counts the rows of two inputs by key and window. */
function counting(sink: Sink, position: Between['position']): Pipeline {
  const [left, right] = [rows.filter(({ n }) => n % 3 !== 0), rows.filter(({ n }) => n % 3 === 0)]
  return pipeline('counting', (p) => {
    const first = p.read('left', slow('left', memoryRows(Row, left, { splits: 2 }), position), {
      eventTime: 'at',
    })
    const second = p.read('right', slow('right', memoryRows(Row, right), position), { eventTime: 'at' })
    first
      .union('both', second)
      .keyBy('by-key', 'key')
      .window(tumbling(`${WINDOW_MS} ms`))
      .aggregate('count', (a) => ({ n: a.count(), total: a.sum('n') }))
      .write('out', sink)
  })
}

/** Rows that have to be waited for, so that epochs end between them. */
function slow<Of>(
  input: string,
  rowsIn: Source<Of, MemoryPosition>,
  position: Between['position'] = (row) => row,
): Source<Of, MemoryPosition> {
  // Not the source that it would become: that one is quick.
  const { withPushdown: _, ...source } = rowsIn
  return {
    ...source,
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return overlay(reader, {
        read: async (rowsMax) => {
          await new Promise<void>((resolve) => context.host.timers.set(READ_MS, resolve))
          return reader.read(rowsMax)
        },
        position: () => {
          const { row, ...rest } = reader.position()
          return { ...rest, row: position(row, input, Number(split.id.slice(-1))) }
        },
      })
    },
  }
}

/** A job that nobody kills: what it puts out, and where it can be killed. */
export interface WholeLife {
  readonly shown: readonly string[]
  /** Kills behind other numbers of events are like one of these (SH4). */
  readonly points: readonly number[]
  readonly epochs: number
}

export async function wholeLife(seed: number, job: SmallJob, between: Between = {}): Promise<WholeLife> {
  const world = new SmallWorld(seed, job, between)
  const result = await world.start()
  if (result === 'killed') throw new Error('nobody kills it')
  const points = [0, ...world.machine.turningPoints]
  return { shown: await world.visible(), points, epochs: result.progress.epoch }
}

/** What is wrong with what shows; undefined: it is part of the answer. */
function strayRow(shown: readonly string[]): string | undefined {
  const left = new Map<string, number>()
  for (const line of answer) left.set(line, (left.get(line) ?? 0) + 1)
  return shown.find((line) => {
    const times = left.get(line) ?? 0
    left.set(line, times - 1)
    return times <= 0
  })
}

/** When a start is killed, and how. */
export interface KillOfStart {
  readonly events: number
  readonly how: Kill
  /** Which of its requests arrive that are on their way; default: some. */
  readonly arriving?: 'none' | 'some' | 'all'
}

/** Kills a job behind some events, start by start, lets it end, and gives what is wrong. */
export async function killedBehind(
  world: SmallWorld,
  kills: readonly KillOfStart[],
): Promise<readonly string[]> {
  const faults: string[] = []
  const last: KillOfStart = { events: Infinity, how: 'power' }
  for (const [at, { events, how, arriving }] of [...kills, last].entries()) {
    world.machine.killAfter(events)
    await world.start().catch((error: unknown) => faults.push(`start ${at}: ${String(error)}`))
    // Also the power behind a job that has ended: nothing that counts may be on its way to the disk.
    world.machine.kill(how, arriving)
    const stray = strayRow(await world.visible())
    if (stray !== undefined) faults.push(`start ${at}: too often, or not of the answer: ${stray}`)
  }
  const lost = answer.length - (await world.visible()).length
  return lost > 0 ? [...faults, `${lost} rows are lost`] : faults
}

/**
 * Kills a job in every way there is, and some of its second starts too; gives what is wrong.
 *
 * @param faultsMax - how many are enough
 */
export async function killedEverywhere(
  seed: number,
  job: SmallJob,
  { between = {}, arriving = 'some', faultsMax = 5 }: KilledEverywhere = {},
): Promise<readonly string[]> {
  const { points } = await wholeLife(seed, job, between)
  const random = randomOf(seed)
  const faults: string[] = []
  for (const [at, events] of points.entries()) {
    const how = random(4) === 0 ? 'process' : 'power'
    const again = random(3) === 0 ? [{ events: random(points.at(-1) ?? 1), how } as const] : []
    const world = new SmallWorld(seed, job, between)
    const found = await killedBehind(world, [{ events, how, arriving }, ...again])
    faults.push(...found.map((fault) => `seed ${seed}, ${at} of ${points.length}: ${fault}`))
    if (faults.length >= faultsMax) break
  }
  return faults
}

/** How a job is killed everywhere. */
export interface KilledEverywhere {
  readonly between?: Between
  readonly arriving?: KillOfStart['arriving']
  readonly faultsMax?: number
}
