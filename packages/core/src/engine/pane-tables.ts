/**
 * Tables of groups for panes: taken, merged, and given back with what their records hold.
 *
 * Tables of panes never delete a group, so their records are 0, 1, 2, … in order of the groups' first rows.
 */
import { GroupTable } from '../state/index.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import { holdKey, releaseRecord } from './window-aggregate-parts.ts'

/** Emptied tables kept for the next panes, with the memory they grew to. */
const SPARE_TABLES_MAX = 8

/** Some groups of a table, by record. */
export interface SomeGroups {
  readonly numbers: Int32Array
  readonly count: number
}

/** The tables of one operator. */
export class PaneTables {
  readonly #parts: WindowAggregateParts
  readonly #spare: GroupTable[] = []
  readonly #holdsStrings: boolean
  readonly #holdsMemory: boolean
  #numbers: Int32Array = new Int32Array(0)
  #targets: Int32Array = new Int32Array(0)

  constructor(parts: WindowAggregateParts) {
    this.#parts = parts
    this.#holdsStrings = parts.key.stringWords.length > 0
    this.#holdsMemory = parts.aggregates.some(({ aggregate }) => aggregate.release !== undefined)
  }

  /** Bytes of tables that wait to be taken. */
  get spareBytes(): number {
    return this.#spare.reduce((bytes, table) => bytes + table.bytes, 0)
  }

  /** An empty table. */
  take(): GroupTable {
    const { key, template, pool } = this.#parts
    return this.#spare.pop() ?? new GroupTable({ keyWords: key.words, template, pool })
  }

  /** Empties a table, giving up what its records hold; `holdsKeys`: references to the strings of its keys too. */
  give(table: GroupTable, holdsKeys: boolean): void {
    if (holdsKeys && this.#holdsStrings)
      for (let n = 0; n < table.size; n++) holdKey(this.#parts, table, n, false)
    if (this.#holdsMemory) for (let n = 0; n < table.size; n++) releaseRecord(this.#parts, table, n)
    if (this.#spare.length < SPARE_TABLES_MAX) {
      table.clear()
      this.#spare.push(table)
    } else table.dispose()
  }

  /** All groups of a table of a pane. */
  all(table: GroupTable): SomeGroups {
    const count = table.size
    if (this.#numbers.length < count) {
      this.#numbers = new Int32Array(Math.max(64, count * 2))
      for (let n = 0; n < this.#numbers.length; n++) this.#numbers[n] = n
    }
    return { numbers: this.#numbers, count }
  }

  /**
   * Merges groups of one table into another. `holdsKeys`: new groups hold the strings of their keys; without, the
   * target must not outlive the tables that do.
   */
  merge(target: GroupTable, source: GroupTable, groups: SomeGroups, holdsKeys: boolean): void {
    const { numbers, count } = groups
    if (this.#targets.length < count) this.#targets = new Int32Array(count * 2)
    const targets = this.#targets
    for (let n = 0; n < count; n++) {
      target.loadKey(source.i32, (numbers[n] as number) * source.words)
      let record = target.find()
      if (record < 0) {
        record = target.insert(target.tagOfKey())
        if (holdsKeys) holdKey(this.#parts, target, record, true)
      }
      targets[n] = record
    }
    for (const { aggregate } of this.#parts.aggregates) {
      for (let n = 0; n < count; n++)
        aggregate.merge(target, targets[n] as number, source, numbers[n] as number)
    }
  }

  /** Gives the memory of waiting tables back. */
  dispose(): void {
    for (const table of this.#spare) table.dispose()
    this.#spare.length = 0
  }
}
