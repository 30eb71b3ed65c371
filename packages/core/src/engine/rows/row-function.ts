/**
 * User functions over row views: filter, map and flat-map.
 *
 * The loop around each function is generated per step, so that the engine's inliner sees one function and one view
 * per loop; the function costs only itself. A throwing function fails the run, or sends the row to the rejected
 * output, as the step says.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import { compactBatch } from '../../data/append.ts'
import { BatchBuilder } from '../../data/batch-builder.ts'
import type { Column } from '../../data/column.ts'
import { generate } from '../../data/generate.ts'
import { findColumn, makeSchema } from '../../data/schema.ts'
import { createRowView } from '../../data/row-view.ts'
import type { RowReader } from '../../data/row-view.ts'
import type { Schema } from '../../data/type.ts'
import { isMillraceError, MillraceError, withContext } from '../../errors.ts'
import type { RowFunctionNode } from '../../plan/logical.ts'
import { MAIN_PORT, REJECTED_PORT } from '../../plan/logical.ts'
import { asynchronousFunction, isPromise } from '../../plan/synchronous.ts'
import { LentBuilders } from './lent-builders.ts'
import type { Operator, OperatorContext } from '../operator.ts'
import { RejectedRows } from '../source/rejected-rows.ts'
import { rowText, thrownText } from './row-text.ts'

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
  const row = createRowView(inputSchema, { columns: node.uses })
  // A rejected row is written down whole.
  const whole = node.uses === undefined ? row : createRowView(inputSchema)
  const rejected = new RejectedRows(node.step, context.emit(REJECTED_PORT))
  const onFailure: OnFailure = (cause, physicalRow) => {
    if (isMistake(cause)) throw withContext(cause, { step: node.step })
    const raw = rowText(whole.seek(physicalRow))
    const error = failure(node, cause, raw)
    if (node.onError !== 'reject') throw error
    context.counters.rejectedRows++
    rejected.add({ raw, reason: reasonOf(cause), code: error.code })
  }
  const shapes = { filter: createFilter, map: createMap, 'flat-map': createFlatMap }
  const shape = node.adds === undefined ? shapes[node.shape] : createExtension
  const run = shape({ node, inputSchema, row, context, fn: userFunction as UserFunction, onFailure })
  return {
    push(batch) {
      row.bind(batch)
      if (whole !== row) whole.bind(batch)
      try {
        run(batch)
      } finally {
        row.poison()
      }
      rejected.flush()
    },
    advance: () => true,
    close: () => undefined,
  }
}

/** Mistakes in the function itself: no row is to blame, and none is rejected for them. */
const mistakes: ReadonlySet<string> = new Set([
  'plan/invalid-argument',
  'step/kept-context',
  'step/kept-view',
  'step/unknown-column',
])

function isMistake(cause: unknown): cause is MillraceError {
  return isMillraceError(cause) && mistakes.has(cause.code)
}

/** The error of a row whose function threw, or gave something that does not fit the step's schema. */
function failure({ step, shape }: RowFunctionNode, cause: unknown, row: string): MillraceError {
  const misfit = isMillraceError(cause) && cause.code.startsWith('value/')
  return new MillraceError(misfit ? 'step/invalid-row' : 'step/function-failed', {
    what: misfit
      ? `the function of step "${step}" gave ${shape === 'filter' ? 'neither true nor false' : 'a row that does not fit'}`
      : `the function of step "${step}" threw`,
    detail: `${reasonOf(cause)}, for the row ${row}`,
    hint: "mend the function, or send such rows to the rejected output with { onError: 'reject' }",
    place: isMillraceError(cause) ? cause.place : undefined,
    step,
    cause,
  })
}

function reasonOf(cause: unknown): string {
  if (isMillraceError(cause))
    return cause.detail === undefined ? cause.what : `${cause.what}: ${cause.detail}`
  return thrownText(cause)
}

interface Parts {
  readonly node: RowFunctionNode
  readonly inputSchema: Schema
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
  return generate(parameters, source)
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
  const body =
    'const keep = fn(seek(i)); if (keep === true) out.kept[out.count++] = i; else if (keep !== false) refuse(keep)'
  const loop = generateLoop(body, ['seek', 'fn', 'out', 'refuse'])(row.seek, fn, out, refuseAnswer)
  return (batch) => {
    const rows = rowCount(batch)
    if (out.kept.length < rows) out.kept = new Int32Array(rows)
    out.count = 0
    runLoop(loop, batch, onFailure)
    if (out.count === 0) return
    emit(out.count === batch.length ? batch : { ...batch, selection: out.kept, selectedCount: out.count })
  }
}

/** What passes for true or false in JavaScript is mostly a slip: a promise, a forgotten return, a null. */
function refuseAnswer(answer: unknown): never {
  refusePromise(answer)
  const found = answer === undefined ? 'nothing' : answer === null ? 'null' : `a ${typeof answer}`
  throw new MillraceError('value/invalid', { what: `expected true or false, found ${found}` })
}

