/** The quickstart: three million flights by airport and hour, as `npm start` runs it, in this process. */
import type { Pipeline } from 'millrace'
import { createNodeHost } from 'millrace/host'
import { Job } from 'millrace/runtime'
import { outputPath } from '../bench-folder.ts'
import type { BenchCase, CaseRun } from '../case.ts'

/** The pipeline of the example, loaded as the command line loads it where Node does not strip types. */
async function flightDelays(): Promise<Pipeline> {
  const { register } = await import('tsx/esm/api')
  register()
  const example = '@millrace-examples/flight-delays/index.ts'
  return ((await import(example)) as { readonly default: Pipeline }).default
}

async function quickstart(): Promise<CaseRun> {
  const pipeline = await flightDelays()
  const built = pipeline.build({ set: { output: outputPath('quickstart') } })
  const { progress } = await new Job(built, { host: createNodeHost(), outputMode: 'overwrite' }).run()
  return {
    units: progress.rowsIn,
    rowsOut: progress.rowsOut,
    extra: {
      startSeconds: process.uptime() - progress.elapsedMs / 1000,
      runSeconds: progress.elapsedMs / 1000,
    },
  }
}

export const quickstartCases: readonly BenchCase[] = [
  {
    name: 'quickstart',
    about: 'the quickstart over 3 M flights, Parquet in and out',
    unit: 'rows',
    fixed: true,
    goal: 3 / 4,
    run: quickstart,
  },
]
