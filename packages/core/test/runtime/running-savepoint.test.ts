// Savepoints of jobs that put out rows with every epoch, made while they run: what was put out before one, and what the
// job puts out that begins with it, are all rows, each once.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import { DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import type { Manifest } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { originOfFinished } from '../../src/connect/files/output-name.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { visibleFiles } from '../bad-input/copying.ts'
import { scriptedSink } from './scripted-connectors.ts'

const Row = schema({ n: t.int32() })
const rows = Array.from({ length: 900 }, (_, n) => ({ n }))
const ENTRIES_BEFORE = 20

/** A machine whose clock moves when it is looked at, so that epochs come. */
class Scene {
  readonly disk: ManualHost = createManualHost()
  readonly host: ManualHost

  constructor() {
    let now = 1_700_000_000_000
    const real = createNodeHost()
    this.host = {
      ...this.disk,
      clock: { ...this.disk.clock, now: () => now, monotonic: () => now++ },
      timers: { ...real.timers, set: (_: number, callback: () => void) => real.timers.set(0, callback) },
    }
  }

  run(state: DirectoryStore, sink: Sink<never>, options: Partial<JobOptions> = {}): Promise<JobResult> {
    const built = pipeline('copying', (p) => {
      p.read('rows', memoryRows(Row, rows)).write('out', sink as Sink)
    }).build()
    const usual = { mode: 'continuous', epochIntervalMs: 15, batchRows: 4 } as const
    return new Job(built, { host: this.host, state, ...usual, ...options }).run()
  }

  place(name: string): DirectoryStore {
    return new DirectoryStore(this.host, name)
  }

  /** State of a job in whose midst something happens: while an entry of its log is being written. */
  placeWith(name: string, happens: () => Promise<void>): DirectoryStore {
    const place = this.place(name)
    const create = place.create.bind(place)
    let entries = 0
    place.create = async (entry, bytes) => {
      const answer = await create(entry, bytes)
      if (++entries === ENTRIES_BEFORE) await happens()
      return answer
    }
    return place
  }

  savepoint(epoch?: number): Promise<Manifest> {
    const { bytes: checks } = this.host
    return writeSavepoint(this.place('state'), this.place('saved'), { checks, epoch })
  }

  /** Rows of a folder, of epochs up to `last`. */
  numbers(folder: string, last = Infinity): number[] {
    const files = visibleFiles(this.disk, folder).filter(
      (path) => (originOfFinished(path.slice(path.lastIndexOf('/') + 1))?.epoch ?? 0) <= last,
    )
    return files
      .flatMap((path) =>
        Buffer.from(this.disk.files.get(path) as Uint8Array)
          .toString()
          .split('\n')
          .slice(0, -1)
          .map((line) => (JSON.parse(line) as { n: number }).n),
      )
      .toSorted((a, b) => a - b)
  }
}

describe('a savepoint of a job that runs', () => {
  it('is one of the last epochs where files end with every epoch, and all rows are there once', async () => {
    const scene = new Scene()
    let saved: Manifest | undefined
    const state = scene.placeWith('state', async () => {
      saved = await scene.savepoint()
    })
    await scene.run(state, ndjson('out', { roll: 'epoch' }) as never)
    expect(saved).toMatchObject({ pending: [], delivered: saved?.epoch })
    // Entries: the takeover, and one per epoch; the newest may be on its way, and the one before it.
    expect(saved?.epoch).toBeGreaterThanOrEqual(ENTRIES_BEFORE - 4)
    expect(saved?.epoch).toBeLessThan(ENTRIES_BEFORE)
    const begun = await scene.run(scene.place('other'), ndjson('new', { roll: 'epoch' }) as never, {
      savepoint: scene.place('saved'),
    })
    expect(begun.start).toMatchObject({ kind: 'resume', epoch: saved?.epoch })
    const [before, after] = [scene.numbers('out', saved?.epoch), scene.numbers('new')]
    expect(before.length).toBeGreaterThan(20)
    expect([...before, ...after]).toEqual(rows.map(({ n }) => n))
    // The job that it was made of has put out everything, too.
    expect(scene.numbers('out')).toEqual(rows.map(({ n }) => n))
  })

  it('is refused where files stay open, with what helps; after the end of the job it is made', async () => {
    const scene = new Scene()
    let refused: unknown
    const state = scene.placeWith('state', async () => {
      refused = await scene.savepoint().catch((error: unknown) => error)
    })
    await scene.run(state, ndjson('out') as never)
    expect(refused).toMatchObject({
      code: 'checkpoint/incompatible',
      what: expect.stringMatching(/^epoch \d+ has rows that "out" may hold back for later epochs/),
      hint: expect.stringContaining("roll: 'epoch'"),
    })
    expect(scene.disk.files.paths('saved')).toEqual([])
    expect(await scene.savepoint()).toMatchObject({ end: 'finished' })
  })

  it('is refused where an output does not say whether it holds rows back', async () => {
    const scene = new Scene()
    let refused: unknown
    const state = scene.placeWith('state', async () => {
      refused = await scene.savepoint().catch((error: unknown) => error)
    })
    await scene.run(state, scriptedSink() as never)
    expect(refused).toMatchObject({ what: expect.stringContaining('may hold back') })
  })

  it('is made of an epoch that was delivered long ago, when that is asked for', async () => {
    const scene = new Scene()
    let saved: Manifest | undefined
    const state = scene.placeWith('state', async () => {
      await expect(scene.savepoint(ENTRIES_BEFORE - 1)).rejects.toThrow('is not known to be delivered')
      saved = await scene.savepoint(8)
    })
    await scene.run(state, ndjson('out', { roll: 'epoch' }) as never)
    await scene.run(scene.place('other'), ndjson('new') as never, { savepoint: scene.place('saved') })
    expect(saved).toMatchObject({ epoch: 8 })
    expect([...scene.numbers('out', 8), ...scene.numbers('new')]).toEqual(rows.map(({ n }) => n))
  })
})