function createMap({ node, row, context, fn, onFailure }: Parts): Run {
  const rows = new MadeRows(node.schema, context)
  const loop = generateLoop('append(fn(seek(i)), i)', ['seek', 'fn', 'append'])(row.seek, fn, rows.append)
  return (batch) => {
    rows.begin(batch)
    runLoop(loop, batch, onFailure)
    rows.emit()
  }
}

/** A map that only adds columns: the others are handed on as they are. */
function createExtension({ node, inputSchema, row, context, fn, onFailure }: Parts): Run {
  const added = makeSchema(node.schema.fields.filter(({ name }) => node.adds?.includes(name) === true))
  const builder = new BatchBuilder(added, context.batchRows)
  const emit = context.emit(MAIN_PORT)
  const kept = { rows: new Int32Array(0) }
  const origins = node.schema.fields.map(({ name }) => {
    const at = findColumn(added, name)
    return at >= 0 ? { added: at, input: -1 } : { added: -1, input: findColumn(inputSchema, name) }
  })
  const append = (result: unknown, i: number): void => {
    checkObject(result)
    builder.appendRow(result)
    kept.rows[builder.length - 1] = i
  }
  const loop = generateLoop('append(fn(seek(i)), i)', ['seek', 'fn', 'append'])(row.seek, fn, append)
  return (batch) => {
    const rows = rowCount(batch)
    if (kept.rows.length < rows) kept.rows = new Int32Array(rows)
    builder.reset()
    runLoop(loop, batch, onFailure)
    if (builder.length === 0) return
    const made = builder.finish()
    // The new columns are dense: rows that were filtered or rejected before must be gone from the others too.
    const all = made.length === batch.length
    const dense = all ? batch : compactBatch({ ...batch, selection: kept.rows, selectedCount: made.length })
    const columns = origins.map(
      (from) => (from.added >= 0 ? made.columns[from.added] : dense.columns[from.input]) as Column,
    )
    emit({ ...dense, schema: node.schema, columns })
  }
}

function createFlatMap({ node, row, context, fn, onFailure }: Parts): Run {
  const rows = new MadeRows(node.schema, context)
  const rejects = node.onError === 'reject'
  const each = (results: unknown, i: number): void => {
    checkIterable(results)
    const before = rows.count
    try {
      for (const result of results) {
        rows.append(result, i)
        // A row that may yet be rejected keeps what it gave until it has given everything.
        if (!rejects && rows.count >= context.batchRows) rows.emit()
      }
    } catch (error) {
      if (rejects) rows.truncate(before)
      throw error
    }
    if (rows.count >= context.batchRows) rows.emit()
  }
  const loop = generateLoop('each(fn(seek(i)), i)', ['seek', 'fn', 'each'])(row.seek, fn, each)
  return (batch) => {
    rows.begin(batch)
    runLoop(loop, batch, onFailure)
    rows.emit()
  }
}

function refusePromise(answer: unknown): void {
  if (isPromise(answer)) throw asynchronousFunction('the function of the step')
}

function checkObject(row: unknown): asserts row is object {
  refusePromise(row)
  if (typeof row === 'object' && row !== null) return
  throw new MillraceError('value/invalid', { what: `a row must be an object, not ${shown(row)}` })
}

function checkIterable(results: unknown): asserts results is Iterable<unknown> {
  refusePromise(results)
  if (typeof results === 'object' && results !== null && Symbol.asyncIterator in results)
    throw asynchronousFunction('the function of the step')
  const isIterable = typeof results === 'object' && results !== null && Symbol.iterator in results
  if (isIterable) return
  throw new MillraceError('value/invalid', {
    what: `the result must be rows in an array or another iterable, not ${shown(results)}`,
  })
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}

/** Rows made of other rows by a user function: event time and order are those of the row they come from. */
class MadeRows {
  private builder: BatchBuilder
  private readonly builders: LentBuilders
  private readonly emitBatch: (batch: Batch) => void
  private input: Batch | undefined

  constructor(schema: Schema, context: OperatorContext) {
    this.builders = new LentBuilders(
      () => new BatchBuilder(schema, context.batchRows, { eventTime: true, order: true }),
    )
    this.builder = this.builders.take()
    this.emitBatch = context.emit(MAIN_PORT)
  }

  get count(): number {
    return this.builder.length
  }

  /** Forgets the rows from `length` on. */
  truncate(length: number): void {
    this.builder.truncate(length)
  }

  /** Takes a row that was made from physical row `i` of the input. */
  readonly append = (row: unknown, i: number): void => {
    const { builder } = this
    checkObject(row)
    builder.appendRow(row)
    const { eventTime, order } = this.input as Batch
    const at = builder.length - 1
    if (eventTime !== undefined && builder.eventTime !== undefined)
      builder.eventTime[at] = eventTime[i] as number
    if (order !== undefined && builder.order !== undefined) builder.order[at] = order[i] as number
  }

  begin(input: Batch): void {
    this.input = input
    this.builders.takeBack()
  }

  emit(): void {
    if (this.builder.length === 0) return
    const batch = this.builders.lend(this.builder)
    this.builder = this.builders.take()
    const { eventTime, order } = this.input as Batch
    this.emitBatch({
      ...batch,
      eventTime: eventTime === undefined ? undefined : batch.eventTime,
      order: order === undefined ? undefined : batch.order,
    })
  }
}
