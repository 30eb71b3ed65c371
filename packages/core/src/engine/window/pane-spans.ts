/**
 * Runs of 2^k panes merged once, for sliding windows of many panes: a window is made of a few of them.
 *
 * A window of n panes is cut into at most 2 · log2(n) aligned spans, each of which is merged when the first window needs it
 * and then serves all others: where panes share their keys, firing costs the logarithm of size ÷ slide instead of size ÷
 * slide (the dyadic cousin of the trees in Tangwongsan et al., "General Incremental Sliding-Window Aggregation", VLDB 2015;
 * docs/design/0003 says why not two stacks). Accumulators are only ever added, never taken off: no sum drifts.
 *
 * Invariants (tests quote them):
 *  PN1  How a window is cut follows from its end alone, so its result does not depend on other keys, batches or tasks.
 *  PN2  A span is forgotten when a pane in it is written to, and is merged anew for the next window.
 *  PN3  All merged spans together hold at most as many groups as the panes: one that would not halve the groups of its parts
 *       stays a list of them.
 */
import type { GroupTable } from '../../state/index.ts'
import { TimerHeap } from '../../state/index.ts'
import { windowStart } from '../../time/window.ts'
import type { PaneArithmetic } from './pane-arithmetic.ts'
import type { PaneList } from './pane-list.ts'
import type { PaneTables } from './pane-tables.ts'

/** Fewer windows per row than this do not pay for merging the panes once more. */
const WINDOWS_PER_ROW_MIN = 6

/** What stands in for the panes of a span, in order of time. */
interface Span {
  readonly id: number
  readonly level: number
  readonly start: number
  readonly tables: readonly GroupTable[]
  /** The table that was merged for it; undefined when its parts serve as they are. */
  readonly merged: GroupTable | undefined
  readonly bytes: number
}

/** Whether windows share their panes often enough for spans. */
export function paysForSpans({ sizeMs, slideMs }: PaneArithmetic): boolean {
  return sizeMs >= WINDOWS_PER_ROW_MIN * slideMs && Number.isFinite(sizeMs)
}

/** The spans of one task. */
export class PaneSpans {
  readonly #arithmetic: PaneArithmetic
  readonly #panes: PaneList
  readonly #tables: PaneTables
  /** By level (a span of level k has 2^k panes) and start. Level 0 is the panes. */
  readonly #levels: Map<number, Span>[] = []
  readonly #byId: (Span | undefined)[] = []
  readonly #freeIds: number[] = []
  readonly #byStart = new TimerHeap()
  /** No span ends behind this. */
  #end = -Infinity
  #bytes = 0

  constructor(arithmetic: PaneArithmetic, panes: PaneList, tables: PaneTables) {
    this.#arithmetic = arithmetic
    this.#panes = panes
    this.#tables = tables
    for (let panesMs = 2 * arithmetic.paneMs; panesMs <= arithmetic.sizeMs; panesMs *= 2)
      this.#levels.push(new Map())
  }

  /** Bytes of merged tables, and of what finds them. */
  get bytes(): number {
    return this.#bytes + this.#byStart.bytes
  }

  /** The tables that make up the window that ends at `end`, in order of time; valid until a pane changes (PN1). */
  of(end: number): readonly GroupTable[] {
    const found: GroupTable[] = []
    for (let at = end - this.#arithmetic.sizeMs; at < end;) {
      let level = 0
      while (level < this.#levels.length && this.#isSpan(level + 1, at, end)) level++
      found.push(...this.#tablesOf(level, at))
      at += this.#lengthOf(level)
    }
    return found
  }

  /** The pane at `start` is about to be written to (PN2). */
  forget(start: number): void {
    if (start >= this.#end) return
    for (const [n, spans] of this.#levels.entries()) {
      const span = spans.get(windowStart(start, this.#lengthOf(n + 1), this.#arithmetic.origin))
      if (span !== undefined) this.#drop(span)
    }
  }

  /** No window to come contains the pane at `start`, nor any before it. To be called while the pane is still there. */
  dropTo(start: number): void {
    while (this.#byStart.earliest <= start && this.#byStart.size > 0)
      this.#drop(this.#byId[this.#byStart.first] as Span)
  }

  #lengthOf(level: number): number {
    return this.#arithmetic.paneMs * 2 ** level
  }

  #isSpan(level: number, start: number, end: number): boolean {
    const length = this.#lengthOf(level)
    return start + length <= end && windowStart(start, length, this.#arithmetic.origin) === start
  }

  #tablesOf(level: number, start: number): readonly GroupTable[] {
    if (level === 0) {
      const pane = this.#panes.peek(start)
      return pane === undefined ? [] : [pane.table]
    }
    const spans = this.#levels[level - 1] as Map<number, Span>
    let span = spans.get(start)
    if (span === undefined) {
      span = this.#make(level, start)
      spans.set(start, span)
    }
    return span.tables
  }

  #make(level: number, start: number): Span {
    const half = this.#lengthOf(level - 1)
    const parts = [...this.#tablesOf(level - 1, start), ...this.#tablesOf(level - 1, start + half)]
    const merged = parts.length > 1 ? this.#merged(parts) : undefined
    const id = this.#freeIds.pop() ?? this.#byId.length
    const span: Span = {
      id,
      level,
      start,
      tables: merged === undefined ? parts : [merged],
      merged,
      bytes: merged?.bytes ?? 0,
    }
    this.#byId[id] = span
    this.#byStart.set(id, start)
    this.#end = Math.max(this.#end, start + 2 * half)
    this.#bytes += span.bytes
    return span
  }

  /** One table for several; undefined when they share so few keys that it is not worth its memory (PN3). */
  #merged(parts: readonly GroupTable[]): GroupTable | undefined {
    const groups = parts.reduce((sum, table) => sum + table.size, 0)
    const merged = this.#tables.merged(parts)
    if (2 * merged.size <= groups) return merged
    this.#tables.giveScratch(merged)
    return undefined
  }

  #drop(span: Span): void {
    this.#levels[span.level - 1]?.delete(span.start)
    this.#byId[span.id] = undefined
    this.#freeIds.push(span.id)
    this.#byStart.remove(span.id)
    this.#bytes -= span.bytes
    if (span.merged !== undefined) this.#tables.giveScratch(span.merged)
  }

  /** Gives the memory of all spans back. */
  dispose(): void {
    this.dropTo(Infinity)
  }
}
