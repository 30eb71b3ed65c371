/**
 * One table of keyed state on its way into a snapshot and back: key columns first, then columns that others fill.
 *
 * Columns are logical: they say nothing of slots, record numbers or tables. String keys are written as ranges of the
 * string table's bytes, which never change (S3 of state/string-table.ts), so rows may be read for as long as wanted.
 */
import type { GroupRange, StatePart, StateRows } from '../../checkpoint/state-file.ts'
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { Column } from '../../data/column.ts'
import { hashKeys, keyGroupOf } from '../../data/key-hash.ts'
import type { Field, Schema } from '../../data/type.ts'
import type { GroupTable, KeyLayout, RecordStore, StringTable } from '../../state/index.ts'
import { keyLayout } from '../../state/index.ts'
import { keyGroupsOf } from '../exchange.ts'
import { shareKeyStrings, writeKeys } from './key-columns.ts'
import type { OperatorContext } from '../operator.ts'
import { KeyedKernels } from './keyed-kernel.ts'
import type { BoundKernel } from './keyed-kernel.ts'
import type { ResultWriter } from '../window/window-output.ts'

/** Rows of a batch of a snapshot: enough to be written in large pieces. */
const BATCH_ROWS = 16_384

/** A task of a step with its share of the key groups. */
export type TaskPlace = Pick<OperatorContext, 'task' | 'tasks' | 'keyGroups'>

/** A column besides the keys. */
export interface PartColumn {
  readonly field: Field
  readonly writer: ResultWriter
}

/** Which records to write. */
export interface PartRecords {
  /** Where the keys are, by `groups`; for records that begin with their key the same as store and records. */
  readonly keys: Pick<RecordStore, 'i32' | 'words'>
  readonly groups: Int32Array
  readonly store: RecordStore
  readonly records: Int32Array
  readonly count: number
}

/** What a part is made from. */
export interface KeyedPartOptions {
  readonly name: string
  readonly key: KeyLayout
  readonly strings: StringTable
  readonly columns: readonly PartColumn[]
  /** Words of a record of the table in which rows look for their key. */
  readonly groupWords: number
  readonly place: TaskPlace
  readonly step: string
}

/** Writes the rows of one part, and finds the keys of those that come back. */
export class KeyedPart {
  readonly part: StatePart
  readonly #options: KeyedPartOptions
  readonly #kernels: KeyedKernels
  readonly #keyColumns: readonly number[]
  /** The rows so far. */
  #builder: BatchBuilder | undefined
  #finished: StateRows[] = []
  // What comes back.
  #batch: Batch | undefined
  /** Rows of this task that its last table gets behind this batch. */
  #following = 0
  #kernel: BoundKernel | undefined
  #hashes: Int32Array = new Int32Array(0)
  #hasHashes = false
  #groups: Int32Array = new Int32Array(0)
  #rows: Int32Array = new Int32Array(0)
  #identity: Int32Array = new Int32Array(0)

