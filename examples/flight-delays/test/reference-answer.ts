/**
 * The answer to the example's question by plain Maps over row objects: slow, simple, and sharing no code with Millrace.
 */
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A flight as the reference sees it. */
export interface PlainFlight {
  /** Milliseconds since 1970. */
  readonly date: number
  readonly delay: number | null
  readonly origin: string
}

/** A row of the results. */
export interface PlainResult {
  readonly origin: string
  readonly window_start: number
  readonly flights: number
  readonly mean_delay: number
  readonly p95_delay: number
  readonly late_share: number
}

/** Groups of delays by airport and window. */
export function referenceAnswer(flights: Iterable<PlainFlight>, windowMs: number): Map<string, PlainResult> {
  const groups = new Map<string, { origin: string; start: number; delays: number[] }>()
  for (const { date, delay, origin } of flights) {
    if (delay === null) continue
    const start = Math.floor(date / windowMs) * windowMs
    const key = `${origin} ${start}`
    const group = groups.get(key) ?? { origin, start, delays: [] }
    group.delays.push(delay)
    groups.set(key, group)
  }
  return new Map(
    [...groups].map(([key, { origin, start, delays }]) => [key, resultOf(origin, start, delays)]),
  )
}

function resultOf(origin: string, start: number, delays: number[]): PlainResult {
  return {
    origin,
    window_start: start,
    flights: delays.length,
    mean_delay: delays.reduce((sum, delay) => sum + delay, 0) / delays.length,
    p95_delay: percentile(
      delays.toSorted((a, b) => a - b),
      0.95,
    ),
    late_share: delays.filter((delay) => delay > 15).length / delays.length,
  }
}

/** With linear interpolation between ranks, as SQL's percentile_cont. */
function percentile(sorted: readonly number[], share: number): number {
  const rank = share * (sorted.length - 1)
  const below = sorted[Math.floor(rank)] ?? Number.NaN
  const above = sorted[Math.ceil(rank)] ?? Number.NaN
  return below + (above - below) * (rank - Math.floor(rank))
}

/** Rows of a Parquet file, by a library that Millrace's own reader does not use for it. */
export async function parquetRows(path: string, columns?: string[]): Promise<Record<string, unknown>[]> {
  const file = await asyncBufferFromFile(path)
  return parquetReadObjects({ file, compressors, ...(columns === undefined ? {} : { columns }) })
}

/** Rows of all visible Parquet files of a folder. */
export async function folderRows(folder: string): Promise<Record<string, unknown>[]> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.parquet') && !/^[._]/.test(name))
  const files = await Promise.all(names.map(async (name) => parquetRows(join(folder, name))))
  return files.flat()
}
