/**
 * Functions over rows that generated pipelines use: each named, and told which columns it reads.
 *
 * They are what a user could write: rows in, rows out, nothing remembered.
 */
import type { ColumnTypes } from '../../data/builder.ts'
import { makeSchema, pickColumns, t } from '../../data/index.ts'
import type { Schema } from '../../data/index.ts'
import type { FunctionCase } from './description.ts'

/** A row of any schema. */
export interface AnyRow {
  readonly [column: string]: unknown
}

/** A row value as text, the same for equal values. */
export function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Map) return textOf([...(value as Map<unknown, unknown>)])
  if (typeof value !== 'object' || value === null) return String(value)
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one))
}

/** A number from 0 up to and without `below`, by the columns of a row. */
export function bucketOf(row: AnyRow, columns: readonly string[], below: number): number {
  let sum = 0
  for (const name of columns) for (const char of textOf(row[name])) sum += char.codePointAt(0) ?? 0
  return sum % below
}

/** Functions that keep a row or drop it. */
export const filters: { readonly [fn: string]: (call: FunctionCase) => (row: AnyRow) => boolean } = {
  'some of three': (call) => (row) => bucketOf(row, call.columns, 3) > 0,
  'not empty': (call) => (row) =>
    call.columns.every((name) => row[name] !== null && textOf(row[name]) !== ''),
  'throws for some': (call) => (row) => {
    const bucket = bucketOf(row, call.columns, 4)
    if (bucket === 3) throw new Error('not this one')
    return bucket > 0
  },
}

/** Functions that add columns. */
export const additions: {
  readonly [fn: string]: (call: FunctionCase) => {
    readonly types: ColumnTypes
    readonly fn: (row: AnyRow) => AnyRow
  }
} = {
  'text and bucket': (call) => ({
    types: { text: t.string(), bucket: t.int32() },
    fn: (row) => ({
      text: call.columns.map((name) => textOf(row[name])).join(),
      bucket: bucketOf(row, call.columns, 5),
    }),
  }),
  'a half': (call) => ({
    types: { half: t.float64().nullable() },
    fn: (row) => {
      const bucket = bucketOf(row, call.columns, 7)
      return { half: bucket === 0 ? null : bucket / 2 }
    },
  }),
}

/** Functions that make rows of other columns out of a row: the columns named in `keep`, and their own. */
export const expansions: {
  readonly [fn: string]: (
    call: FunctionCase,
    input: Schema,
  ) => { readonly schema: Schema; readonly fn: (row: AnyRow) => readonly AnyRow[] }
} = {
  'one with a text': (call, input) => ({
    schema: extended(input, call, 'text', { kind: 'string' }),
    fn: (row) => {
      const bucket = bucketOf(row, call.columns, 9)
      if (bucket === 8 && call.settings['throws'] === true) throw new Error('not this one')
      return [{ ...kept(row, call), text: `é${bucket}` }]
    },
  }),
  'none to three': (call, input) => ({
    schema: extended(input, call, 'copy', { kind: 'int32' }),
    fn: (row) =>
      Array.from({ length: bucketOf(row, call.columns, 4) }, (_, copy) => ({
        ...kept(row, call),
        copy: 9 - copy,
      })),
  }),
}

function keepOf(call: FunctionCase): readonly string[] {
  return call.settings['keep'] as readonly string[]
}

function kept(row: AnyRow, call: FunctionCase): AnyRow {
  return Object.fromEntries(keepOf(call).map((name) => [name, row[name]]))
}

function extended(
  input: Schema,
  call: FunctionCase,
  name: string,
  type: { kind: 'string' | 'int32' },
): Schema {
  const { fields } = pickColumns(input, keepOf(call) as never)
  return makeSchema([...fields.filter((field) => field.name !== name), { name, type, nullable: false }])
}

/** A user's own aggregate: the rows, and a sum over their columns. The order of rows does not matter. */
export function ownAggregate(columns: readonly string[]): object {
  return {
    create: () => ({ rows: 0, sum: 0 }),
    add(all: { rows: number; sum: number }, row: AnyRow) {
      all.rows++
      all.sum += bucketOf(row, columns, 100)
    },
    merge: (one: { rows: number; sum: number }, other: { rows: number; sum: number }) => ({
      rows: one.rows + other.rows,
      sum: one.sum + other.sum,
    }),
    result: ({ rows, sum }: { rows: number; sum: number }) => `${rows} rows: ${sum}`,
    type: t.string(),
    uses: columns,
  }
}
