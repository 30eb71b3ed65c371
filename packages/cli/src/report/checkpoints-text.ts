/** The epochs that a state directory keeps, as people read them. Pure. */
import type { KeptCheckpoint, KeptCheckpoints } from '@millrace/core/runtime'
import { formatBytes, formatCount, formatRows, formatTime } from '../progress/quantities.ts'
import { wrapLine } from './wrapped-text.ts'

/** Characters of a lineage that tell it apart from the others of a job. */
const LINEAGE_SHORT = 7

/** A table of all epochs, with a line end. Where there is little room it has less: `show` tells all of an epoch. */
export function checkpointsText(
  { epochs, bytes }: KeptCheckpoints,
  place: string,
  width: number = Infinity,
): string {
  if (epochs.length === 0) return `${place}: no epoch is kept\n`
  const tables = [allColumns, shortColumns, leastColumns].map((columns) => tableLines(columns, epochs))
  const table = tables.find((lines) => lines.every((line) => line.length <= width)) ?? tables.at(-1) ?? []
  const head = `${place}: ${epochs.length} ${epochs.length === 1 ? 'epoch' : 'epochs'}, ${formatBytes(bytes)} on disk`
  return `${[wrapLine(head, width, 2), ...table].join('\n')}\n`
}

/** A column of the table of epochs. */
interface EpochColumn {
  readonly name: string
  readonly text: (kept: KeptCheckpoint) => string
  /** Numbers are aligned at their end. */
  readonly isNumber?: boolean
}

const epochColumn: EpochColumn = {
  name: 'epoch',
  text: ({ manifest }) => formatCount(manifest.epoch),
  isNumber: true,
}
const rowsAndEnd: readonly EpochColumn[] = [
  {
    name: 'rows',
    text: ({ manifest: { rows = {} } }) =>
      formatCount(Object.values(rows).reduce((sum, count) => sum + count, 0)),
    isNumber: true,
  },
  { name: 'end', text: ({ manifest }) => manifest.end ?? '' },
]
const attemptColumn: EpochColumn = {
  name: 'attempt',
  text: ({ manifest }) => String(manifest.attempt),
  isNumber: true,
}
const stateColumn: EpochColumn = {
  name: 'state',
  text: ({ stateBytes }) => formatBytes(stateBytes),
  isNumber: true,
}
const newColumn: EpochColumn = { name: 'new', text: ({ newBytes }) => formatBytes(newBytes), isNumber: true }
const allColumns: readonly EpochColumn[] = [
  epochColumn,
  { name: 'durable since', text: ({ manifest }) => formatTime(manifest.atMs) },
  attemptColumn,
  { name: 'lineage', text: ({ manifest }) => manifest.lineage },
  stateColumn,
  newColumn,
  ...rowsAndEnd,
]
/** To the second, as `show` tells it: what is cut is noise. */
const secondsColumn: EpochColumn = {
  name: 'durable since',
  text: ({ manifest }) => formatTime(Math.floor(manifest.atMs / 1000) * 1000),
}
const shortColumns: readonly EpochColumn[] = [
  epochColumn,
  secondsColumn,
  attemptColumn,
  { name: 'lineage', text: ({ manifest }) => manifest.lineage.slice(0, LINEAGE_SHORT) },
  stateColumn,
  ...rowsAndEnd,
]
const leastColumns: readonly EpochColumn[] = [epochColumn, secondsColumn, stateColumn, ...rowsAndEnd]

function tableLines(columns: readonly EpochColumn[], epochs: readonly KeptCheckpoint[]): readonly string[] {
  const rows = epochs.map((kept) => columns.map(({ text }) => text(kept)))
  const widths = columns.map(({ name }, at) =>
    Math.max(name.length, ...rows.map((row) => (row[at] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ isNumber }, at) => {
        const [cell, wide] = [cells[at] ?? '', widths[at] ?? 0]
        return isNumber === true ? cell.padStart(wide) : cell.padEnd(wide)
      })
      .join('  ')
      .trimEnd()
  return [line(columns.map(({ name }) => name)), ...rows.map(line)]
}

/** All of one epoch, with a line end. */
export function checkpointText(
  { manifest, number, stateBytes }: KeptCheckpoint,
  width: number = Infinity,
): string {
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
  return lines.map((line) => `${wrapLine(line, width, indentOf(line) + 2)}\n`).join('')
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

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}
