/**
 * Text: lengths, cutting, joining, searching, case. Positions and lengths count characters (code points) from 1.
 */
import type { DataType } from '../../data/type.ts'
import type { Expression } from '../expression.ts'
import { commonType, int32Type, stringType, booleanType } from '../types.ts'
import { failValue } from '../value-error.ts'
import type { Value } from '../value.ts'
import { canCast } from '../casts.ts'
import type { FunctionDefinition, Overload } from './define.ts'
import { define, isTextLiteral, isUntypedNull, parameter } from './define.ts'
import { regularPattern } from '../pattern.ts'

const { text, integer, textOrBytes } = parameter
const encoder = new TextEncoder()

/** Text that a function may make from short arguments, at most. */
const MADE_LENGTH_MAX = 16_777_216

const toTextOf = (...parameters: Overload['parameters']): readonly Overload[] => [
  { parameters, result: stringType },
]

/** The characters of a text; ASCII text needs no array. */
function characters(value: string): readonly string[] {
  return Array.from(value)
}

function cut(value: string, from: number, to: number): string {
  return characters(value).slice(from, to).join('')
}

/** PostgreSQL's substring: a start before the text eats into the count. */
function substring(value: string, from: number, count: number | undefined): string {
  if (count === undefined) return cut(value, Math.max(from - 1, 0), value.length)
  if (count < 0) failValue('value/invalid', 'the length of a substring is negative')
  const end = from - 1 + count
  return end <= 0 ? '' : cut(value, Math.max(from - 1, 0), end)
}

/** PostgreSQL's overlay: the replacement between what is before `from` and what is after `from + count`. */
function overlay(value: string, replacement: string, from: number, count: number | undefined): string {
  if (from < 1) failValue('value/invalid', 'an overlay starts before the text')
  const rest = from - 1 + (count ?? characters(replacement).length)
  return cut(value, 0, from - 1) + replacement + cut(value, Math.max(rest, 0), value.length)
}

/** The group of the first match, or all of the match without a group; null without a match. */
function matched(value: string, pattern: string): string | null {
  const match = regularPattern(pattern, '').exec(value)
  if (match === null) return null
  return (match.length > 1 ? match[1] : match[0]) ?? null
}

function left(value: string, count: number): string {
  return count >= 0 ? cut(value, 0, count) : cut(value, 0, Math.max(characters(value).length + count, 0))
}

function right(value: string, count: number): string {
  const { length } = characters(value)
  return count >= 0 ? cut(value, Math.max(length - count, 0), length) : cut(value, -count, length)
}

/** Drops characters of a set from the ends. */
function trim(value: string, set: string, atStart: boolean, atEnd: boolean): string {
  const all = characters(value)
  const drop = new Set(characters(set))
  let from = 0
  let to = all.length
  while (atStart && from < to && drop.has(all[from] as string)) from++
  while (atEnd && to > from && drop.has(all[to - 1] as string)) to--
  return all.slice(from, to).join('')
}

function trimFunction(name: string, doc: string, atStart: boolean, atEnd: boolean): FunctionDefinition {
  return define(name, 'string', `${name}(text [, characters]) → text`, doc,
    [{ parameters: [text, text], optional: 1, result: stringType }],
    ([value, set]) => trim(value as string, (set ?? ' ') as string, atStart, atEnd)) // prettier-ignore
}

function pad(value: string, length: number, fill: string, atStart: boolean): string {
  if (length > MADE_LENGTH_MAX) tooLong()
  const all = characters(value)
  if (all.length >= length) return all.slice(0, Math.max(length, 0)).join('')
  const filling = characters(fill)
  if (filling.length === 0) return value
  const missing = Array.from({ length: length - all.length }, (_, n) => filling[n % filling.length]).join('')
  return atStart ? missing + value : value + missing
}

function tooLong(): never {
  return failValue('value/overflow', `a text would be longer than ${MADE_LENGTH_MAX} characters`)
}

function padFunction(name: string, doc: string, atStart: boolean): FunctionDefinition {
  return define(name, 'string', `${name}(text, length [, fill]) → text`, doc,
    [{ parameters: [text, integer, text], optional: 1, result: stringType }],
    ([value, length, fill]) => pad(value as string, Number(length), (fill ?? ' ') as string, atStart)) // prettier-ignore
}

/** Part `n` (from 1; from the end when negative) between delimiters; empty when there is none. */
function splitPart(value: string, delimiter: string, n: number): string {
  if (n === 0) failValue('value/invalid', 'the field position of split_part is 0', 'positions start at 1, or −1 from the end')
  const parts = delimiter === '' ? [value] : value.split(delimiter)
  return (n > 0 ? parts[n - 1] : parts[parts.length + n]) ?? ''
} // prettier-ignore

function splitText(value: string | null, delimiter: string | null): string[] | null {
  if (value === null) return null
  if (value === '') return []
  if (delimiter === null) return [...characters(value)]
  return delimiter === '' ? [value] : value.split(delimiter)
}

function position(part: string, value: string): number {
  const found = value.indexOf(part)
  return found < 0 ? 0 : characters(value.slice(0, found)).length + 1
}

