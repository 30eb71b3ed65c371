// Starts that are refused, or find nothing to do, leave nothing behind that they have made.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import { DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import type { Sink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { scriptedSink } from './scripted-connectors.ts'
import { tickingHost } from './ticking-host.ts'

const Row = schema({ n: t.int32() })
const rows = Array.from({ length: 200 }, (_, n) => ({ n }))

class Scene {
  readonly host: ManualHost = tickingHost()

  place(name = 'state'): DirectoryStore {
    return new DirectoryStore(this.host, name)
  }

  run(outputs: readonly Sink<never>[], options: Partial<JobOptions> = {}): Promise<JobResult> {
    const built = pipeline('copying', (p) => {
      const read = p.read('rows', memoryRows(Row, rows))
      for (const [at, output] of outputs.entries()) read.write(`out-${at}`, output as Sink)
    }).build()
    const usual = { mode: 'continuous', epochIntervalMs: 15, batchRows: 4, state: this.place() } as const
    return new Job(built, { host: this.host, ...usual, ...options }).run()
  }

  /** Runs until the place of checkpoints fails, with rows in open files. */
  async failing(...outputs: readonly Sink<never>[]): Promise<void> {
    const state = this.place()
    const create = state.create.bind(state)
    let entries = 0
    state.create = async (name, bytes) => {
      if (++entries === 8) throw new Error('the disk is full')
      return create(name, bytes)
    }
    const failure: unknown = await this.run(outputs, { state }).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (failure === undefined) throw new Error('the run came to its end')
  }

  async isThere(folder: string): Promise<boolean> {
    return (await this.host.files.status(folder)) !== undefined
  }
}

const files = (folder: string, roll?: 'epoch'): Sink<never> =>
  ndjson(folder, roll === undefined ? {} : { roll }) as never

describe('a start that is refused', () => {
  it('because an output moved leaves no folder where the output is now', async () => {
    const scene = new Scene()
    await scene.failing(files('out'))
    for (const outputMode of ['refuse', 'append', 'overwrite'] as const) {
      await expect(scene.run([files('deep/elsewhere')], { outputMode })).rejects.toMatchObject({
        code: 'checkpoint/incompatible',
        what: expect.stringContaining('is now at deep/elsewhere'),
      })
      expect(await scene.isThere('deep')).toBe(false)
    }
    // Nothing of the rows in hand was touched.
    await scene.run([files('out')])
    const shown = scene.host.files.paths('out').filter((path) => path.endsWith('.ndjson'))
    const numbers = shown.flatMap((path) =>
      Buffer.from(scene.host.files.get(path) as Uint8Array)
        .toString()
        .split('\n')
        .slice(0, -1),
    )
    expect(numbers).toHaveLength(rows.length)
  })

  it('behind its sweep leaves the record that says whose the rows in hand are', async () => {
    const scene = new Scene()
    await scene.failing(files('out'))
    const staged = (ending: string): string[] =>
      scene.host.files.paths('out/_staged').filter((path) => path.endsWith(ending))
    expect([staged('.journal').length, staged('.owner').length]).toEqual([expect.any(Number), 1])
    const away: Sink = {
      ...scriptedSink(),
      open: async (context) => ({
        ...(await scriptedSink().open(context)),
        sweep: () => Promise.reject(new Error('away')),
      }),
    }
    await expect(scene.run([files('out'), away as never])).rejects.toThrow('away')
    expect(staged('.journal').length).toBeGreaterThan(0)
    const [owner = ''] = staged('.owner')
    expect(JSON.parse(Buffer.from(scene.host.files.get(owner) ?? []).toString())).toMatchObject({
      process: null,
      resumable: true,
    })
  })

  it.each(['refuse', 'overwrite'] as const)(
    'because of one output leaves no folders of the others, with output mode %s',
    async (outputMode) => {
      const scene = new Scene()
      scene.host.files.put('taken/notes.txt', 'mine')
      const outputs = [files('new/one'), files('taken')]
      await expect(scene.run(outputs, { outputMode })).rejects.toMatchObject({ code: 'output/exists' })
      expect(await scene.isThere('new')).toBe(false)
      expect(scene.host.files.paths('taken')).toEqual(['/taken/notes.txt'])
    },
  )

  it('and was to overwrite overwrites later what was there when it did begin', async () => {
    const scene = new Scene()
    await scene.run([files('old')], { mode: 'batch', state: scene.place('first') })
    const [old = ''] = scene.host.files.paths('old').filter((path) => path.endsWith('.ndjson'))
    const outputs = [files('old'), scriptedSink({ open: () => Promise.reject(new Error('away')) }) as never]
    await expect(scene.run(outputs, { outputMode: 'overwrite' })).rejects.toThrow('away')
    expect(scene.host.files.paths('old')).toEqual([old])
    scene.host.files.put('old/part-000001-0000-0000-abcdefabcdef.ndjson', '{"n":1}\n')
    await scene.run([files('old'), scriptedSink() as never], { outputMode: 'overwrite' })
    const left = scene.host.files.paths('old').filter((path) => path.endsWith('.ndjson'))
    expect(left).not.toContain(old)
    expect(left.filter((path) => path.includes('abcdefabcdef'))).toEqual([])
  })

  it('because a batch begins with the savepoint of a run leaves the new state directory empty', async () => {
    const scene = new Scene()
    await scene.run([files('out', 'epoch')])
    await writeSavepoint(scene.place(), scene.place('saved'), { checks: scene.host.bytes })
    const options = { state: scene.place('new'), savepoint: scene.place('saved') }
    await expect(scene.run([files('other')], { ...options, mode: 'batch' })).rejects.toMatchObject({
      what: 'a batch run cannot go on with the state of a continuous run',
    })
    expect(await scene.isThere('new')).toBe(false)
    expect(await scene.isThere('other')).toBe(false)
    await scene.run([files('other')], options)
    expect(await scene.isThere('other')).toBe(true)
  })
})

describe('a start that finds nothing to do', () => {
  it.each(['batch', 'continuous'] as const)('makes no new output folder, with mode %s', async (mode) => {
    const scene = new Scene()
    await scene.run([files('out')], { mode })
    const { start } = await scene.run([files('new')], { mode })
    expect(start?.kind).toBe('ended')
    expect(await scene.isThere('new')).toBe(false)
  })
})
