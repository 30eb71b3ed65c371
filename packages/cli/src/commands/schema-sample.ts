/**
 * Whether the rows that `millrace schema` has looked at can be read with the schema that it found: rows that are damaged
 * take no part in finding it, and would go unseen.
 */
import type { Source, SourceContext, Split, SplitReader } from '@millrace/core/connect'
import type { Host } from '@millrace/core/host'
import { isMillraceError } from '@millrace/core/errors'
import { formatCount } from '../progress/quantities.ts'

/** What of a sample cannot be read; all undefined or 0 when all of it can. */
export interface SampleFaults {
  /** Rows that were tried, with those that cannot be read. */
  readonly rows: number
  readonly unreadable: number
  /** Of the first of them, from 1. */
  readonly line: number | undefined
  readonly reason: string | undefined
  /** Why reading stops altogether. */
  readonly stopsAt: string | undefined
}

const BATCH_ROWS = 4096

/** Reads the beginning of a split, as far as it was looked at. */
export async function tryBeginning(
  source: Source,
  split: Split,
  { host, bytes }: { readonly host: Host; readonly bytes: number },
): Promise<SampleFaults> {
  let unreadable = 0
  let first: { readonly line: number | undefined; readonly reason: string } | undefined
  const context: SourceContext = {
    host,
    boundedness: 'bounded',
    step: 'schema',
    rejected: ({ line, reason }) => {
      unreadable++
      first ??= { line, reason }
    },
  }
  let reader: SplitReader | undefined
  let rows = 0
  let stopsAt: string | undefined
  try {
    reader = await source.open(split, undefined, context)
    while (reader.bytesRead() < bytes) {
      const result = await reader.read(BATCH_ROWS)
      if (result.kind !== 'batch') break
      rows += result.batch.length
    }
  } catch (error) {
    if (!isMillraceError(error)) throw error
    stopsAt = error.message
  } finally {
    await reader?.close()
  }
  return { rows: rows + unreadable, unreadable, line: first?.line, reason: first?.reason, stopsAt }
}

/** As a clause; undefined when all rows can be read. */
export function faultsText({ rows, unreadable, line, reason, stopsAt }: SampleFaults): string | undefined {
  if (stopsAt !== undefined) return `reading stops: ${stopsAt}`
  if (unreadable === 0) return undefined
  const place = line === undefined ? '' : ` at line ${formatCount(line)}`
  return `${formatCount(unreadable)} of ${formatCount(rows)} rows cannot be read, the first${place}: ${reason ?? ''}; with onError: 'reject' the others can`
}
