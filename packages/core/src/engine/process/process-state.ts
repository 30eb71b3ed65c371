/**
 * The state of a `process` step on its way into a checkpoint and back: values by key in one part, each list, each map and
 * the timers in parts of their own, and the watermark.
 *
 * Invariants (tests quote them):
 *  US1  A row is known by its key and what names it besides: nothing for values, its place in a list, its key in a map,
 *       the name of a timer. Rows that say what is gone come before those that say what is.
 *  US2  Nothing says that a timer has fired when it was due: that follows from the watermark, whose row comes first.
 *  US3  Lists leave as what was added since the last snapshot.
 */
import type { StatePart, StateRows } from '../../checkpoint/state-file.ts'
import type { ColumnBuilder } from '../../data/column-builder.ts'
import type { FixedColumn, Utf8Column } from '../../data/column.ts'
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { DataType } from '../../data/type.ts'
import type { Utf8ColumnBuilder } from '../../data/utf8-column-builder.ts'
import { assert } from '../../errors.ts'
import type { ArrayPool, CallCursor, KeyLayout, RecordField, StringTable } from '../../state/index.ts'
import {
  GoneRecords,
  ListStateHandle,
  MapStateHandle,
  RecordLayout,
  ValueStateHandle,
} from '../../state/index.ts'
import { KeyedPart } from '../keyed/keyed-part.ts'
import type { PartColumn, TaskPlace } from '../keyed/keyed-part.ts'
import type { OperatorState, SnapshotScope } from '../operator.ts'
import type { StateHandle } from './process-function.ts'
import type { ProcessTimers } from './process-timers.ts'
import { ProgressPart } from '../progress-part.ts'

/** Values of lists that are written in one go. */
const LIST_ROWS = 4096

/** What the state is made of. */
export interface ProcessStateParts {
  readonly step: string
  readonly place: TaskPlace
  readonly key: KeyLayout
  readonly strings: StringTable
  readonly pool: ArrayPool
  readonly cursor: CallCursor
  /** 1 in the record of a key whose values the last snapshot has. */
  readonly saved: RecordField
  readonly handles: readonly StateHandle[]
  readonly timers: ProcessTimers
  /** Counts what the record of the cursor holds. */
  addLive(change: 1 | -1): void
  /** The hash of a key, which orders timers of one time. */
  setHash(group: number, hash: number): void
  watermark(): number
  goOn(watermark: number): void
  /** Event time begins anew. */
  beginTime(): void
  restored(): void
}

/** One table: how its changes leave, and how its rows come back. */
interface Table {
  readonly keyed: KeyedPart
  readonly gone: GoneRecords
  /** A key has one row at most. */
  readonly hasRowPerKey?: boolean
  /** Writes the live records that changed, or all. */
  write(full: boolean, changedKeys: Int32Array): void
  /** Takes a row for the key of the cursor. */
  load(row: number): void
  /** Takes over that the row is gone. */
  loadRemoval(row: number): void
  /** After the last row. */
  finish?(): void
}

/** State of the operator of process.ts. */
export class ProcessState implements OperatorState {
  readonly parts: readonly StatePart[]
  readonly #parts: ProcessStateParts
  readonly #progress: ProgressPart
  readonly #tables: readonly Table[]
  readonly #values: Table | undefined
  /** Rows that are written say what is gone. */
  #isGone = false

