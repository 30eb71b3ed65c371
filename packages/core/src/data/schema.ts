/**
 * What can be asked of a schema and made from one: lookup by name, picking, renaming, extending.
 *
 * Schemas are plain frozen data (type.ts) and stay that way: these are functions beside them, not methods.
 */
import { MillraceError } from '../errors.ts'
import { didYouMean, listNames } from './nearest-names.ts'
import type { Field, Schema } from './type.ts'

/** Columns that a schema can have. */
export const COLUMNS_MAX = 10_000

/**
 * Makes a schema from fields, checking their names.
 *
 * @throws MillraceError `schema/invalid` when there is no field, a name is not allowed or stands twice.
 */
export function makeSchema<Row = unknown>(fields: readonly Field[]): Schema<Row> {
  if (fields.length === 0 || fields.length > COLUMNS_MAX) {
    throw new MillraceError('schema/invalid', {
      what: fields.length === 0 ? 'a schema has no columns' : `a schema has ${fields.length} columns`,
      detail: `1 to ${COLUMNS_MAX} are possible`,
    })
  }
  const names = new Set<string>()
  for (const { name } of fields) {
    checkColumnName(name)
    if (names.has(name)) {
      throw new MillraceError('schema/invalid', {
        what: `column "${name}" stands twice in a schema`,
        hint: 'rename one of the two',
      })
    }
    names.add(name)
  }
  return Object.freeze({ fields: Object.freeze(fields.map((field) => Object.freeze(field))) })
}

/** Checks a column name: not empty, no control characters, well-formed Unicode, and not `__proto__`. */
export function checkColumnName(name: string): void {
  const reason = nameProblem(name)
  if (reason === undefined) return
  throw new MillraceError('schema/invalid', {
    what: `column name ${JSON.stringify(name)} is not allowed`,
    detail: reason,
  })
}

function nameProblem(name: string): string | undefined {
  if (name.length === 0) return 'it is empty'
  // Assigning it to an object sets its prototype instead of a property.
  if (name === '__proto__') return 'JavaScript objects treat it specially'
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    if (unit < 32 || unit === 127) return 'it has a control character'
    if (unit >= 0xd800 && unit < 0xe000 && name.codePointAt(i) === unit) {
      return 'it has half of a surrogate pair'
    }
    if (unit >= 0xd800 && unit < 0xdc00) i++
  }
  return undefined
}

/** The position of a column, or −1. */
export function findColumn(schema: Schema, name: string): number {
  const { fields } = schema
  for (let i = 0; i < fields.length; i++) if ((fields[i] as Field).name === name) return i
  return -1
}

/**
 * The position of a column that must be there.
 *
 * @throws MillraceError `plan/unknown-column` with the nearest names.
 */
export function columnIndex(schema: Schema, name: string): number {
  const index = findColumn(schema, name)
  if (index >= 0) return index
  const names = schema.fields.map((field) => field.name)
  throw new MillraceError('plan/unknown-column', unknownColumn(name, names))
}

/** What there is to say of a column (or a field of a struct) that does not exist, and what may be meant. */
export function unknownColumn(
  name: string,
  names: readonly string[],
  kind: 'column' | 'field' = 'column',
): { readonly what: string; readonly detail: string; readonly hint: string | undefined } {
  return {
    what: `${kind} "${name}" does not exist`,
    detail: `the ${kind}s are ${listNames(names)}`,
    hint: didYouMean(name, names),
  }
}

/** The field of a column that must be there; throws like `columnIndex`. */
export function fieldOf(schema: Schema, name: string): Field {
  return schema.fields[columnIndex(schema, name)] as Field
}

/** Only the named columns, in the order they are named. */
export function pickColumns<Row, const Name extends keyof Row & string>(
  schema: Schema<Row>,
  names: readonly Name[],
): Schema<Pick<Row, Name>> {
  return makeSchema(names.map((name) => fieldOf(schema, name)))
}

/** All columns but the named ones. */
export function omitColumns<Row, const Name extends keyof Row & string>(
  schema: Schema<Row>,
  names: readonly Name[],
): Schema<Omit<Row, Name>> {
  const dropped = new Set<string>(names.map((name) => fieldOf(schema, name).name))
  return makeSchema(schema.fields.filter((field) => !dropped.has(field.name)))
}

/** The row type with columns renamed. */
export type Renamed<Row, Names extends { readonly [From in keyof Row]?: string }> = {
  readonly [
    From in keyof Row as From extends keyof Names ? (Names[From] extends string ? Names[From] : From) : From
  ]: Row[From]
}

/** The same columns, some under new names: `renameColumns(s, { dep_delay: 'delay' })`. */
export function renameColumns<Row, const Names extends { readonly [From in keyof Row]?: string }>(
  schema: Schema<Row>,
  names: Names,
): Schema<Renamed<Row, Names>> {
  const renamed = new Map<string, string>(Object.entries(names as { readonly [from: string]: string }))
  for (const from of renamed.keys()) columnIndex(schema, from)
  return makeSchema(schema.fields.map((field) => ({ ...field, name: renamed.get(field.name) ?? field.name })))
}

/** The columns of both; a column of the second replaces one of the same name, in its place. */
export function extendSchema<Row, Added>(
  schema: Schema<Row>,
  added: Schema<Added>,
): Schema<Omit<Row, keyof Added> & Added> {
  const byName = new Map(added.fields.map((field) => [field.name, field]))
  const kept = schema.fields.map((field) => byName.get(field.name) ?? field)
  const present = new Set(schema.fields.map((field) => field.name))
  return makeSchema([...kept, ...added.fields.filter((field) => !present.has(field.name))])
}
