// Damage of any file of a checkpoint: the job stops, says what is whole and what going back repeats, and goes back only when
// it is told to; from then on it runs as any other.
import { describe, expect, it } from 'vitest'
import { memorySink, memoryStream } from '../../src/connect/index.ts'
import { isMillraceError, pipeline, schema, state, t } from '../../src/index.ts'
import type { MillraceError } from '../../src/index.ts'
import type { Host } from '../../src/host/host.ts'
import { CheckpointLog } from '../../src/checkpoint/index.ts'
import type { NumberedEntry } from '../../src/checkpoint/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job, verifyCheckpoints } from '../../src/runtime/index.ts'
import type { CheckpointStore, JobOptions, JobResult, VerifiedEpoch } from '../../src/runtime/index.ts'
import { ownerOf } from '../../src/runtime/take-over.ts'

/** A place for checkpoints that can be copied and damaged. */
class Shelf implements CheckpointStore {
  readonly place: string = 'shelf'
  readonly files: Map<string, Uint8Array>

  constructor(files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.files = new Map(Array.from(files, ([name, bytes]) => [name, bytes.slice()]))
  }
  async create(name: string, bytes: Uint8Array): Promise<'created' | 'exists'> {
    if (this.files.has(name)) return 'exists'
    this.files.set(name, bytes.slice())
    return 'created'
  }
  async write(name: string): ReturnType<CheckpointStore['write']> {
    const pieces: Uint8Array[] = []
    return {
      append: async (bytes) => void pieces.push(bytes.slice()),
      finish: async () => void this.files.set(name, new Uint8Array(Buffer.concat(pieces))),
      abort: async () => undefined,
    }
  }
  async read(name: string, range?: { readonly start: number; readonly end: number }) {
    return this.files.get(name)?.slice(range?.start, range?.end)
  }
  async names(prefix: string) {
    return (await this.list(prefix)).map(({ name }) => name)
  }
  async list(prefix: string) {
    return [...this.files]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { length }]) => ({ name, bytes: length }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }
  async remove(name: string): Promise<void> {
    this.files.delete(name)
  }
  async sweep(): Promise<void> {}
}

const Row = schema({ key: t.string() })
const Counted = schema({ key: t.string(), count: t.int32() })
const host = createNodeHost()
let stream = memoryStream(Row)
/** One for all runs: it knows what was committed. */
let sink = memorySink<{ key: string; count: number }>()

/** Counts rows by key, on what the shelf has, until the stream idles. */
async function count(shelf: Shelf, options: Partial<JobOptions> = {}) {
  const before = sink.rows.length
  const result: JobResult = await jobOf(shelf, sink, options).run()
  return { counts: sink.rows.slice(before).map((row) => row.count), result }
}

function jobOf(shelf: Shelf, to: unknown, options: Partial<JobOptions> = {}): Job {
  const built = pipeline('counting', (p) => {
    p.read('rows', stream)
      .keyBy('by-key', 'key')
      .process('count', {
        state: { count: state.value(t.int32()) },
        output: Counted,
        onRow({ key }, { state: { count: kept }, emit }) {
          kept.set((kept.get() ?? 0) + 1)
          emit({ key, count: kept.get() ?? 0 })
        },
      })
      .write('out', to as never)
  }).build()
  const times = { epochIntervalMs: 60_000, stopWhenIdleMs: 1 }
  return new Job(built, { host, mode: 'continuous', state: shelf, ...times, ...options })
}

async function failure(run: Promise<unknown>): Promise<MillraceError> {
  const error = await run.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (isMillraceError(error)) return error
  throw new Error('it did not fail', { cause: error })
}

/** A shelf with three epochs of one row each. */
async function threeEpochs(): Promise<Shelf> {
  const shelf = new Shelf()
  stream = memoryStream(Row)
  sink = memorySink()
  for (let epoch = 1; epoch <= 3; epoch++) {
    stream.push({ key: 'a' })
    const { result } = await count(shelf)
    expect(result.progress.epoch).toBe(epoch)
  }
  return shelf
}

