// The example's answer against an independent computation, on the real file and on made data.
import fc from 'fast-check'
import { parquetSchema, parquetMetadataAsync, asyncBufferFromFile } from 'hyparquet'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JobOptions } from 'millrace/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { datasetFile } from '../dataset-file.ts'
import { report } from '../index.ts'
import { folderRows, parquetRows, referenceAnswer } from './reference-answer.ts'
import type { PlainFlight, PlainResult } from './reference-answer.ts'
import { runExample } from './run-example.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flight-delays-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const output = (): string => join(folder, 'out')

function write(name: string, text: string): void {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

/** Rows of a result folder as the reference writes them, by its keys. */
async function results(
  name: 'hourly' | 'daily',
): Promise<Map<string, PlainResult & { airport_name?: unknown }>> {
  const rows = await folderRows(join(output(), name))
  return new Map(
    rows.map((row) => {
      const start = (row['window_start'] as Date).getTime()
      const plain = { ...row, window_start: start, flights: Number(row['flights']) }
      return [`${String(row['origin'])} ${start}`, plain as unknown as PlainResult]
    }),
  )
}

/** What is different, but for the last bits of floating point. `p95` is how far quantiles may be apart, as a share. */
function differences(
  actual: ReadonlyMap<string, PlainResult>,
  expected: ReadonlyMap<string, PlainResult>,
  p95 = 1e-9,
): string[] {
  const extra = [...actual.keys()].filter((key) => !expected.has(key)).map((key) => `${key} is one too many`)
  const wrong = [...expected].flatMap(([key, row]) => {
    const other = actual.get(key)
    const same =
      other !== undefined &&
      other.flights === row.flights &&
      near(other.mean_delay, row.mean_delay, 1e-9) &&
      near(other.p95_delay, row.p95_delay, p95) &&
      near(other.late_share, row.late_share, 1e-9)
    return same ? [] : [`${key}: ${JSON.stringify(other)} instead of ${JSON.stringify(row)}`]
  })
  return [...extra, ...wrong]
}

function near(a: number, b: number, share: number): boolean {
  return Math.abs(a - b) <= share * Math.max(Math.abs(a), Math.abs(b)) + 1e-9
}

describe('the flight delays of three million flights', () => {
  it('are those of an independent computation, by hour and by day', { timeout: 180_000 }, async () => {
    const rows = await parquetRows(datasetFile('flights-3m.parquet'), ['date', 'delay', 'origin'])
    const flights = rows.map((row): PlainFlight => ({
      date: (row['date'] as Date).getTime(),
      delay: row['delay'] === null ? null : Number(row['delay']),
      origin: row['origin'] as string,
    }))
    const result = await runExample({ output: output() })
    expect(result).toMatchObject({ end: 'finished', progress: { rowsLate: 0 } })
    const daily = await results('daily')
    expect(differences(await results('hourly'), referenceAnswer(flights, HOUR_MS))).toEqual([])
    // A busy airport has more than a thousand flights a day: its quantile is then a sketch's, within 1 %.
    expect(differences(daily, referenceAnswer(flights, DAY_MS), 0.01)).toEqual([])
    expect(daily.get(`ORD ${Date.UTC(2001, 0, 1)}`)?.airport_name).toBe("Chicago O'Hare International")

    const text = report({ options: { busy: '20', output: 'out' }, width: 80, mode: 'batch', result })
    expect(text).toContain('DFW      2001-06-14 00:00       20   100 %     290 min  ██')
    expect(text.split('\n').every((line) => line.length <= 110)).toBe(true)
  })
})

const flightOf = fc.record({
  // Borders of hours, and of what counts as late, are drawn often.
  date: fc.oneof(
    fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }),
    fc.integer({ min: -72, max: 72 }).map((hour) => hour * HOUR_MS),
  ),
  delay: fc.option(fc.oneof(fc.integer({ min: -60, max: 600 }), fc.constantFrom(15, 16)), { nil: null }),
  origin: fc.constantFrom('SEA', 'ATL', 'ZZZ', 'Ü "x",y'),
})

/** Made flights in order of time, as rows of the input files. */
function madeFlights(count: number): PlainFlight[] {
  const flights = fc.sample(flightOf, { numRuns: count, seed: 7 })
  return flights.toSorted((a, b) => a.date - b.date)
}

const asNdjson = (flights: readonly PlainFlight[]): string =>
  flights
    .map(
      ({ date, ...rest }) =>
        `${JSON.stringify({ ...rest, distance: 1, destination: 'LAX', date: new Date(date).toISOString() })}\n`,
    )
    .join('')

const asCsv = (flights: readonly PlainFlight[]): string =>
  'destination,origin,date,distance,delay\n' +
  flights
    .map(({ date, delay, origin }) => `LAX,"${origin.replaceAll('"', '""')}",${date},1,${delay ?? ''}\n`)
    .join('')

