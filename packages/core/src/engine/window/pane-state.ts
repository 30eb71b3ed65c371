/**
 * The state of windows of panes on its way into a checkpoint and back: accumulators by key and pane, and how far windows
 * have fired.
 *
 * Invariants (tests quote them):
 *  PS1  Nothing says that a pane is gone: which ones are follows from `droppedTo`. The row of progress comes first, so
 *       that rows behind it never meet a pane of an earlier snapshot that was gone when they were written.
 *  PS2  Spans and firings are not kept: spans are made again, and nothing is in the middle of firing at a cut.
 */
import type { StatePart, StateRows } from '../../checkpoint/state-file.ts'
import type { FixedColumn } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import { AccumulatorCells } from './accumulator-cells.ts'
import { KeyedPart } from '../keyed/keyed-part.ts'
import type { PartColumn, TaskPlace } from '../keyed/keyed-part.ts'
import type { GroupTable } from '../../state/index.ts'
import type { OperatorState, SnapshotScope } from '../operator.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'
import type { Pane, PaneList } from './pane-list.ts'
import type { PaneTables, SomeGroups } from './pane-tables.ts'
import { ProgressPart } from '../progress-part.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'

/** How far windows have come. */
export interface PaneProgress {
  readonly watermark: number
  readonly firedEnd: number
  /** Panes whose last window ends at or before this are gone. */
  readonly droppedTo: number
}

/** What the state is made of. */
export interface PaneStateParts {
  readonly parts: WindowAggregateParts
  readonly arithmetic: PaneArithmetic
  readonly panes: PaneList
  readonly tables: PaneTables
  readonly place: TaskPlace
  /** The pane that starts at a time, made when it is not there. */
  paneAt(start: number): Pane
  /** From now on changes are marked. */
  track(): void
  progress(): PaneProgress
  /** Goes on from progress that came back: panes that were gone by then go. */
  goOn(progress: PaneProgress): void
  /** Event time begins anew. */
  beginTime(): void
  restored(): void
}

/** State of the operator of window-aggregate-panes.ts. */
export class PaneState implements OperatorState {
  readonly parts: readonly StatePart[]
  readonly remembersWhole = true
  readonly #parts: PaneStateParts
  readonly #progress: ProgressPart
  readonly #groups: KeyedPart
  readonly #cells: AccumulatorCells
  readonly #hasTime: boolean
  /** Start of the pane that is written. */
  #start = 0

  constructor(state: PaneStateParts) {
    const { parts, place } = state
    this.#parts = state
    this.#hasTime = parts.node.window.kind !== 'global'
    const { paneMs, origin } = state.arithmetic
    this.#progress = new ProgressPart({
      names: ['watermark', 'firedEnd', 'droppedTo'],
      settings: { paneMs, origin },
      step: parts.node.step,
      place,
    })
    this.#cells = new AccumulatorCells(parts)
    const start: PartColumn = {
      field: {
        name: '/pane',
        type: { kind: 'timestamp', unit: 'ms', zoned: true },
        nullable: false,
      },
      writer: {
        write: (_store, { from, to }, out, at) => {
          ;(out as FixedColumnBuilder).values.fill(this.#start, at, at + to - from)
        },
      },
    }
    this.#groups = new KeyedPart({
      name: 'panes',
      key: parts.key,
      strings: parts.strings,
      columns: [...(this.#hasTime ? [start] : []), ...this.#cells.columns],
      groupWords: parts.template.length,
      place,
      step: parts.node.step,
    })
    this.parts = [this.#progress.part, this.#groups.part]
  }

  snapshot(scope: SnapshotScope): readonly StateRows[] {
    const { panes, progress } = this.#parts
    this.#parts.track()
    const { watermark, firedEnd, droppedTo } = progress()
    const changed = panes.takeChanged()
    for (const { start, table } of scope === 'changes' ? changed : panes.all()) {
      const { numbers, count } = this.#recordsOf(table, scope)
      this.#start = start
      this.#groups.write({ keys: table, groups: numbers, store: table, records: numbers, count })
    }
    const moments = this.#progress.rows([watermark, firedEnd, droppedTo], scope !== 'changes')
    return [...moments, ...this.#groups.take()]
  }

  #recordsOf(table: GroupTable, scope: SnapshotScope): SomeGroups {
    if (scope === 'whole') {
      table.forgetChanges()
      return this.#parts.tables.all(table)
    }
    const numbers = scope === 'changes' ? table.takeChanged() : table.takeChangedSinceForgotten()
    return { numbers, count: numbers.length }
  }

  restore(rows: StateRows): void {
    if (rows.part === this.#progress.part.name) {
      const [watermark, firedEnd, droppedTo] = this.#progress.read(rows) as [number, number, number]
      this.#parts.goOn({ watermark, firedEnd, droppedTo })
    } else if (rows.part === this.#groups.part.name) this.#restoreGroups(rows)
  }

  beginTime(): void {
    this.#parts.beginTime()
  }

  restored(): void {
    this.#parts.track()
    for (const { table } of this.#parts.panes.takeChanged()) table.forgetChanges()
    this.#parts.restored()
  }

  /** Rows of one pane stand together. */
  #restoreGroups(came: StateRows): void {
    const count = this.#groups.begin(came)
    const { rows } = this.#groups
    const starts = this.#hasTime ? (this.#groups.column(0) as FixedColumn).values : undefined
    const startOf = (n: number): number =>
      starts === undefined ? -Infinity : (starts[rows[n] as number] as number)
    const cells = came.batch.columns.slice(this.#groups.firstColumn + (this.#hasTime ? 1 : 0))
    for (let from = 0, to = 0; from < count; from = to) {
      const start = startOf(from)
      to = starts === undefined ? count : from + 1
      while (to < count && startOf(to) === start) to++
      const { table } = this.#parts.paneAt(start)
      if (to === count) this.#groups.makeRoom(to - from, table)
      const records = this.#groups.locate(from, to, table)
      this.#cells.load(cells, { store: table, records, rows, from, to })
    }
  }
}