const damages: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['one bit turned', (bytes) => bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 4 : byte))],
  ['cut', (bytes) => bytes.slice(0, -3)],
  ['emptied', () => new Uint8Array(0)],
]

describe.each(damages)('a file that is %s', (_, damage) => {
  it('stops the job, whichever it is; SV1, SV2: going back works wherever it can, and holds', async () => {
    const base = await threeEpochs()
    stream.push({ key: 'a' })
    for (const name of base.files.keys()) {
      const shelf = new Shelf(base.files)
      shelf.files.set(name, damage(shelf.files.get(name) as Uint8Array))
      const before = new Map(shelf.files)
      const { epochs, damaged } = await verifyCheckpoints(shelf, host.bytes)
      const whole = epochs.flatMap(({ manifest, fault }) => (fault === undefined ? [manifest.epoch] : []))
      const isNeeded = name.startsWith('log/') || !whole.includes(3)
      expect(damaged.length + epochs.filter(({ fault }) => fault !== undefined).length > 0).toBe(true)
      if (!isNeeded) continue
      const error = await failure(count(shelf))
      expect([name, error.code]).toEqual([name, 'checkpoint/damaged'])
      expect(shelf.files.size).toBe(before.size)
      const back = whole.at(-1)
      const ways = back === undefined ? /begin anew/ : new RegExp(`--from ${back}: .*is put out again`)
      expect([name, error.hint]).toEqual([name, expect.stringMatching(ways)])
      if (back === undefined) continue
      const again = await count(shelf, { from: back })
      // What was read behind that epoch is read again, and the new row.
      const expected = Array.from({ length: 4 - back }, (__, n) => back + 1 + n)
      expect([name, again.counts]).toEqual([name, expected])
      expect((await count(shelf, { from: back })).counts).toEqual([])
      expect((await count(shelf)).counts).toEqual([])
    }
  })
})

describe('D4: a log whose entries are whole and in an order that no run can have written', () => {
  /** As where parts of two copies were put together. */
  async function disordered(): Promise<Shelf> {
    const shelf = await threeEpochs()
    stream.push({ key: 'a' })
    const log = new CheckpointLog(shelf, host.bytes)
    const newest = (await log.read()).findLast(({ entry }) => entry.kind === 'manifest')?.entry
    if (newest?.kind !== 'manifest') throw new Error('it has no epoch')
    await log.append({ ...newest, epoch: 9, attempt: 3 })
    await log.append({ kind: 'delivered', attempt: 70, epoch: 9 })
    return shelf
  }

  it('starts nothing, and is left by the command that the error names', async () => {
    const shelf = await disordered()
    const before = [...shelf.files]
    const error = await failure(count(shelf))
    expect(error).toMatchObject({
      code: 'checkpoint/damaged',
      what: expect.stringContaining('cannot be where it is'),
      hint: expect.stringMatching(/--from 3: the output behind epoch 3, of epochs 4 to 9/),
    })
    expect((await jobOf(shelf, memorySink()).check())?.refusals).toMatchObject([{ hint: error.hint }])
    expect(await jobOf(shelf, memorySink(), { from: 3 }).check()).toMatchObject({ epoch: 3, refusals: [] })
    expect([...shelf.files]).toEqual(before)
    expect((await count(shelf, { from: 3 })).counts).toEqual([4])
    // SV1: above whatever wrote there.
    const entries = await new CheckpointLog(shelf, host.bytes).read()
    expect(Math.min(...entries.map(({ entry }) => entry.attempt))).toBeGreaterThan(70)
    // From then on it is a log as any other.
    expect((await count(shelf, { from: 3 })).counts).toEqual([])
    expect((await count(shelf)).counts).toEqual([])
  })

  it('leads to earlier epochs too, and to none behind the fault', async () => {
    const shelf = await disordered()
    expect((await failure(count(shelf, { from: 9 }))).code).toBe('checkpoint/no-such-epoch')
    expect((await count(shelf, { from: 1 })).counts).toEqual([2, 3, 4])
  })

  it('is shown with what does not count', async () => {
    const { epochs, damaged } = await verifyCheckpoints(await disordered(), host.bytes)
    expect(epochs.map(({ manifest }) => manifest.epoch)).toEqual([1, 2, 3])
    expect(damaged.map(({ reason }) => reason)).toEqual([
      'epoch 9 follows epoch 3',
      expect.stringMatching(/^it is behind entry \d+$/),
    ])
  })
})

