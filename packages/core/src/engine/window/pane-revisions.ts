/**
 * Late rows within the allowed lateness: added to their panes, and the windows that have fired corrected (WP3 of
 * window-aggregate-panes.ts). Results are taken back as they are before all rows of the batch, and given anew as they
 * are after them.
 */
import type { Batch } from '../../data/batch.ts'
import type { GroupTable } from '../../state/index.ts'
import { isLate } from '../../time/window.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'
import type { Pane, PaneList } from './pane-list.ts'
import type { PaneTables } from './pane-tables.ts'
import type { KeyedKernels } from '../keyed/keyed-kernel.ts'
import type { WindowCorrections } from './window-corrections.ts'
import type { WindowRows } from './window-output.ts'

/** What revisions work on. */
export interface RevisionParts {
  readonly arithmetic: PaneArithmetic
  readonly panes: PaneList
  readonly tables: PaneTables
  readonly kernels: KeyedKernels
  readonly corrections: WindowCorrections
  readonly allowedLateness: number
  /** The pane that starts at a time, made when it is not there. */
  paneAt(start: number): Pane
}

/** How far windows have come. */
export interface Progress {
  readonly firedEnd: number
  readonly watermark: number
}

/** Rows of one pane, apart. */
interface Delta {
  readonly start: number
  readonly table: GroupTable
}

/** A window that has fired, with the groups that change. */
interface Revised {
  readonly end: number
  readonly groups: GroupTable
  /** Per group the number of its old result, −1 for none. */
  old: Int32Array
}

/** Gathers the late rows of one batch at a time. */
export class PaneRevisions {
  readonly #parts: RevisionParts
  readonly #rows = new Map<number, number[]>()

  constructor(parts: RevisionParts) {
    this.#parts = parts
  }

  /** Physical row `row` belongs to the pane at `start`, of which a window has fired. */
  add(start: number, row: number): void {
    const rows = this.#rows.get(start)
    if (rows === undefined) this.#rows.set(start, [row])
    else rows.push(row)
  }

  /** Applies the rows gathered; corrections leave. */
  apply(batch: Batch, progress: Progress): void {
    if (this.#rows.size === 0) return
    const { tables, panes, corrections } = this.#parts
    const deltas = [...this.#rows].map(([start, rows]) => this.#deltaOf(batch, start, rows))
    this.#rows.clear()
    const revised = this.#windowsOf(deltas, progress)
    for (const window of revised) {
      this.#resultsOf(window, (rows, groups) => {
        const first = corrections.retract(rows)
        for (let n = 0; n < rows.to; n++) window.old[groups[n] as number] = first + n
      })
    }
    for (const { start, table } of deltas)
      tables.merge((panes.find(start) ?? this.#parts.paneAt(start)).table, table, tables.all(table), true)
    for (const window of revised) {
      this.#resultsOf(window, (rows, groups) => {
        corrections.add(rows, (n) => window.old[groups[n] as number] as number)
      })
      if (!deltas.some(({ table }) => table === window.groups)) tables.giveScratch(window.groups)
    }
    for (const { table } of deltas) tables.give(table)
    corrections.emit()
  }

  #deltaOf(batch: Batch, start: number, rows: readonly number[]): Delta {
    const { tables, kernels, arithmetic } = this.#parts
    const table = tables.take()
    const selection = Int32Array.from(rows)
    const kernel = kernels.bind(batch, selection)
    const end = start + arithmetic.paneMs
    kernel.loop(kernel.lanes, batch.eventTime, selection, 0, rows.length, start, end, table)
    return { start, table }
  }

  /** The windows that have fired and whose lateness is not over, with the groups of all deltas in each. */
  #windowsOf(deltas: readonly Delta[], { firedEnd, watermark }: Progress): Revised[] {
    const { arithmetic, allowedLateness, tables } = this.#parts
    const byEnd = new Map<number, GroupTable[]>()
    for (const { start, table } of deltas) {
      let end = arithmetic.firstEnd(start, -Infinity)
      for (; end <= firedEnd; end = arithmetic.firstEnd(start, end)) {
        if (isLate(end, allowedLateness, watermark)) continue
        const found = byEnd.get(end)
        if (found === undefined) byEnd.set(end, [table])
        else found.push(table)
      }
    }
    const windows = [...byEnd].toSorted(([a], [b]) => a - b)
    return windows.map(([end, found]) => {
      let groups = found[0] as GroupTable
      if (found.length > 1) {
        groups = tables.merged(found)
      }
      return { end, groups, old: new Int32Array(groups.size).fill(-1) }
    })
  }

  /** Writes a window's results for the groups that change. */
  #resultsOf(
    { end, groups }: Revised,
    write: (rows: Omit<WindowRows, 'weight'>, groups: Int32Array) => void,
  ): void {
    const { tables, panes, arithmetic } = this.#parts
    const result = tables.takeScratch()
    const numbers = new Int32Array(groups.size)
    for (const pane of panes.of(end)) {
      let count = 0
      for (let group = 0; group < groups.size; group++) {
        pane.table.loadKey(groups.i32, group * groups.words)
        const record = pane.table.find()
        if (record >= 0) numbers[count++] = record
      }
      tables.merge(result, pane.table, { numbers, count }, false)
    }
    const changed = new Int32Array(groups.size)
    let to = 0
    for (let group = 0; group < groups.size; group++) {
      result.loadKey(groups.i32, group * groups.words)
      const record = result.find()
      if (record < 0) continue
      numbers[to] = record
      changed[to++] = group
    }
    if (to > 0) {
      const windowStart = end - arithmetic.sizeMs
      const where = { keys: result, groups: numbers, store: result, records: numbers }
      write({ ...where, from: 0, to, windowStart, windowEnd: end }, changed)
    }
    tables.giveScratch(result)
  }
}
