/**
 * What streams are at run time: thin objects that hand each call to the lowering functions.
 *
 * The interfaces of stream.ts and windowed-stream.ts give them their types; the one cast is in `streamOf`. The three
 * classes stand together because each makes the others.
 */
import { parseDuration } from '../time/index.ts'
import type { Duration } from '../time/index.ts'
import type { ColumnTypes } from '../data/builder.ts'
import type { Schema } from '../data/type.ts'
import { checkOptionNames } from '../data/option-names.ts'
import { MillraceError } from '../errors.ts'
import type { WindowSpec } from '../plan/index.ts'
import type { Output } from './draft.ts'
import { isUnbound } from './expression-input.ts'
import type { ExpressionInput } from './expression-input.ts'
import { lowerAggregate } from './lower-aggregate.ts'
import { lowerWrite } from './lower-ends.ts'
import { lowerKeyBy, lowerLookupJoin, lowerProcess, noEventTime, sideOutput } from './lower-keyed.ts'
import type { KeyedOutput } from './lower-keyed.ts'
import { lowerIntervalJoin } from './lower-join.ts'
import type { IntervalJoinInput } from './lower-join.ts'
import { checkFunctionOptions, lowerFilter, lowerMap, lowerUnion, lowerWith } from './lower-rows.ts'
import type { RowFunctionInput } from './lower-rows.ts'
import {
  lowerExtend,
  lowerNotNull,
  lowerOmit,
  lowerRename,
  lowerSelect,
  lowerWhere,
} from './lower-transform.ts'
import type { ProjectionInput } from './lower-transform.ts'
import { rejectedOutput } from './side-outputs.ts'
import type { Stream } from './stream.ts'

const brand = Symbol.for('millrace.stream')

/** Outputs of a stream's step beside its rows. */
interface SideOutputs {
  readonly late?: Output
  readonly lateRight?: Output
  readonly sides?: { readonly [name: string]: Schema }
}

/** The stream of an output, with the type that its step promised. */
export function streamOf<Type>(output: Output, sides: SideOutputs = {}): Type {
  return new StreamHandle(output, sides) as unknown as Type
}

/** Tells whether a value is a stream, also one of another copy of the package. */
export function isStream(value: unknown): value is Stream<unknown> {
  return typeof value === 'object' && value !== null && brand in value
}

class StreamHandle {
  readonly [brand] = true
  readonly #output: Output
  readonly #sides: SideOutputs

  constructor(output: Output, sides: SideOutputs) {
    this.#output = output
    this.#sides = sides
  }

  get schema(): Schema {
    return this.#output.schema
  }

