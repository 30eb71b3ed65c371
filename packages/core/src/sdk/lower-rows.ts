/**
 * Steps by user functions over rows, lowered to row-function nodes; and union, which only joins edges.
 *
 * The function itself stays beside the plan (`PlanBindings.functions`), named by its step.
 */
import { checkOptionChoice, checkOptionNames } from '../data/option-names.ts'
import { makeSchema, extendSchema, fieldOf } from '../data/schema.ts'
import type { ColumnTypes } from '../data/builder.ts'
import type { Schema } from '../data/type.ts'
import { fieldToString, sameType, schemaToString } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import { rejectedRowSchema, REJECTED_PORT } from '../plan/index.ts'
import type { RowFunctionNode } from '../plan/index.ts'
import { asynchronousFunction } from '../plan/synchronous.ts'
import { refuseChanges } from './changes.ts'
import type { Output } from './draft.ts'

/** How a user function is treated. */
export interface RowFunctionInput {
  readonly uses?: readonly string[] | undefined
  readonly onError?: 'fail' | 'reject' | undefined
}

/** Keeps rows for which the function gives true. */
export function lowerFilter(input: Output, step: string, fn: unknown, options: RowFunctionInput): Output {
  return lower(input, step, { shape: 'filter', fn, options, schema: () => input.schema })
}

/** One row of another schema per row, or several. */
export function lowerMap(
  input: Output,
  step: string,
  map: {
    readonly shape: 'map' | 'flat-map'
    readonly schema: Schema
    readonly fn: unknown
    readonly options: RowFunctionInput
  },
): Output {
  const { shape, fn, options } = map
  return lower(input, step, { shape, fn, options, schema: () => checkSchema(map.schema) })
}

/** All columns, and further ones that the function computes. */
export function lowerWith(
  input: Output,
  step: string,
  added: { readonly columns: ColumnTypes; readonly fn: unknown; readonly options: RowFunctionInput },
): Output {
  const { fn, options } = added
  const schema = (): Schema => extendSchema(input.schema, schemaOfTypes(added.columns))
  return lower(input, step, { shape: 'map', fn, options, schema, adds: Object.keys(added.columns) })
}

/** Rows of several streams of the same columns. */
export function lowerUnion(inputs: readonly Output[], step: string): Output {
  const first = inputs[0] as Output
  return first.draft.step(step, () => {
    for (const other of inputs) {
      first.draft.checkOwn(other)
      checkSameColumns(first.schema, other.schema)
    }
    const fields = first.schema.fields.map((field, at) => ({
      ...field,
      nullable: inputs.some((input) => input.schema.fields[at]?.nullable === true),
    }))
    // One input without event time leaves rows without one, and then no promise can be made for the union.
    const timed = inputs.every((input) => input.time !== undefined)
    return first.draft.add(
      {
        kind: 'union',
        step,
        inputs: inputs.map((one) => one.connect()),
        schema: makeSchema(fields),
        sidePorts: {},
      },
      { time: timed ? first.time : undefined, changes: inputs.some((input) => input.changes) },
    )
  })
}

/** A schema of named column types, as `with` takes them. */
function schemaOfTypes(columns: ColumnTypes): Schema {
  return makeSchema(
    Object.entries(columns).map(([name, column]) => {
      if (typeof column === 'object' && column !== null && typeof column.isNullable === 'boolean') {
        return { name, type: column.type, nullable: column.isNullable }
      }
      throw new MillraceError('schema/invalid', {
        what: `column "${name}" has no type`,
        hint: `write { ${name}: t.float64() } with a type of \`t\``,
      })
    }),
  )
}

/** Refuses what is not a schema. */
export function checkSchema(schema: unknown): Schema {
  if (typeof schema === 'object' && schema !== null && Array.isArray((schema as Partial<Schema>).fields)) {
    return schema as Schema
  }
  throw new MillraceError('schema/invalid', {
    what: 'the schema of the output is missing',
    hint: 'give schema({ name: t.string(), … }) before the function',
  })
}

const asynchronous: ReadonlySet<unknown> = new Set(['AsyncFunction', 'AsyncGeneratorFunction'])

/** Refuses what is not a function, and functions whose answers would be promises. */
export function checkFunction(fn: unknown, what: string = 'the function of the step'): void {
  if (typeof fn === 'function') {
    if (!asynchronous.has(fn.constructor.name)) return
    throw asynchronousFunction(what)
  }
  throw new MillraceError('plan/invalid-argument', {
    what: `${what} is missing`,
    detail: `there is a value of type ${fn === null ? 'null' : typeof fn}`,
  })
}

/** Refuses options of a function over rows that do not exist. */
export function checkFunctionOptions(options: RowFunctionInput): void {
  checkOptionNames('a function over rows', options, ['uses', 'onError'])
  checkOptionChoice('onError', options.onError, ['fail', 'reject'])
}

/** Refuses a list of columns that is none, or names columns that do not exist. */
export function checkUses(uses: unknown, schema: Schema): void {
  if (uses === undefined) return
  if (!Array.isArray(uses)) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'the option "uses" is not a list',
      hint: "name the columns that the function reads: uses: ['first', 'second']",
    })
  }
  for (const name of uses) fieldOf(schema, String(name))
}

interface RowFunctionParts {
  readonly shape: RowFunctionNode['shape']
  readonly fn: unknown
  readonly options: RowFunctionInput
  readonly schema: () => Schema
  readonly adds?: readonly string[]
}

function lower(input: Output, step: string, parts: RowFunctionParts): Output {
  const { draft } = input
  return draft.step(step, () => {
    const { shape, fn, adds } = parts
    checkFunctionOptions(parts.options)
    const { uses, onError = 'fail' } = parts.options
    const schema = parts.schema()
    checkFunction(fn)
    refuseChanges(input, 'a function over rows')
    checkUses(uses, input.schema)
    const node: RowFunctionNode = {
      kind: 'row-function',
      step,
      shape,
      schema,
      inputs: [input.connect()],
      sidePorts: onError === 'reject' ? { [REJECTED_PORT]: rejectedRowSchema } : {},
      functionId: draft.bindFunction(step, fn),
      onError,
      ...(uses === undefined ? {} : { uses }),
      ...(adds === undefined ? {} : { adds }),
    }
    return draft.add(node, input)
  })
}

function checkSameColumns(a: Schema, b: Schema): void {
  const same =
    a.fields.length === b.fields.length &&
    a.fields.every((field, at) => {
      const other = b.fields[at]
      return other !== undefined && other.name === field.name && sameType(field.type, other.type)
    })
  if (same) return
  const at = a.fields.findIndex((field, i) => {
    const other = b.fields[i]
    return other === undefined || other.name !== field.name || !sameType(field.type, other.type)
  })
  const [left, right] = [a.fields[at], b.fields[Math.max(at, 0)]]
  const differs =
    left === undefined || right === undefined
      ? ''
      : `; ${fieldToString(left)} stands against ${fieldToString(right)}`
  throw new MillraceError('plan/type-mismatch', {
    what: 'the streams of a union have different columns',
    detail: `${schemaToString(a)} and ${schemaToString(b)}${differs}`,
    hint: 'bring them to the same columns in the same order with .select(…) first',
  })
}
