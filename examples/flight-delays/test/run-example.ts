/** Runs the example in this process. */
import { createNodeHost } from 'millrace/host'
import { Job } from 'millrace/runtime'
import type { JobOptions, JobResult } from 'millrace/runtime'
import flightDelays from '../index.ts'

/** Runs it with these options of the pipeline; output that is there is replaced. */
export async function runExample(
  set: { readonly [name: string]: string | number },
  options: Omit<JobOptions, 'host'> = {},
): Promise<JobResult> {
  const host = createNodeHost()
  const job = new Job(flightDelays.build({ set }), { outputMode: 'overwrite', ...options, host })
  return job.run()
}
