// A micro-batch that was planned and not finished, and whose source is another one at the next start, with --drop-state.
import { describe, expect, it } from 'vitest'
import { pipeline, schema, t } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memorySink, memoryStream } from '../../src/connect/index.ts'
import type { MemorySink, Source } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { tickingHost } from './ticking-host.ts'

const Row = schema({ n: t.int32() })
type Row = { readonly n: number }

class Scene {
  readonly host: ManualHost = tickingHost()

  run(source: Source<Row>, sink: MemorySink<Row>, options: Partial<JobOptions> = {}): Promise<JobResult> {
    const built = pipeline('copying', (p) => {
      p.read('rows', source).write('out', sink)
    }).build()
    const usual = { mode: 'micro-batch', trigger: { kind: 'available-now' } } as const
    return new Job(built, { host: this.host, state: this.place(), ...usual, ...options }).run()
  }

  place(): DirectoryStore {
    return new DirectoryStore(this.host, 'state')
  }

  /** A place that fails when the plan of epoch 2 stands and its manifest is to be written. */
  failing(): DirectoryStore {
    const state = this.place()
    const create = state.create.bind(state)
    state.create = async (name, bytes) => {
      if (/"kind":"manifest".*"epoch":2,/.test(Buffer.from(bytes).toString()))
        throw new Error('the disk is full')
      return create(name, bytes)
    }
    return state
  }
}

function stream(...numbers: readonly number[]): ReturnType<typeof memoryStream<Row>> {
  const made = memoryStream(Row)
  made.push(...numbers.map((n) => ({ n })))
  return made
}

describe('a source whose state is given up while an epoch waits to be carried out again', () => {
  it.each([1, 5])('is read from its beginning, with %i rows in the new one', async (count) => {
    const scene = new Scene()
    const numbers = Array.from({ length: count }, (_, n) => n + 100)
    const old = stream(1, 2, 3)
    await scene.run(old, memorySink<Row>())
    old.push({ n: 4 })
    await expect(scene.run(old, memorySink<Row>(), { state: scene.failing() })).rejects.toThrow(
      'the disk is full',
    )
    scene.host.files.put('in/a.ndjson', numbers.map((n) => `{"n":${n}}\n`).join(''))
    const sink = memorySink<Row>()
    await scene.run(ndjson('in', { schema: Row }).toSource(), sink, { dropState: ['rows'] })
    expect(sink.rows.map(({ n }) => n)).toEqual(numbers)
  })

  it('is read from its beginning, where a stream takes the place of files', async () => {
    const scene = new Scene()
    const put = (folder: string, name: string, ...n: readonly number[]): void =>
      scene.host.files.put(`${folder}/${name}`, n.map((one) => `{"n":${one}}\n`).join(''))
    const files = (path: string): Source<Row> => ndjson(path, { schema: Row }).toSource()
    put('in', 'a.ndjson', 1, 2)
    await scene.run(files('in'), memorySink<Row>())
    put('in', 'b.ndjson', 3)
    await expect(scene.run(files('in'), memorySink<Row>(), { state: scene.failing() })).rejects.toThrow(
      'the disk is full',
    )
    const sink = memorySink<Row>()
    await scene.run(stream(7, 8), sink, { dropState: ['rows'] })
    expect(sink.rows.map(({ n }) => n)).toEqual([7, 8])
  })
})
