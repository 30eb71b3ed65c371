/**
 * The watermark of a source task: the minimum over the splits it has not finished.
 *
 * Not time/watermark's tracker: splits come and go by the thousand, and an ended one must cost nothing. Invariants
 * (tests quote them):
 *  S2  A discovered but unread split holds the watermark (at its `lowestEventTime`, when known); a finished split
 *      leaves its highest value.
 *  W4  When every open split is idle, the watermark stays where it is.
 *  S4  A task that has no split at all, or none left, is idle: it does not hold the other tasks back.
 */
import type { Split } from '../connect/source.ts'

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
  /** The lowest event time among unread splits, kept while they do not change. */
  private unreadLowest = Infinity

  /** No open split promises anything, and none waits to be read; so it is too when there is no split at all. */
  get allIdle(): boolean {
    if (this.unread.size > 0) return false
    for (const entry of this.open.values()) if (!entry.idle) return false
    return true
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

  isIdle(split: FrontierSplit): boolean {
    return this.open.get(split)?.idle ?? false
  }

  discovered(split: FrontierSplit): void {
    this.unread.add(split)
    this.unreadLowest = Math.min(this.unreadLowest, lowest(split))
  }

  opened(split: FrontierSplit): void {
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
    if (entry !== undefined) entry.idle = idle
  }

  ended(split: FrontierSplit): void {
    this.open.delete(split)
    this.highestEnded = Math.max(this.highestEnded, split.watermark.current)
  }

  /** The watermark now. Never falls. */
  combine(): number {
    if (this.open.size > 0 && this.allIdle) return this.current
    let minimum = this.unreadLowest
    for (const [split, entry] of this.open) {
      if (!entry.idle) minimum = Math.min(minimum, lowest(split))
    }
    if (this.open.size === 0 && this.unread.size === 0) minimum = this.highestEnded
    this.current = Math.max(this.current, minimum)
    return this.current
  }
}

/** What is known of the rows of a split that are still to come. */
function lowest({ split, watermark }: FrontierSplit): number {
  return Math.max(watermark.current, split.lowestEventTime ?? -Infinity)
}