  constructor(parts: ProcessStateParts) {
    this.#parts = parts
    this.#progress = new ProgressPart({ names: ['watermark'], step: parts.step, place: parts.place })
    const values = parts.handles.filter((handle) => handle instanceof ValueStateHandle)
    this.#values = values.length === 0 ? undefined : this.#valuesTable(values)
    this.#tables = [
      ...(this.#values === undefined ? [] : [this.#values]),
      ...parts.handles
        .filter((handle) => handle instanceof ListStateHandle)
        .map((list) => this.#listTable(list)),
      ...parts.handles.filter((handle) => handle instanceof MapStateHandle).map((map) => this.#mapTable(map)),
      this.#timerTable(),
    ]
    this.parts = [this.#progress.part, ...this.#tables.map(({ keyed }) => keyed.part)]
  }

  /** A key that holds nothing any more is about to be forgotten. */
  dropped(group: number): void {
    if (this.#values === undefined) return
    const { table } = this.#parts.cursor
    const at = group * table.words + this.#parts.saved.offset
    if (table.i32[at] === 1) this.#values.gone.add(table.i32, group * table.words)
    table.i32[at] = 0
  }

  snapshot(scope: SnapshotScope): readonly StateRows[] {
    const full = scope === 'whole'
    const { table } = this.#parts.cursor
    const changed = table.takeChanged()
    const keys = full ? table.liveRecords() : changed
    const rows: StateRows[] = [...this.#progress.rows([this.#parts.watermark()], full)]
    for (const { keyed, gone, write } of this.#tables) {
      // Writing may find more that is gone, and rows of one part share batches: so live rows are taken first.
      write(full, keys)
      const live = keyed.take()
      if (!full) this.#writeGone(keyed, gone)
      gone.clear()
      rows.push(...keyed.take(), ...live)
    }
    this.#parts.cursor.rest()
    return rows
  }

  restore(rows: StateRows): void {
    if (rows.part === this.#progress.part.name) {
      const [watermark] = this.#progress.read(rows) as [number]
      this.#parts.goOn(watermark)
      this.#parts.timers.dropTo(watermark, (group) => this.#addLiveTo(group, -1))
      return
    }
    const table = this.#tables.find(({ keyed }) => keyed.part.name === rows.part)
    if (table !== undefined) this.#restoreTable(table, rows)
  }

  beginTime(): void {
    this.#parts.beginTime()
  }

  restored(): void {
    for (const { finish, gone } of this.#tables) {
      finish?.()
      gone.clear()
    }
    this.#parts.restored()
    for (const { gone } of this.#tables) gone.clear()
    this.#parts.cursor.table.takeChanged()
    this.#parts.cursor.rest()
  }

  #writeGone(keyed: KeyedPart, { store, count }: GoneRecords): void {
    const records = identity(count)
    this.#isGone = true
    keyed.write({ keys: store, groups: records, store, records, count })
    this.#isGone = false
  }

  #restoreTable({ keyed, load, loadRemoval, hasRowPerKey }: Table, rows: StateRows): void {
    const { cursor } = this.#parts
    const count = keyed.begin(rows)
    if (hasRowPerKey === true) keyed.makeRoom(count, cursor.table)
    const groups = keyed.locate(0, count, cursor.table)
    const removed = (keyed.column(0) as FixedColumn).values
    for (let n = 0; n < count; n++) {
      const row = keyed.rows[n] as number
      cursor.record = groups[n] as number
      if (removed[row] === 1) loadRemoval(row)
      else load(row)
    }
  }

  #addLiveTo(group: number, change: 1 | -1): void {
    this.#parts.cursor.record = group
    this.#parts.addLive(change)
  }

  /** A part with its mark of what is gone, and the keys of what is. */
  #part(
    name: string,
    columns: readonly PartColumn[],
    options?: { readonly isNamed: boolean },
  ): Pick<Table, 'keyed' | 'gone'> {
    const { key, strings, pool, cursor, place, step } = this.#parts
    const layout = new RecordLayout(key.words)
    const named = options?.isNamed === true ? { name: layout.add('i32', 0) } : {}
    const removed = this.#column('/removed', { kind: 'boolean' }, (out, row) => {
      ;(out as FixedColumnBuilder).values[row] = this.#isGone ? 1 : 0
    })
    const keyed = new KeyedPart({
      name,
      key,
      strings,
      place,
      step,
      columns: [removed, ...columns],
      groupWords: cursor.table.words,
    })
    return { keyed, gone: new GoneRecords({ key, strings, pool, layout, ...named }) }
  }

