/**
 * Binds an expression to a schema: names become columns, calls get types and nullability, literals adapt.
 *
 * Everything a user writes comes through here: a column name, SQL text, a value of the typed builder, or an expression
 * that was bound before. Errors point at the place in the SQL text and show the types on both sides.
 */
import type { DataType, Field, Schema } from '../data/type.ts'
import { unknownColumn } from '../data/schema.ts'
import { typeToString, typeWithArticle } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import { bindCall } from './bind-call.ts'
import { located } from './binder.ts'
import type { BindOptions, Binder } from './binder.ts'
import { builderSyntax, isBuilderValue } from './builder-value.ts'
import type { BuilderValue } from './builder-value.ts'
import { canCast } from './casts.ts'
import { convert, literal, numberLiteral, valueLiteral } from './coerce.ts'
import type { CaseExpression, Expression } from './expression.ts'
import { comparableType } from './functions/comparison.ts'
import { isUntypedNull, parameter } from './functions/define.ts'
import { asInRows } from './row-constants.ts'
import { isSqlExpression, parseSql } from './sql.ts'
import type { DeclaredType, SqlExpression } from './sql.ts'
import { errorAt } from './syntax-error.ts'
import type { CaseSyntax, IdentifierSyntax, Name, SourceText, Span, Syntax } from './syntax.ts'
import { TREE_HEIGHT_MAX } from './token-reader.ts'
import { typeOfName } from './type-names.ts'
import { booleanType, bytesType, isFloat, isInteger, stringType } from './types.ts'
import { fromLiteral, wellFormed } from './value.ts'

/** Everything that can be bound. A plain string is the name of a column. */
export type ExpressionInput<Value = unknown> =
  | string
  | SqlExpression<Value>
  | BuilderValue<Value>
  | Expression

/**
 * Binds an expression to the columns of a schema.
 *
 * @throws MillraceError `expression/syntax`, `plan/unknown-column`, `expression/unknown-function`,
 *   `expression/type`, or `value/…` when a constant part has no value.
 * @example
 * ```ts
 * import { schema, t } from '@millrace/core/data'
 * import { bindExpression, sql } from '@millrace/core/expr'
 *
 * const flights = schema({ origin: t.string(), delay: t.int32() })
 * const late = bindExpression(sql`delay > 15`, flights)
 * late.type // { kind: 'boolean' }
 * ```
 */
export function bindExpression(
  input: ExpressionInput,
  schema: Schema,
  options: BindOptions = {},
): Expression {
  return bindInput(input, schema, options, 0)
}

/** Binds a condition: an expression that must be boolean. */
export function bindPredicate(input: ExpressionInput, schema: Schema, options: BindOptions = {}): Expression {
  const expression = bindExpression(input, schema, options)
  if (isUntypedNull(expression)) return convert(expression, booleanType)
  if (expression.type.kind !== 'boolean') {
    throw new MillraceError('expression/type', {
      what: 'a condition is not boolean',
      detail: `its type is ${typeToString(expression.type)}`,
      hint: 'compare it with something, for example: delay > 15',
    })
  }
  return expression
}

function bindInput(input: unknown, schema: Schema, options: BindOptions, height: number): Expression {
  if (typeof input === 'string') return bindColumn(input, schema)
  if (isSqlExpression(input)) {
    const syntax = parseSql(input)
    const expression = makeBinder(schema, input.source, options, height).bind(syntax)
    if (input.declared !== undefined) verifyDeclared(expression, input.declared, input.source, syntax.at)
    return expression
  }
  if (isBuilderValue(input)) return makeBinder(schema, undefined, options, height).bind(input[builderSyntax])
  if (isBound(input)) return checkBound(input, schema)
  throw new MillraceError('expression/type', {
    what: 'a value is not an expression',
    detail: `it is ${input === null ? 'null' : `of type ${typeof input}`}`,
    hint: 'give a column name, sql`…`, or a value of the expression builder',
  })
}

/** Tells whether a value is a bound expression. */
function isBound(value: unknown): value is Expression {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('type' in value)) return false
  return ['column', 'literal', 'call', 'case'].includes(String(value.kind)) && 'nullable' in value
}

/** A bound expression may come from another step: its columns must be there, of the same kind. */
function checkBound(expression: Expression, schema: Schema): Expression {
  const walk = (node: Expression): void => {
    if (node.kind === 'column') {
      const found = bindColumn(node.name, schema)
      if (found.type.kind !== node.type.kind) {
        throw new MillraceError('expression/type', {
          what: `column "${node.name}" is of type ${typeToString(found.type)}`,
          detail: `the expression was bound where it is ${typeToString(node.type)}`,
        })
      }
    } else if (node.kind === 'call') node.arguments.forEach(walk)
    else if (node.kind === 'case') {
      for (const { when, then } of node.branches) [when, then].forEach(walk)
      walk(node.otherwise)
    }
  }
  walk(expression)
  return expression
}

