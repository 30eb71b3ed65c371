/**
 * What all window aggregates of one step share: the record layout, the aggregates, the memory they use, the output.
 *
 * Made once per task from the plan node; which windows there are and when they fire is in window-aggregate-panes.ts
 * and window-aggregate-sessions.ts.
 */
import type { Batch } from '../../data/batch.ts'
import { unknownColumn } from '../../data/schema.ts'
import type { Field, Schema } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { AggregateCall, WindowAggregateNode } from '../../plan/logical.ts'
import type { GroupTable, KeyLayout, RecordField, RecordStore } from '../../state/index.ts'
import { ArrayPool, BlockHeap, RecordLayout, StringTable, keyLayout } from '../../state/index.ts'
import type { Aggregate, AggregateInput } from '../aggregates/index.ts'
import { createAggregate } from '../aggregates/index.ts'

/** An aggregate of the step with what the kernel needs to know of it. */
export interface BoundAggregate {
  readonly call: AggregateCall
  readonly aggregate: Aggregate
  readonly inputs: readonly AggregateInput[]
  /** Position of the filter column in the input, or −1. */
  readonly filter: number
  /** The fields of its accumulator. */
  readonly fields: readonly RecordField[]
}

/** The shared parts of one window aggregate in one task. */
export interface WindowAggregateParts {
  readonly node: WindowAggregateNode
  readonly inputSchema: Schema
  readonly key: KeyLayout
  readonly aggregates: readonly BoundAggregate[]
  /** A new record: key words are 0. */
  readonly template: Int32Array
  readonly strings: StringTable
  readonly blocks: BlockHeap
  readonly pool: ArrayPool
}

/** Fields that an operator wants in each record besides the accumulators. */
export type ExtraFields<Extra> = (layout: RecordLayout) => Extra

/** What the shared parts are built from besides the node and its input. */
export interface PartsOptions {
  /** The user functions that a plan refers to by id. */
  readonly functions: ReadonlyMap<string, unknown>
  /** See `OperatorContext.isUnordered`. */
  readonly isUnordered?: boolean | undefined
}

/** Builds the shared parts. */
export function windowAggregateParts<Extra>(
  node: WindowAggregateNode,
  inputSchema: Schema,
  { functions, isUnordered }: PartsOptions,
  extraFields: ExtraFields<Extra>,
): { readonly parts: WindowAggregateParts; readonly extra: Extra } {
  const strings = new StringTable()
  const blocks = new BlockHeap()
  const key = keyLayout(inputSchema, node.keys, node.step)
  const layout = new RecordLayout(key.words)
  const extra = extraFields(layout)
  const tieColumns = isUnordered === true ? withoutKeys(inputSchema, node.keys) : undefined
  const aggregates = node.aggregates.map((call) => {
    const inputs = call.columns.map((name) => inputOf(inputSchema, name, node.step))
    const filter = call.filter === undefined ? -1 : inputOf(inputSchema, call.filter, node.step).index
    const before = layout.fields.length
    const aggregate = createAggregate({
      call,
      inputs,
      inputSchema,
      tieColumns,
      layout,
      strings,
      blocks,
      functions,
      step: node.step,
    })
    return { call, aggregate, inputs, filter, fields: layout.fields.slice(before) }
  })
  const parts = {
    node,
    inputSchema,
    key,
    aggregates,
    template: layout.template(),
    strings,
    blocks,
    pool: new ArrayPool(),
  }
  return { parts, extra }
}

/** Adds one accumulator into another. */
export function mergeRecord(
  parts: WindowAggregateParts,
  target: RecordStore,
  targetRecord: number,
  source: RecordStore,
  sourceRecord: number,
): void {
  for (const { aggregate } of parts.aggregates) aggregate.merge(target, targetRecord, source, sourceRecord)
}

/** Frees what the accumulator of a record holds outside it. */
export function releaseRecord(parts: WindowAggregateParts, store: RecordStore, record: number): void {
  for (const { aggregate } of parts.aggregates) aggregate.release?.(store, record)
}

/** Counts references to (or gives up) the strings in a group's key. */
export function holdKey(parts: WindowAggregateParts, table: GroupTable, record: number, hold: boolean): void {
  for (const word of parts.key.stringWords) {
    const id = table.i32[record * table.words + word] as number
    if (hold) parts.strings.retain(id)
    else parts.strings.release(id)
  }
}

/** Points aggregates at the columns of a batch. */
export function bindAggregates(parts: WindowAggregateParts, batch: Batch): void {
  for (const { aggregate } of parts.aggregates) aggregate.bind?.(batch)
}

function withoutKeys(schema: Schema, keys: readonly string[]): AggregateInput[] {
  return schema.fields
    .map((field, index) => ({ index, field }))
    .filter(({ field }) => !keys.includes(field.name))
}

function inputOf(schema: Schema, name: string, step: string): AggregateInput {
  const index = schema.fields.findIndex((field) => field.name === name)
  if (index < 0) {
    throw new MillraceError('plan/unknown-column', {
      ...unknownColumn(
        name,
        schema.fields.map((field) => field.name),
      ),
      step,
    })
  }
  return { index, field: schema.fields[index] as Field }
}
