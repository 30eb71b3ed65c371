/**
 * Steps by expressions, lowered to transform nodes: filters and projections that run as generated code over columns.
 *
 * Every function takes the output it reads and gives the output it makes; types were checked by the interfaces in
 * stream.ts, and everything is checked here again, since plain JavaScript calls this too.
 */
import { fieldOf, findColumn, makeSchema } from '../data/schema.ts'
import type { Field, Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import type { Expression, NamedExpression } from '../plan/index.ts'
import type { Output } from './draft.ts'
import { bindColumn, bindCondition, bindInput, notNullCondition } from './expression-input.ts'
import type { ExpressionInput } from './expression-input.ts'

/** Columns by name, each a column of the input or an expression over it. */
export interface ProjectionInput {
  readonly [name: string]: ExpressionInput
}

/** A transform node of its own. */
export function addTransform(
  input: Output,
  step: string,
  parts: { readonly predicate?: Expression; readonly outputs?: readonly NamedExpression[] },
): Output {
  const { predicate, outputs } = parts
  const schema = outputs === undefined ? input.schema : schemaOf(outputs)
  return input.draft.add(
    { kind: 'transform', step, inputs: [input.connect()], schema, sidePorts: {}, predicate, outputs },
    input,
  )
}

/** Keeps rows for which the condition is true. */
export function lowerWhere(input: Output, step: string, condition: ExpressionInput): Output {
  return input.draft.step(step, () =>
    addTransform(input, step, { predicate: bindCondition(condition, input.schema) }),
  )
}

/** Keeps rows in which none of the columns is null, and types the columns so. */
export function lowerNotNull(input: Output, step: string, names: readonly string[]): Output {
  return input.draft.step(step, () => {
    if (names.length === 0) throw noColumns('no column that must not be null')
    for (const name of names) fieldOf(input.schema, name)
    const wanted = new Set(names)
    const outputs = input.schema.fields.map((field) => ({
      name: field.name,
      expression: columnExpression(wanted.has(field.name) ? { ...field, nullable: false } : field),
    }))
    const nullable = names.filter((name) => fieldOf(input.schema, name).nullable)
    if (nullable.length === 0) return addTransform(input, step, { outputs })
    return addTransform(input, step, { predicate: notNullCondition(nullable, input.schema), outputs })
  })
}

/** Only these columns: named ones, or new ones by expression. */
export function lowerSelect(
  input: Output,
  step: string,
  columns: readonly string[] | ProjectionInput,
): Output {
  return input.draft.step(step, () => {
    const wanted: ProjectionInput = isList(columns)
      ? Object.fromEntries(columns.map((name) => [name, name]))
      : columns
    const outputs = bindAll(wanted, input.schema)
    if (outputs.length === 0) throw noColumns('no column')
    return addTransform(input, step, { outputs })
  })
}

/** All columns and further ones by expression; one of the same name is replaced in its place. */
export function lowerExtend(input: Output, step: string, columns: ProjectionInput): Output {
  return input.draft.step(step, () => {
    const added = bindAll(columns, input.schema)
    if (added.length === 0) throw noColumns('no column to add')
    return addTransform(input, step, { outputs: extended(input.schema, added) })
  })
}

/** All columns but the named ones. */
export function lowerOmit(input: Output, step: string, names: readonly string[]): Output {
  return input.draft.step(step, () => {
    const dropped = new Set(names.map((name) => fieldOf(input.schema, name).name))
    const outputs = allColumns(input.schema).filter(({ name }) => !dropped.has(name))
    if (outputs.length === 0) throw noColumns('no column left')
    return addTransform(input, step, { outputs })
  })
}

/** All columns, some under new names. */
export function lowerRename(input: Output, step: string, names: { readonly [from: string]: string }): Output {
  return input.draft.step(step, () => {
    for (const from of Object.keys(names)) fieldOf(input.schema, from)
    const outputs = input.schema.fields.map((field) => ({
      name: Object.hasOwn(names, field.name) ? (names[field.name] as string) : field.name,
      expression: columnExpression(field),
    }))
    return addTransform(input, step, { outputs })
  })
}

/** The schema of a projection's result. */
function schemaOf(outputs: readonly NamedExpression[]): Schema {
  return makeSchema(
    outputs.map(({ name, expression }) => ({ name, type: expression.type, nullable: expression.nullable })),
  )
}

/** The columns of a schema as expressions of themselves. */
export function allColumns(schema: Schema): NamedExpression[] {
  return schema.fields.map((field) => ({ name: field.name, expression: columnExpression(field) }))
}

/** A reference to a column. */
function columnExpression(field: Field): Expression {
  return { kind: 'column', name: field.name, type: field.type, nullable: field.nullable }
}

/** All columns of a schema, then further ones; one of the same name takes the place of the old. */
export function extended(schema: Schema, added: readonly NamedExpression[]): NamedExpression[] {
  const byName = new Map(added.map((one) => [one.name, one]))
  return [
    ...allColumns(schema).map((one) => byName.get(one.name) ?? one),
    ...added.filter(({ name }) => findColumn(schema, name) < 0),
  ]
}

function bindAll(columns: ProjectionInput, schema: Schema): NamedExpression[] {
  if (typeof columns !== 'object' || columns === null) {
    throw new MillraceError('plan/invalid-argument', {
      what: 'the columns are not an object',
      hint: "write { newName: 'column', other: sql`…` }",
    })
  }
  return Object.entries(columns).map(([name, input]) => ({
    name,
    expression: bindNamed(name, input, schema),
  }))
}

function bindNamed(name: string, input: ExpressionInput, schema: Schema): Expression {
  return typeof input === 'string' ? bindColumn(input, schema) : bindInput(input, schema, `column "${name}"`)
}

function isList(columns: readonly string[] | ProjectionInput): columns is readonly string[] {
  return Array.isArray(columns)
}

function noColumns(what: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what: `the step names ${what}` })
}