function bindColumn(name: string, schema: Schema): Expression {
  const field = schema.fields.find((candidate) => candidate.name === name)
  if (field !== undefined) return columnOfField(field)
  const parts = unknownColumn(name, namesOf(schema.fields))
  // Letters, digits and what joins words make a name; the rest, and a call, is meant as an expression.
  const isExpression = /[<>=!+*/%|&'"()]/.test(name)
  const hint = isExpression ? `a plain string is the name of a column: write sql\`${name}\`` : parts.hint
  throw new MillraceError('plan/unknown-column', { ...parts, hint })
}

function columnOfField(field: Field): Expression {
  return { kind: 'column', name: field.name, type: field.type, nullable: field.nullable }
}

function namesOf(fields: readonly Field[]): string[] {
  return fields.map((field) => field.name)
}

function makeBinder(
  schema: Schema,
  source: SourceText | undefined,
  options: BindOptions,
  height: number,
): Binder {
  const binder: Binder = {
    schema,
    source,
    options,
    height,
    bind: (syntax) => bindSyntax(syntax, makeBinder(schema, source, options, height + 1)),
    fail: (code, at, what, hint) => {
      throw errorAt(code, source, at, { what, hint })
    },
  }
  return binder
}

function bindSyntax(syntax: Syntax, binder: Binder): Expression {
  if (binder.height > TREE_HEIGHT_MAX) {
    binder.fail(
      'expression/syntax',
      syntax.at,
      `an expression is nested more than ${TREE_HEIGHT_MAX} levels deep`,
    )
  }
  switch (syntax.kind) {
    case 'identifier':
      return bindIdentifier(syntax, binder)
    case 'literal':
      return bindLiteral(syntax, binder)
    case 'typed-literal':
    case 'cast':
      return bindCast(syntax, binder)
    case 'value':
      return bindValue(syntax.value, syntax.at, binder)
    case 'call':
      return bindCall(syntax, binder)
    case 'case':
      return bindCase(syntax, binder)
    case 'field':
      return bindField(binder.bind(syntax.operand), syntax.name, syntax.at, binder)
  }
}

/** `a.b.c`: the longest prefix is a column `a`, the rest are struct fields. */
function bindIdentifier(syntax: IdentifierSyntax, binder: Binder): Expression {
  const [first, ...rest] = syntax.parts as [Name, ...Name[]]
  const field = findByName(first, binder.schema.fields, syntax.at, binder)
  if (field === undefined) {
    const parts = unknownColumn(first.text, namesOf(binder.schema.fields))
    const text = `'${first.text.replaceAll("'", "''")}'`
    const near = parts.hint === undefined ? '' : `; ${parts.hint}`
    // Names that come out of a builder are quoted, and stand nowhere.
    const hint =
      first.quoted && syntax.at.start >= 0
        ? `double quotes stand around names; a text stands in single quotes: ${text}${near}`
        : parts.hint
    throw errorAt('plan/unknown-column', binder.source, syntax.at, { ...parts, hint })
  }
  return rest.reduce((operand, name) => bindField(operand, name, syntax.at, binder), columnOfField(field))
}

/** Exact match first; an unquoted name also matches without regard to case when that is unique. */
function findByName(name: Name, fields: readonly Field[], at: Span, binder: Binder): Field | undefined {
  const exact = fields.find((field) => field.name === name.text)
  if (exact !== undefined || name.quoted) return exact
  const wanted = name.text.toLowerCase()
  const matches = fields.filter((field) => field.name.toLowerCase() === wanted)
  if (matches.length > 1) {
    const names = matches.map((field) => `"${field.name}"`).join(' and ')
    binder.fail(
      'plan/unknown-column',
      at,
      `column ${name.text} can mean ${names}`,
      'write it in double quotes',
    )
  }
  return matches[0]
}

function bindField(operand: Expression, name: Name, at: Span, binder: Binder): Expression {
  if (operand.type.kind !== 'struct') {
    const hint = operand.type.kind === 'json' ? `use ->> '${name.text}' to read from json` : undefined
    const type = typeWithArticle(operand.type)
    return binder.fail('expression/type', at, `field "${name.text}" is read from ${type}, not a struct`, hint)
  }
  const field = findByName(name, operand.type.fields, at, binder)
  if (field === undefined) {
    const parts = unknownColumn(name.text, namesOf(operand.type.fields), 'field')
    throw errorAt('plan/unknown-column', binder.source, at, parts)
  }
  const nullable = operand.nullable || field.nullable
  const parts = [operand, literal(stringType, field.name)]
  return { kind: 'call', name: 'struct_field', type: field.type, nullable, arguments: parts }
}

function bindLiteral(syntax: Extract<Syntax, { kind: 'literal' }>, binder: Binder): Expression {
  switch (syntax.literal) {
    case 'null':
      return literal(stringType, null)
    case 'boolean':
      return literal(booleanType, syntax.text === 'true')
    case 'string':
      return literal(stringType, wellFormed(syntax.text))
    case 'bytes':
      return literal(bytesType, fromLiteral(bytesType, syntax.text))
    case 'number': {
      const number = numberLiteral(syntax.text)
      if (number !== undefined) return number
      return binder.fail('expression/syntax', syntax.at, 'a number has more than 38 digits')
    }
  }
}

function bindValue(value: unknown, at: Span, binder: Binder): Expression {
  if (isSqlExpression(value) || isBuilderValue(value)) {
    return bindInput(value, binder.schema, binder.options, binder.height)
  }
  if (isBound(value)) return checkBound(value, binder.schema)
  if (Array.isArray(value)) {
    const parts: Syntax[] = value.map((item: unknown) => ({ kind: 'value', value: item, at }))
    return bindCall({ kind: 'call', name: 'array', arguments: parts, nameAt: at, at }, binder)
  }
  const bound = valueLiteral(value)
  if (bound !== undefined) return bound
  const kind = typeof value === 'object' ? 'this object' : `a ${typeof value}`
  return binder.fail(
    'expression/type',
    at,
    `${kind} cannot be a parameter`,
    'parameters are strings, finite numbers, bigints, booleans, null, Dates, Uint8Arrays, intervals, arrays and expressions',
  )
}

function bindCast(syntax: Extract<Syntax, { kind: 'cast' | 'typed-literal' }>, binder: Binder): Expression {
  const type = typeOfName(syntax.type, binder.source)
  const operand =
    syntax.kind === 'cast' ? binder.bind(syntax.operand) : literal(stringType, wellFormed(syntax.text))
  if (!isUntypedNull(operand) && !canCast(operand.type, type)) {
    const [from, to] = [typeWithArticle(operand.type), typeToString(type)]
    binder.fail('expression/type', syntax.at, `${from} cannot be cast to ${to}`)
  }
  return located(() => convert(operand, type), syntax.at, binder)
}

function bindCase(syntax: CaseSyntax, binder: Binder): CaseExpression {
  const whens = syntax.branches.map(({ when }) => bindCondition(syntax, when, binder))
  const results = [...syntax.branches.map(({ then }) => then), syntax.otherwise]
  const bound = results.map((one) => (one === undefined ? literal(stringType, null) : binder.bind(one)))
  const thens = asInRows(results, bound)
  const otherwise = thens.at(-1) as Expression
  const type = comparableType(thens)
  if (type === undefined) {
    const kinds = [...new Set(thens.map((part) => typeToString(part.type)))].join(' and ')
    return binder.fail(
      'expression/type',
      syntax.at,
      `the branches of a CASE have types that do not fit: ${kinds}`,
    )
  }
  const branches = whens.map((when, index) => ({
    when,
    then: located(() => convert(thens[index] as Expression, type), syntax.at, binder),
  }))
  const last = located(() => convert(otherwise, type), syntax.at, binder)
  const nullable = last.nullable || branches.some(({ then }) => then.nullable)
  return { kind: 'case', type, nullable, branches, otherwise: last }
}

function bindCondition(syntax: CaseSyntax, when: Syntax, binder: Binder): Expression {
  if (syntax.operand !== undefined) {
    const parts = [syntax.operand, when]
    return bindCall({ kind: 'call', name: '=', arguments: parts, nameAt: when.at, at: when.at }, binder)
  }
  const bound = binder.bind(when)
  if (parameter.boolean.accept(bound) === undefined) {
    const type = typeToString(bound.type)
    binder.fail('expression/type', when.at, `the condition of a WHEN is of type ${type}, not boolean`)
  }
  return located(() => convert(bound, booleanType), when.at, binder)
}

const declaredKinds: { readonly [Name in DeclaredType]: (type: DataType) => boolean } = {
  number: (type) =>
    isFloat(type) || (isInteger(type) && !((type.kind === 'int64' || type.kind === 'uint64') && type.rows === 'bigint')), // prettier-ignore
  bigint: (type) => (type.kind === 'int64' || type.kind === 'uint64') && type.rows === 'bigint',
  string: (type) => type.kind === 'string' || type.kind === 'uuid',
  boolean: (type) => type.kind === 'boolean',
  timestamp: (type) => type.kind === 'timestamp' || type.kind === 'time',
  date: (type) => type.kind === 'date',
  decimal: (type) => type.kind === 'decimal',
  json: (type) => type.kind === 'json',
}

function verifyDeclared(expression: Expression, declared: DeclaredType, source: SourceText, at: Span): void {
  if (declaredKinds[declared](expression.type)) return
  throw errorAt('expression/type', source, at, {
    what: `an expression written with sql.${declared} is of type ${typeToString(expression.type)}`,
    hint: 'cast it, or use the tag of its type',
  })
}
