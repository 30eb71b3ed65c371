/**
 * Steps around keys, lowered to the plan: key-by, process, and lookup joins.
 */
import { didYouMean, listNames } from '../data/nearest-names.ts'
import { checkOptionNames } from '../data/option-names.ts'
import { extendSchema, fieldOf, findColumn, makeSchema } from '../data/schema.ts'
import type { Field, Schema } from '../data/type.ts'
import { sameType, typeToString } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import type { Expression, LookupJoinNode, StateDeclaration } from '../plan/index.ts'
import { refuseChanges } from './changes.ts'
import type { Output } from './draft.ts'
import { bindColumn, bindInput, isUnbound } from './expression-input.ts'
import type { ExpressionInput } from './expression-input.ts'
import { isReservedPort } from './lower-ends.ts'
import { checkFunction, checkSchema, checkUses } from './lower-rows.ts'
import { addTransform, allColumns, extended } from './lower-transform.ts'
import type { ProjectionInput } from './lower-transform.ts'
import { checkName } from './names.ts'
import { isStateType } from './process.ts'

/** What a keyed stream is made of. */
export interface KeyedOutput {
  readonly output: Output
  readonly keys: readonly string[]
}

/** Groups by columns; computed keys become columns first, in a step of their own. */
export function lowerKeyBy(
  input: Output,
  step: string,
  key: string | readonly string[] | ProjectionInput,
): KeyedOutput {
  return input.draft.step(step, () => {
    if (isUnbound(key) || typeof key === 'function') {
      throw invalid('the key is an expression without a name', 'name the column it becomes: { name: sql`…` }')
    }
    const computed = typeof key === 'object' && key !== null && !Array.isArray(key)
    const names = computed ? Object.keys(key) : typeof key === 'string' ? [key] : (key as readonly string[])
    if (!Array.isArray(names) || names.length === 0) throw invalid('the step names no key column')
    if (new Set(names).size < names.length) throw invalid('a key column is named twice')
    const keyed = computed ? withComputedKeys(input, step, key as ProjectionInput) : input
    for (const name of names) checkKey(fieldOf(keyed.schema, name))
    const output = keyed.draft.add(
      { kind: 'key-by', step, inputs: [keyed.connect()], schema: keyed.schema, sidePorts: {}, keys: names },
      keyed,
    )
    return { output, keys: names }
  })
}

function withComputedKeys(input: Output, step: string, keys: ProjectionInput): Output {
  const added = Object.entries(keys).map(([name, one]) => ({
    name,
    expression:
      typeof one === 'string' ? bindColumn(one, input.schema) : bindInput(one, input.schema, `key "${name}"`),
  }))
  // A key that is a column under its own name needs no computing.
  if (added.every(({ name, expression }) => expression.kind === 'column' && expression.name === name))
    return input
  return addTransform(input, `${step}/keys`, { outputs: extended(input.schema, added) })
}

/** Keys are compared byte by byte: nested values have no such form. */
function checkKey({ name, type }: Field): void {
  if (
    type.kind !== 'list' &&
    type.kind !== 'map' &&
    type.kind !== 'struct' &&
    type.kind !== 'interval' &&
    type.kind !== 'json'
  )
    return
  throw new MillraceError('plan/type-mismatch', {
    what: `column "${name}" cannot be a key`,
    detail: `its type is ${typeToString(type)}`,
    hint: 'take a part of it as the key, with { name: sql`…` }',
  })
}

/** The untyped shape of a process definition. */
interface ProcessInput {
  readonly state?: {
    readonly [name: string]: Pick<StateDeclaration, 'kind'> & {
      readonly type: { readonly type: StateDeclaration['type'] }
      readonly keyType: { readonly type: StateDeclaration['type'] } | undefined
    }
  }
  readonly output: Schema
  readonly sideOutputs?: { readonly [name: string]: Schema }
  readonly uses?: readonly string[]
  readonly onRow: unknown
  readonly onTimer?: unknown
}

