/**
 * A module's own last word: the export `report` beside the pipeline.
 *
 * `millrace run` calls it when the run has ended well and prints the text it gives on standard output. It is for what
 * a summary of counters cannot say: a table of results, a chart, what to look at next.
 */
import type { JobResult, RunMode } from '@millrace/core/runtime'

/** What a report is given. */
export interface FinishedRun {
  readonly result: JobResult
  readonly mode: RunMode
  /** Values of the pipeline's options, written as after `--set name=`. */
  readonly options: { readonly [name: string]: string }
  /** Columns of the terminal. */
  readonly width: number
}

/** The function that a module may export as `report`. */
export type Report = (run: FinishedRun) => string | Promise<string>
