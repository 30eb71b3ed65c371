/** A folder of logs, those who write them, and a job that follows them: for tests of what happens to such files. */
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memorySink } from '../../src/connect/index.ts'
import type { MemorySink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { csv } from '../../src/connect/files/index.ts'
import type { Host } from '../../src/host/host.ts'
import { isMillraceError, pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, StartCheck } from '../../src/runtime/index.ts'
import type { SimulatedNode } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'

interface LogRow {
  readonly n: number
  readonly text: string | null
}

const Row = schema({ n: t.int32(), text: t.string().nullable() })

/** Lines of NDJSON with these numbers, each of about so many bytes. */
export function lines(from: number, to: number, bytes = 60): string {
  return Array.from(
    { length: to - from },
    (_, at) => `{"n":${from + at},"text":"${'x'.repeat(Math.max(0, bytes - 20))}"}\n`,
  ).join('')
}

/** The numbers of such lines. */
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, at) => from + at)

/** How logs are followed. */
export interface LogsOptions {
  readonly meanwhile?: readonly (() => Promise<unknown>)[]
  readonly follow?: 'lines' | 'files'
  readonly lostRows?: 'fail' | 'skip'
  readonly job?: Partial<JobOptions>
  readonly maxRows?: number
  readonly format?: typeof ndjson | typeof csv
}

/** A folder of logs, those who write them, and a job that follows them. */
export class Logs {
  readonly machine: SimulatedMachine = new SimulatedMachine(1)
  readonly notices: string[] = []

  get files(): SimulatedFiles {
    return new SimulatedFiles(this.machine.disk)
  }

  /** Adds to a file, as whoever holds it open does. */
  async append(path: string, text: string): Promise<void> {
    await this.files.makeDirectory('/in')
    const file = await this.files.open(path, 'append')
    await file.write(Buffer.from(text))
    await file.close()
  }

  /** Writes a file over, keeping its identity. */
  async overwrite(path: string, text: string): Promise<void> {
    const file = await this.files.open(path, 'overwrite')
    await file.truncate(0)
    await file.write(Buffer.from(text), 0)
    await file.close()
  }

  /** As `touch -d` and copies that keep times do it. */
  setTime(path: string, modifiedMs: number): void {
    let node: SimulatedNode | undefined = this.machine.disk.root
    for (const name of path.split('/').slice(1))
      node = node?.kind === 'directory' ? node.entries.get(name) : undefined
    if (node !== undefined) node.modifiedMs = modifiedMs
  }

  async read(path: string): Promise<string> {
    const file = await this.files.open(path, 'read')
    const { size } = await file.status()
    const bytes = new Uint8Array(size)
    await file.read(bytes, 0, size, 0)
    await file.close()
    return Buffer.from(bytes).toString()
  }

  /** A copy: another file with the same content. */
  async copy(from: string, to: string): Promise<void> {
    const text = await this.read(from)
    const file = await this.files.open(to, 'create')
    await file.write(Buffer.from(text))
    await file.close()
  }

  /** Follows `path` until nothing comes, and gives the numbers in their order; `meanwhile` happens after what was there was read. */
  async run(path: string, options: LogsOptions = {}): Promise<number[]> {
    const sink = memorySink<LogRow>()
    const { job, host } = this.#job(path, options, sink)
    const happenings = (async () => {
      for (const happening of options.meanwhile ?? []) {
        await new Promise<void>((resolve) => void host.timers.set(100, resolve))
        await happening()
      }
    })()
    await this.machine.run(Promise.all([job.run(), happenings]))
    this.notices.push(...(job.progress().notices ?? []).map(({ text }) => text))
    return sink.rows.map(({ n }) => n).toSorted((a, b) => a - b)
  }

  /** What a start would do. */
  check(path: string, options: LogsOptions = {}): Promise<StartCheck | undefined> {
    return this.machine.run(this.#job(path, options, memorySink<LogRow>()).job.check())
  }

  #job(path: string, options: LogsOptions, sink: MemorySink<LogRow>): { job: Job; host: Host } {
    const { follow = 'lines', lostRows = 'fail', job: more = {}, format = ndjson, maxRows } = options
    const host = this.machine.boot()
    const built = pipeline('following', (p) => {
      const dataset = format(path, { schema: Row, follow, lostRows, pollInterval: '10 ms' })
      p.read('rows', dataset, maxRows === undefined ? {} : { perEpoch: { maxRows } }).write('out', sink)
    }).build()
    const job = new Job(built, {
      host,
      mode: 'continuous',
      ...(more.mode === 'micro-batch' ? {} : { stopWhenIdleMs: 200, epochIntervalMs: 20 }),
      discoverIntervalMs: 10,
      state: new DirectoryStore(host, '/state'),
      ...more,
    })
    return { job, host }
  }

  /** The error of a run. */
  async failure(...args: Parameters<Logs['run']>): Promise<{ code: string; text: string; hint: string }> {
    try {
      const rows = await this.run(...args)
      return { code: 'no error', text: `rows ${rows.join()}`, hint: '' }
    } catch (error) {
      if (isMillraceError(error)) return { code: error.code, text: error.message, hint: error.hint ?? '' }
      throw error
    }
  }
}
