import { describe, expect, test } from 'vitest'
import { DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import { memorySink, memoryStream } from '../../src/connect/index.ts'
import type { MemorySink, MemoryStream } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { pipeline, schema, state, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

const Row = schema({ key: t.string() })
const Counted = schema({ key: t.string(), count: t.int32() })
type Counted = { readonly key: string; readonly count: number }

/** A machine with a stream of rows, and a job that counts them by key. */
class Scene {
  readonly disk: SimulatedDisk = new SimulatedDisk()
  readonly host: Host = { ...createNodeHost(), files: new SimulatedFiles(this.disk) }
  readonly stream: MemoryStream<{ readonly key: string }> = memoryStream(Row)
  sink: MemorySink<Counted> = memorySink<Counted>()

  place(name: string): DirectoryStore {
    return new DirectoryStore(this.host, `/${name}`)
  }

  /** Runs until the stream idles; what was read is put out and durable. */
  async run(stateName: string, options: Partial<JobOptions> = {}): Promise<JobResult> {
    this.sink = memorySink<Counted>()
    const built = pipeline('counting', (p) => {
      p.read('rows', this.stream)
        .keyBy('by-key', 'key')
        .process('count', {
          state: { count: state.value(t.int32()) },
          output: Counted,
          onRow({ key }, { state: { count }, emit }) {
            count.set((count.get() ?? 0) + 1)
            emit({ key, count: count.get() ?? 0 })
          },
        })
        .write('out', this.sink)
    }).build()
    return new Job(built, {
      host: this.host,
      mode: 'continuous',
      epochIntervalMs: 5,
      stopWhenIdleMs: 5,
      state: this.place(stateName),
      ...options,
    }).run()
  }

  savepoint(from: string, to: string, epoch?: number): ReturnType<typeof writeSavepoint> {
    return writeSavepoint(this.place(from), this.place(to), { checks: this.host.bytes, epoch })
  }
}

describe('a savepoint', () => {
  test('of a job that gives the epoch up while it is copied is one of its newest epoch', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    const from = scene.place('state')
    const read = from.read.bind(from)
    let runs = 0
    from.read = async (name, range) => {
      const isFirst = name.startsWith('state/') && runs === 0
      while (isFirst && runs++ < 40) {
        scene.stream.push({ key: 'a' })
        await scene.run('state')
      }
      return read(name, range)
    }
    const { epoch, state: files } = await writeSavepoint(from, scene.place('saved'), { checks: scene.host.bytes }) // prettier-ignore
    expect(runs).toBeGreaterThan(0)
    expect(epoch).toBeGreaterThan(40)
    // Nothing is left of what was copied in vain.
    const there = await scene.place('saved').names('state/')
    expect(there).toEqual(files.map(({ name }) => name).toSorted())
    scene.stream.push({ key: 'a' })
    await scene.run('other', { savepoint: scene.place('saved') })
    expect(scene.sink.rows).toEqual([{ key: 'a', count: 42 }])
  })

  test('is where other histories begin, each by itself', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' }, { key: 'a' })
    await scene.run('state')
    const { epoch } = await scene.savepoint('state', 'saved')
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    expect(scene.sink.rows).toEqual([{ key: 'a', count: 3 }])
    for (const branch of ['left', 'right']) {
      const { start } = await scene.run(branch, { savepoint: scene.place('saved') })
      expect(start).toMatchObject({ kind: 'resume', epoch })
      expect(scene.sink.rows).toEqual([{ key: 'a', count: 3 }])
    }
    const lineages = await Promise.all(
      ['state', 'left', 'right', 'saved'].map(
        async (name) => (await scene.savepoint(name === 'saved' ? 'state' : name, `end-of-${name}`)).lineage,
      ),
    )
    expect(new Set(lineages).size).toBe(3)
  })

  test('SP3: begins a state once; the same wish again goes on with it', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    await scene.savepoint('state', 'saved')
    const options = { savepoint: scene.place('saved') }
    scene.stream.push({ key: 'a' })
    await scene.run('branch', options)
    scene.stream.push({ key: 'a' })
    await scene.run('branch', options)
    expect(scene.sink.rows).toEqual([{ key: 'a', count: 3 }])
  })

  test('can be moved: nothing in it says where it lies', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    await scene.savepoint('state', 'saved')
    await scene.host.files.rename('/saved', '/moved')
    scene.stream.push({ key: 'a' })
    await scene.run('branch', { savepoint: scene.place('moved') })
    expect(scene.sink.rows).toEqual([{ key: 'a', count: 2 }])
  })

  test('is no state directory, and a state directory no savepoint', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    await scene.savepoint('state', 'saved')
    await expect(scene.run('saved')).rejects.toMatchObject({ code: 'checkpoint/incompatible' })
    await expect(scene.run('other', { savepoint: scene.place('state') })).rejects.toMatchObject({
      code: 'checkpoint/incompatible',
      what: 'there is no savepoint',
    })
    await expect(scene.savepoint('state', 'saved')).rejects.toThrow('there is a savepoint already')
  })

  test('does not begin a state that has a history', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    await scene.savepoint('state', 'saved')
    await scene.run('other')
    await expect(scene.run('other', { savepoint: scene.place('saved') })).rejects.toThrow(
      'the state directory has a history of its own',
    )
  })

  test('is refused of an epoch that is not kept, or of no job', async () => {
    const scene = new Scene()
    await expect(scene.savepoint('nothing', 'saved')).rejects.toThrow('no epoch of this job is complete')
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    await expect(scene.savepoint('state', 'saved', 9999)).rejects.toThrow('epoch 9999 is not kept')
  })

  test('SP1: is not written of a state that is damaged', async () => {
    const scene = new Scene()
    scene.stream.push({ key: 'a' })
    await scene.run('state')
    const [first] = await scene.place('state').list('state/')
    const path = `/state/${first?.name ?? ''}`
    const file = await scene.host.files.open(path, 'overwrite')
    await file.write(new Uint8Array(20))
    await file.close()
    await expect(scene.savepoint('state', 'saved')).rejects.toMatchObject({ code: 'checkpoint/damaged' })
    expect(await scene.place('saved').read('savepoint')).toBeUndefined()
  })

  test('begins a history that has put nothing out: an output that holds something is in the way', async () => {
    const scene = new Scene()
    const ticks = memoryStream(Row)
    const run = (name: string, options: Partial<JobOptions> = {}): Promise<JobResult> =>
      new Job(pipeline('p', (p) => p.read('rows', ticks).write('out', ndjson('/out'))).build(), {
        host: scene.host,
        mode: 'continuous',
        stopWhenIdleMs: 5,
        state: scene.place(name),
        ...options,
      }).run()
    ticks.push({ key: 'a' })
    await run('state')
    await scene.savepoint('state', 'saved')
    ticks.push({ key: 'b' })
    await expect(run('branch', { savepoint: scene.place('saved') })).rejects.toMatchObject({
      code: 'output/exists',
    })
    const { start } = await run('branch', { savepoint: scene.place('saved'), outputMode: 'append' })
    expect(start).toMatchObject({ kind: 'resume' })
    await run('branch')
  })
  test('is refused where the outputs are to be overwritten, before anything is written', async () => {
    const scene = new Scene()
    const ticks = memoryStream(Row)
    const job = (name: string, options: Partial<JobOptions> = {}): Job =>
      new Job(pipeline('p', (p) => p.read('rows', ticks).write('out', ndjson('/out'))).build(), {
        host: scene.host,
        mode: 'continuous',
        stopWhenIdleMs: 5,
        state: scene.place(name),
        ...options,
      })
    ticks.push({ key: 'a' })
    await job('state').run()
    await scene.savepoint('state', 'saved')
    ticks.push({ key: 'b' })
    const before = await scene.host.files.list('/out')
    const overwriting = { savepoint: scene.place('saved'), outputMode: 'overwrite' } as const
    const refusal = {
      code: 'plan/invalid-argument',
      what: 'a job that begins with a savepoint cannot overwrite its outputs: rows that were put out up to epoch 1 would be gone',
      hint: expect.stringContaining('--output-mode append'),
    }
    await expect(job('branch', overwriting).run()).rejects.toMatchObject(refusal)
    expect((await job('branch', overwriting).check())?.refusals).toMatchObject([refusal])
    expect(await scene.host.files.list('/out')).toEqual(before)
    expect(await scene.host.files.status('/branch')).toBeUndefined()
    // A start that was refused for its output has begun with the savepoint: that changes nothing.
    await expect(job('branch', { savepoint: scene.place('saved') }).run()).rejects.toMatchObject({
      code: 'output/exists',
    })
    await expect(job('branch', { outputMode: 'overwrite' }).run()).rejects.toMatchObject(refusal)
    // With an epoch of its own, the way in which the history began counts.
    await job('branch', { savepoint: scene.place('saved'), outputMode: 'append' }).run()
    const after = await scene.host.files.list('/out')
    expect(after.length).toBeGreaterThan(before.length)
    await job('branch', overwriting).run()
    expect(await scene.host.files.list('/out')).toEqual(after)
  })
})
