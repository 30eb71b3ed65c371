// The newest entries of the log are gone, by hand or by a bad backup: outputs that stand already are not put out again.
import { describe, expect, test } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { isMillraceError, pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'

const Row = schema({ n: t.int32() })

/** A job that copies numbers from files to files, one epoch after the other. */
class Copying {
  readonly machine: SimulatedMachine = new SimulatedMachine(1)
  #added = 0

  get files(): SimulatedFiles {
    return new SimulatedFiles(this.machine.disk)
  }

  async add(): Promise<void> {
    await this.files.makeDirectory('/in')
    const file = await this.files.open(`/in/${this.#added}.ndjson`, 'create')
    await file.write(Buffer.from(`{"n":${this.#added++}}\n`))
    await file.close()
  }

  async run(options: Partial<JobOptions> = {}): Promise<void> {
    const host = this.machine.boot()
    const built = pipeline('copying', (p) => {
      p.read('rows', ndjson('/in', { schema: Row, pollInterval: '10 ms' })).write(
        'out',
        ndjson('/out', { roll: 'epoch' }),
      )
    }).build()
    const job = new Job(built, {
      host,
      mode: 'continuous',
      stopWhenIdleMs: 60,
      epochIntervalMs: 20,
      discoverIntervalMs: 10,
      state: new DirectoryStore(host, '/state'),
      ...options,
    })
    await this.machine.run(job.run())
  }

  /** The error of a run, with its hint; undefined: it ended well. */
  async failure(options: Partial<JobOptions> = {}): Promise<{ code: string; text: string } | undefined> {
    try {
      await this.run(options)
      return undefined
    } catch (error) {
      if (!isMillraceError(error)) throw error
      return { code: error.code, text: `${error.message} ${error.hint ?? ''}` }
    }
  }

  async shown(): Promise<number[]> {
    const numbers: number[] = []
    for (const { name, kind } of await this.files.list('/out')) {
      if (kind !== 'file') continue
      const bytes = new Uint8Array(1000)
      const file = await this.files.open(`/out/${name}`, 'read')
      const count = await file.read(bytes, 0, bytes.length, 0)
      await file.close()
      const lines = Buffer.from(bytes.subarray(0, count)).toString().trim().split('\n')
      numbers.push(...lines.map((line) => (JSON.parse(line) as { n: number }).n))
    }
    return numbers.toSorted((a, b) => a - b)
  }

  /** Takes the newest entries of the log away; gives how many are left. */
  async loseEntries(count: number): Promise<number> {
    const entries = (await this.files.list('/state/log')).map(({ name }) => name).toSorted()
    for (const name of entries.slice(entries.length - count)) await this.files.remove(`/state/log/${name}`)
    return entries.length - count
  }
}

async function copied(): Promise<Copying> {
  const copying = new Copying()
  for (let run = 0; run < 3; run++) {
    await copying.add()
    await copying.run()
  }
  expect(await copying.shown()).toEqual([0, 1, 2])
  return copying
}

describe('a log that has lost its newest entries', () => {
  test('stops the job before anything comes twice, however many they are', async () => {
    let stopped = 0
    for (let count = 1; ; count++) {
      const copying = await copied()
      const left = await copying.loseEntries(count)
      if (left <= 0) break
      const failure = await copying.failure()
      expect(await copying.shown()).toEqual([0, 1, 2])
      if (failure === undefined) continue
      stopped++
      expect(failure.code).toBe('checkpoint/lost-epochs')
    }
    expect(stopped).toBeGreaterThan(3)
  })

  test('says the ways on, and each of them works', async () => {
    const lose = async (): Promise<{ copying: Copying; text: string }> => {
      for (let count = 1; ; count++) {
        const copying = await copied()
        expect(await copying.loseEntries(count)).toBeGreaterThan(0)
        const failure = await copying.failure()
        if (failure !== undefined) return { copying, text: failure.text }
      }
    }
    const { copying, text } = await lose()
    const [, shown, standing] =
      /rows of epoch (\d+), and the newest epoch of the checkpoint log is (\d+)/.exec(text) ?? []
    expect(Number(shown)).toBeGreaterThan(Number(standing))
    expect(text).toMatch(/restore the state directory, as a whole, from a copy/)
    // Taking away what the later epochs show.
    expect(text).toMatch(/"part-\d+-\d+-\d+-[0-9a-f]{12}\.ndjson" in "\/out"[^]*remove it and start again/)
    const [, name] = /"(part-[^"]+)"/.exec(text) ?? []
    await copying.files.remove(`/out/${name}`)
    expect(await copying.failure()).toBeUndefined()
    expect(await copying.shown()).toEqual([0, 1, 2])

    // Putting them out a second time.
    const other = await lose()
    const [, from] = /--from (\d+)/.exec(other.text) ?? []
    expect(await other.copying.failure({ from: Number(from) })).toBeUndefined()
    expect(await other.copying.shown()).toEqual([0, 1, 2, 2])
  })
})