/** First letters of words upper, the rest lower case; words are letters and digits. */
function initcap(value: string): string {
  return value.toLowerCase().replace(/[\p{L}\p{N}]+/gu, (word) => {
    const [first = ''] = word
    return first.toUpperCase() + word.slice(first.length)
  })
}

function translate(value: string, from: string, to: string): string {
  const targets = characters(to)
  const map = new Map<string, string>()
  for (const [n, character] of characters(from).entries()) {
    if (!map.has(character)) map.set(character, targets[n] ?? '')
  }
  return characters(value).map((character) => map.get(character) ?? character).join('') // prettier-ignore
}

function chr(code: number): string {
  if (code < 1 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    failValue('value/invalid', `${code} is no character`)
  }
  return String.fromCodePoint(code)
}

const isPrintable = (part: Expression): boolean => canCast(part.type, stringType)

/** `||`: text with anything that has a text, lists with lists or elements. */
const join: FunctionDefinition = {
  name: '||',
  family: 'string',
  signature: 'a || b',
  doc: 'Texts, lists, or a list and an element put together.',
  nulls: 'strict',
  resolve(parts) {
    if (parts.length !== 2) return undefined
    const [a, b] = parts as [Expression, Expression]
    const list = joinedList(a, b)
    if (list !== undefined) return list
    const isText = [a, b].some((part) => part.type.kind === 'string')
    if (a.type.kind === 'bytes' && b.type.kind === 'bytes')
      return { parameters: [a.type, a.type], type: a.type }
    return isText && isPrintable(a) && isPrintable(b)
      ? { parameters: [stringType, stringType], type: stringType }
      : undefined
  },
  evaluate([a, b], { type, types }) {
    if (type.kind === 'string') return (a as string) + (b as string)
    if (type.kind === 'bytes') return Uint8Array.from([...(a as Uint8Array), ...(b as Uint8Array)])
    const first = types[0]?.kind === 'list' ? (a as readonly Value[]) : [a as Value]
    const second = types[1]?.kind === 'list' ? (b as readonly Value[]) : [b as Value]
    return [...first, ...second]
  },
}

function joinedList(a: Expression, b: Expression): ReturnType<FunctionDefinition['resolve']> {
  if (a.type.kind === 'list' && b.type.kind === 'list') {
    const type = commonType(a.type, b.type)
    return type === undefined ? undefined : { parameters: [type, type], type }
  }
  const [list, item] =
    a.type.kind === 'list' ? [a.type, b] : b.type.kind === 'list' ? [b.type, a] : [undefined, b]
  if (list === undefined || isUntypedNull(item)) return undefined
  const element = isTextLiteral(item) ? list.element.type : commonType(list.element.type, item.type)
  if (element === undefined) return undefined
  const type: DataType = {
    kind: 'list',
    element: { type: element, nullable: list.element.nullable || item.nullable },
  }
  return { parameters: a.type === list ? [type, element] : [element, type], type }
}

const concat: FunctionDefinition = {
  name: 'concat',
  family: 'string',
  signature: 'concat(a, …) → text',
  doc: 'The texts of all values put together; nulls count as empty.',
  nulls: 'seen',
  resolve: (parts) =>
    parts.length > 0 && parts.every(isPrintable)
      ? { parameters: parts.map(() => stringType), type: stringType, nullable: false }
      : undefined,
  evaluate: (values) => (values as readonly (string | null)[]).map((value) => value ?? '').join(''),
}

const concatWith: FunctionDefinition = {
  ...concat,
  name: 'concat_ws',
  signature: 'concat_ws(separator, a, …) → text',
  doc: 'The texts of all values that are not null, with a separator between.',
  resolve: (parts) =>
    parts.length > 1 && parts.every(isPrintable)
      ? {
          parameters: parts.map(() => stringType),
          type: stringType,
          nullable: (parts[0] as Expression).nullable,
        }
      : undefined,
  evaluate: ([separator, ...values]) =>
    separator === null
      ? null
      : (values as readonly (string | null)[]).filter((value) => value !== null).join(separator as string),
}

const searchFunctions: readonly FunctionDefinition[] = [
  define('position', 'string', 'position(part in text) → integer', 'Where a part starts, 0 when it does not occur.',
    [{ parameters: [text, text], result: int32Type }], ([part, value]) => position(part as string, value as string)),
  define('strpos', 'string', 'strpos(text, part) → integer', 'Where a part starts, 0 when it does not occur.',
    [{ parameters: [text, text], result: int32Type }], ([value, part]) => position(part as string, value as string)),
  define('starts_with', 'string', 'starts_with(text, prefix) → boolean', 'Whether a text starts with another.',
    [{ parameters: [text, text], result: booleanType }], ([value, part]) => (value as string).startsWith(part as string)),
  define('ends_with', 'string', 'ends_with(text, suffix) → boolean', 'Whether a text ends with another.',
    [{ parameters: [text, text], result: booleanType }], ([value, part]) => (value as string).endsWith(part as string)),
  define('contains', 'string', 'contains(text, part) → boolean', 'Whether a text occurs in another.',
    [{ parameters: [text, text], result: booleanType }], ([value, part]) => (value as string).includes(part as string)),
] // prettier-ignore

