/**
 * Writes the body of a generated loop: one row's worth of JavaScript for a set of bound expressions.
 *
 * The code is made of small templates over variables and constants of its own making: no name or text of the user
 * reaches it, columns are numbers and constants live in an array. Whatever it cannot do exactly (a result beyond
 * ±2^53, a division by zero, an overflow) leaves the loop with `return -1`, and the batch is run again by the
 * evaluator, which gives the exact answer or the error with its row. So generated code never words an error.
 *
 * Templates per function are generate-*.ts; how a whole loop is put together is compile.ts.
 */
import type { DataType, Schema } from '../data/type.ts'
import { castValue } from './casts.ts'
import { catalogue } from './catalogue.ts'
import type { AnyCode, Code, PairCode, TextCode } from './code.ts'
import { anyNull, formOf, SAFE_MAX } from './code.ts'
import { DictionaryMemo } from './dictionary-memo.ts'
import { asPair, asScalar, pairOf } from './generate-wide.ts'
import { columnIndex } from './evaluate.ts'
import type { CallExpression, CaseExpression, Expression, LiteralExpression } from './expression.ts'
import type { CallContext, FunctionDefinition } from './functions/define.ts'
import { childrenOf, columnsOf, visit } from './rewrite.ts'
import { TextArena } from './text-arena.ts'
import { isBig } from './types.ts'
import { fromLiteral } from './value.ts'
import type { Value } from './value.ts'

/** How a used column of a batch is laid out, as far as code depends on it. */
export interface ColumnShape {
  readonly layout: 'fixed' | 'wide' | 'utf8' | 'dictionary' | 'list' | 'struct'
  readonly nullable: boolean
}

/** Writes code for a call, or leaves it to the reference implementation. */
export type Template = (generator: Generator, call: CallExpression) => AnyCode | undefined

/** Templates by function name; `cast` is one. Filled by compile.ts, so that templates may import this file. */
export type Templates = ReadonlyMap<string, Template>

/** Nodes of a tree that common sub-expressions are looked for in, at most. */
const SHARED_NODES_MAX = 2000

/** One generated function in the making. */
export class Generator {
  readonly schema: Schema
  readonly #shapes: ReadonlyMap<number, ColumnShape>
  readonly #templates: Templates
  /** Objects that the code refers to as `k[n]`: byte strings, functions, tables. */
  readonly constants: unknown[] = []
  readonly memos: { readonly column: number; readonly memo: DictionaryMemo }[] = []
  /** Emptied before each batch. */
  readonly arenas: TextArena[] = []
  #lines: string[] = []
  #names = 0
  #scopes: Map<string, AnyCode>[] = [new Map()]
  readonly #uses = new Map<string, number>()
  readonly #keys = new WeakMap<Expression, string>()

  constructor(schema: Schema, shapes: ReadonlyMap<number, ColumnShape>, templates: Templates, all: readonly Expression[]) {
    this.schema = schema
    this.#shapes = shapes
    this.#templates = templates
    this.#countUses(all)
  } // prettier-ignore

