/** Since when the table of a join is as it is, in words. Pure. */
import type { TableEpoch } from '@millrace/core/runtime'
import { formatCount, formatTime } from '../progress/quantities.ts'

/** `, unchanged since epoch 3 of 2001-03-01T05:00Z`; empty where nothing is known. */
export function sinceText(table: string, epochs: readonly TableEpoch[] = []): string {
  const known = epochs.find((one) => one.table === table)
  if (known === undefined) return ''
  const when = known.atMs === undefined ? '' : ` of ${formatTime(known.atMs)}`
  return `, unchanged since epoch ${formatCount(known.epoch)}${when}`
}
