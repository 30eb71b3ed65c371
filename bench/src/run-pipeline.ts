/** Runs a pipeline to its end through the public doors, as a program would. */
import type { Pipeline } from 'millrace'
import { createNodeHost } from 'millrace/host'
import { Job } from 'millrace/runtime'
import type { JobOptions, JobProgress } from 'millrace/runtime'

/** What the run did. */
export async function runPipeline(pipeline: Pipeline, options?: Partial<JobOptions>): Promise<JobProgress> {
  const job = new Job(pipeline.build(), { host: createNodeHost(), ...options })
  const { progress } = await job.run()
  return progress
}
