/**
 * The operator of `process` steps: user functions with keyed state and event-time timers.
 *
 * Keys, state and timers lie in typed memory; the functions see handles that follow the key whose turn it is.
 *
 * Invariants (tests quote them):
 *  U1  Rows of a key are handed over in the order in which they arrive.
 *  U2  A timer fires before any row that the watermark which fires it makes late; one that is set for a time that the
 *      watermark has passed fires right after the function that set it.
 *  U3  A key without state and timers takes no memory after the step.
 *  U4  What is emitted, read or set after the call has ended throws `step/kept-context`, and changes nothing.
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import { createRowView } from '../../data/row-view.ts'
import type { RowReader } from '../../data/row-view.ts'
import type { Schema } from '../../data/type.ts'
import { MillraceError, isMillraceError, withContext } from '../../errors.ts'
import type { ProcessNode, StateDeclaration } from '../../plan/logical.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import { asynchronousFunction, isPromise } from '../../plan/synchronous.ts'
import {
  ArrayPool,
  BlockHeap,
  CallCursor,
  GroupTable,
  ListStateHandle,
  MapStateHandle,
  RecordLayout,
  StringTable,
  SWEPT_MAX,
  ValueStateHandle,
  keyLayout,
} from '../../state/index.ts'
import type { KeyLayout, KeyedStateParts, RecordField } from '../../state/index.ts'
import type { Operator, OperatorContext, OperatorState } from '../operator.ts'
import { CallKey } from './call-key.ts'
import type { FiredTimer, ProcessContext, ProcessFunction, StateHandle } from './process-function.ts'
import { ProcessState } from './process-state.ts'
import { ProcessTimers } from './process-timers.ts'
import { RowOutput } from '../rows/row-output.ts'
import { rowText, thrownText } from '../rows/row-text.ts'
import type { FunctionBindings } from '../window/window-aggregate.ts'
import { KeyedKernels } from '../keyed/keyed-kernel.ts'

/** Timers that one call of `advance` fires before it hands back to the task. */
const TIMERS_PER_SLICE = 10_000

/**
 * Makes the operator of a `process` step for one task.
 *
 * @throws MillraceError `plan/invalid-argument` when the step's function has no `onRow`; later, from `push` and
 * `advance`, `step/function-failed` and `step/invalid-row`.
 */
export function createProcess(
  node: ProcessNode,
  inputSchema: Schema,
  context: OperatorContext,
  bindings: FunctionBindings,
): Operator {
  const functions = bindings.functions.get(node.functionId)
  if (
    typeof functions !== 'object' ||
    functions === null ||
    typeof (functions as ProcessFunction).onRow !== 'function'
  ) {
    throw new MillraceError('plan/invalid-argument', {
      what: `step "${node.step}" has no function onRow`,
      hint: 'give { output, onRow }',
      step: node.step,
    })
  }
  return new Process(node, inputSchema, context, functions as ProcessFunction)
}

class Process implements Operator {
  readonly state: OperatorState
  readonly #state: ProcessState
  readonly #node: ProcessNode
  readonly #functions: ProcessFunction
  readonly #counters: OperatorContext['counters']
  readonly #key: KeyLayout
  readonly #strings = new StringTable()
  readonly #blocks = new BlockHeap()
  readonly #pool = new ArrayPool()
  readonly #live: RecordField
  /** 1 when the last snapshot has values of the key. */
  readonly #saved: RecordField
  readonly #cursor: CallCursor
  readonly #handles: readonly StateHandle[]
  readonly #timers: ProcessTimers
  readonly #kernels: KeyedKernels
  readonly #reader: RowReader
  readonly #outputs: ReadonlyMap<string, RowOutput>
  readonly #context: ProcessContext & { eventTime: number | undefined; watermark: number }
  readonly #callKey: CallKey
  #groups: Int32Array = new Int32Array(0)

