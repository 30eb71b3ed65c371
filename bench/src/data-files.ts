/** The files that cases read: which rows they hold and where they lie. They are made by make-data.ts. */
import { dataPath } from './bench-folder.ts'
import type { DataSet } from './case.ts'

/** 5,000,000 bids are 46 of 50 events. */
export const EVENTS: number = Math.ceil((5_000_000 * 50) / 46)

/** Letters of `extra` that are kept. */
export const EXTRA_LETTERS: { readonly [Name in DataSet]: number } = {
  'bids-ndjson': 9,
  'bids-csv': 9,
  'long-bids-ndjson': 48,
}

/** The file of a data set; named by what is in it, so that a change of the rules makes a new one. */
export function fileOf(name: DataSet): string {
  const format = name === 'bids-csv' ? 'csv' : 'ndjson'
  return dataPath(`${name}.${EVENTS}-extra${EXTRA_LETTERS[name]}.${format}`)
}
