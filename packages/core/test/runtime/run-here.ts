/** Runs pipelines in tests: on the real host, with every knob that must not change an answer. */
import type { Pipeline } from '../../src/index.ts'
import type { EpochLimits } from '../../src/plan/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'

/** A way to run a pipeline. */
export type Way = Partial<JobOptions> & {
  /** For the title of the test. */
  readonly name?: string
  /** For the reads of the pipeline. */
  readonly perEpoch?: EpochLimits
  /** Event time moves in steps of many rows: what looks at it between two rows sees another. */
  readonly isCoarse?: boolean
  /** With a state directory of its own: a batch is run in phases then. */
  readonly inPhases?: boolean
}

/** One run of a pipeline; `build` makes it anew, because its sinks keep rows. */
export async function runHere(
  pipeline: Pipeline,
  { name: _name, perEpoch: _perEpoch, isCoarse: _isCoarse, inPhases = false, ...options }: Way = {},
): Promise<JobResult> {
  const state = inPhases ? { state: new DirectoryStore(createManualHost(), '/state') } : {}
  return new Job(pipeline.build(), { host: createNodeHost(), ...state, ...options }).run()
}

/** Ways to run that give the same answer (law L1). */
export const waysToRun: readonly (Way & { readonly name: string })[] = [
  { name: 'batch', mode: 'batch' },
  { name: 'batch, small batches', mode: 'batch', batchRows: 3 },
  { name: 'batch, three tasks', mode: 'batch', parallelism: 3 },
  { name: 'batch, seven tasks of small batches', mode: 'batch', parallelism: 7, batchRows: 2 },
  { name: 'batch in phases', mode: 'batch', inPhases: true },
  { name: 'batch in phases, two tasks', mode: 'batch', inPhases: true, parallelism: 2 },
  { name: 'batch in phases, small batches', mode: 'batch', inPhases: true, parallelism: 3, batchRows: 2 },
  { name: 'continuous', mode: 'continuous', drain: true, epochIntervalMs: 1 },
  {
    name: 'continuous, three tasks of small batches',
    mode: 'continuous',
    drain: true,
    parallelism: 3,
    batchRows: 5,
    epochIntervalMs: 1,
  },
  ...[
    { parallelism: 1 },
    { parallelism: 1, perEpoch: { maxRows: 1 } },
    { parallelism: 2, perEpoch: { maxRows: 7 }, batchRows: 3 },
    { parallelism: 3, perEpoch: { maxFiles: 1 } },
    { parallelism: 4, perEpoch: { maxRows: 20 } },
  ].map((way) => ({
    ...way,
    name: `micro-batch ${JSON.stringify(way)}`,
    mode: 'micro-batch' as const,
    trigger: { kind: 'available-now' as const },
    isCoarse: way.perEpoch?.maxRows !== 1,
  })),
]

/** Rows in an order of their own, for comparing what may come in any order. */
export function sorted(rows: readonly object[]): string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}
