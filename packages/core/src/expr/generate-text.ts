/**
 * Code for text on its bytes, without decoding: comparison, IN, LIKE with simple patterns, prefixes, lengths.
 */
import type { Code, TextCode } from './code.ts'
import { anyNull } from './code.ts'
import type { CallExpression, Expression, LiteralExpression } from './expression.ts'
import type { Generator, Template } from './generator.ts'
import { fromLiteral } from './value.ts'

const encoder = new TextEncoder()

/** Bytes compared one by one in the code itself; longer texts are compared by a call. */
const UNROLLED_MAX = 8

/** Constants of IN that are compared one after the other; more are looked up in a set of strings. */
const IN_UNROLLED_MAX = 16

/** A code as a range of bytes; JavaScript strings are not turned into bytes. */
function asRange(generator: Generator, code: Code): TextCode | undefined {
  if (code.form === 'text') return code
  if (code.form !== 'choice' || !/^\d+$/.test(code.index)) return undefined
  const bytes = encoder.encode(code.table[Number(code.index)])
  return { form: 'text', bytes: generator.constant(bytes), start: '0', length: String(bytes.length), isNull: code.isNull }
} // prettier-ignore

/** The bytes of a constant text or byte string. */
function constantBytes(part: Expression): Uint8Array | undefined {
  if (part.kind !== 'literal' || part.value === null) return undefined
  const value = fromLiteral(part.type, part.value)
  return typeof value === 'string' ? encoder.encode(value) : (value as Uint8Array)
}

/** Code that tests whether `part` stands at `start`, which is inside the text. */
function matchCode(generator: Generator, bytes: string, start: string, part: Uint8Array): string {
  if (part.length === 0) return 'true'
  if (part.length > UNROLLED_MAX) return `h.matchesAt(${bytes}, ${start}, ${generator.constant(part)})`
  return [...part]
    .map((byte, n) => `${bytes}[${n === 0 ? start : `${start} + ${n}`}] === ${byte}`)
    .join(' && ')
}

/** Code for equality with a constant. */
function equalsConstant(generator: Generator, text: TextCode, part: Uint8Array): string {
  const start = part.length > 1 ? generator.temp(text.start) : text.start
  return `(${text.length} === ${part.length} && ${matchCode(generator, text.bytes, start, part)})`
}

/** Comparison of two texts. */
export function compareTexts(generator: Generator, call: CallExpression, operator: string): Code | undefined {
  const [left, right] = call.arguments as [Expression, Expression]
  const isEquality = operator === '===' || operator === '!=='
  const a = generator.generate(left)
  const b = generator.generate(right)
  const isNull = anyNull([a.isNull, b.isNull])
  const rangeA = asRange(generator, a)
  const rangeB = asRange(generator, b)
  const constant = constantBytes(right)
  const negation = operator === '!==' ? '!' : ''
  if (isEquality && rangeA !== undefined && constant !== undefined) {
    return { form: 'scalar', value: `${negation}${equalsConstant(generator, rangeA, constant)}`, isNull }
  }
  if (rangeA !== undefined && rangeB !== undefined) {
    const parts = [rangeA, rangeB]
      .map((range) => `${range.bytes}, ${range.start}, ${range.length}`)
      .join(', ')
    const value = isEquality
      ? `${negation}h.equalRanges(${parts})`
      : `h.compareRanges(${parts}) ${operator} 0`
    return { form: 'scalar', value, isNull }
  }
  if (left.type.kind === 'bytes') return undefined
  const plain = [generator.plain(a), generator.plain(b)] as const
  // Under a null a plain value may be null too; comparing it is harmless, ordering it is not.
  if (isEquality) return { form: 'scalar', value: `(${plain[0]} ${operator} ${plain[1]})`, isNull }
  const value = `h.compareText(${plain[0]} ?? '', ${plain[1]} ?? '') ${operator} 0`
  return { form: 'scalar', value, isNull }
}

