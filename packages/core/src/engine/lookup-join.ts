/**
 * Join of a stream with a small bounded table: input 0 is the stream, input 1 the table, read whole before.
 *
 * The task loop reads what feeds input 1 to its end before the stream flows. Columns taken from the table are not
 * copied where they are strings: they become dictionary columns whose codes are table rows. When a key stands more
 * than once in the table, each match gives a row, in table order (SQL's meaning of a join). Null never equals null.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount, rowIndex } from '../data/batch.ts'
import { appendSelected } from '../data/append.ts'
import { BatchBuilder } from '../data/batch-builder.ts'
import type { Column, DictionaryColumn } from '../data/column.ts'
import { isValid } from '../data/column.ts'
import { gatherColumn } from '../data/gather.ts'
import { readValue } from '../data/read-value.ts'
import { columnIndex } from '../data/schema.ts'
import type { Schema } from '../data/type.ts'
import type { LookupJoinNode } from '../plan/logical.ts'
import { MAIN_PORT } from '../plan/logical.ts'
import type { Operator, OperatorContext } from './operator.ts'

/** Rows of the table with one key: the first, the next of each by row, and the last of each first. */
interface TableIndex {
  readonly first: Map<unknown, number>
  next: Int32Array
  last: Int32Array
}

/** Makes the operator of a lookup-join step. */
export function createLookupJoin(
  node: LookupJoinNode,
  inputSchemas: readonly Schema[],
  context: OperatorContext,
): Operator {
  const [streamSchema, tableSchema] = inputSchemas as readonly [Schema, Schema]
  const join = new LookupJoin(node, streamSchema, tableSchema, context)
  return {
    push: (batch, input) => (input === 1 ? join.addTable(batch) : join.probe(batch)),
    advance: () => true,
    close: () => undefined,
  }
}

class LookupJoin {
  private readonly node: LookupJoinNode
  private readonly context: OperatorContext
  private readonly emit: (batch: Batch) => void
  private readonly leftKeys: readonly number[]
  private readonly rightKeys: readonly number[]
  private readonly taken: readonly number[]
  private readonly table: BatchBuilder
  private readonly index: TableIndex = {
    first: new Map(),
    next: new Int32Array(0),
    last: new Int32Array(0),
  }
  private readonly byDictionary = new Map<DictionaryColumn['dictionary'], Int32Array>()
  private tableBatch: Batch | undefined
  private tableRows = 0
  private hasRepeats = false
  private matches = new Int32Array(0)

  constructor(node: LookupJoinNode, streamSchema: Schema, tableSchema: Schema, context: OperatorContext) {
    this.node = node
    this.context = context
    this.emit = context.emit(MAIN_PORT)
    this.leftKeys = node.on.map(({ left }) => columnIndex(streamSchema, left))
    this.rightKeys = node.on.map(({ right }) => columnIndex(tableSchema, right))
    this.taken = node.columns.map(({ column }) => columnIndex(tableSchema, column))
    this.table = new BatchBuilder(tableSchema, 1024)
  }

  addTable(batch: Batch): void {
    const rows = rowCount(batch)
    const indices = Int32Array.from({ length: rows }, (_, n) => rowIndex(batch, n))
    appendSelected(this.table, batch, indices, rows)
    this.growNext(this.tableRows + rows)
    for (let n = 0; n < rows; n++)
      this.link(keyOf(batch, this.rightKeys, indices[n] as number), this.tableRows + n)
    this.tableRows += rows
    this.tableBatch = undefined
    this.context.counters.stateEntries = this.tableRows
  }

  probe(batch: Batch): void {
    this.tableBatch ??= this.table.finish()
    const rows = rowCount(batch)
    if (this.matches.length < batch.length) this.matches = new Int32Array(batch.length)
    const { matches } = this
    let matched = 0
    const lookUp = this.lookUp(batch)
    for (let n = 0; n < rows; n++) {
      const i = rowIndex(batch, n)
      const match = lookUp(i)
      matches[i] = match
      if (match >= 0) matched++
    }
    if (this.hasRepeats) return this.emitRepeated(batch)
    if (this.node.join === 'inner' && matched < rows) this.emitMatched(batch, matched)
    else this.emitJoined(batch, matches)
  }

  private link(key: unknown, row: number): void {
    this.index.next[row] = -1
    if (key === undefined) return
    const first = this.index.first.get(key)
    if (first === undefined) {
      this.index.first.set(key, row)
      this.index.last[row] = row
      return
    }
    this.hasRepeats = true
    this.index.next[this.index.last[first] as number] = row
    this.index.last[first] = row
  }

  private growNext(length: number): void {
    if (this.index.next.length >= length) return
    this.index.next = grown(this.index.next, length)
    this.index.last = grown(this.index.last, length)
  }