  constructor(options: KeyedPartOptions) {
    this.#options = options
    const { key, strings, columns, groupWords } = options
    const keys = key.parts.map(({ field }) => field)
    const schema = partSchema([...keys, ...columns.map(({ field }) => field)])
    this.part = { name: options.name, schema }
    this.#keyColumns = keys.map((_, at) => at)
    this.#kernels = new KeyedKernels({
      key: keyLayout(
        schema,
        keys.map(({ name }) => name),
        options.step,
      ),
      strings,
      aggregates: [],
      groupWords,
      recordWords: groupWords,
      hasStableGroups: false,
      shape: { kind: 'locate', groups: () => this.#groups },
    })
  }

  /** The position of the first column behind the keys. */
  get firstColumn(): number {
    return this.#keyColumns.length
  }

  /** The key groups that this task owns. */
  get groups(): GroupRange {
    const { task, tasks, keyGroups } = this.#options.place
    return keyGroupsOf(task, tasks, keyGroups)
  }

  /** Adds rows of one table of records. Those of several calls share batches. */
  write({ keys, groups, store, records, count }: PartRecords): void {
    const { key, strings, columns } = this.#options
    for (let from = 0; from < count;) {
      const builder = (this.#builder ??= this.#begin(count - from))
      const at = builder.length
      const to = Math.min(count, from + BATCH_ROWS - at)
      builder.reserve(at + to - from)
      writeKeys(key, strings, { table: keys, groups, from, to }, builder.columns, at)
      let c = this.firstColumn
      for (const { writer } of columns)
        writer.write(store, { numbers: records, from, to }, builder.columns[c++]!, at)
      builder.length = at + to - from
      from = to
      if (builder.length >= BATCH_ROWS) this.#finish(count - from)
    }
  }

  /** The rows of all calls of `write` since the last time. */
  take(): readonly StateRows[] {
    this.#finish()
    const finished = this.#finished
    this.#finished = []
    return finished
  }

  /** Points at rows that come back; gives how many of them belong to this task. */
  begin({ batch, groups, following = 0 }: StateRows): number {
    const owned = this.#owned(batch)
    const count = rowCount(owned)
    if (this.#groups.length < count) this.#groups = new Int32Array(count)
    this.#batch = owned
    this.#following = Math.ceil(following * this.#share(groups))
    this.#kernel = this.#kernels.bind(owned, owned.selection)
    if (owned.selection === undefined && this.#identity.length < count)
      this.#identity = Int32Array.from({ length: count }, (_, n) => n)
    this.#rows = owned.selection ?? this.#identity
    return count
  }

  /** The physical rows that belong to this task. */
  get rows(): Int32Array {
    return this.#rows
  }

  /** Hashes of keys by physical row. */
  get hashes(): Int32Array {
    if (!this.#hasHashes) this.#hash(this.#batch as Batch)
    return this.#hashes
  }

  /** A column behind the keys. */
  column(at: number): Column {
    return (this.#batch as Batch).columns[this.firstColumn + at] as Column
  }

  /** Makes room in a table for the keys of `rows` that are the last here, and of those behind them, where each has one row. */
  makeRoom(rows: number, table: GroupTable): void {
    table.reserve(rows + this.#following)
  }

  /** The records of the keys of rows `from … to)` in a table, made where they were not there; by row. */
  locate(from: number, to: number, table: GroupTable): Int32Array {
    const { loop, lanes } = this.#kernel as BoundKernel
    loop(lanes, undefined, (this.#batch as Batch).selection, from, to, -Infinity, Infinity, table)
    return this.#groups
  }

  /** How much of the rows of some key groups belongs to this task. */
  #share([from, to]: GroupRange): number {
    const [first, end] = this.groups
    return Math.max(0, Math.min(end, to) - Math.max(first, from)) / (to - from)
  }

  /** The rows of keys that this task owns. */
  #owned(batch: Batch): Batch {
    const [first, end] = this.groups
    const { keyGroups } = this.#options.place
    this.#hasHashes = false
    if (end - first === keyGroups) return batch
    this.#hash(batch)
    const count = rowCount(batch)
    const selection = new Int32Array(count)
    let selectedCount = 0
    for (let n = 0; n < count; n++) {
      const row = batch.selection === undefined ? n : (batch.selection[n] as number)
      const group = keyGroupOf(this.#hashes[row] as number, keyGroups)
      if (group >= first && group < end) selection[selectedCount++] = row
    }
    return { ...batch, selection, selectedCount }
  }

  #hash(batch: Batch): void {
    if (this.#hashes.length < batch.length) this.#hashes = new Int32Array(batch.length)
    hashKeys(batch, this.#keyColumns, this.#hashes)
    this.#hasHashes = true
  }

  #begin(rows: number): BatchBuilder {
    const builder = new BatchBuilder(this.part.schema, Math.min(BATCH_ROWS, rows))
    shareKeyStrings(this.#options.key, this.#options.strings, builder.columns)
    return builder
  }

  #finish(following = 0): void {
    const builder = this.#builder
    if (builder === undefined) return
    this.#builder = undefined
    this.#finished.push({ part: this.part.name, groups: this.groups, batch: builder.finish(), following })
  }
}

/** A schema of fields; a name that stands there already gets a slash in front, which our own names begin with. */
function partSchema(fields: readonly Field[]): Schema {
  const names = new Set<string>()
  const distinct = fields.map((field) => {
    let { name } = field
    while (names.has(name)) name = `/${name}`
    names.add(name)
    return { ...field, name }
  })
  return { fields: distinct }
}
