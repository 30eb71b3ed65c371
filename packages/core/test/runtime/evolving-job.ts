/** A job whose versions follow each other on one state directory, for tests of what a later one can go on with. */
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memorySink, memoryStream } from '../../src/connect/index.ts'
import type { MemorySink, MemoryStream } from '../../src/connect/index.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { isMillraceError, pipeline, schema, t } from '../../src/index.ts'
import type {
  MillraceError,
  ProcessContext,
  Schema,
  SideSchemas,
  StateTypes,
  Stream,
} from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

export const Row: Schema<Row> = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
export interface Row {
  readonly key: string
  readonly n: number
  readonly at: number
}
export const Told: Schema<Told> = schema({ key: t.string(), says: t.json() })
export type Told = { readonly key: string; readonly says: unknown }

/** A machine on which versions of one job follow each other. */
export class Scene {
  readonly host: Host = { ...createNodeHost(), files: new SimulatedFiles(new SimulatedDisk()) }
  readonly stream: MemoryStream<Row> = memoryStream(Row)
  sink: MemorySink<never> = memorySink()

  get state(): DirectoryStore {
    return new DirectoryStore(this.host, '/state')
  }

  push(...rows: readonly [key: string, n: number, at?: number][]): void {
    for (const [key, n, at = 0] of rows) this.stream.push({ key, n, at })
  }

  async run(
    build: (rows: Stream<Row>) => Stream<never>,
    options: Partial<JobOptions> = {},
  ): Promise<JobResult> {
    this.sink = memorySink()
    const built = pipeline('job', (p) => {
      build(p.read('rows', this.stream, { eventTime: 'at' }) as never).write('out', this.sink as never)
    }).build()
    return this.start(built, options)
  }

  start(built: ConstructorParameters<typeof Job>[0], options: Partial<JobOptions> = {}): Promise<JobResult> {
    return new Job(built, {
      host: this.host,
      mode: 'continuous',
      epochIntervalMs: 5,
      stopWhenIdleMs: 5,
      state: this.state,
      ...options,
    }).run()
  }

  /** Runs a step "keep" with some state; `onRow` gives what is put out. */
  keep<State extends StateTypes>(
    stateTypes: State,
    onRow: (state: ProcessContext<object, Told, State, SideSchemas>['state'], row: Row) => unknown,
    options?: Partial<JobOptions> & { readonly keys?: readonly ('key' | 'n')[] },
  ): Promise<JobResult> {
    const { keys = ['key'], ...job } = options ?? {}
    return this.run(
      (rows) =>
        rows.keyBy('by-key', ...(keys as ['key'])).process('keep', {
          state: stateTypes,
          output: Told,
          onRow: (row, context) =>
            context.emit({ key: row.key, says: (onRow(context.state as never, row) ?? null) as never }),
        }) as never,
      job,
    )
  }

  get said(): unknown[] {
    return (this.sink.rows as readonly Told[]).map(({ says }) => says)
  }

  /** The names of all steps with state in the newest checkpoint. */
  async keptSteps(): Promise<readonly string[]> {
    const entries = await Promise.all(
      (await this.state.list('log/')).map(({ name }) => this.state.read(name)),
    )
    const manifests = entries
      .map(
        (bytes) =>
          Buffer.from(bytes ?? [])
            .toString('utf8')
            .split('\n')[1] ?? '{}',
      )
      .map((text) => JSON.parse(text) as { kind: string; state: { step: string }[] })
      .filter(({ kind }) => kind === 'manifest')
    return [...new Set(manifests.at(-1)?.state.map(({ step }) => step))].toSorted()
  }
}

export async function refusal(run: Promise<unknown>): Promise<MillraceError> {
  try {
    await run
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('it was not refused')
}