/** IN over constant texts. */
export function textIn(
  generator: Generator,
  value: Expression,
  items: readonly LiteralExpression[],
): Code | undefined {
  if (value.type.kind === 'bytes') return undefined
  const code = generator.generate(value)
  const range = asRange(generator, code)
  if (range === undefined || items.length > IN_UNROLLED_MAX) {
    const set = generator.constant(new Set(items.map((item) => item.value)))
    return { form: 'scalar', value: `${set}.has(${generator.plain(code)})`, isNull: code.isNull }
  }
  const kept = generator.keep(range) as TextCode
  const tests = items.map((item) => equalsConstant(generator, kept, constantBytes(item) as Uint8Array))
  return { form: 'scalar', value: `(${tests.join(' || ')})`, isNull: code.isNull }
}

/** A test on a text and a constant: prefix, suffix, part. */
function affix(
  kind: 'prefix' | 'suffix' | 'part',
  generator: Generator,
  text: TextCode,
  part: Uint8Array,
): string {
  const kept = generator.keep(text) as TextCode
  if (kind === 'part') {
    return `h.containsBytes(${kept.bytes}, ${kept.start}, ${kept.length}, ${generator.constant(part)})`
  }
  const start =
    kind === 'prefix' ? kept.start : generator.temp(`${kept.start} + ${kept.length} - ${part.length}`)
  return `(${kept.length} >= ${part.length} && ${matchCode(generator, kept.bytes, start, part)})`
}

function affixTemplate(kind: 'prefix' | 'suffix'): Template {
  return (generator, call) => {
    const [text, part] = call.arguments as [Expression, Expression]
    const constant = constantBytes(part)
    if (constant === undefined) return undefined
    const range = asRange(generator, generator.generate(text))
    if (range === undefined) return undefined
    return { form: 'scalar', value: affix(kind, generator, range, constant), isNull: range.isNull }
  }
}

/** `abc`, `abc%`, `%abc`, `%abc%`: no regular expression is needed. */
const like: Template = (generator, call) => {
  const [text, pattern] = call.arguments as [Expression, Expression]
  if (call.arguments.length !== 2 || pattern.kind !== 'literal' || typeof pattern.value !== 'string')
    return undefined
  const match = /^(%*)([^%_\\]*)(%*)$/.exec(pattern.value)
  if (match === null) return undefined
  const range = asRange(generator, generator.generate(text))
  if (range === undefined) return undefined
  const part = encoder.encode(match[2])
  const [open, close] = [match[1] !== '', match[3] !== '' || match[2] === '']
  let value: string
  if (part.length === 0) value = open ? 'true' : `(${range.length} === 0)`
  else if (open) value = affix(close ? 'part' : 'suffix', generator, range, part)
  else value = close ? affix('prefix', generator, range, part) : equalsConstant(generator, range, part)
  return { form: 'scalar', value, isNull: range.isNull }
}

const octetLength: Template = (generator, call) => {
  const range = asRange(generator, generator.generate(call.arguments[0] as Expression))
  return range === undefined ? undefined : { form: 'scalar', value: range.length, isNull: range.isNull }
}

const length: Template = (generator, call) => {
  const [part] = call.arguments as [Expression]
  if (part.type.kind === 'bytes') return octetLength(generator, call)
  const range = asRange(generator, generator.generate(part))
  if (range === undefined) return undefined
  const value = generator.temp(`h.countCharacters(${range.bytes}, ${range.start}, ${range.length})`)
  return { form: 'scalar', value, isNull: range.isNull }
}

/** Runs a cutting kernel (text-kernels.ts) and reads its result: the text keeps pointing into its chunk. */
function cutCode(generator: Generator, text: TextCode, kernel: string, rest: string): Code {
  const kept = generator.keep(text) as TextCode
  generator.line(`h.${kernel}(${kept.bytes}, ${kept.start}, ${kept.length}, ${rest})`)
  const start = generator.temp(`${kept.start} + h.cut.from`)
  return { ...kept, start, length: generator.temp('h.cut.length') }
}

/** The value of a constant small integer. */
function constantInteger(part: Expression | undefined): number | undefined {
  if (part?.kind !== 'literal' || part.value === null) return undefined
  const value = Number(part.value)
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : undefined
}

