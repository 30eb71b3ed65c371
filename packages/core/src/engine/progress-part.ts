/**
 * How far a step had come when a snapshot was taken: one row of numbers, the first of the snapshot.
 *
 * Every task writes its row. At a cut all tasks of a step have come equally far (T2 of task-loop.ts), so of several rows
 * the one that came furthest counts, whatever the parallelism is when they come back.
 */
import type { StatePart, StateRows } from '../checkpoint/state-file.ts'
import { BatchBuilder } from '../data/batch-builder.ts'
import type { FixedColumn } from '../data/column.ts'
import { keyGroupsOf } from './exchange.ts'
import type { TaskPlace } from './keyed-part.ts'

const NAME = 'progress'

/** The part of a step's progress: named numbers that never fall. */
export class ProgressPart {
  readonly part: StatePart
  readonly #place: TaskPlace
  readonly #written: Float64Array
  #isWritten = false

  constructor(names: readonly string[], place: TaskPlace) {
    this.part = {
      name: NAME,
      schema: { fields: names.map((name) => ({ name, type: { kind: 'float64' }, nullable: false })) },
    }
    this.#place = place
    this.#written = new Float64Array(names.length)
  }

  /** The row, unless it is the same as the last one and may be left out. */
  rows(values: readonly number[], full: boolean): readonly StateRows[] {
    const isSame = this.#isWritten && values.every((value, at) => value === this.#written[at])
    if (isSame && !full) return []
    this.#written.set(values)
    this.#isWritten = true
    const builder = new BatchBuilder(this.part.schema, 1)
    for (const [at, value] of values.entries())
      (builder.columns[at] as { values: Float64Array }).values[0] = value
    builder.length = 1
    const { task, tasks, keyGroups } = this.#place
    return [{ part: NAME, groups: keyGroupsOf(task, tasks, keyGroups), batch: builder.finish() }]
  }

  /** The numbers that came back, the greatest of all rows. */
  read({ batch }: StateRows): number[] {
    return batch.columns.map((column) => {
      let greatest = -Infinity
      for (let row = 0; row < batch.length; row++)
        greatest = Math.max(greatest, (column as FixedColumn).values[row] as number)
      return greatest
    })
  }
}