/** A function with keyed state. */
export function lowerProcess(
  { output: input, keys }: KeyedOutput,
  step: string,
  definition: ProcessInput,
): Output {
  const { draft } = input
  return draft.step(step, () => {
    if (typeof definition !== 'object' || definition === null) {
      throw invalid(
        'the definition of the step is missing',
        'give { output, onRow } and, where needed, { state, onTimer }',
      )
    }
    checkDefinition(definition)
    refuseChanges(input, 'a process step')
    const { state = {}, output, sideOutputs = {}, uses, onRow, onTimer } = definition
    checkFunction(onRow, 'the function "onRow"')
    if (onTimer !== undefined) checkFunction(onTimer, 'the function "onTimer"')
    if (onTimer !== undefined && input.time === undefined) throw noEventTime('timers')
    checkUses(uses, input.schema)
    for (const name of Object.keys(sideOutputs)) checkPort(name)
    return draft.add(
      {
        kind: 'process',
        step,
        inputs: [input.connect()],
        schema: checkSchema(output),
        sidePorts: sideOutputs,
        keys,
        state: Object.entries(state).map(([name, one]) => {
          checkName('state', name)
          if (!isStateType(one)) throw noState(name)
          return { name, kind: one.kind, type: one.type.type, keyType: one.keyType?.type }
        }),
        functionId: draft.bindFunction(step, definition),
        ...(uses === undefined ? {} : { uses }),
      },
      input,
    )
  })
}

const processOptions = ['state', 'output', 'sideOutputs', 'uses', 'onRow', 'onTimer']

/** Instances of classes may have members of their own. */
function checkDefinition(definition: object): void {
  if (Object.getPrototypeOf(definition) !== Object.prototype) return
  const hint = Object.hasOwn(definition, 'onError')
    ? 'a process step rejects no rows: catch the error in onRow, and give such rows to a side output with emitTo'
    : undefined
  checkOptionNames('a process step', definition, processOptions, hint)
}

function noState(name: string): MillraceError {
  return invalid(
    `state "${name}" is not declared as state`,
    `say what is kept of it: ${name}: state.value(t.int32()), or state.list(…) or state.map(…)`,
  )
}

function checkPort(name: string): void {
  checkName('side output', name)
  if (isReservedPort(name)) {
    throw new MillraceError('plan/invalid-name', {
      what: `the side output name "${name}" is taken`,
      hint: 'give it another name',
    })
  }
}

/** One of the side outputs of a process step. */
export function sideOutput(main: Output, sides: { readonly [name: string]: Schema }, name: string): Output {
  const { step } = main.connect()
  const schema = Object.hasOwn(sides, name) ? sides[name] : undefined
  if (schema !== undefined) return main.draft.output({ step, port: name }, schema, main)
  const names = Object.keys(sides)
  throw new MillraceError('plan/invalid-argument', {
    what: `side output "${name}" does not exist`,
    detail: `the step declares ${listNames(names)}`,
    hint: didYouMean(name, names) ?? 'declare it with sideOutputs: { name: schema }',
    step,
  })
}

/** The untyped shape of the options of a lookup join. */
interface LookupJoinInput {
  readonly on:
    | string
    | { readonly [left: string]: string | undefined }
    | readonly (readonly [ExpressionInput, string])[]
  readonly join?: 'left' | 'inner'
  readonly select: { readonly [name: string]: string }
}

/** A join with a table that is read whole first. */
export function lowerLookupJoin(
  input: Output,
  table: Output,
  step: string,
  options: LookupJoinInput,
): Output {
  const { draft } = input
  return draft.step(step, () => {
    draft.checkOwn(table)
    refuseChanges(input, 'a lookup join')
    refuseChanges(table, 'the table of a lookup join')
    checkJoinOptions(options)
    const { on, join = 'left', select } = options
    if (join !== 'left' && join !== 'inner')
      throw invalid(`the join is "${String(join)}"`, "use 'left' or 'inner'")
    const keys = joinKeys(on, input.schema, table.schema)
    const computed = keys.filter(({ left, expression }) => !isColumn(expression, left))
    const stream =
      computed.length === 0
        ? input
        : addTransform(input, `${step}/keys`, {
            outputs: extended(
              input.schema,
              computed.map(({ left, expression }) => ({ name: left, expression })),
            ),
          })
    const columns = Object.entries(select).map(([name, column]) => ({ name, column }))
    const taken = columns.map(({ name, column }) => {
      const field = fieldOf(table.schema, column)
      if (findColumn(input.schema, name) >= 0) throw nameTaken(name)
      return { ...field, name, nullable: field.nullable || join === 'left' }
    })
    const node: LookupJoinNode = {
      kind: 'lookup-join',
      step,
      inputs: [stream.connect(), table.connect()],
      schema: taken.length === 0 ? stream.schema : extendSchema(stream.schema, makeSchema(taken)),
      sidePorts: {},
      join,
      on: keys.map(({ left, right }) => ({ left, right })),
      columns,
    }
    const joined = draft.add(node, stream)
    if (computed.length === 0) return joined
    const gone = new Set(computed.map(({ left }) => left))
    const outputs = allColumns(joined.schema).filter(({ name }) => !gone.has(name))
    return addTransform(joined, `${step}/columns`, { outputs })
  })
}

