/** Runs pipelines in tests: on the real host, with every knob that must not change an answer. */
import type { Pipeline } from '../../src/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'

/** One run of a pipeline; `build` makes it anew, because its sinks keep rows. `name` is for the title of the test. */
export async function runHere(
  pipeline: Pipeline,
  { name: _name, ...options }: Partial<JobOptions> & { readonly name?: string } = {},
): Promise<JobResult> {
  return new Job(pipeline.build(), { host: createNodeHost(), ...options }).run()
}

/** Ways to run that give the same answer (law L1). */
export const waysToRun: readonly (Partial<JobOptions> & { readonly name: string })[] = [
  { name: 'batch', mode: 'batch' },
  { name: 'batch, small batches', mode: 'batch', batchRows: 3 },
  { name: 'batch, three tasks', mode: 'batch', parallelism: 3 },
  { name: 'batch, seven tasks of small batches', mode: 'batch', parallelism: 7, batchRows: 2 },
  { name: 'continuous', mode: 'continuous', drain: true, epochIntervalMs: 1 },
  {
    name: 'continuous, three tasks of small batches',
    mode: 'continuous',
    drain: true,
    parallelism: 3,
    batchRows: 5,
    epochIntervalMs: 1,
  },
]

/** Rows in an order of their own, for comparing what may come in any order. */
export function sorted(rows: readonly object[]): string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}
