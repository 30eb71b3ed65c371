/**
 * Patterns: LIKE, ILIKE, SIMILAR TO and regular expressions (JavaScript's dialect, with PostgreSQL's functions).
 */
import { likePattern, regularPattern, replaceMatches, similarPattern } from '../pattern.ts'
import { booleanType, int32Type, stringType } from '../types.ts'
import type { FunctionDefinition, Overload } from './define.ts'
import { define, parameter } from './define.ts'

const { text, integer } = parameter
const matching: readonly Overload[] = [{ parameters: [text, text], result: booleanType }]
const escaped: readonly Overload[] = [{ parameters: [text, text, text], optional: 1, result: booleanType }]
const flagged: readonly Overload[] = escaped

/** The entries of this family. */
export const patternFunctions: readonly FunctionDefinition[] = [
  define('like', 'pattern', 'text like pattern [escape c]', 'Whether a text matches: % is any text, _ one character.',
    escaped, ([value, pattern, escape]) => likePattern(pattern as string, (escape ?? '\\') as string, false).test(value as string)),
  define('ilike', 'pattern', 'text ilike pattern [escape c]', 'LIKE without regard to case.',
    escaped, ([value, pattern, escape]) => likePattern(pattern as string, (escape ?? '\\') as string, true).test(value as string)),
  define('similar_to', 'pattern', 'text similar to pattern [escape c]', "Whether a text matches SQL's regular expression as a whole.",
    escaped, ([value, pattern, escape]) => similarPattern(pattern as string, (escape ?? '\\') as string).test(value as string)),
  define('~', 'pattern', 'text ~ pattern', 'Whether a regular expression matches somewhere.',
    matching, ([value, pattern]) => regularPattern(pattern as string, '').test(value as string)),
  define('~*', 'pattern', 'text ~* pattern', 'Whether a regular expression matches somewhere, without regard to case.',
    matching, ([value, pattern]) => regularPattern(pattern as string, 'i').test(value as string)),
  define('regexp_like', 'pattern', 'regexp_like(text, pattern [, flags]) → boolean', 'Whether a regular expression matches somewhere.',
    flagged, ([value, pattern, flags]) => regularPattern(pattern as string, withoutGlobal((flags ?? '') as string)).test(value as string)),
  define('regexp_replace', 'pattern', 'regexp_replace(text, pattern, replacement [, flags]) → text',
    'The first match (with flag g every match) replaced; \\1 is a group, \\& the match.',
    [{ parameters: [text, text, text, text], optional: 1, result: stringType }],
    ([value, pattern, replacement, flags]) =>
      replaceMatches(value as string, regularPattern(pattern as string, (flags ?? '') as string), replacement as string)),
  define('regexp_substr', 'pattern', 'regexp_substr(text, pattern) → text', 'The first match, null without one.',
    [{ parameters: [text, text], result: stringType, nullable: true }],
    ([value, pattern]) => regularPattern(pattern as string, '').exec(value as string)?.[0] ?? null),
  define('regexp_extract', 'pattern', 'regexp_extract(text, pattern [, group]) → text',
    'A group (default 0: all) of the first match, null without one.',
    [{ parameters: [text, text, integer], optional: 1, result: stringType, nullable: true }],
    ([value, pattern, group]) => regularPattern(pattern as string, '').exec(value as string)?.[Number(group ?? 0)] ?? null),
  define('regexp_match', 'pattern', 'regexp_match(text, pattern [, flags]) → list',
    'The groups of the first match (the whole match without groups), null without one.',
    [{ parameters: [text, text, text], optional: 1, result: { kind: 'list', element: { type: stringType, nullable: true } }, nullable: true }],
    ([value, pattern, flags]) => {
      const match = regularPattern(pattern as string, withoutGlobal((flags ?? '') as string)).exec(value as string)
      if (match === null) return null
      return match.length === 1 ? [match[0]] : match.slice(1).map((part) => part ?? null)
    }),
  define('regexp_count', 'pattern', 'regexp_count(text, pattern) → integer', 'How often a regular expression matches.',
    [{ parameters: [text, text], result: int32Type }],
    ([value, pattern]) => (value as string).match(regularPattern(pattern as string, 'g'))?.length ?? 0),
] // prettier-ignore

function withoutGlobal(flags: string): string {
  return flags.replaceAll('g', '')
}
