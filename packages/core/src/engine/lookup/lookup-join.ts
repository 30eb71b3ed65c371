/**
 * Join of a stream with a small bounded table: input 0 is the stream, input 1 the table, read whole before.
 *
 * The task loop reads what feeds input 1 to its end before the stream flows. Columns taken from the table are not
 * copied where they are strings: they become dictionary columns whose codes are table rows. When a key stands more
 * than once in the table, each match gives a row, in table order (SQL's meaning of a join). Null never equals null.
 *
 * Every task has the whole table, so a checkpoint has it once, from the first task, for all key groups.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount, rowIndex } from '../../data/batch.ts'
import type { StateRows } from '../../checkpoint/state-file.ts'
import { appendBatch, appendSelected } from '../../data/append.ts'
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { Column } from '../../data/column.ts'
import { gatherColumn } from '../../data/gather.ts'
import { columnIndex } from '../../data/schema.ts'
import type { Schema } from '../../data/type.ts'
import type { LookupJoinNode } from '../../plan/logical.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import { LookupIndex } from './lookup-index.ts'
import type { Operator, OperatorContext, OperatorState, SnapshotScope } from '../operator.ts'

/** Makes the operator of a lookup-join step. */
export function createLookupJoin(
  node: LookupJoinNode,
  inputSchemas: readonly Schema[],
  context: OperatorContext,
): Operator {
  const [streamSchema, tableSchema] = inputSchemas as readonly [Schema, Schema]
  const join = new LookupJoin(node, streamSchema, tableSchema, context)
  return {
    state: join,
    push: (batch, input) => (input === 1 ? join.addTable(batch) : join.probe(batch)),
    advance: () => true,
    close: () => join.close(),
  }
}

/** Rows of a batch of a snapshot. */
const SNAPSHOT_ROWS = 16_384

class LookupJoin implements OperatorState {
  readonly parts: OperatorState['parts']
  /** Rows of the table that the last snapshot has. */
  private saved = 0
  private readonly node: LookupJoinNode
  private readonly context: OperatorContext
  private readonly emit: (batch: Batch) => void
  private readonly taken: readonly number[]
  private readonly table: BatchBuilder
  private readonly index: LookupIndex
  private tableBatch: Batch | undefined
  private matches = new Int32Array(0)

  constructor(node: LookupJoinNode, streamSchema: Schema, tableSchema: Schema, context: OperatorContext) {
    this.node = node
    this.context = context
    this.emit = context.emit(MAIN_PORT)
    this.taken = node.columns.map(({ column }) => columnIndex(tableSchema, column))
    this.table = new BatchBuilder(tableSchema, 1024)
    this.parts = [{ name: 'table', schema: tableSchema }]
    this.index = new LookupIndex(
      { schema: tableSchema, names: node.on.map(({ right }) => right) },
      { schema: streamSchema, names: node.on.map(({ left }) => left) },
      context.step,
    )
  }

  addTable(batch: Batch): void {
    appendBatch(this.table, batch)
    this.index.add(batch)
    this.tableBatch = undefined
    this.context.counters.stateEntries = this.index.rows
    this.context.counters.stateBytes = this.index.bytes
  }

  probe(batch: Batch): void {
    this.tableBatch ??= this.table.finish()
    if (this.matches.length < batch.length) this.matches = new Int32Array(batch.length)
    const matched = this.index.find(batch, this.matches)
    if (this.index.hasRepeats) return this.emitRepeated(batch)
    if (this.node.join === 'inner' && matched < rowCount(batch)) this.emitMatched(batch, matched)
    else this.emitJoined(batch, this.matches)
  }

  close(): void {
    this.index.close()
  }

  snapshot(scope: SnapshotScope): readonly StateRows[] {
    const { task, keyGroups } = this.context
    const rows: StateRows[] = []
    const table = this.table.finish()
    let from = scope === 'whole' ? 0 : this.saved
    while (task === 0 && from < table.length) {
      const to = Math.min(table.length, from + SNAPSHOT_ROWS)
      const builder = new BatchBuilder(table.schema, to - from)
      appendSelected(
        builder,
        table,
        Int32Array.from({ length: to - from }, (_, n) => from + n),
        to - from,
      )
      rows.push({ part: 'table', groups: [0, keyGroups], batch: builder.finish() })
      from = to
    }
    this.saved = table.length
    return rows
  }

  restore({ part, batch }: StateRows): void {
    if (part === 'table') this.addTable(batch)
  }

  restored(): void {
    this.saved = this.index.rows
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