describe('the flight delays of made flights', () => {
  const flights = madeFlights(2000)
  const hours = referenceAnswer(flights, HOUR_MS)
  const days = referenceAnswer(flights, DAY_MS)
  const half = 1000

  it('leave out rows without a delay', async () => {
    write('in/a.ndjson', asNdjson(flights))
    const { progress } = await runExample({ input: join(folder, 'in'), output: output() })
    expect(flights.some(({ delay }) => delay === null)).toBe(true)
    expect(progress.rowsIn).toBeGreaterThanOrEqual(2000)
    expect(differences(await results('hourly'), hours)).toEqual([])
    expect(differences(await results('daily'), days)).toEqual([])
  })

  it('have the airport’s name where it is known, and null elsewhere', async () => {
    write('in.ndjson', asNdjson(flights))
    await runExample({ input: join(folder, 'in.ndjson'), output: output() })
    const names = new Map(
      (await folderRows(join(output(), 'daily'))).map((row) => [row['origin'], row['airport_name']]),
    )
    expect(names.get('SEA')).toBe('Seattle-Tacoma Intl')
    expect(names.get('ZZZ')).toBeNull()
  })

  it('are the same from a glob of CSV files with epoch times', async () => {
    write('in/1.csv', asCsv(flights.slice(0, half)))
    write('in/2.csv', asCsv(flights.slice(half)))
    write('in/other.txt', 'not data')
    await runExample({ input: join(folder, 'in/*.csv'), output: output() })
    expect(differences(await results('hourly'), hours)).toEqual([])
  })

  it('are the same from a directory of several formats', async () => {
    write('in/1.csv', asCsv(flights.slice(0, half)))
    write('in/2.ndjson', asNdjson(flights.slice(half)))
    await runExample({ input: join(folder, 'in'), output: output() })
    expect(differences(await results('hourly'), hours)).toEqual([])
  })

  it('are the same at other batch sizes and with several tasks', async () => {
    write('in.ndjson', asNdjson(flights))
    await runExample({ input: join(folder, 'in.ndjson'), output: output() }, { parallelism: 3, batchRows: 7 })
    expect(differences(await results('hourly'), hours)).toEqual([])
    expect(differences(await results('daily'), days)).toEqual([])
  })

  it('are the same in continuous mode, in which a file appears while it runs', async () => {
    write('in/1.ndjson', asNdjson(flights.slice(0, half)))
    const running = runExample(
      { input: join(folder, 'in'), output: output() },
      { mode: 'continuous', stopWhenIdleMs: 2000, drain: true, epochIntervalMs: 50 },
    )
    write('in/2.ndjson', asNdjson(flights.slice(half)))
    expect(await running).toMatchObject({ end: 'idle', progress: { rowsLate: 0 } })
    expect(differences(await results('hourly'), hours)).toEqual([])
    expect(differences(await results('daily'), days)).toEqual([])
  })

  it('are the same from flights in any order, in batch and in continuous mode', async () => {
    const parts: PlainFlight[][] = [[], [], []]
    // 997 and 2000 have no common factor: every flight once, far from its neighbours.
    for (let n = 0; n < 2000; n++) parts[n % 3]?.push(flights[(n * 997) % 2000] as PlainFlight)
    write('in/1.csv', asCsv(parts[0] ?? []))
    write('in/2.ndjson', asNdjson(parts[1] ?? []))
    write('in/3.csv', asCsv(parts[2] ?? []))
    const set = { input: join(folder, 'in'), output: output() }
    const modes: Omit<JobOptions, 'host'>[] = [
      {},
      { parallelism: 3 },
      { mode: 'continuous', stopWhenIdleMs: 2000, drain: true, epochIntervalMs: 50 },
    ]
    for (const options of modes) {
      const { progress } = await runExample(set, options)
      expect(progress.rowsLate).toBe(0)
      expect(differences(await results('hourly'), hours)).toEqual([])
      expect(differences(await results('daily'), days)).toEqual([])
    }
  })

  it('replace what an earlier run wrote', async () => {
    write('1.csv', asCsv(flights))
    write('2.csv', asCsv(flights.slice(0, 10)))
    await runExample({ input: join(folder, '1.csv'), output: output() })
    await runExample({ input: join(folder, '2.csv'), output: output() })
    expect(differences(await results('hourly'), referenceAnswer(flights.slice(0, 10), HOUR_MS))).toEqual([])
  })

  it('are written with the promised columns and types', async () => {
    write('in.csv', asCsv(flights))
    await runExample({ input: join(folder, 'in.csv'), output: output() })
    expect(await columnsOf('hourly')).toEqual([
      'origin STRING',
      'window_start TIMESTAMP without zone',
      'flights INT64',
      'mean_delay DOUBLE',
      'p95_delay DOUBLE',
      'late_share DOUBLE',
    ])
    expect((await columnsOf('daily')).map((column) => column.split(' ')[0])).toEqual([
      'origin',
      'airport_name',
      'window_start',
      'flights',
      'mean_delay',
      'p95_delay',
      'late_share',
    ])
  })

  /** Names and types of the columns, as the file itself says them. */
  async function columnsOf(name: string): Promise<string[]> {
    const [file = ''] = readdirSync(join(output(), name)).filter((one) => one.endsWith('.parquet'))
    const path = join(output(), name, file)
    expect(readFileSync(path).subarray(0, 4).toString()).toBe('PAR1')
    const { children } = parquetSchema(await parquetMetadataAsync(await asyncBufferFromFile(path)))
    return children.map(({ element }) => {
      const { logical_type: logical } = element
      if (logical?.type === 'TIMESTAMP') {
        return `${element.name} TIMESTAMP ${logical.isAdjustedToUTC ? 'with' : 'without'} zone`
      }
      return `${element.name} ${logical?.type === 'STRING' ? 'STRING' : element.type}`
    })
  }
})
