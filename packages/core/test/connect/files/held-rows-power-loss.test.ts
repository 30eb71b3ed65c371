// L2, for output of files: a machine that loses its power after every single operation on files, and again at random
// after that. Whatever is there afterwards, every row that a standing epoch has taken over shows once in the end.
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { schema, t } from '../../../src/data/builder.ts'
import type { Json } from '../../../src/data/type.ts'
import { ndjson, parquet } from '../../../src/connect/files/index.ts'
import type { FileOptions } from '../../../src/connect/files/index.ts'
import type { OpenSink, OutputMode, SinkWriter } from '../../../src/connect/sink.ts'
import type { Files, Host } from '../../../src/host/host.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { SimulatedDisk } from '../../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../../src/testing/simulated-files.ts'
import {
  isPowerLost,
  noLie,
  overlay,
  randomOf,
  withoutDirectorySync,
  withoutFileSync,
} from '../../testing/crashes.ts'
import type { Lie } from '../../testing/crashes.ts'
import { readSource } from './file-fixtures.ts'

const Row = schema({ n: t.int32(), part: t.string(), text: t.string() })
interface RowType {
  readonly n: number
  readonly part: string
  readonly text: string
}
const row = (n: number): RowType => ({ n, part: `p${n % 3}`, text: 'x'.repeat(30 + (n % 7)) })

const EPOCHS = 5
const ROWS = 60
const STEP_ROWS = 2
/** Numbers of the older output that a run overwrites. */
const OLD = [1000, 1001, 1002]

interface Case {
  readonly format: 'ndjson' | 'parquet'
  readonly options: FileOptions<RowType>
  readonly outputMode: OutputMode
  readonly tasks: readonly number[]
}

/** Files that cannot have two names. */
const withoutLinks: Lie = (files) =>
  overlay(files, {
    link: async () => {
      throw Object.assign(new Error('ENOTSUP: link'), { code: 'ENOTSUP' })
    },
  })

/** A process of the machine: every start is another one, and all before it are dead. */
function hostOf(files: Files, pid: number): Host {
  const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
  return {
    ...createNodeHost(),
    files,
    processes: {
      self: () => Promise.resolve(self),
      state: (of) => Promise.resolve(of.pid === pid ? 'alive' : 'dead'),
    },
  }
}

/** A job over all its attempts. What its log would keep is kept here, and never lost. */
class JobLife {
  readonly disk = new SimulatedDisk()
  readonly #case: Case
  readonly #lie: Lie
  #attempts = 0
  #epoch = 0
  #cut = 0
  #newest: readonly Json[] = []
  #owed: readonly (readonly Json[])[] = []
  #finished = false

  constructor(of: Case, lie: Lie) {
    this.#case = of
    this.#lie = lie
  }