  constructor(node: ProcessNode, inputSchema: Schema, context: OperatorContext, functions: ProcessFunction) {
    this.#node = node
    this.#functions = functions
    this.#counters = context.counters
    this.#key = keyLayout(inputSchema, node.keys, node.step)
    const layout = new RecordLayout(this.#key.words)
    this.#live = layout.add('i32', 0)
    const hash = layout.add('i32', 0)
    const isHashed = layout.add('i32', 0)
    this.#saved = layout.add('i32', 0)
    const { handles, cursor } = makeState(node.state, layout, {
      live: this.#live,
      blocks: this.#blocks,
      strings: this.#strings,
      pool: this.#pool,
      keyWords: this.#key.words,
    })
    this.#cursor = cursor
    this.#callKey = new CallKey({ key: this.#key, strings: this.#strings, cursor, hash, isHashed })
    this.#handles = Object.values(handles)
    this.#timers = new ProcessTimers(
      { layout: this.#key, table: cursor.table, hash, keyGroups: context.keyGroups },
      { strings: this.#strings, pool: this.#pool, step: node.step },
    )
    this.#kernels = new KeyedKernels({
      key: this.#key,
      strings: this.#strings,
      aggregates: [],
      groupWords: cursor.table.words,
      recordWords: cursor.table.words,
      hasStableGroups: false,
      shape: { kind: 'locate', groups: () => this.#groups },
    })
    this.#reader = createRowView(inputSchema, {
      columns: node.uses === undefined ? undefined : [...node.keys, ...node.uses],
    })
    const options = { batchRows: context.batchRows, step: node.step }
    const ports: [string, Schema][] = [[MAIN_PORT, node.schema], ...Object.entries(node.sidePorts)]
    this.#outputs = new Map(
      ports.map(([port, schema]) => [port, new RowOutput(schema, context.emit(port), options)]),
    )
    this.#context = this.#makeContext(handles, context)
    this.state = this.#state = this.#makeState(context)
  }

  push(batch: Batch): void {
    this.#recycle()
    const count = rowCount(batch)
    if (this.#groups.length < count) this.#groups = new Int32Array(Math.max(count, 1024))
    const { table } = this.#cursor
    const kernel = this.#kernels.bind(batch, batch.selection)
    kernel.loop(kernel.lanes, batch.eventTime, batch.selection, 0, count, 0, 0, table)
    this.#callRows(batch, count)
    this.#callKey.batch = undefined
    for (let n = 0; n < count; n++) this.#dropIfEmpty(this.#groups[n] as number)
    this.#flush()
  }

  advance(watermark: number): boolean {
    this.#recycle()
    this.#context.watermark = watermark
    let isDone: boolean
    try {
      isDone = this.#fireTimers(TIMERS_PER_SLICE)
    } finally {
      this.#cursor.rest()
    }
    this.#flush()
    return isDone && this.#strings.sweepSome(SWEPT_MAX)
  }

  close(): void {
    this.#cursor.table.dispose()
  }

  #callRows(batch: Batch, count: number): void {
    const { selection, eventTime } = batch
    const context = this.#context
    const groups = this.#groups
    const functions = this.#functions
    this.#callKey.batch = batch
    this.#reader.bind(batch)
    let row: unknown
    try {
      for (let n = 0; n < count; n++) {
        const i = selection === undefined ? n : (selection[n] as number)
        this.#callKey.row = i
        this.#cursor.record = groups[n] as number
        context.eventTime = eventTime === undefined ? undefined : eventTime[i]
        row = this.#reader.seek(i)
        const answer: unknown = functions.onRow(row, context)
        if (answer !== undefined && isPromise(answer)) throw this.#isAsynchronous('onRow')
        if (this.#timers.isDue(context.watermark)) {
          this.#fireTimers(Infinity)
          this.#reader.seek(i)
        }
      }
    } catch (cause) {
      throw this.#failed('onRow', cause, `the row ${rowText(row)}`)
    } finally {
      this.#cursor.rest()
      this.#reader.poison()
    }
  }

  /** Fires what is due, at most so many timers; true when nothing is left. */
  #fireTimers(most: number): boolean {
    const { watermark } = this.#context
    const row = this.#callKey.row
    for (let fired = 0; fired < most; fired++) {
      const timer = this.#timers.next(watermark)
      if (timer === undefined) {
        this.#callKey.row = row
        return true
      }
      this.#callKey.row = -1
      this.#cursor.record = timer.group
      this.#addLive(-1)
      this.#context.eventTime = timer.time
      this.#callTimer({ name: timer.name, time: timer.time })
      this.#timers.fired()
      // While a batch is at work its groups are looked after when it is done.
      if (this.#callKey.batch === undefined) this.#dropIfEmpty(timer.group)
    }
    this.#callKey.row = row
    return !this.#timers.isDue(watermark)
  }

  #callTimer(timer: FiredTimer): void {
    try {
      const answer: unknown = this.#functions.onTimer?.(this.#context, timer)
      if (answer !== undefined && isPromise(answer)) throw this.#isAsynchronous('onTimer')
    } catch (cause) {
      const key = rowText(this.#context.key)
      throw this.#failed('onTimer', cause, `the timer ${rowText(timer)} of the key ${key}`)
    }
  }

  /** Forgets a group that holds nothing (U3). */
  #dropIfEmpty(group: number): void {
    const { table } = this.#cursor
    const base = group * table.words
    // −1: dropped already, by an earlier row of the same batch.
    if (table.i32[base + this.#live.offset] !== 0) return
    this.#state.dropped(group)
    for (const word of this.#key.stringWords) this.#strings.release(table.i32[base + word] as number)
    table.remove(group)
    table.i32[base + this.#live.offset] = -1
  }

  #addLive(change: 1 | -1): void {
    const { table, record } = this.#cursor
    const at = record * table.words + this.#live.offset
    table.i32[at] = (table.i32[at] as number) + change
  }

  #makeState(context: OperatorContext): ProcessState {
    return new ProcessState({
      step: this.#node.step,
      place: context,
      key: this.#key,
      strings: this.#strings,
      pool: this.#pool,
      cursor: this.#cursor,
      saved: this.#saved,
      handles: this.#handles,
      timers: this.#timers,
      addLive: (change) => this.#addLive(change),
      setHash: (group, hash) => this.#callKey.setHash(group, hash),
      watermark: () => this.#context.watermark,
      goOn: (watermark) => {
        this.#context.watermark = Math.max(this.#context.watermark, watermark)
      },
      beginTime: () => {
        this.#context.watermark = -Infinity
      },
      restored: () => {
        for (const group of this.#cursor.table.liveRecords()) this.#dropIfEmpty(group)
        this.#strings.sweep()
        this.#flush()
      },
    })
  }

  #makeContext(
    state: ProcessContext['state'],
    { clock }: OperatorContext,
  ): ProcessContext & { eventTime: number | undefined; watermark: number } {
    const main = this.#output(MAIN_PORT)
    const callKey = this.#callKey
    const context = {
      get key(): object {
        return callKey.read()
      },
      state,
      eventTime: undefined as number | undefined,
      watermark: -Infinity,
      now: () => clock.now(),
      emit: (row: object) => {
        this.#cursor.check()
        main.add(row, context.eventTime)
      },
      emitTo: (port: string, row: object) => {
        this.#cursor.check()
        this.#output(port).add(row, context.eventTime)
      },
      setTimer: (name: string, time: number) => {
        if (this.#functions.onTimer === undefined) throw timerWithoutFunction(this.#node.step, name)
        this.#callKey.hash()
        if (this.#timers.set(this.#cursor.record, name, time)) this.#addLive(1)
      },
      deleteTimer: (name: string) => {
        if (this.#timers.delete(this.#cursor.record, name)) this.#addLive(-1)
      },
    }
    return context
  }

  #output(port: string): RowOutput {
    const output = this.#outputs.get(port)
    if (output !== undefined) return output
    throw new MillraceError('plan/invalid-argument', {
      what: `step "${this.#node.step}" has no side output "${port}"`,
      detail: `it has ${
        Object.keys(this.#node.sidePorts)
          .map((name) => `"${name}"`)
          .join(', ') || 'none'
      }`,
      hint: 'declare it in sideOutputs',
      step: this.#node.step,
    })
  }

  #isAsynchronous(name: string): MillraceError {
    return asynchronousFunction(`the function "${name}"`, this.#node.step)
  }

  #failed(name: string, cause: unknown, subject: string): unknown {
    if (isMillraceError(cause)) return withContext(cause, { step: this.#node.step })
    return new MillraceError('step/function-failed', {
      what: `the function ${name} of step "${this.#node.step}" threw`,
      detail: `${thrownText(cause)}, for ${subject}`,
      hint:
        name === 'onRow'
          ? 'mend it, or keep such rows away from the step with .where(…) or .filter(…)'
          : 'mend it: what a timer finds is the state of its key and the time',
      step: this.#node.step,
      cause,
    })
  }

  #recycle(): void {
    for (const output of this.#outputs.values()) output.recycle()
  }

  #flush(): void {
    for (const output of this.#outputs.values()) output.flush()
    const { table } = this.#cursor
    let bytes = table.bytes + this.#strings.memoryBytes + this.#blocks.bytes + this.#timers.bytes
    let entries = table.size + this.#timers.size
    for (const handle of this.#handles) {
      if (!(handle instanceof MapStateHandle)) continue
      bytes += handle.bytes
      entries += handle.entryCount
    }
    this.#counters.stateEntries = entries
    this.#counters.pendingTimers = this.#timers.size
    this.#counters.stateBytes = bytes
  }
}

/** The handles of the declared state, and the table of keys whose records they live in. */
function makeState(
  declarations: readonly StateDeclaration[],
  layout: RecordLayout,
  options: Omit<KeyedStateParts, 'layout'> & { readonly keyWords: number },
): { readonly handles: { readonly [name: string]: StateHandle }; readonly cursor: CallCursor } {
  const parts: KeyedStateParts = { ...options, layout }
  // The table comes after the layout; handles look at it when they are used.
  const cursor = new CallCursor()
  const handles: { [name: string]: StateHandle } = {}
  for (const { name, kind, type, keyType } of declarations) {
    if (kind === 'value') handles[name] = new ValueStateHandle(type, name, parts, cursor)
    else if (kind === 'list') handles[name] = new ListStateHandle(type, name, parts, cursor)
    else {
      const types = { key: keyType ?? { kind: 'string' as const }, value: type }
      handles[name] = new MapStateHandle(types, name, parts, cursor)
    }
  }
  cursor.table = new GroupTable({
    keyWords: options.keyWords,
    template: layout.template(),
    pool: options.pool,
  })
  return { handles, cursor }
}

/** A timer that nobody hears would be lost in silence. */
function timerWithoutFunction(step: string, name: string): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `step "${step}" sets timer "${name}" and has no onTimer`,
    hint: 'write onTimer, which is called when the time has come, or set no timer',
    step,
  })
}