describe('damage behind a branch', () => {
  it('leads back in the history that goes on, never to an epoch of one that was left', async () => {
    const shelf = await threeEpochs()
    await count(shelf, { from: 1 })
    const { epochs } = await verifyCheckpoints(shelf, host.bytes)
    expect(epochs.map(({ manifest }) => manifest.epoch)).toEqual([1, 2])
    const newest = epochs.at(-1)?.number ?? 0
    shelf.files.set(`log/${String(newest).padStart(12, '0')}`, new Uint8Array(9))
    const error = await failure(count(shelf))
    expect(error.hint).toContain('--from 1: ')
    expect((await failure(count(shelf, { from: 3 }))).code).toBe('checkpoint/no-such-epoch')
    expect((await count(shelf, { from: 1 })).counts).toEqual([2, 3])
  })
})

describe('damage of a history that began with --from', () => {
  it('is left by the command that the error names, which begins another one at the same epoch', async () => {
    for (const bit of ['first', 'middle'] as const) {
      const shelf = await threeEpochs()
      stream.push({ key: 'a' })
      expect((await count(shelf, { from: 2 })).counts).toEqual([3, 4])
      const newest = (await verifyCheckpoints(shelf, host.bytes)).epochs.at(-1) as VerifiedEpoch
      const name =
        newest.manifest.state.find(({ epoch, step }) => epoch === 3 && step === 'count')?.name ?? ''
      const bytes = shelf.files.get(name) as Uint8Array
      const place = bit === 'first' ? 0 : bytes.length >> 1
      shelf.files.set(
        name,
        bytes.map((byte, at) => (at === place ? byte ^ 4 : byte)),
      )
      const error = await failure(count(shelf))
      expect([error.code, error.hint]).toEqual(['checkpoint/damaged', expect.stringContaining('--from 2: ')])
      expect((await jobOf(shelf, memorySink()).check())?.refusals).toMatchObject([{ code: error.code }])
      expect(await jobOf(shelf, memorySink(), { from: 2 }).check()).toMatchObject({
        kind: 'resume',
        epoch: 2,
        isBranch: true,
        repeats: [{ epoch: 3 }],
        refusals: [],
      })
      expect((await count(shelf, { from: 2 })).counts).toEqual([3, 4])
      // D6: from then on it is a plain start.
      expect((await count(shelf, { from: 2 })).counts).toEqual([])
      expect((await count(shelf)).counts).toEqual([])
    }
  })
})

describe('a start with the --from with which its history began', () => {
  it('reads the state once to find damage, where it was checked before, and once to go on', async () => {
    const shelf = await threeEpochs()
    // So much that the end of a file, which is read with its footer, is not all of it.
    stream.push(...Array.from({ length: 100 }, (_, n) => ({ key: `${n}`.repeat(500) })))
    await count(shelf, { from: 2 })
    const newest = (await verifyCheckpoints(shelf, host.bytes)).epochs.at(-1) as VerifiedEpoch
    const names = newest.manifest.state.flatMap(({ bytes, name }) => (bytes > 50_000 ? [name] : []))
    expect(names).toHaveLength(1)
    const reads = new Map(names.map((name) => [name, 0]))
    const read = shelf.read.bind(shelf)
    shelf.read = async (name, range) => {
      // The footer is read with the end of a file, blocks are without.
      const isBlock = range !== undefined && range.end < (shelf.files.get(name)?.length ?? 0)
      if (isBlock && reads.has(name)) reads.set(name, (reads.get(name) ?? 0) + 1)
      return read(name, range)
    }
    const job = jobOf(shelf, sink, { from: 2 })
    expect((await job.check())?.refusals).toEqual([])
    expect([...reads.values()]).toEqual([1])
    // Whoever looks again looks at what is there now.
    await job.check()
    expect([...reads.values()]).toEqual([2])
    await job.run()
    expect([...reads.values()]).toEqual([3])
  })
})

