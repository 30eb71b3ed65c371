/**
 * Makes the files that cases read, once: `node make-data.js NAME…`.
 *
 * Five million bids, 10,000 events per second of event time, out of order by less than two seconds. The peers' figures
 * were measured on lines of 191 bytes (911 MiB of NDJSON); the generator's letters would make them 250, so `extra` is
 * cut until the files are of that size. The longer ones have 230 bytes a line.
 */
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline, sql } from 'millrace'
import { nexmark } from 'millrace/connect'
import { csv, ndjson } from 'millrace/files'
import { outputPath, removeOlderData } from './bench-folder.ts'
import { EVENTS, EXTRA_LETTERS, fileOf } from './data-files.ts'
import { runPipeline } from './run-pipeline.ts'
import type { DataSet } from './case.ts'

async function make(name: DataSet): Promise<void> {
  const path = fileOf(name)
  if (existsSync(path)) return
  removeOlderData(name)
  const folder = outputPath(name)
  const wholeFile = { roll: { size: 4 * 1024 ** 3 } }
  const target =
    name === 'bids-csv' ? csv(folder, wholeFile) : ndjson(folder, { ...wholeFile, timestamps: 'epoch' })
  await runPipeline(
    pipeline('make-bids', (p) => {
      p.read('bids', nexmark('bid', { events: EVENTS, eventRate: 10_000, outOfOrderGroup: 10_000 }))
        .select('shorter', {
          auction: 'auction',
          bidder: 'bidder',
          price: 'price',
          channel: 'channel',
          url: 'url',
          dateTime: 'dateTime',
          extra: sql.string`substring(extra, 1, ${EXTRA_LETTERS[name]})`,
        })
        .write('file', target)
    }),
  )
  const [file] = readdirSync(folder).filter((entry) => !entry.startsWith('.'))
  if (file === undefined) throw new Error(`no file in ${folder}`)
  renameSync(join(folder, file), path)
}

for (const name of process.argv.slice(2)) await make(name as DataSet)
