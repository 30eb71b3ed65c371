/**
 * LIKE, SIMILAR TO and regular expressions as JavaScript RegExps, compiled once and refused when they could run away.
 *
 * JavaScript matches by backtracking. Patterns whose time can grow exponentially with the text are refused when they
 * are first used: a repetition inside a repetition, a repeated choice whose branches can start alike, and
 * back-references. Rejected: an own automaton, for now: slower on ordinary patterns and a second dialect.
 */
import { failValue, shorten } from './value-error.ts'

/** Compiled patterns that are kept. */
const CACHE_MAX = 500

/** A pattern's length, at most. */
const PATTERN_LENGTH_MAX = 2000

const cache = new Map<string, RegExp>()

function cached(key: string, make: () => RegExp): RegExp {
  let made = cache.get(key)
  if (made === undefined) {
    made = make()
    if (cache.size >= CACHE_MAX) cache.clear()
    cache.set(key, made)
  }
  made.lastIndex = 0
  return made
}

const special = /[\\^$.*+?()[\]{}|/]/g

/**
 * The RegExp of a LIKE pattern: `%` any text, `_` one character, `escape` makes the next literal.
 *
 * What stands between two `%` may be matched where it first occurs and never elsewhere, so it is wrapped in a look-ahead
 * with a back-reference, which JavaScript does not backtrack into: the time stays below the product of both lengths.
 */
export function likePattern(pattern: string, escape: string, ignoreCase: boolean): RegExp {
  return cached(`like ${ignoreCase} ${escape} ${pattern}`, () => {
    if (Array.from(escape).length > 1) failValue('value/invalid', 'an ESCAPE has more than one character')
    const parts: string[] = []
    let source = ''
    const all = Array.from(pattern)
    for (let i = 0; i < all.length; i++) {
      const character = all[i] as string
      if (character === escape) {
        const next = all[++i]
        if (next === undefined) failValue('value/invalid', 'a LIKE pattern ends with its escape character')
        source += next.replace(special, '\\$&')
      } else if (character === '%') {
        parts.push(source)
        source = ''
      } else source += character === '_' ? '[^]' : character.replace(special, '\\$&')
    }
    const [first, ...between] = parts
    const steps = between.filter((part) => part !== '').map((part, n) => `(?=([^]*?${part}))\\${n + 1}`)
    const whole = first === undefined ? source : `${first}${steps.join('')}[^]*${source}`
    return new RegExp(`^${whole}$`, ignoreCase ? 'iu' : 'u')
  })
}

/** The RegExp of SQL's SIMILAR TO: `%`, `_`, `|`, `*`, `+`, `?`, `{m,n}`, `( )`, `[ ]`, all else literal. */
export function similarPattern(pattern: string, escape: string): RegExp {
  return cached(`similar ${escape} ${pattern}`, () => {
    let source = ''
    let inClass = false
    const all = Array.from(pattern)
    for (let i = 0; i < all.length; i++) {
      const character = all[i] as string
      if (character === escape) source += (all[++i] ?? '').replace(special, '\\$&')
      else if (inClass) {
        inClass = character !== ']'
        source += character === '\\' ? '\\\\' : character
      } else if (character === '%') source += '[^]*'
      else if (character === '_') source += '[^]'
      else if (character === '[') {
        inClass = true
        source += '['
      } else if ('|*+?{}()'.includes(character)) source += character === '(' ? '(?:' : character
      else source += character.replace(special, '\\$&')
    }
    return makeSafe(`^(?:${source})$`, 'u', pattern)
  })
}

/** The RegExp of a pattern with flags `i` (ignore case), `g` (all), `s`/`n`/`m` (lines). */
export function regularPattern(pattern: string, flags: string): RegExp {
  return cached(`regex ${flags} ${pattern}`, () => {
    if (!/^[gimnsc]*$/.test(flags)) failValue('value/invalid', `flags "${shorten(flags)}" are not known`, 'use i, g, m or s')
    let used = 'u'
    if (flags.includes('i')) used += 'i'
    if (flags.includes('g')) used += 'g'
    if (/[mn]/.test(flags)) used += 'm'
    // As in PostgreSQL, the dot matches a line break unless the flags ask for lines.
    if (!/[mn]/.test(flags)) used += 's'
    return makeSafe(pattern, used, pattern)
  }) // prettier-ignore
}

