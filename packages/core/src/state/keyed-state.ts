/**
 * The state that a `process` step declares, for the key whose turn it is: values here, lists in list-state.ts, maps in
 * map-state.ts.
 *
 * Handles are made once and follow a cursor: moving to another key moves one number. A record counts what it holds
 * (`live`); a key that holds nothing is dropped by its owner after the step.
 *
 * Invariants (tests quote them):
 *  K1  A handle shows the key of the cursor, and nothing of any other key.
 *  K2  `live` of a record is the number of values, non-empty lists, non-empty maps and timers that it has.
 *  K3  When `live` is 0 the record refers to no block, no map entry and no string but those of its key.
 *  K4  Whatever changes a record, or an entry of a map, marks it for the next snapshot; what a snapshot has and is no more
 *      is told to whoever takes them.
 *  K5  Between calls there is no key: using a handle then throws `step/kept-context`.
 */
import type { ColumnBuilder } from '../data/column-builder.ts'
import type { Column } from '../data/column.ts'
import { isValid } from '../data/column.ts'
import type { DataType } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { ArrayPool } from './array-pool.ts'
import type { BlockHeap } from './block-heap.ts'
import type { GroupTable } from './group-table.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import { ValueSlot, savedType, savedTypeNote } from './state-value.ts'
import type { StringTable } from './string-table.ts'
import { ValueCheck } from './value-check.ts'

/** What handles need: the layout under construction, and memory. */
export interface KeyedStateParts {
  readonly layout: RecordLayout
  readonly live: RecordField
  readonly blocks: BlockHeap
  readonly strings: StringTable
  readonly pool: ArrayPool
}

/** The key whose turn it is. */
export interface KeyCursor {
  /** Known once the layout is complete. */
  table: GroupTable
  record: number
}

/** A cursor that knows when no function is being called: state has no key then (K5). */
export class CallCursor implements KeyCursor {
  #table: GroupTable | undefined
  #record = -1

  get table(): GroupTable {
    return this.#table as GroupTable
  }

  set table(table: GroupTable) {
    this.#table = table
  }

  get record(): number {
    if (this.#record < 0) throw callHasEnded()
    return this.#record
  }

  set record(record: number) {
    this.#record = record
  }

  /** Throws when no function is being called. */
  check(): void {
    if (this.#record < 0) throw callHasEnded()
  }

  /** No function is being called until the next record is set. */
  rest(): void {
    this.#record = -1
  }
}

function callHasEnded(): MillraceError {
  return new MillraceError('step/kept-context', {
    what: 'the context of a step, or its state, was used after the call that it was given to',
    detail:
      'a call has ended when the function returns: nothing can be emitted, read or set for its key later',
    hint: 'do everything before the function returns; look things up beforehand, or join with a table: .lookupJoin(…)',
  })
}

/** Counts what the record of the cursor holds (K2). */
export function addLive(cursor: KeyCursor, live: RecordField, change: 1 | -1): void {
  const { table } = cursor
  const at = cursor.record * table.words + live.offset
  table.i32[at] = (table.i32[at] as number) + change
}

/** One value per key. */
export class ValueStateHandle {
  readonly name: string
  /** Behind the name of the column that `save` writes. */
  readonly typeNote: string
  readonly #cursor: KeyCursor
  readonly #check: ValueCheck
  readonly #slot: ValueSlot
  readonly #isSet: RecordField
  readonly #live: RecordField

  constructor(type: DataType, name: string, parts: KeyedStateParts, cursor: KeyCursor) {
    this.name = name
    this.typeNote = savedTypeNote(type)
    this.#cursor = cursor
    this.#isSet = parts.layout.add('i32', 0)
    this.#live = parts.live
    this.#check = new ValueCheck(type, name)
    this.#slot = new ValueSlot(type, parts.layout, parts.blocks)
  }

  /** The value, or undefined when none was set. */
  get(): unknown {
    const { table, record } = this.#cursor
    if (table.i32[record * table.words + this.#isSet.offset] === 0) return undefined
    return this.#slot.get(table, record)
  }

  get isSet(): boolean {
    const { table, record } = this.#cursor
    return table.i32[record * table.words + this.#isSet.offset] !== 0
  }

  /** The type of the column that `save` writes. */
  get savedType(): DataType {
    return savedType(this.#slot.shape)
  }

  set(value: unknown): void {
    const { table, record } = this.#cursor
    this.#check.check(value)
    this.#slot.set(table, record, value)
    this.#wasSet()
  }

  /** Writes the value, or null, to a cell of a snapshot. */
  save(out: ColumnBuilder, row: number): void {
    const { table, record } = this.#cursor
    if (this.isSet) this.#slot.save(table, record, out, row)
    else out.setNull(row)
  }

  /** Takes over what `save` wrote. */
  load(column: Column, row: number): void {
    if (!isValid(column, row)) {
      this.clear()
      return
    }
    const { table, record } = this.#cursor
    this.#slot.load(table, record, column, row)
    this.#wasSet()
  }

  #wasSet(): void {
    const { table, record } = this.#cursor
    table.mark(record)
    const at = record * table.words + this.#isSet.offset
    if (table.i32[at] !== 0) return
    table.i32[at] = 1
    addLive(this.#cursor, this.#live, 1)
  }

  clear(): void {
    const { table, record } = this.#cursor
    const at = record * table.words + this.#isSet.offset
    if (table.i32[at] === 0) return
    table.i32[at] = 0
    table.mark(record)
    this.#slot.release(table, record)
    addLive(this.#cursor, this.#live, -1)
  }
}