/** The first argument as a range, when it is text on bytes. */
function textRange(generator: Generator, call: CallExpression): TextCode | undefined {
  const [part] = call.arguments as [Expression]
  return part.type.kind === 'string' ? asRange(generator, generator.generate(part)) : undefined
}

const substring: Template = (generator, call) => {
  const from = constantInteger(call.arguments[1])
  const isOpen = call.arguments.length === 2
  const count = isOpen ? 2 ** 31 : constantInteger(call.arguments[2])
  if (from === undefined || count === undefined || count < 0) return undefined
  const range = textRange(generator, call)
  if (range === undefined) return undefined
  // A start before the text eats into the count.
  const first = Math.max(from - 1, 0)
  const kept = isOpen ? count : Math.max(from - 1 + count - first, 0)
  return cutCode(generator, range, 'cutCharacters', `${first}, ${kept}`)
}

function side(kernel: 'cutCharacters' | 'cutLast'): Template {
  return (generator, call) => {
    const count = constantInteger(call.arguments[1])
    if (count === undefined || count < 0) return undefined
    const range = textRange(generator, call)
    if (range === undefined) return undefined
    return cutCode(generator, range, kernel, kernel === 'cutLast' ? String(count) : `0, ${count}`)
  }
}

function trim(atStart: boolean, atEnd: boolean): Template {
  return (generator, call) => {
    const range = call.arguments.length === 1 ? textRange(generator, call) : undefined
    return range === undefined ? undefined : cutCode(generator, range, 'cutBlanks', `${atStart}, ${atEnd}`)
  }
}

const splitPart: Template = (generator, call) => {
  const [, delimiter, position] = call.arguments as [Expression, Expression, Expression]
  const bytes = constantBytes(delimiter)
  const n = constantInteger(position)
  if (bytes === undefined || bytes.length === 0 || n === undefined || n < 1) return undefined
  const range = textRange(generator, call)
  return range === undefined
    ? undefined
    : cutCode(generator, range, 'cutPart', `${generator.constant(bytes)}, ${n}`)
}

/** Runs a method of the scratch arena, only where no operand is null. */
function made(generator: Generator, isNull: string, method: string, parts: string): Code {
  const arena = generator.arena()
  const call = `${arena}.${method}(${parts})`
  const start = generator.temp(isNull === 'false' ? call : `(${isNull}) ? 0 : ${call}`)
  return { form: 'text', bytes: `${arena}.bytes`, start, length: generator.temp(`${arena}.length`), isNull }
}

function changeCase(isLower: boolean): Template {
  return (generator, call) => {
    const range = textRange(generator, call)
    if (range === undefined) return undefined
    return made(
      generator,
      range.isNull,
      'changeCase',
      `${range.bytes}, ${range.start}, ${range.length}, ${isLower}`,
    )
  }
}

const join: Template = (generator, call) => {
  if (call.type.kind !== 'string') return undefined
  const codes = call.arguments.map((part) => generator.generate(part))
  const isNull = anyNull(codes.map((code) => code.isNull))
  const ranges = codes.map((code) => asRange(generator, code) ?? written(generator, code))
  return made(generator, isNull, 'join', ranges.map((range) => `${range.bytes}, ${range.start}, ${range.length}`).join(', '))
} // prettier-ignore

/** A JavaScript string written to the arena. */
function written(generator: Generator, code: Code): TextCode {
  const text = generator.plain(code)
  return made(generator, code.isNull, 'write', code.isNull === 'false' ? text : `${text} ?? ''`) as TextCode
}

/** Templates by function name. */
export const textTemplates: readonly (readonly [string, Template])[] = [
  ['like', like],
  ['starts_with', affixTemplate('prefix')],
  ['ends_with', affixTemplate('suffix')],
  ['octet_length', octetLength],
  ['length', length],
  ['substring', substring],
  ['left', side('cutCharacters')],
  ['right', side('cutLast')],
  ['btrim', trim(true, true)],
  ['ltrim', trim(true, false)],
  ['rtrim', trim(false, true)],
  ['split_part', splitPart],
  ['lower', changeCase(true)],
  ['upper', changeCase(false)],
  ['||', join],
]
