/**
 * A lane of a source in micro-batch mode: splits that are read one after the other, in an order that a replay repeats,
 * and the rows that they may still give in this epoch.
 */
import type { SplitRun } from './split-run.ts'

/** Splits of one epoch in the order in which they are read. */
export class Lane {
  /** Infinity: no limit. */
  rowsLeft: number
  private readonly runs: readonly SplitRun[]
  private at = 0

  constructor(runs: readonly SplitRun[], rows: number | undefined) {
    this.runs = runs
    this.rowsLeft = rows ?? Infinity
  }

  /** The split whose turn it is; undefined: the lane has come to its end. */
  get current(): SplitRun | undefined {
    return this.rowsLeft > 0 ? this.runs[this.at] : undefined
  }

  /** The splits whose turn has come. */
  get begun(): readonly SplitRun[] {
    return this.runs.slice(0, this.at + 1)
  }

  /** The current split was read as far as the epoch goes. */
  pass(): void {
    this.at++
  }
}
