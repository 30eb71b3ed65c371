/**
 * The `sql` tagged template: an expression as SQL text with parameters, not yet bound to a schema.
 *
 * Interpolated values never become text: the lexer meets each as a token of its own (injection-safe). Interpolating
 * another expression (sql or typed builder) puts it in as a whole, as if in parentheses.
 */
import type { CalendarDate, Decimal, KindOf, OfKind, Timestamp } from '../data/row-values.ts'
import { isBuilderValue } from './builder-value.ts'
import type { BuilderValue } from './builder-value.ts'
import { parseExpression } from './parser.ts'
import type { SourceText, Syntax } from './syntax.ts'

const brand: unique symbol = Symbol.for('millrace.sql') as never

/** The TypeScript types that `sql.…` variants declare and binding verifies. */
export type DeclaredType =
  | 'number'
  | 'bigint'
  | 'string'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'decimal'
  | 'json'

/** A SQL expression that is not bound to a schema yet. `Value` is the TypeScript type of its result in rows. */
export interface SqlExpression<out Value = unknown> {
  readonly source: SourceText
  /** What `sql.number` and the like promised; binding verifies it. */
  readonly declared: DeclaredType | undefined
  readonly [brand]: true
  /** Only the compiler sees it. */
  readonly '~value'?: Value
}

/** A template tag that makes expressions of one TypeScript type. */
export type SqlTag<Value> = (
  strings: TemplateStringsArray,
  ...parameters: readonly unknown[]
) => unknown extends Value ? SqlExpression<Value> : SqlExpression<Value> & OfKind<KindOf<Value>>

/** The `sql` tag with its typed variants. */
export interface Sql extends SqlTag<unknown> {
  /** The result is a number: integers (64-bit ones with number rows) and floats. May be null if `Value` says so. */
  readonly number: SqlTag<number>
  readonly bigint: SqlTag<bigint>
  /** The result is text, or a uuid. */
  readonly string: SqlTag<string>
  readonly boolean: SqlTag<boolean>
  /** The result is a timestamp or time: a number in rows. */
  readonly timestamp: SqlTag<Timestamp>
  /** The result is a date: text such as `2001-01-31` in rows. */
  readonly date: SqlTag<CalendarDate>
  /** The result is a decimal: text such as `12.50` in rows. */
  readonly decimal: SqlTag<Decimal>
  readonly json: SqlTag<unknown>
}

/**
 * Writes an expression in SQL. The text is parsed when it is bound to a schema, and errors point at the place.
 *
 * @example
 * ```ts in-pipeline
 * const wanted = ['SEA', 'LAX']
 * flights.where('late', sql`delay > ${15} and origin in ${wanted}`)
 * ```
 */
export const sql: Sql = Object.freeze(
  Object.assign(tag<unknown>(undefined), {
    number: tag<number>('number'),
    bigint: tag<bigint>('bigint'),
    string: tag<string>('string'),
    boolean: tag<boolean>('boolean'),
    timestamp: tag<Timestamp>('timestamp'),
    date: tag<CalendarDate>('date'),
    decimal: tag<Decimal>('decimal'),
    json: tag<unknown>('json'),
  }),
)

/** An expression from text that was not written in this program's source (a plan, a command line). It has no parameters. */
export function sqlText(text: string): SqlExpression {
  return make({ text, parameters: [] }, undefined)
}

/** Tells whether a value came from the `sql` tag, also of another copy of the package. */
export function isSqlExpression(value: unknown): value is SqlExpression {
  return typeof value === 'object' && value !== null && brand in value
}

/** Tells whether a value is an unbound expression: from the `sql` tag or the typed builder. */
export function isUnbound(value: unknown): value is SqlExpression | BuilderValue {
  return isSqlExpression(value) || isBuilderValue(value)
}

/** Parses a SQL expression. Throws `expression/syntax`. */
export function parseSql(expression: SqlExpression): Syntax {
  return parseExpression(expression.source)
}

function tag<Value>(declared: DeclaredType | undefined): SqlTag<Value> {
  return (strings, ...parameters) => {
    // Raw, so that a regular expression's \d needs no doubled backslash in SQL.
    const pieces = strings.raw.map((piece) => piece.replaceAll('\\`', '`').replaceAll('\\${', '${'))
    let text = pieces[0] as string
    const placed: { start: number; end: number; value: unknown }[] = []
    for (const [index, value] of parameters.entries()) {
      const start = text.length
      text += '${…}'
      placed.push({ start, end: text.length, value })
      text += pieces[index + 1] as string
    }
    return make<Value>({ text, parameters: placed }, declared) as ReturnType<SqlTag<Value>>
  }
}

function make<Value>(source: SourceText, declared: DeclaredType | undefined): SqlExpression<Value> {
  return Object.freeze({ source: Object.freeze(source), declared, [brand]: true as const })
}
