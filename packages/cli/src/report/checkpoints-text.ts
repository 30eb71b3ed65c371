/** The epochs that a state directory keeps, as people read them. Pure. */
import type { KeptCheckpoint, KeptCheckpoints } from '@millrace/core/runtime'
import { formatBytes, formatCount, formatRows, formatTime } from '../progress/quantities.ts'

/** A table of all epochs, with a line end. */
export function checkpointsText({ epochs, bytes }: KeptCheckpoints, place: string): string {
  if (epochs.length === 0) return `${place}: no epoch is kept\n`
  const head = ['epoch', 'durable since', 'attempt', 'lineage', 'state', 'new', 'rows', 'end']
  const rows = epochs.map(({ manifest, stateBytes, newBytes }) => [
    formatCount(manifest.epoch),
    formatTime(manifest.atMs),
    String(manifest.attempt),
    manifest.lineage,
    formatBytes(stateBytes),
    formatBytes(newBytes),
    formatCount(Object.values(manifest.rows ?? {}).reduce((sum, count) => sum + count, 0)),
    manifest.end ?? '',
  ])
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (isNumber(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return `${[`${place}: ${epochs.length} ${epochs.length === 1 ? 'epoch' : 'epochs'}, ${formatBytes(bytes)} on disk`, line(head), ...rows.map(line)].join('\n')}\n`
}

/** Columns that are aligned at their end. */
function isNumber(column: number): boolean {
  return column === 0 || column === 2 || (column >= 4 && column <= 6)
}

/** All of one epoch, with a line end. */
export function checkpointText({ manifest, number, stateBytes }: KeptCheckpoint): string {
  const {
    epoch,
    atMs,
    attempt,
    lineage,
    parent,
    mode,
    owner,
    end,
    rows = {},
    state,
    pending,
    delivered,
    border,
  } = manifest
  const lines = [
    `epoch ${formatCount(epoch)} of ${formatTime(atMs)}, entry ${number} of the log`,
    `  attempt ${attempt}${owner === undefined ? '' : ` of process ${owner.pid} on ${owner.machine}`}${mode === undefined ? '' : `, ${mode}`}`,
    `  lineage ${lineage}${parent === undefined ? '' : `, from epoch ${formatCount(parent.epoch)} of ${parent.lineage}`}`,
    ...(end === undefined ? [] : [`  the run ${end} with it`]),
    `  outputs: ${outputsText(rows)}; delivered up to epoch ${formatCount(delivered)} when it was written, ${formatCount(pending.length)} prepared`,
    `  state: ${formatBytes(stateBytes)} in ${formatCount(state.length + (border?.files.length ?? 0))} files`,
    ...state.map(
      (file) =>
        `    ${file.step}: ${file.name}, ${formatBytes(file.bytes)}, ${file.full ? 'whole' : 'changes'} of epoch ${formatCount(file.epoch)}`,
    ),
    ...(border === undefined ? [] : borderLines(border)),
  ]
  return `${lines.join('\n')}\n`
}

function borderLines({
  done,
  of,
  files,
}: NonNullable<KeptCheckpoint['manifest']['border']>): readonly string[] {
  return [
    `  phase ${formatCount(done)} of ${formatCount(of)} is complete; later ones read`,
    ...files.map(
      ({ name, bytes, from, to }) =>
        `    ${name}, ${formatBytes(bytes)}, from phase ${from + 1} to ${to + 1}`,
    ),
  ]
}

function outputsText(rows: { readonly [step: string]: number }): string {
  const texts = Object.entries(rows).map(([step, count]) => `${formatRows(count)} to "${step}"`)
  return texts.length === 0 ? 'no rows' : texts.join(', ')
}
