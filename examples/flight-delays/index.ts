/**
 * Three million US flights: how late do they leave, by airport and hour, and by airport and day?
 *
 *   millrace run examples/flight-delays
 *   millrace run examples/flight-delays --set input=my/flights --set output=my/delays --mode continuous
 */
import { globalWindow, pipeline, sql, tumbling } from 'millrace'
import { memorySink } from 'millrace/connect'
import { csv, files, parquet } from 'millrace/files'
import type { FinishedRun } from 'millrace/runtime'
import { datasetFile } from './dataset-file.ts'
import { Airport, Flight } from './schema.ts'
import { worstHoursTable } from './worst-hours.ts'
import type { WorstHour } from './worst-hours.ts'

/** Takes the worst hours, one row with all of them, for the report at the end. */
const worst = memorySink<{ readonly hours: readonly WorstHour[] }>()

export default pipeline('flight-delays', (p) => {
  const input = p.option('input', {
    default: datasetFile('flights-3m.parquet'),
    description: 'file, glob or directory of Parquet, NDJSON or CSV files with the columns of schema.ts',
  })
  const airports = p.option('airports', {
    default: datasetFile('airports.csv'),
    description: 'CSV file with the columns iata and name',
  })
  const output = p.option('output', { default: 'out', description: 'directory for the results' })
  const busy = p.option('busy', {
    default: 20,
    description: 'flights that an hour must have to be a worst one',
  })

  const byOrigin = p
    // Flights may stand in any order in a file: windows wait for its end.
    .read('flights', files(input, { schema: Flight, eventTime: { column: 'date', watermark: 'at-end' } }))
    .notNull('with-delay', 'delay')
    .keyBy('by-origin', 'origin')

  const hourly = byOrigin
    .window(tumbling('1 hour'))
    .aggregate('hours', (a) => ({
      flights: a.count(),
      mean_delay: a.mean('delay'),
      p95_delay: a.quantile('delay', 0.95),
      late_share: a.mean(sql.boolean`delay > 15`),
    }))
    .rename('hour-names', { windowStart: 'window_start' })
    .omit('hour-columns', 'windowEnd')
  hourly.write('hourly', parquet(`${output}/hourly`))

  byOrigin
    .window(tumbling('1 day'))
    .aggregate('days', (a) => ({
      flights: a.count(),
      mean_delay: a.mean('delay'),
      p95_delay: a.quantile('delay', 0.95),
      late_share: a.mean(sql.boolean`delay > 15`),
    }))
    .lookupJoin('airport', p.read('airports', csv(airports, { schema: Airport })), {
      on: { origin: 'iata' },
      select: { airport_name: 'name' },
    })
    .select('day-columns', {
      origin: 'origin',
      airport_name: 'airport_name',
      window_start: 'windowStart',
      flights: 'flights',
      mean_delay: 'mean_delay',
      p95_delay: 'p95_delay',
      late_share: 'late_share',
    })
    .write('daily', parquet(`${output}/daily`))

  hourly
    .where('busy-hours', sql`flights >= ${busy}`)
    .window(globalWindow())
    .aggregate('worst', (a) => ({
      hours: a.top('mean_delay', 10, {
        columns: ['origin', 'window_start', 'flights', 'mean_delay', 'late_share'],
      }),
    }))
    .write('worst-hours', worst)
})

/** What `millrace run` prints when the run has ended well. */
export function report({ options, width }: FinishedRun): string {
  const hours = worst.rows.at(-1)?.hours ?? []
  const { busy = '', output = '' } = options
  const table =
    hours.length === 0
      ? `No hour with at least ${busy} flights here.\nA continuous run shows them at its end, with --drain; --set busy=5 takes smaller hours.`
      : `The worst of the hours with at least ${busy} flights\n\n${worstHoursTable(hours, width)}`
  // Beside these results, and with a row of every window: all of them are open until later flights come.
  const live = 'npm start -- --mode continuous --drain --set output=live'
  const commands = [
    ['npx millrace explain examples/flight-delays', 'what it does, step by step'],
    [`npx millrace schema ${output}/daily`, 'what is in the results'],
    [`${live} --stop-when-idle 2s`, 'follows what comes'],
  ] as const
  const longest = Math.max(...commands.map(([command]) => command.length))
  const next = commands.map(([command, meaning]) => `  ${command.padEnd(longest)}  ${meaning}`)
  return `\n${table}\n\nTry next\n${next.join('\n')}\n`
}
