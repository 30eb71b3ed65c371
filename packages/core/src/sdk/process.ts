/**
 * Your own functions with keyed state and event-time timers: what a `process` step is made of.
 *
 * The functions are called for one key at a time; state and timers belong to that key. The engine's side is
 * engine/process/process-function.ts, which takes the same shape without the types.
 */
import type { ColumnType } from '../data/builder.ts'
import { typeToString } from '../data/type-text.ts'
import { fieldDefault } from '../data/type.ts'
import type { Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'

/** A migration, without its types. */
export interface UntypedMigration {
  readonly from: ColumnType
  readonly with: (old: unknown) => unknown
}

/** A piece of state, declared. */
export interface StateType<out Handle> {
  readonly kind: 'value' | 'list' | 'map'
  readonly type: ColumnType
  readonly keyType: ColumnType | undefined
  /** How values of earlier types become those of this one, from each version to the next. */
  readonly migrations: readonly UntypedMigration[]
  /** Only the compiler sees it. */
  readonly '~handle'?: Handle
}

/** One value per key. */
export interface ValueState<Value> {
  /** The value, or undefined when none was set. */
  get(): Value | undefined
  set(value: Value): void
  clear(): void
}

/** A list per key, in the order of adding. */
export interface ListState<Value> {
  add(value: Value): void
  readonly length: number
  [Symbol.iterator](): Iterator<Value>
  clear(): void
}

/** A map per key. */
export interface MapState<Key, Value> {
  get(key: Key): Value | undefined
  has(key: Key): boolean
  set(key: Key, value: Value): void
  delete(key: Key): void
  readonly size: number
  [Symbol.iterator](): Iterator<readonly [Key, Value]>
  clear(): void
}

/** How values that an earlier version of the pipeline has kept become those of this one. */
export interface StateMigration<Old, Value> {
  /** The type that the state had. */
  readonly from: ColumnType<Old>
  /** Gives the value of today; called once for each value when the state is restored. */
  readonly with: (old: Old) => NoInfer<Value>
}

/** The type behind the one at a place of a tuple; behind the last one, that of today. */
type NextOf<Olds extends readonly unknown[], At, Value> = Olds extends readonly [unknown, ...infer Rest]
  ? At extends keyof Rest
    ? Rest[At]
    : Value
  : Value

/** Migrations from version to version, the oldest first: each one gives what the next one takes. */
export type StateMigrations<Olds extends readonly unknown[], Value> = {
  readonly [At in keyof Olds]: StateMigration<Olds[At], NextOf<Olds, At, Value>>
}

/** What is said of a piece of state besides its types. */
export interface StateOptions<Old, Olds extends readonly unknown[], Value> {
  /**
   * Needed when the type has changed into one that is not simply wider; kept state of another type is refused. Of several
   * the oldest comes first, and kept values take those from their type on.
   */
  readonly migrate: StateMigration<Old, Value> | StateMigrations<Olds, Value>
}

/**
 * Declares state: `state.value(t.int32())`, `state.list(t.string())`, `state.map(t.string(), t.int64())`.
 *
 * @example
 * A price that was a text of cents, and is a number of euros:
 * ```ts
 * import { state, t } from 'millrace'
 *
 * const price = state.value(t.float64(), { migrate: { from: t.string(), with: (cents) => Number(cents) / 100 } })
 * ```
 *
 * Over two versions, with the currency since the last one:
 * ```ts
 * import { state, t } from 'millrace'
 *
 * const price = state.value(t.struct({ amount: t.float64(), currency: t.string() }), {
 *   migrate: [
 *     { from: t.string(), with: (cents) => Number(cents) / 100 },
 *     { from: t.float64(), with: (amount) => ({ amount, currency: 'EUR' }) },
 *   ],
 * })
 * ```
 */
export interface StateBuilders {
  value<Value, Old = never, const Olds extends readonly unknown[] = []>(
    type: ColumnType<Value>,
    options?: StateOptions<Old, Olds, Value>,
  ): StateType<ValueState<Value>>
  /** `migrate` takes each value of the list. */
  list<Value, Old = never, const Olds extends readonly unknown[] = []>(
    type: ColumnType<Value>,
    options?: StateOptions<Old, Olds, Value>,
  ): StateType<ListState<Value>>
  /** `migrate` takes each value of the map; keys may only become wider. */
  map<Key, Value, Old = never, const Olds extends readonly unknown[] = []>(
    key: ColumnType<Key>,
    value: ColumnType<Value>,
    options?: StateOptions<Old, Olds, Value>,
  ): StateType<MapState<Key, Value>>
}

/** The kinds of state that a `process` step can keep per key. */
export const state: StateBuilders = Object.freeze<StateBuilders>({
  value: (...given) => {
    const [type] = checkTypes('value', given, 1)
    return Object.freeze({ kind: 'value', type, keyType: undefined, migrations: migrationsOf(given[1]) })
  },
  list: (...given) => {
    const [type] = checkTypes('list', given, 1)
    return Object.freeze({ kind: 'list', type, keyType: undefined, migrations: migrationsOf(given[1]) })
  },
  map: (...given) => {
    const [keyType, type] = checkTypes('map', given, 2)
    return Object.freeze({ kind: 'map', type, keyType, migrations: migrationsOf(given[2]) })
  },
})

/** What `checkTypes` has let pass, without its types. */
function migrationsOf(options: unknown): readonly UntypedMigration[] {
  const { migrate = [] } = (options ?? {}) as {
    readonly migrate?: UntypedMigration | readonly UntypedMigration[]
  }
  const migrations = Object.freeze([migrate].flat())
  const from = migrations.map((one) => typeToString(one.from.type))
  const twice = from.find((type, at) => from.indexOf(type) < at)
  if (twice !== undefined) {
    throw new MillraceError('plan/invalid-argument', {
      what: `two migrations of a state are from ${twice}`,
      detail: 'which of them values take could not be told',
      hint: 'the oldest version comes first, and each migration gives values of the type that the next one is from',
    })
  }
  return migrations
}

/** Whether the last argument says how older state becomes this one. */
function isMigration(options: unknown): boolean {
  if (typeof options !== 'object' || options === null || Object.keys(options).join() !== 'migrate')
    return false
  const { migrate } = options as { readonly migrate: unknown }
  return [migrate].flat().every((one: unknown) => {
    if (typeof one !== 'object' || one === null) return false
    const { from, with: convert } = one as { readonly from?: unknown; readonly with?: unknown }
    return isColumnType(from) && typeof convert === 'function'
  })
}

/** Refuses what is given beside types and a migration, which would be passed over, and what is no type. */
function checkTypes(
  kind: 'value' | 'list' | 'map',
  given: readonly unknown[],
  count: 1 | 2,
): [ColumnType, ColumnType] {
  const example = kind === 'map' ? 'state.map(t.string(), t.int32())' : `state.${kind}(t.int32())`
  const isRight = given.length === count || (given.length === count + 1 && isAbsentOrMigration(given[count]))
  if (!isRight) {
    const isDefault = kind === 'value' && given.length > count
    throw new MillraceError('plan/invalid-argument', {
      what: `state.${kind} takes ${count} argument${count === 1 ? '' : 's'}`,
      detail: `it was given ${given.length}`,
      hint: isDefault
        ? `write ${example}; a value that was not set yet is undefined, so a default is written where it is read: get() ?? 0; behind the type stands only { migrate: { from, with } }`
        : `write ${example}`,
    })
  }
  const types = given.slice(0, count)
  for (const type of types) {
    if (isColumnType(type)) {
      if (fieldDefault in type) throw defaultOfState(kind)
      continue
    }
    throw new MillraceError('plan/invalid-argument', {
      what: `state.${kind} was given ${type === null ? 'null' : `a value of type ${typeof type}`}`,
      detail: 'the type of a column is needed',
      hint: `write ${example}`,
    })
  }
  return types as [ColumnType, ColumnType]
}

function defaultOfState(kind: 'value' | 'list' | 'map'): MillraceError {
  return new MillraceError('plan/invalid-argument', {
    what: `a type with a default was given to state.${kind}`,
    detail: 'defaults are for members of structs that older state lacks',
    hint: 'a value that was not set yet is undefined, so a default is written where it is read: get() ?? 0',
  })
}

function isAbsentOrMigration(options: unknown): boolean {
  return options === undefined || isMigration(options)
}

function isColumnType(value: unknown): value is ColumnType {
  return typeof value === 'object' && value !== null && 'type' in value && 'isNullable' in value
}

/** Whether a value was made by one of the builders of `state`. */
export function isStateType(value: unknown): value is StateType<unknown> {
  if (typeof value !== 'object' || value === null) return false
  const { kind, type } = value as { readonly kind?: unknown; readonly type?: unknown }
  return (kind === 'value' || kind === 'list' || kind === 'map') && isColumnType(type)
}

/** State by name. */
export interface StateTypes {
  readonly [name: string]: StateType<unknown>
}

/** Schemas of side outputs by name. */
export interface SideSchemas {
  readonly [name: string]: Schema
}

/** A timer that fires. */
export interface FiredTimer {
  readonly name: string
  /** The event time that it was set for, in milliseconds. */
  readonly time: number
}

/** What the functions of a `process` step can reach. */
export interface ProcessContext<Key, Out, State extends StateTypes, Sides extends SideSchemas> {
  /** The key that the call is for. */
  readonly key: Key
  readonly state: {
    readonly [Name in keyof State]: State[Name] extends StateType<infer Handle> ? Handle : never
  }
  /** The row's event time, or the timer's time; undefined on streams without event time. */
  readonly eventTime: number | undefined
  /** No row with an event time before this is expected; −Infinity at the beginning. */
  readonly watermark: number
  /** The clock, in milliseconds since 1970. Results that depend on it differ from run to run. */
  now(): number
  emit(row: NoInfer<Out>): void
  /** Emits a row to a side output. */
  emitTo<const Name extends keyof Sides & string>(
    name: Name,
    row: Sides[Name] extends Schema<infer SideRow> ? SideRow : never,
  ): void
  /**
   * Calls `onTimer` when the watermark reaches `time`, in milliseconds since 1970. One timer per key and name: setting
   * it again moves it. For the end of the input set it for `Number.MAX_SAFE_INTEGER`.
   *
   * @throws MillraceError `value/invalid` when the time is not a number within ±2^53.
   */
  setTimer(name: string, time: number): void
  deleteTimer(name: string): void
}

/** A `process` step. */
export interface ProcessDefinition<
  Row,
  Key,
  Out,
  State extends StateTypes,
  Sides extends SideSchemas,
  Used extends keyof Row & string = keyof Row & string,
> {
  readonly state?: State
  readonly output: Schema<Out>
  /** Further outputs, read by `.side('name')`. */
  readonly sideOutputs?: Sides
  /** The only columns that `onRow` reads besides the keys; default: all. */
  readonly uses?: readonly Used[]
  onRow(row: Pick<Row, Used | (keyof Key & keyof Row)>, context: ProcessContext<Key, Out, State, Sides>): void
  onTimer?(context: ProcessContext<Key, Out, State, Sides>, timer: FiredTimer): void
}
