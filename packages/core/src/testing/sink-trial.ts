/**
 * A sink on trial: a target, and a job that does to it what the engine does. Used by the suites of sinks.
 */
import { batchOfRows } from '../data/batch-builder.ts'
import type { Json, Schema } from '../data/type.ts'
import type { Host } from '../host/host.ts'
import type { CommitOutcome, EpochId, OpenSink, Sink, SinkContext, SinkWriter } from '../connect/sink.ts'
import type { TestTools } from './conformance.ts'

/** A sink with an empty target, freshly set up for one test. */
export interface SinkSubject {
  readonly host: Host
  /** A sink on the target; called again for what another process would do. */
  sink(): Sink
  readonly schema: Schema
  /** Row number `n`; rows of different numbers differ. */
  row(n: number): object
  /** What is visible at the target, in any order; undefined: the sink cannot be read back. */
  readonly visible: (() => Promise<readonly object[]>) | undefined
  /** What runs of the subject have besides. */
  readonly context?: Pick<SinkContext, 'store'>
  cleanup?(): Promise<void>
}

/** The job on trial. */
const LINEAGE = '00000000aaaaaaaa'
/** Another job. */
export const OTHER_LINEAGE = '11111111bbbbbbbb'

/** What a run differs in. */
export type RunOptions = Partial<Omit<SinkContext, 'host' | 'schema' | 'step'>>

/** A job over a subject, with what tests do to it. */
export class SinkTrial {
  readonly subject: SinkSubject
  readonly #tools: TestTools

  constructor(subject: SinkSubject, tools: TestTools) {
    this.subject = subject
    this.#tools = tools
  }

  open(options: RunOptions = {}): Promise<OpenSink> {
    const { host, schema } = this.subject
    return this.subject.sink().open({
      host,
      schema,
      step: 'write',
      outputMode: 'refuse',
      lineage: LINEAGE,
      attempt: 1,
      bounded: true,
      ...this.subject.context,
      ...options,
    })
  }

  async write(writer: SinkWriter, numbers: readonly number[]): Promise<void> {
    await writer.write(
      batchOfRows(
        this.subject.schema,
        numbers.map((n) => this.subject.row(n)),
      ),
    )
  }

  /** An attempt that prepares an epoch per list of rows and is never heard of again. */
  async prepareAndCrash(epochs: readonly (readonly number[])[]): Promise<Json[]> {
    const run = await this.open()
    const writer = await run.writer(0)
    const committables: Json[] = []
    for (const [index, numbers] of epochs.entries()) {
      await this.write(writer, numbers)
      committables.push(...list(await prepareEpoch(writer, index + 1, { final: false })))
    }
    return JSON.parse(JSON.stringify(committables)) as Json[]
  }

  async runWhole(
    numbers: readonly number[],
    options: RunOptions & { readonly epoch?: number },
  ): Promise<void> {
    const { epoch = 1, ...context } = options
    const run = await this.open(context)
    await run.sweep([])
    const writer = await run.writer(0)
    await this.write(writer, numbers)
    await run.commit(list(await prepareEpoch(writer, epoch, { final: true })))
    await writer.close()
    await run.finish()
    await run.close()
  }

  async expectVisible(numbers: readonly number[]): Promise<void> {
    if (this.subject.visible === undefined) return
    const visible = (await this.subject.visible()).map((row) => JSON.stringify(row)).sort()
    this.#tools.expect(visible).toEqual(numbers.map((n) => JSON.stringify(this.subject.row(n))).sort())
  }
}

/** Committables that there are. */
export function list(committable: Json | undefined): Json[] {
  return committable === undefined ? [] : [committable]
}

/** Outcomes in short. */
export function kinds(outcomes: readonly CommitOutcome[]): string[] {
  return outcomes.map(({ kind }) => kind)
}

/** Ends an epoch while nothing else happens. */
export async function prepareEpoch<Committable extends Json>(
  writer: SinkWriter<Committable>,
  epoch: EpochId,
  options: { readonly final: boolean },
): Promise<Committable | undefined> {
  writer.seal(epoch, options)
  return writer.prepare(epoch)
}