  /** Another job has written here before. */
  async before(): Promise<void> {
    if (this.#case.outputMode !== 'overwrite') return
    const sink = await this.#sink(new SimulatedFiles(this.disk), {
      lineage: 'old',
      attempt: 1,
      resumable: false,
    })
    const writer = await sink.writer(0)
    await writer.write(batchOfRows(Row, OLD.map(row)))
    writer.seal(1, { final: true })
    await sink.commit(listOf(await writer.prepare(1)))
    await writer.close()
    await sink.close()
    this.disk.restart(() => 0)
  }

  /** One attempt, to its end or until the power is lost: true when it came to its end. */
  async attempt(): Promise<boolean> {
    try {
      await this.#run()
      return true
    } catch (error) {
      if (!isPowerLost(error)) throw error
      return false
    }
  }

  async #run(): Promise<void> {
    const files = this.#lie(new SimulatedFiles(this.disk))
    const { tasks } = this.#case
    const attempt = ++this.#attempts
    const sink = await this.#sink(files, {
      lineage: 'job',
      attempt,
      resumable: true,
      resumed: this.#epoch > 0,
    })
    await sink.sweep([...this.#owed.flat(), ...this.#newest])
    await this.#deliver(sink)
    if (!this.#finished) await this.#epochs(sink, tasks[(attempt - 1) % tasks.length] as number)
    await sink.finish()
    await sink.sweep(this.#newest)
    await sink.close()
  }

  async #epochs(sink: OpenSink, tasks: number): Promise<void> {
    const writers: SinkWriter[] = []
    for (let task = 0; task < tasks; task++)
      writers.push(
        await sink.writer(
          task,
          this.#newest.filter((_, index) => index % tasks === task),
        ),
      )
    let next = this.#cut
    const write = async (): Promise<void> => {
      for (const writer of writers) {
        const numbers = Array.from({ length: Math.min(STEP_ROWS, ROWS - next) }, (_, n) => next + n)
        await writer.write(batchOfRows(Row, numbers.map(row)))
        next += numbers.length
      }
    }
    for (let number = 1; number <= EPOCHS; number++) {
      await write()
      const final = number === EPOCHS
      while (final && next < ROWS) await write()
      const cut = next
      const epoch = this.#epoch + 1
      for (const writer of writers) writer.seal(epoch, { final })
      const answers = Promise.all(writers.map((writer) => writer.prepare(epoch)))
      // Rows go on while the epoch is prepared.
      const [written, committables] = await Promise.allSettled([final ? undefined : write(), answers])
      if (written.status === 'rejected') throw written.reason
      if (committables.status === 'rejected') throw committables.reason
      this.#epoch = epoch
      this.#cut = cut
      this.#newest = JSON.parse(JSON.stringify(committables.value.flatMap(listOf))) as Json[]
      this.#owed = [...this.#owed, this.#newest]
      this.#finished = final
      // Now and then two epochs wait to be delivered.
      if (final || epoch % 3 !== 1) await this.#deliver(sink)
      // Now and then older epochs are given up.
      if (epoch % 2 === 0) await sink.sweep([...this.#owed.flat(), ...this.#newest])
    }
    for (const writer of writers) await writer.close()
  }

  async #deliver(sink: OpenSink): Promise<void> {
    for (const committables of this.#owed) {
      for (const outcome of await sink.commit(committables)) {
        if (outcome.kind === 'retry') throw outcome.cause
        if (outcome.kind === 'lost') throw new Error(outcome.reason)
      }
    }
    this.#owed = []
  }

  #sink(
    files: Files,
    context: { lineage: string; attempt: number; resumable: boolean; resumed?: boolean },
  ): Promise<OpenSink> {
    return this.dataset().toSink().open({
      host: hostOf(files, this.#attempts), schema: Row, step: 'write', bounded: false,
      outputMode: this.#case.outputMode, ...context,
    }) // prettier-ignore
  }

  dataset() {
    const { format, options } = this.#case
    const given = { schema: Row, ...options }
    return format === 'ndjson' ? ndjson<RowType>('/data/out', given) : parquet<RowType>('/data/out', given)
  }

  /** Numbers of the rows that a reader finds. */
  async visible(): Promise<number[]> {
    const files = new SimulatedFiles(this.disk)
    if (!(await hasFiles(files, '/data/out'))) return []
    const rows = (await readSource(hostOf(files, 0), this.dataset().toSource())) as RowType[]
    const other = rows.find((found) => JSON.stringify(found) !== JSON.stringify(row(found.n)))
    if (other !== undefined) throw new Error(`a row shows that nobody wrote: ${JSON.stringify(other)}`)
    return rows.map(({ n }) => n).toSorted((a, b) => a - b)
  }

  /** What is wrong with what a reader finds while the job is not at its end. */
  async fault(): Promise<string | undefined> {
    const found = await this.visible()
    if (new Set(found).size < found.length) return `rows show twice: ${String(found)}`
    const early = found.filter((n) => n >= this.#cut && !OLD.includes(n))
    if (early.length > 0) return `rows of no epoch show: ${String(early)}`
    const isOldWhole = this.#case.outputMode !== 'overwrite' || OLD.every((n) => found.includes(n))
    if (!isOldWhole && !this.#finished) return 'what is overwritten goes before the new is there'
    return undefined
  }

  /** Names that are left where nobody looks. */
  async staged(): Promise<readonly string[]> {
    const files = new SimulatedFiles(this.disk)
    const status = await files.status('/data/out/_staged')
    return status === undefined ? [] : (await files.list('/data/out/_staged')).map(({ name }) => name)
  }
}

async function hasFiles(files: Files, folder: string): Promise<boolean> {
  if ((await files.status(folder)) === undefined) return false
  for (const { name, kind } of await files.list(folder)) {
    if (/^[._]/.test(name)) continue
    if (kind === 'file' || (await hasFiles(files, `${folder}/${name}`))) return true
  }
  return false
}

function listOf(committable: Json | undefined): Json[] {
  return committable === undefined ? [] : [committable]
}

const wanted = Array.from({ length: ROWS }, (_, n) => n)

/** Everything that is wrong, over all points at which the first attempt can end. */
async function crashEverywhere(
  of: Case,
  { lie, seeds, stride }: { readonly lie: Lie; readonly seeds: number; readonly stride: number },
): Promise<{ readonly faults: readonly string[]; readonly points: number }> {
  const whole = new JobLife(of, lie)
  await whole.before()
  const start = whole.disk.operations
  await whole.attempt()
  const points = whole.disk.operations - start
  const faults: string[] = []
  if ((await whole.visible()).join() !== wanted.join()) faults.push('a run without a crash is wrong')
  if ((await whole.staged()).length > 0) faults.push('a run without a crash leaves staged files')
  for (let point = 0; point < points; point += stride) {
    for (let seed = 1; seed <= seeds; seed++) {
      const choose = randomOf(point * 31 + seed)
      const life = new JobLife(of, lie)
      try {
        await life.before()
        // The last seed kills the process first and leaves the machine its power: what the next one finds there it has
        // not made, and the power goes behind that.
        for (const [at, loss] of [point, choose(points), choose(points * 2)].entries()) {
          life.disk.losePowerAfter(loss)
          await life.attempt()
          if (seed === seeds && at === 0) life.disk.killAll()
          else life.disk.restart(choose)
          const fault = await life.fault()
          if (fault !== undefined) throw new Error(fault)
        }
        if (!(await life.attempt())) throw new Error('the last attempt has no end')
        const found = await life.visible()
        if (found.join() !== wanted.join()) throw new Error(`in the end ${found.join()} show`)
        const left = (await life.staged()).filter((name) => !name.endsWith('.draft'))
        if (left.length > 0) throw new Error(`staged files are left: ${left.join()}`)
        // Of what was answered for nothing is on its way to the disk any more.
        life.disk.restart(() => 0)
        const kept = await life.visible()
        if (kept.join() !== wanted.join()) throw new Error(`behind the end ${kept.join()} show`)
      } catch (error) {
        faults.push(`after ${point} of ${points}, seed ${seed}: ${String(error)}`)
      }
    }
  }
  return { faults, points }
}

const small = { size: 150 }
const large = { size: 1_000_000 }

describe('a partition folder that a killed attempt has made', () => {
  it('is there with its rows once a later attempt has committed, when the power goes then', async () => {
    const outcomes = new Set<string>()
    for (let killedAfter = 0; !outcomes.has('not killed'); killedAfter++) {
      const disk = new SimulatedDisk()
      const open = (attempt: number): Promise<OpenSink> => {
        const host = hostOf(new SimulatedFiles(disk), attempt)
        const options = { schema: Row, partitionBy: ['part'] } as const
        return ndjson<RowType>('/data/out', options).toSink().open({
          host, schema: Row, step: 's', outputMode: 'refuse', lineage: 'job', attempt, bounded: false,
          resumable: true, resumed: attempt > 1,
        }) // prettier-ignore
      }
      const sink = await open(1)
      const writer = await sink.writer(0)
      await writer.write(batchOfRows(Row, [0, 1, 2].map(row)))
      writer.seal(1, { final: true })
      const committables = listOf(await writer.prepare(1))
      disk.losePowerAfter(killedAfter)
      const outcome = await sink.commit(committables).then(
        ([answer]) => (answer?.kind === 'committed' ? 'not killed' : 'killed'),
        (error: unknown) => (isPowerLost(error) ? 'killed' : String(error)),
      )
      outcomes.add(outcome)
      disk.killAll()
      const next = await open(2)
      await next.sweep(committables)
      expect((await next.commit(committables))[0]?.kind).toMatch(/committed/)
      disk.restart(() => 0)
      const source = ndjson<RowType>('/data/out', { schema: Row }).toSource()
      const rows = (await readSource(hostOf(new SimulatedFiles(disk), 0), source)) as RowType[]
      expect({ killedAfter, rows: rows.map(({ n }) => n).toSorted((a, b) => a - b) }).toEqual({
        killedAfter,
        rows: [0, 1, 2],
      })
    }
    expect([...outcomes].toSorted()).toEqual(['killed', 'not killed'])
  })
})

describe('rows of files that are rolled by size, wherever the power is lost', () => {
  it.each<readonly [string, number, Case]>([
    ['small files', 3, { format: 'ndjson', options: { roll: small }, outputMode: 'refuse', tasks: [1] }],
    ['large files', 1, { format: 'ndjson', options: { roll: large }, outputMode: 'refuse', tasks: [1] }],
    ['partitions', 13, { format: 'ndjson', options: { roll: { size: 250 }, partitionBy: ['part'], openFilesMax: 2 }, outputMode: 'refuse', tasks: [2, 1, 3] }],
    ['overwritten output', 7, { format: 'ndjson', options: { roll: small }, outputMode: 'overwrite', tasks: [1, 2] }],
    ['overwritten partitions of Parquet', 11, { format: 'parquet', options: { roll: large, partitionBy: ['part'] }, outputMode: 'overwrite', tasks: [2, 1] }],
  ])('show once: %s', { timeout: 120_000 }, async (_, stride, of) => {
    const { faults, points } = await crashEverywhere(of, { lie: noLie, seeds: 2, stride })
    expect(faults).toEqual([])
    expect(points).toBeGreaterThan(40)
  }) // prettier-ignore

  it.each<readonly [string, Lie]>([
    ['that do not sync', withoutFileSync],
    ['whose directories do not sync', withoutDirectorySync],
    // Here a rename from one folder to another is two changes.
    ['without second names', withoutLinks],
  ])('are seen to be lost on files %s', async (_, lie) => {
    const of: Case = { format: 'ndjson', options: { roll: small }, outputMode: 'refuse', tasks: [1] }
    const { faults } = await crashEverywhere(of, { lie, seeds: 2, stride: 5 })
    expect(faults.length).toBeGreaterThan(0)
  })
})