  /** A column that is written cell by cell: `record` is a number of a live record, or of one that is gone. */
  #column(
    name: string,
    type: DataType,
    write: (out: ColumnBuilder, row: number, record: number) => void,
    nullable = false,
  ): PartColumn {
    return {
      field: { name, type, nullable },
      writer: {
        write(_store, { numbers, from, to }, out, at) {
          for (let n = from; n < to; n++) write(out, at + n - from, numbers[n] as number)
        },
      },
    }
  }

  #valuesTable(values: readonly ValueStateHandle[]): Table {
    const { cursor, saved } = this.#parts
    const columns = values.map((handle) =>
      this.#column(
        `${handle.name}${handle.typeNote}`,
        handle.savedType,
        (out, row, record) => {
          if (this.#isGone) {
            out.setNull(row)
            return
          }
          cursor.record = record
          handle.save(out, row)
        },
        true,
      ),
    )
    const { keyed, gone } = this.#part('values', columns)
    const hasValues = (key: number): boolean => {
      cursor.record = key
      return values.some(({ isSet }) => isSet)
    }
    const setSaved = (key: number, isSaved: 0 | 1): boolean => {
      const at = key * cursor.table.words + saved.offset
      const before = cursor.table.i32[at] === 1
      cursor.table.i32[at] = isSaved
      return before
    }
    return {
      keyed,
      gone,
      hasRowPerKey: true,
      write: (_full, keys) => {
        const { table } = cursor
        const live = keys.filter((key) => {
          const isLive = hasValues(key)
          if (setSaved(key, isLive ? 1 : 0) && !isLive) gone.add(table.i32, key * table.words)
          return isLive
        })
        keyed.write({ keys: table, groups: live, store: table, records: live, count: live.length })
      },
      load: (row) => {
        for (const [at, handle] of values.entries()) handle.load(keyed.column(1 + at), row)
        setSaved(cursor.record, 1)
      },
      loadRemoval: () => {
        for (const handle of values) handle.clear()
        setSaved(cursor.record, 0)
      },
    }
  }

  #listTable(list: ListStateHandle): Table {
    const { cursor } = this.#parts
    const groups = new Int32Array(LIST_ROWS)
    const indices = new Int32Array(LIST_ROWS)
    const places = new Float64Array(LIST_ROWS)
    let count = 0
    const columns = [
      this.#column('/at', { kind: 'int32' }, (out, row, n) => {
        ;(out as FixedColumnBuilder).values[row] = this.#isGone ? 0 : (indices[n] as number)
      }),
      this.#column(
        `/value${list.typeNote}`,
        list.savedType,
        (out, row, n) => {
          if (this.#isGone) out.setNull(row)
          else list.save(places[n] as number, out, row)
        },
        true,
      ),
    ]
    const { keyed, gone } = this.#part(`list:${list.name}`, columns)
    list.onCleared = () => {
      gone.add(cursor.table.i32, cursor.record * cursor.table.words)
    }
    const numbers = identity(LIST_ROWS)
    const flush = (): void => {
      keyed.write({ keys: cursor.table, groups, store: cursor.table, records: numbers, count })
      count = 0
    }
    return {
      keyed,
      gone,
      write: (full, keys) => {
        for (const key of keys) {
          cursor.record = key
          list.takeUnsaved(full, (index, at) => {
            groups[count] = key
            indices[count] = index
            places[count++] = at
            if (count === LIST_ROWS) flush()
          })
        }
        flush()
      },
      load: (row) => {
        const at = (keyed.column(1) as FixedColumn).values[row]
        assert(at === list.length, `a value of the list "${list.name}" comes back in another place`)
        list.load(keyed.column(2), row)
      },
      loadRemoval: () => list.clear(),
    }
  }

  #mapTable(map: MapStateHandle): Table {
    const { cursor } = this.#parts
    const { entries } = map
    const types = map.savedTypes
    const notes = map.typeNotes
    const keyOf = (record: number): number =>
      this.#isGone ? gone.nameOf(record) : (entries.i32[record * entries.words + 1] as number)
    const columns = [
      this.#column(`/key${notes.key}`, types.key, (out, row, record) => map.saveKey(keyOf(record), out, row)),
      this.#column(
        `/value${notes.value}`,
        types.value,
        (out, row, record) => {
          if (this.#isGone) out.setNull(row)
          else map.saveValue(record, out, row)
        },
        true,
      ),
      this.#column('/order', { kind: 'float64' }, (out, row, record) => {
        ;(out as FixedColumnBuilder).values[row] = this.#isGone ? 0 : map.orderOf(record)
      }),
    ]
    const { keyed, gone } = this.#part(`map:${map.name}`, columns, { isNamed: true })
    map.onRemoved = (key) => {
      gone.add(cursor.table.i32, cursor.record * cursor.table.words, key)
    }
    return {
      keyed,
      gone,
      write: (full) => {
        const changed = entries.takeChanged()
        const records = full ? entries.liveRecords() : changed
        const groups = records.map((entry) => entries.i32[entry * entries.words] as number)
        const count = records.length
        keyed.write({ keys: cursor.table, groups, store: entries, records, count })
        for (const entry of records) map.wasSaved(entry)
      },
      load: (row) => {
        const order = (keyed.column(3) as FixedColumn).values[row] as number
        map.load({ key: keyed.column(1), value: keyed.column(2) }, row, order)
      },
      loadRemoval: (row) => map.loadRemoval(keyed.column(1), row),
      finish: () => {
        map.relink()
        entries.takeChanged()
      },
    }
  }

  #timerTable(): Table {
    const { cursor, strings, timers, addLive, setHash } = this.#parts
    const { records } = timers
    const nameOf = (record: number): number =>
      this.#isGone ? gone.nameOf(record) : (records.i32[record * records.words + 1] as number)
    const columns = [
      this.#column('/name', { kind: 'string' }, (out, row, record) => {
        const id = nameOf(record)
        const { bytes, starts, lengths } = strings
        ;(out as Utf8ColumnBuilder).setBytes(row, bytes, starts[id] as number, lengths[id] as number)
      }),
      this.#column('/time', { kind: 'float64' }, (out, row, record) => {
        ;(out as FixedColumnBuilder).values[row] = this.#isGone ? 0 : timers.timeOf(record)
      }),
    ]
    const { keyed, gone } = this.#part('timers', columns, { isNamed: true })
    timers.onRemoved = (group, name) => {
      gone.add(cursor.table.i32, group * cursor.table.words, name)
    }
    const nameAt = (row: number): Uint8Array => {
      const { bytes, starts, lengths } = keyed.column(1) as Utf8Column
      return bytes.subarray(starts[row] as number, (starts[row] as number) + (lengths[row] as number))
    }
    return {
      keyed,
      gone,
      write: (full) => {
        const changed = records.takeChanged()
        const live = full ? records.liveRecords() : changed
        const groups = live.map((timer) => records.i32[timer * records.words] as number)
        keyed.write({ keys: cursor.table, groups, store: records, records: live, count: live.length })
        for (const timer of live) timers.wasSaved(timer)
      },
      load: (row) => {
        const time = (keyed.column(2) as FixedColumn).values[row] as number
        setHash(cursor.record, keyed.hashes[row] as number)
        if (timers.load(cursor.record, nameAt(row), time)) addLive(1)
      },
      loadRemoval: (row) => {
        if (timers.loadRemoval(cursor.record, nameAt(row))) addLive(-1)
      },
      finish: () => {
        records.takeChanged()
      },
    }
  }
}

function identity(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, n) => n)
}
