/**
 * What one would write without any of this: JSON.parse, objects, a Map, JSON.stringify.
 *
 * These programs answer the same questions as the cases beside them, and must come to the same rows.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import type { NexmarkBid } from 'millrace/connect'
import { outputPath } from '../bench-folder.ts'
import type { CaseRun } from '../case.ts'
import { fileOf } from '../data-files.ts'
import { RowDigest } from '../row-digest.ts'

/** A row of the count by auction and window. */
interface BidCount {
  readonly auction: number
  readonly windowStart: number
  readonly bids: number
}

/** Counts bids by auction and ten seconds. */
export async function naiveWindow(): Promise<CaseRun> {
  const file = join(outputPath('naive-window'), 'out.ndjson')
  const out = createWriteStream(file)
  const windows = new Map<number, Map<number, number>>()
  let rows = 0
  for await (const line of linesOf(fileOf('bids-ndjson'))) {
    const bid = JSON.parse(line) as NexmarkBid
    const start = bid.dateTime - (bid.dateTime % 10_000)
    let window = windows.get(start)
    if (window === undefined) windows.set(start, (window = new Map()))
    window.set(bid.auction, (window.get(bid.auction) ?? 0) + 1)
    rows++
  }
  let rowsOut = 0
  for (const [windowStart, window] of windows) {
    for (const [auction, bids] of window) {
      rowsOut++
      if (!out.write(`${JSON.stringify({ auction, windowStart, bids })}\n`)) await once(out, 'drain')
    }
  }
  out.end()
  await once(out, 'finish')
  const answers = async (): Promise<{ window: string }> => {
    const digest = new RowDigest()
    for await (const line of linesOf(file)) {
      const { auction, windowStart, bids } = JSON.parse(line) as BidCount
      digest.add(`${auction},${windowStart},${bids}`)
    }
    return { window: `${digest}` }
  }
  return { units: rows, rowsOut, answers }
}

/** Keeps dear bids. */
export async function naiveFilter(): Promise<CaseRun> {
  const file = join(outputPath('naive-filter'), 'out.ndjson')
  const out = createWriteStream(file)
  let rows = 0
  let rowsOut = 0
  for await (const line of linesOf(fileOf('long-bids-ndjson'))) {
    const bid = JSON.parse(line) as NexmarkBid
    rows++
    if (bid.price <= 10_000) continue
    rowsOut++
    if (!out.write(`${JSON.stringify(bid)}\n`)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'finish')
  const answers = async (): Promise<{ filter: string; projection: string }> => {
    const digest = new RowDigest()
    for await (const line of linesOf(file)) {
      const { auction, bidder, price, channel, dateTime } = JSON.parse(line) as NexmarkBid
      digest.add(`${auction},${bidder},${price * 0.908},${channel},${dateTime}`)
    }
    return { filter: await bytesDigest(outputPath('naive-filter')), projection: `${digest}` }
  }
  return { units: rows, rowsOut, answers }
}

/** A digest of all bytes of the files of a folder, in order of their names. */
export async function bytesDigest(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder).toSorted()) {
    const file = join(folder, name)
    if (name.startsWith('.') || !statSync(file).isFile()) continue
    for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer)
  }
  return hash.digest('hex').slice(0, 16)
}

function linesOf(file: string): Interface {
  return createInterface({ input: createReadStream(file) })
}
