/** The quickstart: three million flights by airport and hour, as `npm start` runs it, in this process. */
import flightDelays from '@millrace-examples/flight-delays'
import { createNodeHost } from 'millrace/host'
import { Job } from 'millrace/runtime'
import { outputPath } from '../bench-folder.ts'
import type { BenchCase } from '../case.ts'

export const quickstartCases: readonly BenchCase[] = [
  {
    name: 'quickstart',
    about: 'the quickstart over 3 M flights, Parquet in and out',
    unit: 'rows',
    goal: 3 / 4,
    async run() {
      const built = flightDelays.build({ set: { output: outputPath('quickstart') } })
      const { progress } = await new Job(built, { host: createNodeHost(), outputMode: 'overwrite' }).run()
      return {
        units: progress.rowsIn,
        rowsOut: progress.rowsOut,
        extra: { elapsedSeconds: progress.elapsedMs / 1000 },
      }
    },
  },
]