function makeSafe(source: string, flags: string, shown: string): RegExp {
  if (source.length > PATTERN_LENGTH_MAX) {
    failValue('value/invalid', `a pattern is longer than ${PATTERN_LENGTH_MAX} characters`)
  }
  const danger = dangerOf(source)
  if (danger !== undefined) {
    failValue('value/invalid', `pattern ${JSON.stringify(shorten(shown))} has ${danger}`, 'its time could grow without bound; write it without')
  }
  try {
    return new RegExp(source, flags)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /, '') : ''
    return failValue('value/invalid', `pattern ${JSON.stringify(shorten(shown))} cannot be read: ${reason}`)
  }
} // prettier-ignore

interface Group {
  /** Holds an unbounded repetition. */
  repeats: boolean
  /** First characters of its branches, `undefined` for anything. */
  firsts: (string | undefined)[]
  expectsFirst: boolean
}

const newGroup = (): Group => ({ repeats: false, firsts: [], expectsFirst: true })

/** What makes a pattern's time exponential, if anything does. */
function dangerOf(source: string): string | undefined {
  const groups: Group[] = [newGroup()]
  let closed: Group | undefined
  for (let i = 0; i < source.length; i++) {
    const character = source[i] as string
    const group = groups.at(-1) as Group
    const repetition = repetitionAt(source, i)
    if (repetition > 0) {
      if (closed?.repeats === true) return 'a repetition inside a repetition'
      if (closed !== undefined && overlaps(closed.firsts))
        return 'a repeated choice whose branches can start alike'
      for (const open of groups) open.repeats = true
      i += repetition - 1
      closed = undefined
      continue
    }
    closed = undefined
    if (character === '\\') {
      const next = source[++i] ?? ''
      if (/[1-9k]/.test(next)) return 'a back-reference'
      noteFirst(group, /[a-zA-Z]/.test(next) ? undefined : next)
    } else if (character === '[') {
      i = classEnd(source, i)
      noteFirst(group, undefined)
    } else if (character === '(') {
      noteFirst(group, undefined)
      groups.push(newGroup())
      const prefix = /^\((\?(:|=|!|<=|<!|<\w+>))/.exec(source.slice(i, i + 40))
      if (prefix !== null) i += (prefix[1] as string).length
    } else if (character === ')') {
      if (groups.length > 1) closed = groups.pop()
      if (closed?.repeats === true) (groups.at(-1) as Group).repeats = true
    } else if (character === '|') group.expectsFirst = true
    else if (!'^$?'.includes(character)) noteFirst(group, character === '.' ? undefined : character)
  }
  return undefined
}

function noteFirst(group: Group, first: string | undefined): void {
  if (!group.expectsFirst) return
  group.firsts.push(first)
  group.expectsFirst = false
}

function overlaps(firsts: readonly (string | undefined)[]): boolean {
  if (firsts.length < 2) return false
  return firsts.includes(undefined) || new Set(firsts).size < firsts.length
}

/** Characters of an unbounded (or long) repetition operator at a place, 0 when there is none. */
function repetitionAt(source: string, at: number): number {
  const match = /^(?:[*+]|\{\d+,\d*\}|\{\d+\})[?+]?/.exec(source.slice(at, at + 24))
  if (match === null) return 0
  const bounded = /^\{(\d+)(?:,(\d+))?\}/.exec(match[0])
  if (bounded !== null && Number(bounded[2] ?? bounded[1]) <= 1 && !/,\}/.test(match[0])) return 0
  return match[0].length
}

function classEnd(source: string, open: number): number {
  for (let i = open + 1; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === ']' && i > open + 1) return i
  }
  return source.length
}

/** PostgreSQL's replacement text: `\1` … `\9` a group, `\&` the match, `\\` a backslash, all else itself. */
export function replaceMatches(text: string, pattern: RegExp, replacement: string): string {
  return text.replace(pattern, (...found: readonly unknown[]) =>
    replacement.replace(/\\([1-9&\\])/g, (_, mark: string) => {
      if (mark === '\\') return '\\'
      // Behind the groups stands the number at which the match starts.
      const groups = found.findIndex((part) => typeof part === 'number')
      const part = mark === '&' ? found[0] : Number(mark) < groups ? found[Number(mark)] : ''
      return typeof part === 'string' ? part : ''
    }),
  )
}
