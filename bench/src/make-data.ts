/**
 * Makes the files that cases read, once: `node make-data.js NAME…`.
 *
 * Five million bids, 10,000 events per second of event time, out of order by less than two seconds.
 */
import { existsSync, renameSync } from 'node:fs'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'millrace'
import { nexmark } from 'millrace/connect'
import { csv, ndjson } from 'millrace/files'
import { dataPath, outputPath } from './bench-folder.ts'
import { runPipeline } from './run-pipeline.ts'
import type { DataSet } from './case.ts'

/** 5,000,000 bids are 46 of 50 events. */
const EVENTS = Math.ceil((5_000_000 * 50) / 46)

/** The file of a data set. */
export function fileOf(name: DataSet): string {
  return dataPath(name === 'bids-csv' ? 'bids.csv' : 'bids.ndjson')
}

async function make(name: DataSet): Promise<void> {
  const path = fileOf(name)
  if (existsSync(path)) return
  const folder = outputPath(name)
  const wholeFile = { roll: { size: 4 * 1024 ** 3 } }
  const target =
    name === 'bids-csv' ? csv(folder, wholeFile) : ndjson(folder, { ...wholeFile, timestamps: 'epoch' })
  await runPipeline(
    pipeline('make-bids', (p) => {
      p.read('bids', nexmark('bid', { events: EVENTS, eventRate: 10_000, outOfOrderGroup: 10_000 })).write(
        'file',
        target,
      )
    }),
  )
  const [file] = readdirSync(folder).filter((entry) => !entry.startsWith('.'))
  if (file === undefined) throw new Error(`no file in ${folder}`)
  renameSync(join(folder, file), path)
}

for (const name of process.argv.slice(2)) await make(name as DataSet)
