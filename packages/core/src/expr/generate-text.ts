/**
 * Code for text on its bytes, without decoding: comparison, IN, LIKE with simple patterns, prefixes, lengths.
 */
import type { Code, TextCode } from './code.ts'
import { anyNull } from './code.ts'
import type { CallExpression, Expression, LiteralExpression } from './expression.ts'
import type { Generator, Template } from './generator.ts'
import { compileLike } from './like-kernel.ts'
import { likePattern } from './pattern.ts'
import { isInteger } from './types.ts'
import { fromLiteral } from './value.ts'

const encoder = new TextEncoder()

/** Bytes compared one by one in the code itself; longer texts are compared by a call. */
const UNROLLED_MAX = 8

/** Constants of IN that are compared one after the other; more are looked up in a set of strings. */
const IN_UNROLLED_MAX = 16

/** A code as a range of bytes; JavaScript strings are not turned into bytes. */
export function asRange(generator: Generator, code: Code): TextCode | undefined {
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

function affixTemplate(kind: 'prefix' | 'suffix' | 'part'): Template {
  return (generator, call) => {
    const [text, part] = call.arguments as [Expression, Expression]
    const constant = constantBytes(part)
    if (constant === undefined) return undefined
    const range = asRange(generator, generator.generate(text))
    if (range === undefined) return undefined
    return { form: 'scalar', value: affix(kind, generator, range, constant), isNull: range.isNull }
  }
}

/** The pattern and the escape character of a LIKE with constants. */
function likeConstants(call: CallExpression): { pattern: string; escape: string } | undefined {
  const [, pattern, escape] = call.arguments
  if (pattern?.kind !== 'literal' || typeof pattern.value !== 'string') return undefined
  if (escape === undefined) return { pattern: pattern.value, escape: '\\' }
  if (escape.kind !== 'literal' || typeof escape.value !== 'string') return undefined
  return Array.from(escape.value).length > 1 ? undefined : { pattern: pattern.value, escape: escape.value }
}

/** `abc`, `abc%`, `%abc` and `%abc%` by comparing bytes, other constant patterns by like-kernel.ts. */
const like: Template = (generator, call) => {
  const constants = likeConstants(call)
  const steps = constants === undefined ? undefined : compileLike(constants.pattern, constants.escape)
  if (constants === undefined || steps === undefined) return undefined
  const range = asRange(generator, generator.generate(call.arguments[0] as Expression))
  if (range === undefined) return undefined
  const match = /^(%*)([^%_\\]*)(%*)$/.exec(constants.pattern)
  if (match === null || call.arguments.length !== 2) {
    const value = `h.likeBytes(${range.bytes}, ${range.start}, ${range.length}, ${generator.constant(steps)})`
    return { form: 'scalar', value, isNull: range.isNull }
  }
  const part = encoder.encode(match[2])
  const [open, close] = [match[1] !== '', match[3] !== '' || match[2] === '']
  let value: string
  if (part.length === 0) value = open ? 'true' : `(${range.length} === 0)`
  else if (open) value = affix(close ? 'part' : 'suffix', generator, range, part)
  else value = close ? affix('prefix', generator, range, part) : equalsConstant(generator, range, part)
  return { form: 'scalar', value, isNull: range.isNull }
}

/** Longest text, in bytes, whose case is ignored without a regular expression. */
const ANY_CASE_MAX = 256

/** ILIKE with a constant ASCII pattern; text that is not ASCII goes through the reference. */
const ilike: Template = (generator, call) => {
  const constants = likeConstants(call)
  if (constants === undefined || !/^[\0-\x7f]*$/.test(constants.pattern + constants.escape)) return undefined
  const steps = compileLike(constants.pattern, constants.escape)
  const range = steps === undefined ? undefined : asRange(generator, generator.generate(call.arguments[0] as Expression))
  if (range === undefined || steps === undefined) return undefined
  const lower = generator.constant(steps.map((step) => (step >= 65 && step <= 90 ? step | 32 : step)))
  const scratch = generator.constant(new Uint8Array(ANY_CASE_MAX))
  const kept = generator.keep(range) as TextCode
  const pattern = generator.constant(likePattern(constants.pattern, constants.escape, true))
  const parts = `${kept.bytes}, ${kept.start}, ${kept.length}`
  const order = generator.temp(`h.likeAnyCase(${parts}, ${lower}, ${scratch})`)
  const slow = `${pattern}.test(h.readText(${parts}))`
  return { form: 'scalar', value: `(${order} < 0 ? ${kept.isNull === 'false' ? '' : `!(${kept.isNull}) && `}${slow} : ${order} === 1)`, isNull: kept.isNull }
} // prettier-ignore

/** The character at which a constant part stands. */
function positionTemplate(partAt: 0 | 1): Template {
  return (generator, call) => {
    const constant = constantBytes(call.arguments[partAt] as Expression)
    if (constant === undefined) return undefined
    const range = asRange(generator, generator.generate(call.arguments[1 - partAt] as Expression))
    if (range === undefined) return undefined
    const value = generator.temp(`h.positionOf(${range.bytes}, ${range.start}, ${range.length}, ${generator.constant(constant)})`)
    return { form: 'scalar', value, isNull: range.isNull }
  }
} // prettier-ignore

/** Whether two texts on bytes are equal, as code. */
function equalTexts(generator: Generator, [a, b]: readonly [TextCode, TextCode], right: Expression): string {
  const constant = constantBytes(right)
  if (constant !== undefined) return equalsConstant(generator, a, constant)
  return `h.equalRanges(${a.bytes}, ${a.start}, ${a.length}, ${b.bytes}, ${b.start}, ${b.length})`
}

/** Both arguments as ranges of text, in variables. */
function twoTexts(generator: Generator, call: CallExpression): readonly [TextCode, TextCode] | undefined {
  const parts = call.arguments as [Expression, Expression]
  if (!parts.every((part) => part.type.kind === 'string')) return undefined
  const ranges = parts.map((part) => asRange(generator, generator.generate(part)))
  if (ranges.includes(undefined)) return undefined
  return ranges.map((range) => generator.keep(range as TextCode)) as [TextCode, TextCode] & TextCode[]
}

/** The text itself, null where both are there and equal. */
const nullif: Template = (generator, call) => {
  const texts = twoTexts(generator, call)
  if (texts === undefined) return undefined
  const [a, b] = texts
  const equal = equalTexts(generator, texts, call.arguments[1] as Expression)
  const isEqual = b.isNull === 'false' ? equal : `(!(${b.isNull}) && ${equal})`
  const isNull = generator.temp(a.isNull === 'false' ? isEqual : `(${a.isNull}) || ${isEqual}`)
  return { ...a, isNull }
}

function distinct(isDistinct: boolean): Template {
  return (generator, call) => {
    const texts = twoTexts(generator, call)
    if (texts === undefined) return undefined
    const [a, b] = texts
    const equal = equalTexts(generator, texts, call.arguments[1] as Expression)
    const anyIsNull = anyNull([a.isNull, b.isNull])
    const same = anyIsNull === 'false' ? equal : `(${anyIsNull} ? (${a.isNull}) === (${b.isNull}) : ${equal})`
    return { form: 'scalar', value: isDistinct ? `!${same}` : same, isNull: 'false' }
  }
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
export function made(generator: Generator, isNull: string, method: string, parts: string): Code {
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

/** Replaces constants: UTF-8 shows where characters begin, so bytes can be compared. */
const replace: Template = (generator, call) => {
  const [, part, other] = call.arguments as [Expression, Expression, Expression]
  const [from, to] = [constantBytes(part), constantBytes(other)]
  if (from === undefined || to === undefined || from.length === 0) return undefined
  const range = textRange(generator, call)
  if (range === undefined) return undefined
  const parts = `${range.bytes}, ${range.start}, ${range.length}, ${generator.constant(from)}, ${generator.constant(to)}`
  return made(generator, range.isNull, 'replace', parts)
}

const join: Template = (generator, call) => {
  if (call.type.kind !== 'string') return undefined
  const codes = call.arguments.map((part) => generator.generate(part))
  const isNull = anyNull(codes.map((code) => code.isNull))
  const ranges = codes.map((code) => asRange(generator, code) ?? written(generator, code))
  return made(generator, isNull, 'join', ranges.map((range) => `${range.bytes}, ${range.start}, ${range.length}`).join(', '))
} // prettier-ignore

/** Texts one after the other, nulls as empty ones. */
const concat: Template = (generator, call) => {
  const ranges = call.arguments.map((part) => {
    const code = generator.generate(part)
    const range = generator.keep(asRange(generator, code) ?? written(generator, code)) as TextCode
    const length = range.isNull === 'false' ? range.length : generator.temp(`(${range.isNull}) ? 0 : ${range.length}`)
    return { ...range, length, isNull: 'false' }
  })
  return ranges.reduce((a, b) => made(generator, 'false', 'join', `${a.bytes}, ${a.start}, ${a.length}, ${b.bytes}, ${b.start}, ${b.length}`) as typeof a)
} // prettier-ignore

/** The hash of one text or integer; others are rare enough for the reference. */
const hash: Template = (generator, call) => {
  const [part] = call.arguments as [Expression]
  if (call.arguments.length !== 1 || (part.type.kind !== 'string' && !isInteger(part.type))) return undefined
  const code = generator.generate(part)
  const text = code.form === 'scalar' ? made(generator, code.isNull, 'writeDecimal', `${code.value}, 0`) : asRange(generator, code)
  if (text === undefined) return undefined
  const { bytes, start, length, isNull } = text as TextCode
  const value = `h.hashBytes(${bytes}, ${start}, ${length})`
  const ofNull = generator.constant(encoder.encode('null'))
  return { form: 'scalar', value: generator.temp(isNull === 'false' ? value : `(${isNull}) ? h.hashBytes(${ofNull}, 0, 4) : ${value}`), isNull: 'false' }
} // prettier-ignore

/** A JavaScript string written to the arena. */
function written(generator: Generator, code: Code): TextCode {
  const text = generator.plain(code)
  return made(generator, code.isNull, 'write', code.isNull === 'false' ? text : `${text} ?? ''`) as TextCode
}

/** Templates by function name. */
export const textTemplates: readonly (readonly [string, Template])[] = [
  ['like', like],
  ['ilike', ilike],
  ['contains', affixTemplate('part')],
  ['position', positionTemplate(0)],
  ['strpos', positionTemplate(1)],
  ['nullif', nullif],
  ['is_distinct_from', distinct(true)],
  ['is_not_distinct_from', distinct(false)],
  ['concat', concat],
  ['hash', hash],
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
  ['replace', replace],
  ['||', join],
]
