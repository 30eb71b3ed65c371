/**
 * How far a step had come when a snapshot was taken: one row of numbers, the first of the snapshot.
 *
 * Every task writes its row. At a cut all tasks of a step have come equally far (TL2 of task-loop.ts), so of several rows
 * the one that came furthest counts, whatever the parallelism is when they come back.
 */
import type { StatePart, StateRows } from '../checkpoint/state-file.ts'
import { BatchBuilder } from '../data/batch-builder.ts'
import type { FixedColumn } from '../data/column.ts'
import { MillraceError } from '../errors.ts'
import { keyGroupsOf } from './exchange.ts'
import type { TaskPlace } from './keyed/keyed-part.ts'

const NAME = 'progress'

/**
 * The part of a step's progress: named numbers that never fall, and settings without which the rest of the state would
 * mean something else.
 */
export class ProgressPart {
  readonly part: StatePart
  readonly #settings: readonly (readonly [name: string, value: number])[]
  readonly #step: string
  readonly #place: TaskPlace
  readonly #written: Float64Array
  #isWritten = false

  constructor(options: {
    readonly names: readonly string[]
    readonly settings?: { readonly [name: string]: number }
    readonly step: string
    readonly place: TaskPlace
  }) {
    this.#settings = Object.entries(options.settings ?? {})
    const names = [...options.names, ...this.#settings.map(([name]) => name)]
    this.part = {
      name: NAME,
      schema: { fields: names.map((name) => ({ name, type: { kind: 'float64' }, nullable: false })) },
    }
    this.#step = options.step
    this.#place = options.place
    this.#written = new Float64Array(options.names.length)
  }

  /** The row, unless it is the same as the last one and may be left out. */
  rows(values: readonly number[], full: boolean): readonly StateRows[] {
    const isSame = this.#isWritten && values.every((value, at) => value === this.#written[at])
    if (isSame && !full) return []
    this.#written.set(values)
    this.#isWritten = true
    const builder = new BatchBuilder(this.part.schema, 1)
    const all = [...values, ...this.#settings.map(([, value]) => value)]
    for (const [at, value] of all.entries())
      (builder.columns[at] as { values: Float64Array }).values[0] = value
    builder.length = 1
    const { task, tasks, keyGroups } = this.#place
    return [{ part: NAME, groups: keyGroupsOf(task, tasks, keyGroups), batch: builder.finish() }]
  }

  /**
   * The numbers that came back, the greatest of all rows.
   *
   * @throws MillraceError `checkpoint/incompatible` when a setting was another one.
   */
  read({ batch }: StateRows): number[] {
    const numbers = batch.columns.map((column) => {
      let greatest = -Infinity
      for (let row = 0; row < batch.length; row++)
        greatest = Math.max(greatest, (column as FixedColumn).values[row] as number)
      return greatest
    })
    for (const [at, [name, value]] of this.#settings.entries()) {
      const before = numbers[this.#written.length + at]
      if (batch.length > 0 && before !== value) throw this.#incompatible(name, before, value)
    }
    return numbers
  }

  #incompatible(name: string, before: unknown, now: number): MillraceError {
    return new MillraceError('checkpoint/incompatible', {
      what: `the pipeline cannot go on with the state of step "${this.#step}"`,
      detail: `its ${name} was ${String(before)} and is ${now}`,
      hint: 'run the pipeline that wrote it; or give the step a new name and begin in an empty state directory',
      step: this.#step,
    })
  }
}
