/**
 * The panes that are there: by start, and in order of start for whoever fires and drops.
 *
 * With panes opened and closed in any order, each step costs the logarithm of their number at most: a map finds a pane,
 * two heaps know the earliest one with windows to come and the earliest one to drop. Which of its windows is next is
 * arithmetic (pane-arithmetic.ts): a pane that starts earlier has its next window earlier, or at the same time.
 *
 * Entries and bytes are counted as panes change: only those that were asked for to be written to are measured again,
 * and have anything new for a checkpoint.
 */
import type { GroupTable } from '../../state/index.ts'
import { TimerHeap } from '../../state/index.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'

/** The groups of one pane. */
export interface Pane {
  readonly start: number
  readonly end: number
  /** End of the last window that contains it. */
  readonly lastEnd: number
  readonly table: GroupTable
}

/** A pane with its place in the list. */
interface Listed extends Pane {
  readonly id: number
  /** As counted last. */
  entries: number
  bytes: number
  isTouched: boolean
}

/** The panes of one task. */
export class PaneList {
  readonly #arithmetic: PaneArithmetic
  readonly #byStart = new Map<number, Listed>()
  readonly #byId: (Listed | undefined)[] = []
  readonly #freeIds: number[] = []
  /** Panes with windows that have not fired, by start. */
  readonly #unfired = new TimerHeap()
  /** All panes, by start. */
  readonly #all = new TimerHeap()
  #touched: Listed[] = []
  /** Panes that were asked for to be written to since `takeChanged`. */
  readonly #changed = new Set<Listed>()
  #entries = 0
  #bytes = 0

  constructor(arithmetic: PaneArithmetic) {
    this.#arithmetic = arithmetic
  }

  get size(): number {
    return this.#byStart.size
  }

  /** The pane that starts at `start`, to be written to. */
  find(start: number): Pane | undefined {
    const pane = this.#byStart.get(start)
    if (pane !== undefined) this.#touch(pane)
    return pane
  }

  /** The pane that starts at `start`, to be read. */
  peek(start: number): Pane | undefined {
    return this.#byStart.get(start)
  }

  /** All panes, in no order that means anything. */
  all(): Iterable<Pane> {
    return this.#byStart.values()
  }

  /** The panes that may have changed since the last time. */
  takeChanged(): readonly Pane[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed
  }

  /** Adds a pane that is not there. */
  open(start: number, table: GroupTable): Pane {
    const { paneMs } = this.#arithmetic
    const id = this.#freeIds.pop() ?? this.#byId.length
    const pane: Listed = {
      start,
      end: start === -Infinity ? Infinity : start + paneMs,
      lastEnd: this.#arithmetic.lastEnd(start),
      table,
      id,
      entries: 0,
      bytes: 0,
      isTouched: false,
    }
    this.#byStart.set(start, pane)
    this.#byId[id] = pane
    this.#unfired.set(id, start)
    this.#all.set(id, start)
    this.#touch(pane)
    return pane
  }

  /** The end of the next window with rows, of those that end after `after`; NaN when there is none. */
  nextEnd(after: number): number {
    for (;;) {
      const pane = this.#earliest(this.#unfired)
      if (pane === undefined) return Number.NaN
      const end = this.#arithmetic.firstEnd(pane.start, after)
      if (end === end) return end
      this.#unfired.remove(pane.id)
    }
  }

  /** The panes of the window that ends at `end`, in order. */
  of(end: number): Pane[] {
    const { sizeMs, paneMs } = this.#arithmetic
    // The global window: it has one pane, and ∞ − ∞ is no number.
    if (end === Infinity) return [...this.#byStart.values()]
    return this.between(end - sizeMs, end, paneMs)
  }

  /** The panes that start in [from, to), in order. `from` is the start of a pane. */
  between(from: number, to: number, paneMs: number = this.#arithmetic.paneMs): Pane[] {
    if ((to - from) / paneMs > 2 * this.size) {
      const found = [...this.#byStart.values()].filter(({ start }) => start >= from && start < to)
      return found.toSorted((a, b) => a.start - b.start)
    }
    const panes: Pane[] = []
    for (let start = from; start < to; start += paneMs) {
      const pane = this.#byStart.get(start)
      if (pane !== undefined) panes.push(pane)
    }
    return panes
  }

  /** Takes out the earliest pane if its last window ends at or before a time. */
  takeOver(end: number): Pane | undefined {
    const pane = this.#earliest(this.#all)
    if (pane === undefined || pane.lastEnd > end) return undefined
    this.#byStart.delete(pane.start)
    this.#changed.delete(pane)
    this.#byId[pane.id] = undefined
    this.#freeIds.push(pane.id)
    this.#unfired.remove(pane.id)
    this.#all.remove(pane.id)
    this.#entries -= pane.entries
    this.#bytes -= pane.bytes
    pane.entries = pane.bytes = 0
    return pane
  }

  /** Groups in all panes, and bytes of their tables. */
  measure(): { readonly entries: number; readonly bytes: number } {
    for (const pane of this.#touched) {
      pane.isTouched = false
      if (this.#byId[pane.id] !== pane) continue
      const { size, bytes } = pane.table
      this.#entries += size - pane.entries
      this.#bytes += bytes - pane.bytes
      pane.entries = size
      pane.bytes = bytes
    }
    this.#touched.length = 0
    return { entries: this.#entries, bytes: this.#bytes + this.#unfired.bytes + this.#all.bytes }
  }

  /** Gives the memory of all tables back. */
  dispose(): void {
    for (const { table } of this.#byStart.values()) table.dispose()
    this.#byStart.clear()
    this.#changed.clear()
    this.#byId.length = 0
  }

  #earliest(heap: TimerHeap): Listed | undefined {
    return this.#byId[heap.first]
  }

  #touch(pane: Listed): void {
    this.#changed.add(pane)
    if (pane.isTouched) return
    pane.isTouched = true
    this.#touched.push(pane)
  }
}
