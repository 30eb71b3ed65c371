/**
 * Where a source stands at the border of an epoch: what of it changed since the border before.
 *
 * The cut is taken between two steps, in one synchronous moment. How it looks as tables is source-state.ts.
 */
import type { StateRows } from '../../checkpoint/state-file.ts'
import type { SplitProgress } from '../../connect/source.ts'
import type { SplitDiscovery } from './split-discovery.ts'
import { sourceRows } from './source-state.ts'
import type { KeptSplit, SourceStanding } from './source-state.ts'
import type { SourceTask } from './source-task.ts'
import type { SplitRun } from './split-run.ts'

/** Where a source stands at the border of an epoch. */
export interface SourceCut {
  readonly rows: readonly StateRows[]
  /** To be called when the epoch is durable and delivered; undefined: the source does not ask for it. */
  readonly acknowledge: (() => Promise<void>) | undefined
}

/** Takes the cuts of one source step. */
export class SourceCutter {
  private readonly discovery: SplitDiscovery
  private readonly tasks: readonly SourceTask[]
  private readonly keyGroups: number
  /** The standing that was written down last, as text. */
  private written = ''

  /** @param keyGroups - of the plan: the range that rows of the state are filed under */
  constructor(discovery: SplitDiscovery, tasks: readonly SourceTask[], keyGroups: number) {
    this.discovery = discovery
    this.tasks = tasks
    this.keyGroups = keyGroups
  }

  /**
   * What changed since the last cut (all of it with `full`), and the word to the source once the epoch is delivered.
   *
   * @param discovered - splits found so far
   */
  cut(full: boolean, discovered: number): SourceCut {
    const moved: KeptSplit[] = []
    const gone: string[] = []
    for (const task of this.tasks) {
      const { changed, finished } = task.takeChanges()
      gone.push(...finished)
      for (const run of full ? task.splits : changed) {
        const kept = keptSplit(run, task.isIdleSplit(run))
        if (hasMoved(run, kept) || full) moved.push(kept)
      }
    }
    const remembered = this.discovery.takeRemembered(full)
    const rows = sourceRows(
      { splits: moved, gone: full ? [] : gone, remembered, standing: this.standing(full, discovered) },
      [0, this.keyGroups],
    )
    return { rows, acknowledge: this.discovery.acknowledgement(progressOf(moved, gone)) }
  }

  /** Undefined: as it was written down last. */
  private standing(full: boolean, discovered: number): SourceStanding | undefined {
    const discoveryDone = this.discovery.isOver
    const marks = this.tasks.map((task) => task.marks)
    const text = `${marks.map((of) => `${of.current} ${of.highestEnded}`).join()} ${discovered} ${discoveryDone}`
    if (text === this.written && !full) return undefined
    this.written = text
    return { marks, discovered, discoveryDone }
  }
}

function keptSplit(run: SplitRun, isIdle: boolean): KeptSplit {
  const { split, index, position, rowsRead, watermark } = run
  return { split, number: index, position, rowsRead, watermark: watermark.current, isIdle }
}

/** Whether a split has moved since it was written down; notes where it stands now. */
function hasMoved(run: SplitRun, kept: KeptSplit): boolean {
  const { position, rowsRead, watermark, isIdle } = kept
  const text = `${JSON.stringify(position)} ${rowsRead} ${watermark} ${isIdle}`
  const moved = text !== run.written
  run.written = text
  return moved
}

function progressOf(moved: readonly KeptSplit[], gone: readonly string[]): readonly SplitProgress[] {
  return [
    // Of a split that was found and not begun there is nothing to tell: no position means that it was read to its end.
    ...moved.flatMap(({ split, position }) =>
      position === undefined ? [] : [{ split: split.id, position }],
    ),
    ...gone.map((split) => ({ split, position: undefined })),
  ]
}