/** What must be equal in a join. */
interface JoinKey {
  /** The column of the stream; one that is computed is named so. */
  readonly left: string
  readonly expression: Expression
  readonly right: string
}

function joinKeys(on: LookupJoinInput['on'], stream: Schema, table: Schema): readonly JoinKey[] {
  const pairs: readonly (readonly [unknown, unknown])[] =
    typeof on === 'string' ? [[on, on]] : Array.isArray(on) ? on : Object.entries(on)
  if (pairs.length === 0) throw invalid('the join names no columns that must be equal')
  const taken = new Set(stream.fields.map(({ name }) => name))
  return pairs.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw invalid('a key of the join is no pair', "write on: [[sql`upper(code)`, 'columnOfTheTable']]")
    }
    const [input, right] = pair as [ExpressionInput, unknown]
    const field = fieldOf(table, String(right))
    const expression =
      typeof input === 'string'
        ? bindColumn(input, stream)
        : bindInput(input, stream, `the key for "${field.name}"`)
    checkEqual(expression, field)
    if (expression.kind === 'column') return { left: expression.name, expression, right: field.name }
    let left = `${field.name}~key`
    while (taken.has(left)) left += '~'
    taken.add(left)
    return { left, expression, right: field.name }
  })
}

function isColumn(expression: Expression, name: string): boolean {
  return expression.kind === 'column' && expression.name === name
}

function checkJoinOptions(options: unknown): void {
  checkOptionNames('a lookup join', options, ['on', 'join', 'select'])
  const { on, select } = (options ?? {}) as { readonly on?: unknown; readonly select?: unknown }
  const isNamed = (value: unknown): boolean => typeof value === 'object' && value !== null
  if ((typeof on === 'string' || isNamed(on)) && isNamed(select)) return
  throw invalid(
    `the lookup join has no "${isNamed(select) ? 'on' : 'select'}"`,
    "give both: { on: { column: 'columnOfTheTable' }, select: { newName: 'columnOfTheTable' } }",
  )
}

function checkEqual(left: Expression, right: Field): void {
  const name = left.kind === 'column' ? left.name : undefined
  checkKey({ name: name ?? `for ${right.name}`, type: left.type, nullable: left.nullable })
  if (sameType(left.type, right.type)) return
  const ours = name === undefined ? 'the expression' : `"${name}"`
  throw new MillraceError('plan/type-mismatch', {
    what:
      name === undefined
        ? `the expression and column "${right.name}" cannot be equal`
        : `columns "${name}" and "${right.name}" cannot be equal`,
    detail: `${ours} is of type ${typeToString(left.type)}, "${right.name}" of the table is ${typeToString(right.type)}`,
    hint: `cast the stream's side: on: [[sql\`…::type\`, '${right.name}']]`,
  })
}

/** The error for windows and timers on rows without event time. */
export function noEventTime(what: string): MillraceError {
  return new MillraceError('plan/no-event-time', {
    what: `${what} need event time, and the stream has none`,
    hint: "name the column when the source is read: p.read('name', source, { eventTime: 'column' })",
  })
}

function nameTaken(name: string): MillraceError {
  return new MillraceError('plan/invalid-name', {
    what: `the stream has a column "${name}" already`,
    hint: 'take the column of the table under another name: select: { newName: "column" }',
  })
}

function invalid(what: string, hint?: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, hint })
}
