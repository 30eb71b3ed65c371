/**
 * Makes the files that cases read, once: `node make-data.js NAME…`.
 *
 * Five million bids, 10,000 events per second of event time, out of order by less than two seconds. The peers' figures
 * were measured on lines of 191 bytes (911 MiB of NDJSON); the generator's letters would make them 250, so `extra` is
 * cut until the files are of that size.
 */
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline, sql } from 'millrace'
import { nexmark } from 'millrace/connect'
import { csv, ndjson } from 'millrace/files'
import { dataPath, outputPath, removeOlderData } from './bench-folder.ts'
import { runPipeline } from './run-pipeline.ts'
import type { DataSet } from './case.ts'

/** 5,000,000 bids are 46 of 50 events. */
const EVENTS = Math.ceil((5_000_000 * 50) / 46)

/** Letters of `extra` that are kept. */
const EXTRA_LETTERS = 9

/** The file of a data set; named by what is in it, so that a change of the rules makes a new one. */
export function fileOf(name: DataSet): string {
  const content = `bids-${EVENTS}-extra${EXTRA_LETTERS}`
  return dataPath(name === 'bids-csv' ? `${content}.csv` : `${content}.ndjson`)
}

async function make(name: DataSet): Promise<void> {
  const path = fileOf(name)
  if (existsSync(path)) return
  removeOlderData(path)
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
          extra: sql.string`substring(extra, 1, ${EXTRA_LETTERS})`,
        })
        .write('file', target)
    }),
  )
  const [file] = readdirSync(folder).filter((entry) => !entry.startsWith('.'))
  if (file === undefined) throw new Error(`no file in ${folder}`)
  renameSync(join(folder, file), path)
}

for (const name of process.argv.slice(2)) await make(name as DataSet)
