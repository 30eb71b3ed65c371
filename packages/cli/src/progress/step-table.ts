/**
 * The steps of a running job as a table of the terminal's width. Pure.
 *
 * Where there is little room, counts are shortened first, then the memory and the state are left out, and names are cut
 * at last: late and rejected rows are always there to be seen.
 */
import type { StepProgress } from '@millrace/core/runtime'
import { piece } from '../report/style.ts'
import type { Line, Piece } from '../report/style.ts'
import { formatBytes, formatCount, formatShort } from './quantities.ts'

/** Widths of the columns behind the name, with the space before them. */
const COUNT_WIDTH = 12
const SHORT_COUNT_WIDTH = 9
const RATE_WIDTH = 10
const STATE_WIDTH = 9
const MEMORY_WIDTH = 8
const NAME_WIDTH_MAX = 28
const MARGIN = 2

/** Kinds of steps that keep something: their columns are there before they do, so that the table does not jump. */
const keeping: ReadonlySet<string> = new Set([
  'window-aggregate',
  'partial-aggregate',
  'process',
  'lookup-join',
  'interval-join',
])

/** How a table is laid out. */
interface Layout {
  readonly nameWidth: number
  readonly countWidth: number
  readonly format: (count: number) => string
  readonly showsState: boolean
  readonly showsMemory: boolean
}

/** The table with its header, at most `lines` steps high; behind the last one how many more there are. */
export function stepTable(
  steps: readonly StepProgress[],
  rates: ReadonlyMap<string, number>,
  room: { readonly lines: number; readonly width: number },
): Line[] {
  const shown = steps.length > room.lines ? mostWanted(steps, room.lines - 1) : steps
  const layout = layoutFor(shown, room.width)
  const hidden = steps.length - shown.length
  return [
    headerLine(layout),
    ...shown.map((step) => stepLine(step, rates.get(step.step) ?? 0, layout)),
    ...(hidden > 0 ? [[piece(`  and ${hidden} more ${hidden === 1 ? 'step' : 'steps'}`, 'faint')]] : []),
  ]
}

/** Where there is no room for all: the ends of the pipeline first, then steps that people have named; in their order. */
function mostWanted(steps: readonly StepProgress[], count: number): readonly StepProgress[] {
  const rank = ({ kind, step }: StepProgress): number => {
    if (kind === 'source' || kind === 'sink') return 0
    return step.includes('/') ? 2 : 1
  }
  const wanted = new Set(steps.toSorted((a, b) => rank(a) - rank(b)).slice(0, count))
  return steps.filter((step) => wanted.has(step))
}

/** The first layout, from the roomiest one on, whose names have the room that they need at least. */
function layoutFor(steps: readonly StepProgress[], width: number): Layout {
  const names = Math.min(NAME_WIDTH_MAX, Math.max(4, ...steps.map(({ step }) => step.length)))
  const counts = Math.max(
    ...steps.map(({ rowsIn, rowsOut }) => formatCount(Math.max(rowsIn, rowsOut)).length),
  )
  const keeps = steps.some(({ kind, stateEntries }) => keeping.has(kind) || stateEntries > 0)
  const full = { countWidth: Math.max(COUNT_WIDTH, counts + 1), format: formatCount }
  const short = { countWidth: SHORT_COUNT_WIDTH, format: formatShort }
  const ways = [
    { ...full, showsState: keeps, showsMemory: keeps, least: names },
    { ...short, showsState: keeps, showsMemory: keeps, least: Math.min(names, 20) },
    { ...short, showsState: keeps, showsMemory: false, least: Math.min(names, 16) },
    { ...short, showsState: false, showsMemory: false, least: 4 },
  ]
  for (const { least, ...way } of ways) {
    const notes = Math.max(0, ...steps.map((step) => sum(notesOf(step, way.format).map(widthOf))))
    const state = (way.showsState ? STATE_WIDTH : 0) + (way.showsMemory ? MEMORY_WIDTH : 0)
    const left = width - MARGIN - 2 * way.countWidth - RATE_WIDTH - state - notes
    if (left >= least) return { ...way, nameWidth: Math.min(names, left) }
  }
  return { ...short, showsState: false, showsMemory: false, nameWidth: 4 }
}

function headerLine({ nameWidth, countWidth, showsState, showsMemory }: Layout): Line {
  const cells = [
    `  ${'step'.padEnd(nameWidth)}`,
    'rows in'.padStart(countWidth),
    'rows out'.padStart(countWidth),
    'rows in/s'.padStart(RATE_WIDTH),
    ...(showsState ? ['in state'.padStart(STATE_WIDTH)] : []),
    ...(showsMemory ? ['memory'.padStart(MEMORY_WIDTH)] : []),
  ]
  return [piece(cells.join(''), 'faint')]
}

function stepLine(step: StepProgress, rate: number, layout: Layout): Line {
  const { nameWidth, countWidth, format, showsState, showsMemory } = layout
  const name = step.step.length > nameWidth ? `${step.step.slice(0, nameWidth - 1)}…` : step.step
  const entries = step.stateEntries > 0 ? formatShort(step.stateEntries) : ''
  const bytes = step.stateEntries > 0 && step.stateBytes > 0 ? formatBytes(step.stateBytes) : ''
  return [
    piece(`  ${name.padEnd(nameWidth)}`),
    piece(format(step.rowsIn).padStart(countWidth)),
    piece(format(step.rowsOut).padStart(countWidth)),
    piece(formatShort(rate).padStart(RATE_WIDTH), 'accent'),
    ...(showsState ? [piece(entries.padStart(STATE_WIDTH), 'faint')] : []),
    ...(showsMemory ? [piece(bytes.padStart(MEMORY_WIDTH), 'faint')] : []),
    ...notesOf(step, format),
  ]
}

/** What is lost. */
function notesOf({ lateRows, rejectedRows }: StepProgress, format: (count: number) => string): Piece[] {
  return [
    ...(lateRows > 0 ? [piece(`  ${format(lateRows)} late`, 'warn')] : []),
    ...(rejectedRows > 0 ? [piece(`  ${format(rejectedRows)} rejected`, 'warn')] : []),
  ]
}

function widthOf({ text }: Piece): number {
  return text.length
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
