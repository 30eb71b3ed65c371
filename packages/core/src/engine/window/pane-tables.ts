/**
 * Tables of groups for panes: taken, merged, and given back with what their records hold.
 *
 * Tables of panes never delete a group, so their records are 0, 1, 2, … in order of the groups' first rows.
 */
import { GroupTable, SWEPT_MAX } from '../../state/index.ts'
import type { WindowAggregateParts } from './window-aggregate-parts.ts'
import { holdKey, releaseRecord } from './window-aggregate-parts.ts'

/** Emptied tables kept for the next panes, and as many for merging, with the memory they grew to. */
const SPARE_TABLES_MAX = 8
/** Records that are given up in one go: a table may have millions (TL3). */
const GIVEN_UP_MAX = 8192

/** Some groups of a table, by record. */
export interface SomeGroups {
  readonly numbers: Int32Array
  readonly count: number
}

/** The tables of one operator. */
export class PaneTables {
  readonly #parts: WindowAggregateParts
  readonly #spare: GroupTable[] = []
  /** Apart: a table that held a window of many panes is much too big for one of them. */
  readonly #spareScratch: GroupTable[] = []
  readonly #holdsStrings: boolean
  readonly #holdsMemory: boolean
  /** Tables that are given back in pieces, and how many records of the first have been given up. */
  readonly #leaving: GroupTable[] = []
  #leftRecords = 0
  #numbers: Int32Array = new Int32Array(0)
  #targets: Int32Array = new Int32Array(0)

  constructor(parts: WindowAggregateParts) {
    this.#parts = parts
    this.#holdsStrings = parts.key.stringWords.length > 0
    this.#holdsMemory = parts.aggregates.some(({ aggregate }) => aggregate.release !== undefined)
  }

  /** Bytes of tables that wait to be taken. */
  get spareBytes(): number {
    const spare = [...this.#spare, ...this.#spareScratch, ...this.#leaving]
    return spare.reduce((bytes, table) => bytes + table.bytes, 0)
  }

  /** An empty table for a pane: its records hold the strings of their keys. */
  take(): GroupTable {
    return this.#spare.pop() ?? this.#make()
  }

  /** An empty table to merge into, whose records hold no strings of their keys. */
  takeScratch(): GroupTable {
    return this.#spareScratch.pop() ?? this.#make()
  }

  /** Takes the table of a pane back, and gives up what its records hold. */
  give(table: GroupTable): void {
    this.#giveUp(table, 0, table.size)
    this.#keep(table, this.#spare)
  }

  /** The same in pieces, by `proceed`. */
  giveLater(table: GroupTable): void {
    this.#leaving.push(table)
  }

  /** Gives up some more of what was given to leave, and the strings that nobody holds; whether all of it is done. */
  proceed(): boolean {
    let room = GIVEN_UP_MAX
    for (let table = this.#leaving[0]; table !== undefined; table = this.#leaving[0]) {
      const to = Math.min(table.size, this.#leftRecords + room)
      this.#giveUp(table, this.#leftRecords, to)
      room -= to - this.#leftRecords
      this.#leftRecords = to
      if (to < table.size) return false
      this.#leaving.shift()
      this.#leftRecords = 0
      this.#keep(table, this.#spare)
    }
    return this.#parts.strings.sweepSome(SWEPT_MAX)
  }

  /** Takes a table of `takeScratch` back. */
  giveScratch(table: GroupTable): void {
    this.#giveUpMemory(table, 0, table.size)
    this.#keep(table, this.#spareScratch)
  }

  #make(): GroupTable {
    const { key, template, pool } = this.#parts
    return new GroupTable({ keyWords: key.words, template, pool })
  }

  /** What some records of a pane hold. */
  #giveUp(table: GroupTable, from: number, to: number): void {
    if (this.#holdsStrings) for (let n = from; n < to; n++) holdKey(this.#parts, table, n, false)
    this.#giveUpMemory(table, from, to)
  }

  #giveUpMemory(table: GroupTable, from: number, to: number): void {
    if (this.#holdsMemory) for (let n = from; n < to; n++) releaseRecord(this.#parts, table, n)
  }

  #keep(table: GroupTable, spare: GroupTable[]): void {
    if (spare.length < SPARE_TABLES_MAX) {
      table.clear()
      spare.push(table)
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
      target.mark(record)
    }
    for (const { aggregate } of this.#parts.aggregates) {
      for (let n = 0; n < count; n++)
        aggregate.merge(target, targets[n] as number, source, numbers[n] as number)
    }
  }

  /** All groups of some tables in one scratch table, in order of the tables. */
  merged(parts: readonly GroupTable[]): GroupTable {
    const target = this.takeScratch()
    // What lies outside the records has one owner: then they are not copied as they are.
    const copied = this.#holdsMemory ? undefined : parts[0]
    if (copied !== undefined) target.copyFrom(copied)
    for (const part of parts) if (part !== copied) this.merge(target, part, this.all(part), false)
    return target
  }

  /** Gives the memory of waiting tables back. */
  dispose(): void {
    for (const spare of [this.#spare, this.#spareScratch, this.#leaving]) {
      for (const table of spare) table.dispose()
      spare.length = 0
    }
  }
}