  #countUses(all: readonly Expression[]): void {
    let nodes = 0
    for (const expression of all) {
      visit(expression, (node) => {
        if (node.kind !== 'call' || ++nodes > SHARED_NODES_MAX) return
        const key = this.#keyOf(node)
        this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1)
      })
    }
  }

  #keyOf(node: Expression): string {
    let key = this.#keys.get(node)
    if (key === undefined) {
      key = JSON.stringify(node)
      this.#keys.set(node, key)
    }
    return key
  }

  /** A new variable name. */
  name(prefix: string = 't'): string {
    return `${prefix}${this.#names++}`
  }

  line(text: string): void {
    this.#lines.push(text)
  }

  /** A constant of the given name prefix holding the expression's value now. */
  temp(expression: string): string {
    if (/^(-?[\d.]+|[a-zA-Z]\w*|true|false)$/.test(expression)) return expression
    const name = this.name()
    this.line(`const ${name} = ${expression}`)
    return name
  }

  /** An object that the code can refer to; returns the name of the variable that holds it. */
  constant(object: unknown): string {
    const known = this.constants.indexOf(object)
    if (known >= 0) return `k${known}`
    this.constants.push(object)
    return `k${this.constants.length - 1}`
  }

  /** The name of a scratch arena of its own for one text per row. */
  arena(): string {
    const arena = new TextArena()
    this.arenas.push(arena)
    return this.constant(arena)
  }

  /** Leaves the loop for the evaluator when the condition holds. */
  bailIf(condition: string): void {
    this.line(`if (${condition}) return -1`)
  }

  /** Lines written by `write`, in a scope of their own; they are not in the body yet. */
  capture<Result>(write: () => Result): { lines: readonly string[]; result: Result } {
    const outer = this.#lines
    this.#lines = []
    this.#scopes.push(new Map())
    const result = write()
    const lines = this.#lines
    this.#lines = outer
    this.#scopes.pop()
    return { lines, result }
  }

  /** Adds captured lines, indented. */
  append(lines: readonly string[]): void {
    for (const line of lines) this.#lines.push(`  ${line}`)
  }

  /** Everything written so far, emptied. */
  take(): readonly string[] {
    const lines = this.#lines
    this.#lines = []
    this.#scopes = [new Map()]
    return lines
  }

  /** Writes code that computes an expression. A pair is made a float64, and leaves the loop where it does not fit one. */
  generate(expression: Expression): Code {
    const code = this.generateAny(expression)
    return code.form === 'pair' ? asScalar(this, code) : code
  }

  /** Writes code that computes an expression, for those who know pairs. */
  generateAny(expression: Expression): AnyCode {
    if (expression.kind === 'column') return this.#column(expression.name)
    if (expression.kind === 'literal') return wideLiteral(expression) ?? this.literal(expression)
    const shared = (this.#uses.get(this.#keyOf(expression)) ?? 0) > 1
    if (shared) {
      for (const scope of this.#scopes) {
        const known = scope.get(this.#keyOf(expression))
        if (known !== undefined) return known
      }
    }
    const code = this.#compound(expression)
    if (!shared) return code
    const kept = this.keep(code)
    this.#scopes.at(-1)?.set(this.#keyOf(expression), kept)
    return kept
  }

  /** The same code with its parts in variables, so that they are computed once. */
  keep(code: Code): Code
  keep(code: AnyCode): AnyCode
  keep(code: AnyCode): AnyCode {
    const isNull = this.temp(code.isNull)
    switch (code.form) {
      case 'text':
        return { ...code, isNull, start: this.temp(code.start), length: this.temp(code.length) }
      case 'choice':
        return { ...code, isNull, index: this.temp(code.index) }
      case 'pair':
        return { ...asPair(this, code), isNull }
      default:
        return { ...code, isNull, value: this.temp(code.value) }
    }
  }

  #compound(expression: CallExpression | CaseExpression): AnyCode {
    const lifted = this.#overDictionary(expression)
    if (lifted !== undefined) return lifted
    if (expression.kind === 'case') return this.#case(expression)
    return this.#templates.get(expression.name)?.(this, expression) ?? this.#reference(expression)
  }

  shapeOf(column: number): ColumnShape {
    return this.#shapes.get(column) as ColumnShape
  }

  #column(name: string): AnyCode {
    const n = columnIndex(this.schema, name)
    const shape = this.shapeOf(n)
    const isNull = shape.nullable ? `(v${n}[i >> 3] & (1 << (i & 7))) === 0` : 'false'
    switch (shape.layout) {
      case 'fixed': {
        const isBoolean = this.schema.fields[n]?.type.kind === 'boolean'
        return { form: 'scalar', value: isBoolean ? `c${n}[i] !== 0` : `c${n}[i]`, isNull }
      }
      case 'wide':
        return this.#wideColumn(n, isNull)
      case 'utf8':
        return { form: 'text', bytes: `b${n}`, start: `s${n}[i]`, length: `l${n}[i]`, isNull, chunkOf: n }
      case 'dictionary': {
        return { form: 'text', bytes: `b${n}`, start: `s${n}[d${n}[i]]`, length: `l${n}[d${n}[i]]`, isNull, chunkOf: n } // prettier-ignore
      }
      case 'list':
      case 'struct':
        return { form: 'boxed', value: this.temp(`h.readCell(x${n}, i)`), isNull }
    }
  }

  /** The words of a row; a decimal beyond 64 bits leaves the loop. */
  #wideColumn(n: number, isNull: string): PairCode {
    const type = this.schema.fields[n]?.type as DataType
    if (type.kind !== 'decimal') {
      const high = `c${n}[2 * i + 1]`
      return { form: 'pair', high: type.kind === 'uint64' ? `(${high} >>> 0)` : high, low: `(c${n}[2 * i] >>> 0)`, isNull }
    }
    const high = this.temp(`c${n}[4 * i + 1]`)
    const fits = `c${n}[4 * i + 2] === ${high} >> 31 && c${n}[4 * i + 3] === ${high} >> 31`
    this.bailIf(isNull === 'false' ? `!(${fits})` : `!(${isNull}) && !(${fits})`)
    return { form: 'pair', high, low: `(c${n}[4 * i] >>> 0)`, isNull }
  } // prettier-ignore

  /** Whether an expression of a wide type reads a wide column, so that its branches may be pairs. */
  #readsWide(expression: Expression): boolean {
    if (!isBig(expression.type)) return false
    return columnsOf(expression).some((name) => this.shapeOf(columnIndex(this.schema, name)).layout === 'wide')
  } // prettier-ignore

  /**
   * Code of a constant. One that float64 cannot hold leaves the loop where it is read, unless it is only compared: all
   * that it can be compared with is smaller, so the nearest float64 gives the same answer.
   */
  literal({ type, value }: LiteralExpression, isCompared: boolean = false): Code {
    const isNull = value === null ? 'true' : 'false'
    switch (formOf(type)) {
      case 'scalar': {
        const constant = fromLiteral(type, value)
        if (typeof constant === 'bigint' && !isCompared && !Number.isSafeInteger(Number(constant)))
          this.bailIf('true')
        return { form: 'scalar', value: scalarText(constant), isNull }
      }
      case 'string': {
        if (type.kind !== 'bytes')
          return { form: 'choice', table: [(value ?? '') as string], index: '0', isNull }
        const bytes = (fromLiteral(type, value) ?? new Uint8Array(0)) as Uint8Array
        return { form: 'text', bytes: this.constant(bytes), start: '0', length: String(bytes.length), isNull }
      }
      case 'boxed':
        return { form: 'boxed', value: this.constant(fromLiteral(type, value)), isNull }
    }
  }

  /** An expression that reads one dictionary column and nothing else is looked up per code. */
  #overDictionary(expression: Expression): Code | undefined {
    const names = columnsOf(expression)
    if (names.length !== 1) return undefined
    const n = columnIndex(this.schema, names[0] as string)
    const shape = this.shapeOf(n)
    if (shape.layout !== 'dictionary') return undefined
    const form = formOf(expression.type)
    const memo = this.memos.length
    this.memos.push({ column: n, memo: new DictionaryMemo(expression) })
    const column = this.#column(names[0] as string)
    const slot = shape.nullable ? this.temp(`${column.isNull} ? 0 : d${n}[i] + 1`) : this.temp(`d${n}[i] + 1`)
    const state = this.name()
    this.line(`let ${state} = ms${memo}[${slot}]`)
    const fill = expression.type.kind === 'string' ? 'fillCode' : 'fill'
    this.line(`if (${state} === 0) ${state} = m${memo}.${fill}(${slot})`)
    const isNull = shape.nullable || expression.nullable ? `${state} === 2` : 'false'
    if (expression.type.kind === 'boolean') return { form: 'scalar', value: `${state} === 3`, isNull }
    if (form === 'scalar') return { form: 'scalar', value: `mn${memo}[${slot}]`, isNull }
    if (expression.type.kind !== 'string') return { form, value: `m${memo}.texts[${slot}]`, isNull }
    return { form: 'string', value: `m${memo}.texts[${slot}]`, isNull, memo: { index: memo, slot } }
  }

  #case(expression: CaseExpression): AnyCode {
    const thens = [...expression.branches.map(({ then }) => then), expression.otherwise]
    const constant = thens.every((part) => part.kind === 'literal' && part.type.kind === 'string')
    const result = this.#resultOf(expression, constant)
    const label = this.name('case')
    this.line(`${label}: {`)
    for (const { when, then } of expression.branches) {
      const condition = this.capture(() => this.condition(when))
      this.append(condition.lines)
      this.append([`if (${condition.result}) {`])
      const branch = this.capture(() => result.assign(then))
      this.append(branch.lines.map((line) => `  ${line}`))
      this.append([`  break ${label}`, '}'])
    }
    const last = this.capture(() => result.assign(expression.otherwise))
    this.append(last.lines)
    this.line('}')
    return result.code
  }

  /** Variables that several branches assign; returns the code that reads them. */
  #resultOf(
    expression: Expression,
    constantTexts: boolean,
  ): { code: AnyCode; assign: (part: Expression) => void } {
    if (this.#readsWide(expression)) return this.#pairResult(expression)
    if (!constantTexts && this.#areRanges(expression)) return this.#rangeResult(expression)
    const form = constantTexts ? 'choice' : formOf(expression.type)
    const value = this.name()
    const isNull = expression.nullable ? this.name('n') : 'false'
    const empty = form === 'boxed' ? 'null' : form === 'string' ? "''" : expression.type.kind === 'boolean' ? 'false' : '0' // prettier-ignore
    this.line(expression.nullable ? `let ${value} = ${empty}, ${isNull} = false` : `let ${value} = ${empty}`)
    const table: string[] = []
    const assign = (part: Expression): void => {
      const code = this.generate(part)
      const assigned = form === 'choice' ? this.#choose(table, part) : this.plain(code)
      if (code.isNull === 'true') this.line(`${isNull} = true`)
      else {
        if (code.isNull !== 'false' && expression.nullable) {
          this.line(`if (${code.isNull}) ${isNull} = true`)
          this.line(`else ${value} = ${assigned}`)
        } else this.line(`${value} = ${assigned}`)
      }
    }
    const code: Code = form === 'choice' ? { form, table, index: value, isNull } : { form, value, isNull }
    return { code, assign }
  }

  #pairResult(expression: Expression): { code: PairCode; assign: (part: Expression) => void } {
    const [high, low] = [this.name(), this.name()]
    const isNull = expression.nullable ? this.name('n') : 'false'
    this.line(`let ${high} = 0, ${low} = 0`)
    if (expression.nullable) this.line(`let ${isNull} = false`)
    const assign = (part: Expression): void => {
      const code = asPair(this, this.generateAny(part))
      if (code.isNull === 'true') return this.line(`${isNull} = true`)
      const set = `{ ${high} = ${code.high}; ${low} = ${code.low} }`
      this.line(code.isNull === 'false' || !expression.nullable ? set : `if (${code.isNull}) ${isNull} = true; else ${set}`)
    }
    return { code: { form: 'pair', high, low, isNull }, assign }
  } // prettier-ignore

  /** Whether every result is a text column or a constant text, so that bytes can be handed on undecoded. */
  #areRanges(expression: Expression): boolean {
    if (expression.type.kind !== 'string' || expression.kind === 'column') return false
    const parts = expression.kind === 'case' ? [...expression.branches.map(({ then }) => then), expression.otherwise] : childrenOf(expression) // prettier-ignore
    return parts.every((part) => part.kind === 'column' || part.kind === 'literal')
  }

  #rangeResult(expression: Expression): { code: Code; assign: (part: Expression) => void } {
    const [bytes, start, length] = [this.name('bytes'), this.name(), this.name()] as const
    const isNull = expression.nullable ? this.name('n') : 'false'
    this.line(`let ${bytes} = ${this.constant(new Uint8Array(0))}, ${start} = 0, ${length} = 0`)
    if (expression.nullable) this.line(`let ${isNull} = false`)
    const assign = (part: Expression): void => {
      const code = this.generate(part)
      if (code.isNull === 'true') return this.line(`${isNull} = true`)
      const constant = code.form === 'choice' ? new TextEncoder().encode(code.table[0]) : undefined
      const range = code as TextCode
      const set =
        constant === undefined
          ? `{ ${bytes} = ${range.bytes}; ${start} = ${range.start}; ${length} = ${range.length} }`
          : `{ ${bytes} = ${this.constant(constant)}; ${start} = 0; ${length} = ${constant.length} }`
      this.line(code.isNull === 'false' || !expression.nullable ? set : `if (${code.isNull}) ${isNull} = true; else ${set}`)
    }
    return { code: { form: 'text', bytes, start, length, isNull }, assign }
  } // prettier-ignore

  #choose(table: string[], part: Expression): string {
    const text = part.kind === 'literal' ? (part.value as string | null) : null
    if (text === null) return '0'
    if (!table.includes(text)) table.push(text)
    return String(table.indexOf(text))
  }

  /** The value of a code as one JavaScript expression: number, boolean, string, or boxed value. */
  plain(code: Code): string {
    switch (code.form) {
      case 'text':
        return `h.readText(${code.bytes}, ${code.start}, ${code.length})`
      case 'choice':
        if (/^\d+$/.test(code.index)) return this.constant(code.table[Number(code.index)] ?? '')
        return `${this.constant(code.table)}[${code.index}]`
      default:
        return code.value
    }
  }

  /** Code that is true exactly when a boolean expression is true. */
  condition(expression: Expression): string {
    const code = this.generate(expression) as Code & { form: 'scalar' }
    return code.isNull === 'false' ? code.value : `!(${code.isNull}) && (${code.value})`
  }

  /** A value as the evaluator has it, from code that is not null. */
  box(code: AnyCode, expression: Expression): string {
    const { type } = expression
    if (code.form === 'pair') return `h.wideInteger(${code.high}, ${code.low})`
    if (code.form === 'scalar' && isBig(type)) return `BigInt(${code.value})`
    if (code.form === 'text' && type.kind === 'bytes') {
      return `Uint8Array.from(${code.bytes}.subarray(${code.start}, ${code.start} + ${code.length}))`
    }
    return this.plain(code)
  }

  /** Calls the reference implementation for the row. */
  #reference(call: CallExpression): AnyCode {
    const definition = catalogue.get(call.name)
    if (definition?.lazy !== undefined && call.name === 'coalesce') return this.#coalesce(call)
    const codes = call.arguments.map((part) => this.keep(this.generateAny(part)))
    const run = this.constant(referenceOf(call))
    const isStrict = call.name === 'cast' || definition?.nulls === 'strict'
    const boxed = codes.map((code, index) => {
      const value = this.box(code, call.arguments[index] as Expression)
      return isStrict || code.isNull === 'false' ? value : `(${code.isNull} ? null : ${value})`
    })
    const nulls = isStrict ? anyNull(codes.map((code) => code.isNull)) : 'false'
    const invoke = `${run}([${boxed.join(', ')}])`
    const raw = this.temp(nulls === 'false' ? invoke : `${nulls} ? null : ${invoke}`)
    return this.unbox(raw, call)
  }

  /**
   * Asks the reference about the row where a kernel left NaN in a variable. All arguments but the first are constants,
   * and the first is not null where this runs.
   */
  orReference(name: string, call: CallExpression, operand: Code): void {
    const [part, ...rest] = call.arguments as [Expression, ...LiteralExpression[]]
    const values = [this.box(operand, part), ...rest.map((item) => this.constant(fromLiteral(item.type, item.value)))]
    this.line(`if (${name} !== ${name}) ${name} = Number(${this.constant(referenceOf(call))}([${values.join(', ')}]))`)
    if (isBig(call.type)) this.bailIf(`${name} > ${SAFE_MAX} || ${name} < -${SAFE_MAX}`)
  } // prettier-ignore

  /** Code from a variable that holds a value as the evaluator has it. */
  unbox(raw: string, expression: Expression): Code {
    const isNull = expression.nullable ? `${raw} === null` : 'false'
    const form = formOf(expression.type)
    if (form !== 'scalar') return { form, value: raw, isNull }
    if (!isBig(expression.type)) return { form, value: expression.nullable ? `(${raw} ?? 0)` : raw, isNull }
    const number = this.temp(expression.nullable ? `Number(${raw} ?? 0n)` : `Number(${raw})`)
    this.bailIf(`${number} > ${SAFE_MAX} || ${number} < -${SAFE_MAX}`)
    return { form, value: number, isNull }
  }

  /** Evaluates parts one after the other until one is not null. */
  #coalesce(call: CallExpression): AnyCode {
    const constant = call.arguments.every((part) => part.kind === 'literal' && part.type.kind === 'string')
    const result = this.#resultOf({ ...call, nullable: true }, constant)
    const label = this.name('any')
    this.line(`${label}: {`)
    for (const [index, part] of call.arguments.entries()) {
      const branch = this.capture(() => {
        result.assign(part)
        if (index < call.arguments.length - 1) {
          this.line(`if (!${result.code.isNull}) break ${label}`)
          this.line(`${result.code.isNull} = false`)
        }
      })
      this.append(['{', ...branch.lines.map((line) => `  ${line}`), '}'])
    }
    this.line('}')
    return call.nullable ? result.code : { ...result.code, isNull: 'false' }
  }
}

/** A constant that float64 cannot hold, as a pair. */
function wideLiteral({ type, value }: LiteralExpression): PairCode | undefined {
  if (value === null || !isBig(type)) return undefined
  const constant = fromLiteral(type, value) as bigint
  if (Number.isSafeInteger(Number(constant)) || BigInt.asIntN(64, constant) !== constant) return undefined
  const [high, low] = pairOf(constant)
  return { form: 'pair', high, low, isNull: 'false' }
}

/** The reference implementation of a call, of its boxed arguments. */
function referenceOf(call: CallExpression): (values: readonly Value[]) => Value {
  const context: CallContext = { type: call.type, types: call.arguments.map((part) => part.type) }
  if (call.name === 'cast') return (values) => castValue(values[0] as Value, context.types[0] as DataType, call.type)
  const definition = catalogue.get(call.name) as FunctionDefinition
  return (values) => definition.evaluate(values, context)
} // prettier-ignore

/** A value as source text. Only numbers and truth values come here. */
function scalarText(value: Value): string {
  if (typeof value === 'boolean') return String(value)
  const number = Number(value ?? 0)
  if (Object.is(number, -0)) return '-0'
  return number < 0 || !Number.isFinite(number) ? `(${number})` : String(number)
}