describe('damage of a history whose beginning is not kept any more', () => {
  it('is told as damage, also to who names that epoch with every start', async () => {
    const shelf = await threeEpochs()
    for (let n = 0; n < 40; n++) {
      stream.push({ key: 'a' })
      await count(shelf, { from: 2 })
    }
    const { epochs } = await verifyCheckpoints(shelf, host.bytes)
    expect(epochs.map(({ manifest }) => manifest.epoch)).not.toContain(2)
    const name = epochs.at(-1)?.manifest.state.at(-1)?.name ?? ''
    shelf.files.set(name, new Uint8Array(9))
    expect((await failure(count(shelf, { from: 2 }))).code).toBe('checkpoint/damaged')
    expect((await jobOf(shelf, memorySink(), { from: 2 }).check())?.refusals).toMatchObject([
      { code: 'checkpoint/damaged' },
    ])
  })
})

describe('what a start would do', () => {
  it('begins, resumes, and says what going back repeats; nothing is written', async () => {
    const empty = new Shelf()
    const check = (shelf: Shelf, options?: Partial<JobOptions>) => jobOf(shelf, memorySink(), options).check()
    expect(await check(empty)).toMatchObject({ kind: 'begin', refusals: [], owes: [] })
    expect(empty.files.size).toBe(0)
    const shelf = await threeEpochs()
    const before = new Map(shelf.files)
    expect(await check(shelf)).toMatchObject({
      kind: 'resume',
      epoch: 3,
      end: 'idle',
      mode: 'continuous',
      isBranch: false,
      owner: undefined,
      repeats: [],
      refusals: [],
      steps: [
        { step: 'rows', verdict: 'keeps' },
        { step: 'count', verdict: 'keeps' },
      ],
    })
    expect(await check(shelf, { from: 1 })).toMatchObject({
      epoch: 1,
      isBranch: true,
      repeats: [
        { epoch: 2, rows: { out: 1 } },
        { epoch: 3, rows: { out: 1 } },
      ],
    })
    const missing = await check(shelf, { from: 9 })
    expect([missing?.kind, missing?.refusals.map(({ code }) => code)]).toEqual([
      undefined,
      ['checkpoint/no-such-epoch'],
    ])
    expect((await check(shelf, { mode: 'batch' }))?.refusals.map(({ code }) => code)).toEqual([
      'checkpoint/incompatible',
    ])
    expect([...shelf.files]).toEqual([...before])
  })

  it('says what is damaged, and where one can go back to', async () => {
    const shelf = await threeEpochs()
    const newest =
      [...shelf.files.keys()]
        .filter((name) => name.startsWith('log/'))
        .toSorted()
        .at(-1) ?? ''
    shelf.files.set(newest, new Uint8Array(3))
    const [refusal] = (await jobOf(shelf, memorySink()).check())?.refusals ?? []
    expect(refusal).toMatchObject({ code: 'checkpoint/damaged', place: { file: `shelf/${newest}` } })
    expect(refusal?.hint).toContain('--from')
  })

  it('is refused for every damage of state that a start would meet', async () => {
    const base = await threeEpochs()
    for (const name of base.files.keys()) {
      const shelf = new Shelf(base.files)
      const bytes = shelf.files.get(name) as Uint8Array
      shelf.files.set(
        name,
        bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 4 : byte)),
      )
      const newest = (await verifyCheckpoints(shelf, host.bytes)).epochs.at(-1)
      if (name.startsWith('log/') || newest?.fault === undefined) continue
      const found = await jobOf(shelf, memorySink()).check()
      expect([name, found?.refusals.map(({ code }) => code)]).toEqual([name, ['checkpoint/damaged']])
    }
  })
})