const lengthFunctions: readonly FunctionDefinition[] = [
  define('length', 'string', 'length(text) → integer', 'The number of characters (of bytes for bytes).',
    [{ parameters: [textOrBytes], result: int32Type }],
    ([value]) => typeof value === 'string' ? characters(value).length : (value as Uint8Array).length),
  define('octet_length', 'string', 'octet_length(text) → integer', 'The number of bytes in UTF-8.',
    [{ parameters: [textOrBytes], result: int32Type }],
    ([value]) => typeof value === 'string' ? encoder.encode(value).length : (value as Uint8Array).length),
  define('ascii', 'string', 'ascii(text) → integer', 'The code point of the first character, 0 for an empty text.',
    [{ parameters: [text], result: int32Type }], ([value]) => (value as string).codePointAt(0) ?? 0),
  define('chr', 'string', 'chr(code) → text', 'The character of a code point.',
    toTextOf(integer), ([code]) => chr(Number(code))),
] // prettier-ignore

const changeFunctions: readonly FunctionDefinition[] = [
  define('lower', 'string', 'lower(text) → text', 'In lower case.', toTextOf(text),
    ([value]) => (value as string).toLowerCase()),
  define('upper', 'string', 'upper(text) → text', 'In upper case.', toTextOf(text),
    ([value]) => (value as string).toUpperCase()),
  define('initcap', 'string', 'initcap(text) → text', 'The first letter of each word in upper case, the rest in lower.',
    toTextOf(text), ([value]) => initcap(value as string)),
  define('reverse', 'string', 'reverse(text) → text', 'The characters in reverse order.', toTextOf(text),
    ([value]) => characters(value as string).toReversed().join('')),
  define('repeat', 'string', 'repeat(text, count) → text', 'A text several times.', toTextOf(text, integer),
    ([value, count]) => {
      const times = Math.max(Number(count), 0)
      if ((value as string).length * times > MADE_LENGTH_MAX) tooLong()
      return (value as string).repeat(times)
    }),
  define('replace', 'string', 'replace(text, from, to) → text', 'Every occurrence of a part replaced.',
    toTextOf(text, text, text),
    ([value, from, to]) => from === '' ? (value as string) : (value as string).split(from as string).join(to as string)),
  define('translate', 'string', 'translate(text, from, to) → text', 'Each character of from replaced by the one at its place in to.',
    toTextOf(text, text, text), ([value, from, to]) => translate(value as string, from as string, to as string)),
] // prettier-ignore

const cutFunctions: readonly FunctionDefinition[] = [
  define('substring', 'string', 'substring(text, from [, count]), substring(text from pattern) → text',
    'Characters from a position; or the first match (its first group, if it has one) of a regular expression.',
    [{ parameters: [text, integer, integer], optional: 1, result: stringType }, { parameters: [text, text], result: stringType, nullable: true }],
    ([value, from, count]) => typeof from === 'string' ? matched(value as string, from) : substring(value as string, Number(from), count === undefined ? undefined : Number(count))),
  define('overlay', 'string', 'overlay(text placing other from start [for count]) → text', 'A part replaced: count characters from a start, by default as many as the other text has.',
    [{ parameters: [text, text, integer, integer], optional: 1, result: stringType }],
    ([value, other, from, count]) => overlay(value as string, other as string, Number(from), count === undefined ? undefined : Number(count))),
  define('left', 'string', 'left(text, count) → text', 'The first characters; all but the last |count| when negative.',
    toTextOf(text, integer), ([value, count]) => left(value as string, Number(count))),
  define('right', 'string', 'right(text, count) → text', 'The last characters; all but the first |count| when negative.',
    toTextOf(text, integer), ([value, count]) => right(value as string, Number(count))),
  define('split_part', 'string', 'split_part(text, delimiter, n) → text', 'Part n between delimiters; from the end when n is negative.',
    toTextOf(text, text, integer), ([value, delimiter, n]) => splitPart(value as string, delimiter as string, Number(n))),
  define('string_to_array', 'string', 'string_to_array(text, delimiter) → list', 'The parts between delimiters; the characters when the delimiter is null.',
    [{ parameters: [text, text], result: { kind: 'list', element: { type: stringType, nullable: false } } }],
    ([value, delimiter]) => splitText(value as string | null, delimiter as string | null), 'seen'),
] // prettier-ignore

/** The entries of this family. */
export const stringFunctions: readonly FunctionDefinition[] = [
  ...lengthFunctions,
  ...changeFunctions,
  ...cutFunctions,
  ...searchFunctions,
  trimFunction('btrim', 'Without blanks, or the given characters, at both ends.', true, true),
  trimFunction('ltrim', 'Without blanks, or the given characters, at the start.', true, false),
  trimFunction('rtrim', 'Without blanks, or the given characters, at the end.', false, true),
  padFunction('lpad', 'Filled up (or cut) to a length, at the start.', true),
  padFunction('rpad', 'Filled up (or cut) to a length, at the end.', false),
  join,
  concat,
  concatWith,
]