  get rejected(): StreamHandle {
    const hint =
      "ask for it with { onError: 'reject' }, or for rows without event time { onMissing: 'reject' }"
    return streamOf(rejectedOutput(this.#output, hint))
  }

  get late(): StreamHandle {
    if (this.#sides.late !== undefined) return streamOf(this.#sides.late)
    const { step } = this.#output.connect()
    throw new MillraceError('plan/invalid-argument', {
      what: `step "${step}" has no late rows`,
      hint: "late rows come out of windows and joins: const hourly = ….aggregate('hourly', …), then hourly.late",
      step,
    })
  }

  get lateRight(): StreamHandle {
    if (this.#sides.lateRight !== undefined) return streamOf(this.#sides.lateRight)
    const { step } = this.#output.connect()
    throw new MillraceError('plan/invalid-argument', {
      what: `step "${step}" has no late rows of a right side`,
      hint: "they come out of joins: const paid = ….join('paid', …), then paid.lateRight",
      step,
    })
  }

  side(name: string): StreamHandle {
    return streamOf(sideOutput(this.#output, this.#sides.sides ?? {}, name))
  }

  filter(name: string, predicate: unknown, options: RowFunctionInput = {}): StreamHandle {
    if (isUnbound(predicate) || typeof predicate === 'string') {
      this.#output.draft.step(name, () => checkFunctionOptions(options))
      return this.where(name, predicate)
    }
    return streamOf(lowerFilter(this.#output, name, predicate, options))
  }

  where(name: string, condition: ExpressionInput): StreamHandle {
    return streamOf(lowerWhere(this.#output, name, condition))
  }

  notNull(name: string, ...columns: readonly string[]): StreamHandle {
    return streamOf(lowerNotNull(this.#output, name, columns))
  }

  select(name: string, columns: readonly string[] | ProjectionInput): StreamHandle {
    return streamOf(lowerSelect(this.#output, name, columns))
  }

  extend(name: string, columns: ProjectionInput): StreamHandle {
    return streamOf(lowerExtend(this.#output, name, columns))
  }

  omit(name: string, ...columns: readonly string[]): StreamHandle {
    return streamOf(lowerOmit(this.#output, name, columns))
  }

  rename(name: string, names: { readonly [from: string]: string }): StreamHandle {
    return streamOf(lowerRename(this.#output, name, names))
  }

  map(name: string, schema: Schema, fn: unknown, options: RowFunctionInput = {}): StreamHandle {
    return streamOf(lowerMap(this.#output, name, { shape: 'map', schema, fn, options }))
  }

  flatMap(name: string, schema: Schema, fn: unknown, options: RowFunctionInput = {}): StreamHandle {
    return streamOf(lowerMap(this.#output, name, { shape: 'flat-map', schema, fn, options }))
  }

  with(name: string, columns: ColumnTypes, fn: unknown, options: RowFunctionInput = {}): StreamHandle {
    return streamOf(lowerWith(this.#output, name, { columns, fn, options }))
  }

  union(name: string, ...others: readonly unknown[]): StreamHandle {
    return streamOf(
      lowerUnion([this.#output, ...others.map((other) => StreamHandle.outputOf(other, name))], name),
    )
  }

  keyBy(name: string, key: string | readonly string[] | ProjectionInput): KeyedHandle {
    return new KeyedHandle(lowerKeyBy(this.#output, name, key))
  }

  window(window: WindowSpec, options: WindowInput = {}): WindowedHandle {
    return new WindowedHandle({ output: this.#output, keys: [] }, window, options)
  }

  lookupJoin(name: string, table: unknown, options: Parameters<typeof lowerLookupJoin>[3]): StreamHandle {
    return streamOf(lowerLookupJoin(this.#output, StreamHandle.outputOf(table, name), name, options))
  }

  write(name: string, sink: unknown): void {
    lowerWrite(this.#output, name, sink)
  }

  /** The output behind a value that should be a stream. */
  private static outputOf(value: unknown, step: string): Output {
    if (value instanceof StreamHandle) return value.#output
    const what = isStream(value)
      ? 'a stream of another copy of the package is used'
      : 'a value that is no stream is used'
    throw new MillraceError('plan/foreign-stream', {
      what,
      hint: 'give streams made from the same `p`',
      step,
    })
  }
}

class KeyedHandle {
  readonly #keyed: KeyedOutput

  constructor(keyed: KeyedOutput) {
    this.#keyed = keyed
  }

  window(window: WindowSpec, options: WindowInput = {}): WindowedHandle {
    return new WindowedHandle(this.#keyed, window, options)
  }

  join(name: string, right: unknown, options: IntervalJoinInput): StreamHandle {
    const { output } = this.#keyed
    const other = output.draft.step(name, () => {
      if (right instanceof KeyedHandle) return right.#keyed
      throw notKeyed(right)
    })
    const { main, late, lateRight } = lowerIntervalJoin(this.#keyed, other, name, options)
    return streamOf(main, { late, lateRight })
  }

  process(name: string, definition: Parameters<typeof lowerProcess>[2]): StreamHandle {
    return streamOf(lowerProcess(this.#keyed, name, definition), { sides: definition.sideOutputs ?? {} })
  }
}

/** The untyped shape of window options. */
interface WindowInput {
  readonly allowedLateness?: Duration
}

class WindowedHandle {
  readonly #keyed: KeyedOutput
  readonly #window: WindowSpec
  readonly #options: WindowInput

  constructor(keyed: KeyedOutput, window: WindowSpec, options: WindowInput) {
    this.#keyed = keyed
    this.#window = window
    this.#options = options
  }

  aggregate(name: string, build: unknown): StreamHandle {
    const { output, keys } = this.#keyed
    const window = this.#window
    const { main, late } = output.draft.step(name, () => {
      if (typeof window !== 'object' || window === null || typeof window.kind !== 'string') throw noWindow()
      if (window.kind !== 'global' && output.time === undefined) throw noEventTime(`${window.kind} windows`)
      checkOptionNames('a window', this.#options, ['allowedLateness'])
      const { allowedLateness = 0 } = this.#options
      return lowerAggregate(output, name, {
        keys,
        window,
        build,
        allowedLatenessMs: parseDuration(allowedLateness),
      })
    })
    return streamOf(main, { late })
  }
}

function notKeyed(value: unknown): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: isStream(value)
      ? 'the other side of the join has no key'
      : 'the other side of the join is no keyed stream',
    hint: "key both sides: orders.keyBy('by-order', 'id').join('paid', payments.keyBy('payments-by-order', 'orderId'), { … })",
  })
}

function noWindow(): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: 'the window is missing',
    hint: "give one, such as tumbling('1 hour')",
  })
}