describe('who owns a job', () => {
  const process = { machine: 'm', boot: 'b', space: 's', pid: 7, start: '1' }
  const known: Host = { ...host, processes: { self: async () => process, state: async () => 'alive' } }

  it('is told by its newest manifest too, until what it promised is delivered', async () => {
    const shelf = await threeEpochs()
    const { epochs } = await verifyCheckpoints(shelf, host.bytes)
    const { manifest, number } = epochs[1] as VerifiedEpoch
    expect(manifest.owner).toMatchObject({ pid: expect.any(Number) as number })
    const { end: _, ...rest } = { ...manifest, owner: process }
    expect(await ownerOf([{ number, entry: rest }], known)).toMatchObject({ process, state: 'alive' })
    const last = { number, entry: { ...rest, end: 'stopped' as const } }
    expect(await ownerOf([last], known)).toMatchObject({ process, state: 'alive' })
    const { attempt, epoch } = manifest
    const told = (of: number): NumberedEntry => ({
      number: number + 1,
      entry: { kind: 'delivered', attempt, epoch: of },
    })
    expect(await ownerOf([last, told(epoch - 1)], known)).toMatchObject({ process })
    expect(await ownerOf([last, told(epoch)], known)).toBeUndefined()
  })

  it('is nobody while one who found it at its end has nothing to put out', async () => {
    const shelf = await threeEpochs()
    const { epochs } = await verifyCheckpoints(shelf, host.bytes)
    const { manifest, number } = epochs[1] as VerifiedEpoch
    const { attempt, epoch } = manifest
    const last = { number, entry: { ...manifest, owner: process, end: 'drained' as const } }
    const takeover = {
      kind: 'takeover',
      attempt: attempt + 1,
      lineage: manifest.lineage,
      owner: process,
      token: '',
      atMs: 0,
    } as const
    const taken = { number: number + 1, entry: { ...takeover, ended: true } as const }
    const told: NumberedEntry = {
      number: number + 2,
      entry: { kind: 'delivered', attempt: attempt + 1, epoch },
    }
    expect(await ownerOf([last, taken], known)).toMatchObject({ attempt: attempt + 1 })
    expect(await ownerOf([last, taken, told], known)).toBeUndefined()
    // Who goes on is at work.
    expect(await ownerOf([last, { ...taken, entry: takeover }, told], known)).toMatchObject({ process })
  })
})

describe('while old checkpoints are removed', () => {
  it('every epoch that counts stays whole, whenever one looks', async () => {
    const shelf = await threeEpochs()
    const slow = new Shelf(shelf.files)
    const checks: Promise<void>[] = []
    /** One moment: nothing changes while this copy is looked at. */
    const look = (): void => {
      const copy = new Shelf(slow.files)
      checks.push(new CheckpointLog(copy, host.bytes).read().then((entries) => wholeNamed(entries, copy)))
    }
    // What is decided about old files comes while a manifest is on its way: others go on, as often as it takes.
    slow.create = async (name, bytes) => {
      for (let turns = 0; turns < 20; turns++) await host.timers.yield()
      stream.push({ key: 'a' })
      const answer = await Shelf.prototype.create.call(slow, name, bytes)
      look()
      if (job.progress().epoch > 120) job.stop()
      return answer
    }
    let removed = 0
    slow.remove = async (name) => {
      removed++
      await Shelf.prototype.remove.call(slow, name)
      look()
    }
    const job: Job = jobOf(slow, sink, { epochIntervalMs: 1, stopWhenIdleMs: 60_000 })
    await job.run()
    expect(removed).toBeGreaterThan(10)
    await Promise.all(checks)
    const entries = await new CheckpointLog(slow, host.bytes).read()
    expect(entries.length).toBeLessThan(100)
    wholeNamed(entries, slow)
  })
})

/** Every file that a manifest names is there. */
function wholeNamed(entries: readonly NumberedEntry[], shelf: Shelf): void {
  const names = entries
    .flatMap(({ entry }) => (entry.kind === 'manifest' ? entry.state : []))
    .map(({ name }) => name)
  expect(names.filter((name) => !shelf.files.has(name))).toEqual([])
}
