/**
 * The quickstart: three million flights by airport and hour, as `npm start` runs it, in this process; and DuckDB on the
 * same files, where its package is installed.
 */
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { pipeline, schema, t } from 'millrace'
import type { Pipeline } from 'millrace'
import { parquet } from 'millrace/files'
import { createNodeHost } from 'millrace/host'
import { Job } from 'millrace/runtime'
import { outputPath } from '../bench-folder.ts'
import type { Answers, BenchCase, CaseRun } from '../case.ts'
import { digestSink, RowDigest } from '../row-digest.ts'
import { runPipeline } from '../run-pipeline.ts'

const { resolve } = createRequire(import.meta.url)

const EXAMPLE = '@millrace-examples/flight-delays/index.ts'

/** The pipeline of the example, loaded as the command line loads it where Node does not strip types. */
async function flightDelays(): Promise<Pipeline> {
  const { register } = await import('tsx/esm/api')
  register()
  return ((await import(EXAMPLE)) as { readonly default: Pipeline }).default
}

async function quickstart(): Promise<CaseRun> {
  const pipeline = await flightDelays()
  const output = outputPath('quickstart')
  const built = pipeline.build({ set: { output } })
  const { progress } = await new Job(built, { host: createNodeHost(), outputMode: 'overwrite' }).run()
  return {
    units: progress.rowsIn,
    rowsOut: progress.rowsOut,
    extra: {
      startSeconds: process.uptime() - progress.elapsedMs / 1000,
      runSeconds: progress.elapsedMs / 1000,
    },
    answers: () => answersIn(output),
  }
}

const Delays = schema({
  origin: t.string(),
  window_start: t.timestamp(),
  flights: t.int64(),
  mean_delay: t.float64(),
  late_share: t.float64(),
})

/** Both folders without the quantile, which is a sketch here and exact there. */
async function answersIn(output: string): Promise<Answers> {
  const digestOf = async (name: string): Promise<string> => {
    const digest = new RowDigest()
    await runPipeline(
      pipeline('look', (p) =>
        p.read('rows', parquet(join(output, name), { schema: Delays })).write('digest', digestSink(digest)),
      ),
    )
    return `${digest}`
  }
  return { hourly: await digestOf('hourly'), daily: await digestOf('daily') }
}

const DUCKDB = '@duckdb/node-api'

/** What is used of DuckDB's package, which this project does not depend on. */
interface DuckDb {
  readonly DuckDBInstance: {
    create(): Promise<{
      connect(): Promise<{ run(statement: string): Promise<{ readonly rowsChanged: number }> }>
    }>
  }
}

function duckDbPath(): string | undefined {
  try {
    return resolve(DUCKDB)
  } catch {
    return undefined
  }
}

const delays = `count(*) AS flights, avg(delay) AS mean_delay, quantile_cont(delay, 0.95) AS p95_delay,
  avg((delay > 15)::integer) AS late_share`

const statements = (files: { flights: string; airports: string; output: string }): readonly string[] => [
  `CREATE VIEW flights AS FROM read_parquet('${files.flights}') WHERE delay IS NOT NULL`,
  `COPY (SELECT origin, date_trunc('hour', date) AS window_start, ${delays} FROM flights GROUP BY ALL)
   TO '${files.output}/hourly/part.parquet'`,
  `COPY (SELECT origin, name AS airport_name, window_start, flights, mean_delay, p95_delay, late_share
    FROM (SELECT origin, date_trunc('day', date)::timestamp AS window_start, ${delays} FROM flights GROUP BY ALL)
    LEFT JOIN read_csv('${files.airports}') ON origin = iata)
   TO '${files.output}/daily/part.parquet'`,
  `FROM '${files.output}/hourly/part.parquet' WHERE flights >= 20 ORDER BY mean_delay DESC LIMIT 10`,
]

async function duckDb(): Promise<CaseRun> {
  const { DuckDBInstance } = (await import(pathToFileURL(duckDbPath() ?? '').href)) as DuckDb
  const data = join(createRequire(resolve(EXAMPLE)).resolve('vega-datasets'), '../../data')
  const output = outputPath('quickstart-duckdb')
  for (const name of ['hourly', 'daily']) mkdirSync(join(output, name), { recursive: true })
  const files = { flights: join(data, 'flights-3m.parquet'), airports: join(data, 'airports.csv'), output }
  const startSeconds = process.uptime()
  const began = performance.now()
  const connection = await (await DuckDBInstance.create()).connect()
  let rowsOut = 0
  for (const statement of statements(files)) rowsOut += (await connection.run(statement)).rowsChanged
  const runSeconds = (performance.now() - began) / 1000
  return {
    units: 3_000_000,
    rowsOut,
    extra: { startSeconds, runSeconds },
    answers: () => answersIn(output),
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
  {
    name: 'quickstart-duckdb',
    about: 'DuckDB on the same files: the same two folders and the worst hours',
    unit: 'rows',
    fixed: true,
    missing: () => (duckDbPath() === undefined ? `npm install --no-save ${DUCKDB}` : undefined),
    run: duckDb,
  },
]