  /** The first table row of a stream row's key, or −1. Keys that are dictionary codes are looked up once per entry. */
  private lookUp(batch: Batch): (physicalRow: number) => number {
    const { first } = this.index
    const only =
      this.leftKeys.length === 1 ? (batch.columns[this.leftKeys[0] as number] as Column) : undefined
    if (only?.layout !== 'dictionary') {
      return (i) => first.get(keyOf(batch, this.leftKeys, i)) ?? -1
    }
    const rowOfCode = this.rowsOfCodes(only)
    const { codes } = only
    return (i) => (isValid(only, i) ? (rowOfCode[codes[i] as number] as number) : -1)
  }

  private rowsOfCodes(column: DictionaryColumn): Int32Array {
    let rows = this.byDictionary.get(column.dictionary)
    const known = rows?.length ?? 0
    if (rows !== undefined && known >= column.dictionaryLength) return rows
    if (this.byDictionary.size >= DICTIONARIES_MAX) this.byDictionary.clear()
    rows = new Int32Array(column.dictionaryLength)
    for (let code = 0; code < rows.length; code++) {
      const value = readValue(column.dictionary, code)
      rows[code] = value === null ? -1 : (this.index.first.get(comparable(value)) ?? -1)
    }
    this.byDictionary.set(column.dictionary, rows)
    return rows
  }

  private emitJoined(batch: Batch, tableRows: Int32Array): void {
    const table = this.tableBatch as Batch
    const taken = this.taken.map((at) =>
      gatherColumn(table.columns[at] as Column, tableRows, batch.length, table.length),
    )
    this.emit({ ...batch, schema: this.node.schema, columns: [...batch.columns, ...taken] })
  }

  private emitMatched(batch: Batch, matched: number): void {
    if (matched === 0) return
    const rows = rowCount(batch)
    const kept = new Int32Array(matched)
    let count = 0
    for (let n = 0; n < rows; n++) {
      const i = rowIndex(batch, n)
      if ((this.matches[i] as number) >= 0) kept[count++] = i
    }
    this.emitJoined({ ...batch, selection: kept, selectedCount: matched }, this.matches)
  }

  /** Each stream row once per match: the stream side is gathered too. */
  private emitRepeated(batch: Batch): void {
    const rows = rowCount(batch)
    const keepsAll = this.node.join === 'left'
    const { batchRows } = this.context
    let stream = new Int32Array(batchRows)
    let table = new Int32Array(batchRows)
    let count = 0
    for (let n = 0; n < rows; n++) {
      const i = rowIndex(batch, n)
      let match = this.matches[i] as number
      if (match < 0 && !keepsAll) continue
      do {
        stream[count] = i
        table[count++] = match
        if (count === batchRows) {
          this.emitGathered(batch, stream, table)
          // What left is read until the next call: it keeps its arrays.
          stream = new Int32Array(batchRows)
          table = new Int32Array(batchRows)
          count = 0
        }
        match = match < 0 ? -1 : (this.index.next[match] as number)
      } while (match >= 0)
    }
    if (count > 0) this.emitGathered(batch, stream.subarray(0, count), table.subarray(0, count))
  }

  private emitGathered(batch: Batch, stream: Int32Array, table: Int32Array): void {
    const { length } = stream
    const pick = (values: Float64Array | undefined): Float64Array | undefined =>
      values === undefined ? undefined : Float64Array.from(stream, (i) => values[i] as number)
    this.emitJoined(
      {
        schema: batch.schema,
        length,
        columns: batch.columns.map((column) => gatherColumn(column, stream, length, batch.length)),
        eventTime: pick(batch.eventTime),
        order: pick(batch.order),
        weights:
          batch.weights === undefined ? undefined : Int32Array.from(stream, (i) => batch.weights?.[i] ?? 1),
        selection: undefined,
        selectedCount: length,
      },
      table,
    )
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(length, array.length * 2))
  larger.set(array)
  return larger
}

/** Dictionaries whose look-ups are remembered: a file has one per column and row group at most. */
const DICTIONARIES_MAX = 64

/** A key as a Map key; undefined when a part is null, since null never equals null. */
function keyOf(batch: Batch, columns: readonly number[], row: number): unknown {
  if (columns.length === 1) {
    const value = readValue(batch.columns[columns[0] as number] as Column, row)
    return value === null ? undefined : comparable(value)
  }
  const parts: unknown[] = []
  for (const column of columns) {
    const value = readValue(batch.columns[column] as Column, row)
    if (value === null) return undefined
    parts.push(comparable(value))
  }
  return JSON.stringify(parts)
}

/** Strings, numbers and booleans compare by value as they are; other values by their text. */
function comparable(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    default:
      return JSON.stringify(value)
  }
}
