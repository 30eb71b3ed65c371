/**
 * Aggregates that the user wrote: accumulators are JavaScript objects, one per group, outside typed memory.
 *
 * The one kind of built-in state that the garbage collector sees (law L8 excepts it). The record holds the object's
 * place in a list.
 */
import type { Batch } from '../../data/batch.ts'
import type { ColumnBuilder } from '../../data/column-builder.ts'
import { createRowView } from '../../data/row-view.ts'
import type { RowReader } from '../../data/row-view.ts'
import { writeValue } from '../../data/write-value.ts'
import { MillraceError, isMillraceError } from '../../errors.ts'
import { asynchronousFunction, isPromise } from '../../plan/synchronous.ts'
import type { RecordField, RecordStore } from '../../state/index.ts'
import { ValueEncoder, decodeValue } from '../../state/index.ts'
import { rowText, thrownText } from '../rows/row-text.ts'
import type { Aggregate, AggregateParts, RecordRange, SavedForm } from './aggregate.ts'

/** What a user-defined aggregate has to offer. */
export interface UserAggregateFunctions {
  create(): unknown
  /** Changes the accumulator, or gives a new one. */
  add(accumulator: unknown, row: unknown): unknown
  /** May change and give the first; must leave the second as it is. */
  merge(first: unknown, second: unknown): unknown
  result(accumulator: unknown): unknown
}

/** Makes a user-defined aggregate. */
export function createUserAggregate(parts: AggregateParts): Aggregate {
  const { functionId, name } = parts.call
  const functions = functionId === undefined ? undefined : parts.functions.get(functionId)
  if (!isUserAggregate(functions)) {
    throw new MillraceError('plan/invalid-argument', {
      what: `aggregate "${name}" lacks one of its functions create, add, merge and result`,
      step: parts.step,
    })
  }
  return new UserAggregate(parts, functions)
}

class UserAggregate implements Aggregate {
  readonly acceptsNulls = true
  /** Whether there is an accumulator, and its encoded value. */
  readonly saved: SavedForm = {
    kind: 'object',
    save: (store, record, out) => {
      const place = store.i32[record * store.words + this.#place.offset] as number
      out.u8(place === 0 ? 0 : 1)
      if (place === 0) return
      this.#encode(this.#objects[place])
      out.raw(this.#encoder.bytes, 0, this.#encoder.length)
    },
    load: (store, record, from) => {
      if (from.u8() === 0) return
      const at = from.raw(from.left)
      this.#put(store, record, decodeValue(from.bytes, at))
    },
  }
  readonly #encoder = new ValueEncoder({ faithful: true })
  readonly #place: RecordField
  readonly #functions: UserAggregateFunctions
  readonly #reader: RowReader
  readonly #parts: AggregateParts
  readonly #objects: unknown[] = [undefined]
  readonly #free: number[] = []

  constructor(parts: AggregateParts, functions: UserAggregateFunctions) {
    this.#place = parts.layout.add('i32', 0)
    this.#functions = functions
    this.#parts = parts
    this.#reader = createRowView(parts.inputSchema, { columns: parts.call.columns })
  }

  bind(batch: Batch): void {
    this.#reader.bind(batch)
  }

  update(store: RecordStore, record: number, row: number): void {
    const place = this.#placeOf(store, record)
    const view = this.#reader.seek(row)
    try {
      const next = this.#atOnce('add', this.#functions.add(this.#objects[place], view))
      if (next !== undefined) this.#objects[place] = next
    } catch (cause) {
      throw this.#failed('add', cause, rowText(view))
    }
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const from = source.i32[sourceRecord * source.words + this.#place.offset] as number
    if (from === 0) return
    const to = this.#placeOf(target, targetRecord)
    try {
      this.#objects[to] = this.#atOnce('merge', this.#functions.merge(this.#objects[to], this.#objects[from]))
    } catch (cause) {
      throw this.#failed('merge', cause)
    }
  }

  write(store: RecordStore, { numbers, from, to }: RecordRange, out: ColumnBuilder, at: number): void {
    for (let n = from; n < to; n++) {
      const place = store.i32[(numbers[n] as number) * store.words + this.#place.offset] as number
      writeValue(out, at + n - from, this.#result(place), this.#parts.call.name)
    }
  }

  release(store: RecordStore, record: number): void {
    const place = store.i32[record * store.words + this.#place.offset] as number
    if (place === 0) return
    this.#objects[place] = undefined
    this.#free.push(place)
  }

  #result(place: number): unknown {
    try {
      const accumulator = place === 0 ? this.#create() : this.#objects[place]
      return this.#atOnce('result', this.#functions.result(accumulator))
    } catch (cause) {
      throw this.#failed('result', cause)
    }
  }

  #placeOf(store: RecordStore, record: number): number {
    const at = record * store.words + this.#place.offset
    let place = store.i32[at] as number
    if (place !== 0) return place
    place = this.#free.pop() ?? this.#objects.length
    try {
      this.#objects[place] = this.#create()
    } catch (cause) {
      throw this.#failed('create', cause)
    }
    store.i32[at] = place
    return place
  }

  #create(): unknown {
    return this.#atOnce('create', this.#functions.create())
  }

  #atOnce(name: string, answer: unknown): unknown {
    if (!isPromise(answer)) return answer
    throw asynchronousFunction(`the function "${name}" of a custom aggregate`, this.#parts.step)
  }

  #put(store: RecordStore, record: number, accumulator: unknown): void {
    const place = this.#free.pop() ?? this.#objects.length
    this.#objects[place] = accumulator
    store.i32[record * store.words + this.#place.offset] = place
  }

  #encode(accumulator: unknown): void {
    try {
      this.#encoder.encode(accumulator)
    } catch (cause) {
      if (!isMillraceError(cause)) throw cause
      throw new MillraceError('value/invalid', {
        what: `the accumulator of aggregate "${this.#parts.call.name}" cannot be written into a checkpoint`,
        detail: cause.what,
        hint: cause.hint,
        step: this.#parts.step,
        cause,
      })
    }
  }

  #failed(name: string, cause: unknown, row?: string): unknown {
    if (isMillraceError(cause)) return cause
    return new MillraceError('step/function-failed', {
      what: `the function ${name} of aggregate "${this.#parts.call.name}" threw`,
      detail: `${thrownText(cause)}${row === undefined ? '' : `, for the row ${row}`}`,
      hint: 'mend it, or keep such rows away from the window with .where(…) or .filter(…)',
      step: this.#parts.step,
      cause,
    })
  }
}

function isUserAggregate(value: unknown): value is UserAggregateFunctions {
  if (typeof value !== 'object' || value === null) return false
  return ['create', 'add', 'merge', 'result'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  )
}
