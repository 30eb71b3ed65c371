/**
 * User functions over row views: filter, map and flat-map.
 *
 * The loop around each function is generated per step, so that the engine's inliner sees one function and one view
 * per loop; the function costs only itself. A throwing function fails the run, or sends the row to the rejected
 * output, as the step says.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount } from '../data/batch.ts'
import { BatchBuilder } from '../data/batch-builder.ts'
import { createRowView } from '../data/row-view.ts'
import type { RowReader } from '../data/row-view.ts'
import type { Schema } from '../data/type.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import type { RowFunctionNode } from '../plan/logical.ts'
import { MAIN_PORT, REJECTED_PORT } from '../plan/logical.ts'
import type { Operator, OperatorContext } from './operator.ts'
import { RejectedRows } from './rejected-rows.ts'

/** What a filter, map or flat-map function looks like to the engine. */
type UserFunction = (row: unknown) => unknown

/** What to do with a row whose function threw: throw, or take note and go on. */
type OnFailure = (error: unknown, physicalRow: number) => void

/** Makes the operator of a row-function step. */
export function createRowFunction(
  node: RowFunctionNode,
  inputSchema: Schema,
  context: OperatorContext,
  userFunction: unknown,
): Operator {
  const row = createRowView(inputSchema)
  const rejected = new RejectedRows(node.step, context.emit(REJECTED_PORT))
  const onFailure: OnFailure = (cause, physicalRow) => {
    if (isMillraceError(cause) && cause.code !== 'step/invalid-row') throw cause
    const text = rowText(row.seek(physicalRow))
    if (node.onError === 'reject') {
      context.counters.rejectedRows++
      rejected.add({
        raw: text,
        reason: cause instanceof Error ? cause.message : String(cause),
        code: 'step/function-failed',
      })
      return
    }
    throw new MillraceError('step/function-failed', {
      what: `the function of step "${node.step}" threw`,
      detail: `${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)} for the row ${text}`,
      hint: 'mend the function, or send such rows to the rejected output with { onError: "reject" }',
      step: node.step,
      cause,
    })
  }
  const shapes = { filter: createFilter, map: createMap, 'flat-map': createFlatMap }
  const run = shapes[node.shape]({ node, row, context, fn: userFunction as UserFunction, onFailure })
  return {
    push(batch) {
      row.bind(batch)
      run(batch)
      rejected.flush()
    },
    advance: () => true,
    close: () => undefined,
  }
}

interface Parts {
  readonly node: RowFunctionNode
  readonly row: RowReader
  readonly context: OperatorContext
  readonly fn: UserFunction
  readonly onFailure: OnFailure
}

type Run = (batch: Batch) => void

/** Runs `body` for every live row from `n` on; `i` is the physical row. Returns the row that threw, or −1. */
function generateLoop(body: string, parameters: readonly string[]): (...captured: unknown[]) => LoopFunction {
  const source = `return function (batch, selection, from, rows, at) {
  let n = from, i = 0
  try {
    if (selection === undefined) for (; n < rows; n++) { i = n; ${body} }
    else for (; n < rows; n++) { i = selection[n]; ${body} }
  } catch (error) { at.row = i; at.error = error; return n }
  return -1
}`
  return new Function(...parameters, source) as (...captured: unknown[]) => LoopFunction
}

interface FailurePlace {
  row: number
  error: unknown
}

type LoopFunction = (
  batch: Batch,
  selection: Int32Array | undefined,
  from: number,
  rows: number,
  at: FailurePlace,
) => number

/** Goes through all live rows, taking up the loop again behind rows whose function threw. */
function runLoop(loop: LoopFunction, batch: Batch, onFailure: OnFailure): void {
  const rows = rowCount(batch)
  const at: FailurePlace = { row: 0, error: undefined }
  let from = 0
  while (from < rows) {
    const failed = loop(batch, batch.selection, from, rows, at)
    if (failed < 0) return
    onFailure(at.error, at.row)
    from = failed + 1
  }
}

function createFilter({ row, context, fn, onFailure }: Parts): Run {
  const emit = context.emit(MAIN_PORT)
  const out = { kept: new Int32Array(0), count: 0 }
  const loop = generateLoop('if (fn(seek(i))) out.kept[out.count++] = i', ['seek', 'fn', 'out'])(
    row.seek,
    fn,
    out,
  )
  return (batch) => {
    const rows = rowCount(batch)
    if (out.kept.length < rows) out.kept = new Int32Array(rows)
    out.count = 0
    runLoop(loop, batch, onFailure)
    if (out.count === 0) return
    emit(out.count === batch.length ? batch : { ...batch, selection: out.kept, selectedCount: out.count })
  }
}

function createMap({ node, row, context, fn, onFailure }: Parts): Run {
  const rows = new OutputRows(node.schema, context)
  const loop = generateLoop('append(fn(seek(i)), i)', ['seek', 'fn', 'append'])(row.seek, fn, rows.append)
  return (batch) => {
    rows.begin(batch)
    runLoop(loop, batch, onFailure)
    rows.emit()
  }
}

function createFlatMap({ node, row, context, fn, onFailure }: Parts): Run {
  const rows = new OutputRows(node.schema, context)
  const each = (results: Iterable<object>, i: number): void => {
    for (const result of results) {
      rows.append(result, i)
      if (rows.count >= context.batchRows) rows.emit()
    }
  }
  const loop = generateLoop('each(fn(seek(i)), i)', ['seek', 'fn', 'each'])(row.seek, fn, each)
  return (batch) => {
    rows.begin(batch)
    runLoop(loop, batch, onFailure)
    rows.emit()
  }
}

/** Rows made by a user function; event time and order are those of the row they come from. */
class OutputRows {
  private readonly builder: BatchBuilder
  private readonly emitBatch: (batch: Batch) => void
  private input: Batch | undefined

  constructor(schema: Schema, context: OperatorContext) {
    this.builder = new BatchBuilder(schema, context.batchRows, { eventTime: true, order: true })
    this.emitBatch = context.emit(MAIN_PORT)
  }

  get count(): number {
    return this.builder.length
  }

  /** Takes a row that was made from physical row `i` of the input. */
  readonly append = (row: unknown, i: number): void => {
    const { builder } = this
    builder.appendRow(row as object)
    const { eventTime, order } = this.input as Batch
    const at = builder.length - 1
    if (eventTime !== undefined && builder.eventTime !== undefined)
      builder.eventTime[at] = eventTime[i] as number
    if (order !== undefined && builder.order !== undefined) builder.order[at] = order[i] as number
  }

  begin(input: Batch): void {
    this.input = input
  }

  emit(): void {
    if (this.builder.length === 0) return
    const batch = this.builder.finish()
    const { eventTime, order } = this.input as Batch
    this.emitBatch({
      ...batch,
      eventTime: eventTime === undefined ? undefined : batch.eventTime,
      order: order === undefined ? undefined : batch.order,
    })
    this.builder.reset()
  }
}

const ROW_TEXT_MAX = 2000

/** A row as JSON for an error message, cut. */
function rowText(view: unknown): string {
  const text =
    JSON.stringify(view, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)) ?? ''
  return text.length > ROW_TEXT_MAX ? `${text.slice(0, ROW_TEXT_MAX)}…` : text
}
