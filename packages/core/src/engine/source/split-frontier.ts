/**
 * The watermark of a source task: the minimum over the splits it has not finished.
 *
 * Not time/watermark's tracker: splits come and go by the thousand, and an ended one must cost nothing. Invariants
 * (tests quote them):
 *  SO2  A discovered but unread split holds the watermark (at its `lowestEventTime`, when known), and so does input that is
 *       coming (`FoundSplits.coming`); a finished split leaves its highest value.
 *  SW2  When every open split is idle, the watermark stays where it is.
 *  SO4  A task that has no split at all, or none left, says what the source as a whole has come to (announced-time.ts):
 *       the least of the tasks that have some, and where none has, the highest value of all. So it holds back neither those
 *       nor lets other inputs pass them by, and a source in which nothing is left to read holds others back where it has
 *       come to, unless it may be idle.
 */
import type { Split } from '../../connect/source.ts'

/** What the frontier needs to know of a split. */
export interface FrontierSplit {
  readonly split: Split
  readonly watermark: { readonly current: number }
}

/** What a frontier knows beside its splits. */
export interface FrontierMarks {
  readonly current: number
  /** The highest watermark of splits that have ended. */
  readonly highestEnded: number
}

/** Combines the watermarks of a task's splits. */
export class SplitFrontier {
  private current = -Infinity
  private highestEnded = -Infinity
  private readonly unread = new Set<FrontierSplit>()
  private readonly open = new Map<FrontierSplit, { idle: boolean }>()
  private idleCount = 0
  /** A split is to be expected here. */
  private isComing = false
  /** The open split that held the watermark when it was combined last; undefined: it has to be combined anew. */
  private holder: FrontierSplit | undefined
  /** The lowest event time among unread splits, kept while they do not change. */
  private unreadLowest = Infinity

  /** There is a split, open or unread. */
  get hasSplits(): boolean {
    return this.unread.size > 0 || this.open.size > 0
  }

  /** There is no split, and none is coming. */
  get isEmpty(): boolean {
    return !this.hasSplits && !this.isComing
  }

  /** No open split promises anything, and none waits to be read; so it is too when there is no split at all. */
  get allIdle(): boolean {
    return this.unread.size === 0 && !this.isComing && this.idleCount === this.open.size
  }

  /** What is to be kept beside the splits themselves. */
  get marks(): FrontierMarks {
    return { current: this.current, highestEnded: this.highestEnded }
  }

  /** Goes on from the marks of an earlier run. */
  restore({ current, highestEnded }: FrontierMarks): void {
    this.current = current
    this.highestEnded = highestEnded
  }

  /** Without a split: stands where the source does. */
  raise(watermark: number): void {
    this.current = Math.max(this.current, watermark)
  }

  isIdle(split: FrontierSplit): boolean {
    return this.open.get(split)?.idle ?? false
  }

  /** A split is to be expected, or is not any more. */
  expect(isComing: boolean): void {
    this.holder = undefined
    this.isComing = isComing
  }

  discovered(split: FrontierSplit): void {
    this.holder = undefined
    this.unread.add(split)
    this.unreadLowest = Math.min(this.unreadLowest, lowest(split))
  }

  opened(split: FrontierSplit): void {
    this.holder = undefined
    this.unread.delete(split)
    this.open.set(split, { idle: false })
    this.unreadLowest = Infinity
    for (const other of this.unread) {
      this.unreadLowest = Math.min(this.unreadLowest, lowest(other))
      if (this.unreadLowest === -Infinity) break
    }
  }

  setIdle(split: FrontierSplit, idle: boolean): void {
    const entry = this.open.get(split)
    if (entry === undefined || entry.idle === idle) return
    this.holder = undefined
    this.idleCount += idle ? 1 : -1
    entry.idle = idle
  }

  ended(split: FrontierSplit): void {
    this.holder = undefined
    if (this.isIdle(split)) this.idleCount--
    this.open.delete(split)
    this.highestEnded = Math.max(this.highestEnded, split.watermark.current)
  }

  /** The watermark now. Never falls. `moved`: nothing but this open split has moved since the last call. */
  combine(moved?: FrontierSplit): number {
    if (this.open.size > 0 && this.allIdle) return this.current
    // There may be thousands open: as long as another one holds the watermark it stays.
    if (moved !== undefined && this.holder !== undefined && moved !== this.holder) return this.current
    this.current = Math.max(this.current, this.minimum())
    return this.current
  }

  private minimum(): number {
    this.holder = undefined
    if (this.isEmpty) return this.highestEnded
    if (this.isComing) return -Infinity
    let minimum = this.unreadLowest
    for (const [split, { idle }] of this.open) {
      const own = idle ? Infinity : lowest(split)
      if (own >= minimum) continue
      minimum = own
      this.holder = split
    }
    return minimum
  }
}

/** What is known of the rows of a split that are still to come. */
function lowest({ split, watermark }: FrontierSplit): number {
  return Math.max(watermark.current, split.lowestEventTime ?? -Infinity)
}
