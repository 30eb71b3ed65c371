/**
 * Constant arguments that can be told wrong before any row: patterns, JSON paths, time zones, units.
 *
 * They are checked when an expression is bound, with the same functions that read them when it runs; those also check
 * what is not constant, row by row.
 */
import type { DataType } from '../data/type.ts'
import { typeWithArticle } from '../data/type-text.ts'
import { zoneOf } from '../time/index.ts'
import type { Expression } from './expression.ts'
import { isTextLiteral } from './functions/define.ts'
import { pathSteps } from './json-path.ts'
import { likePattern, regularPattern, similarPattern } from './pattern.ts'
import { extractKind, fieldName, allFields, truncUnits } from './time-fields.ts'

/** An argument by its place, and what reads it; throws `value/invalid`. */
interface Check {
  readonly at: number
  /** Another argument that says how it is read, such as flags; both have to be constant. */
  readonly by?: number
  readonly read: (text: string, by: string | undefined) => unknown
}

const pattern = (by: number = -1): Check => ({
  at: 1,
  by,
  read: (text, flags = '') => regularPattern(text, flags.replaceAll('g', '')),
})
const escapedPattern = (read: (text: string, escape: string) => unknown): Check => ({
  at: 1,
  by: 2,
  read: (text, escape = '\\') => read(text, escape),
})
const path: Check = { at: 1, read: (text) => pathSteps(text) }
const zone = (at: number): Check => ({ at, read: (text) => zoneOf(text) })

const checks: ReadonlyMap<string, Check> = new Map([
  ['~', pattern()],
  ['~*', pattern()],
  ['regexp_like', pattern(2)],
  ['regexp_replace', pattern(3)],
  ['regexp_substr', pattern()],
  ['regexp_extract', pattern()],
  ['regexp_match', pattern(2)],
  ['regexp_count', pattern()],
  ['like', escapedPattern((text, escape) => likePattern(text, escape, false))],
  ['ilike', escapedPattern((text, escape) => likePattern(text, escape, true))],
  ['similar_to', escapedPattern(similarPattern)],
  ['json_extract', path],
  ['json_extract_text', path],
  ['json_value', path],
  ['timezone', zone(0)],
  ['date_trunc', zone(2)],
  ['date_part', zone(2)],
])

/**
 * Reads the constant argument of a call that can be wrong; `locate` runs the reading and gives its error the place of
 * that argument.
 */
export function checkConstants(
  name: string,
  parts: readonly Expression[],
  locate: (argument: number, read: () => unknown) => void,
): void {
  const check = checks.get(name)
  if (check === undefined) return
  const text = constantText(parts[check.at])
  const by = parts[check.by ?? -1]
  if (text === undefined || (by !== undefined && by.kind !== 'literal')) return
  locate(check.at, () => check.read(text, constantText(by)))
}

/** What is wrong with the unit of a call that found no overload: undefined when it is something else. */
export function wrongUnit(
  name: string,
  parts: readonly Expression[],
): { readonly what: string; readonly hint: string } | undefined {
  const [unit, value] = parts
  if (unit === undefined || value === undefined || !unitCalls.has(name) || unit.type.kind !== 'string')
    return undefined
  const text = constantText(unit)
  const units = unitsFor(name, value.type)
  if (units.length === 0 || (text !== undefined && units.includes(fieldName(text)))) return undefined
  return {
    what:
      text === undefined
        ? `the unit of ${name} is not a constant`
        : `${name} knows no unit "${text}" of ${typeWithArticle(value.type)}`,
    hint: `units: ${units.join(', ')}`,
  }
}

const unitCalls = new Set(['date_trunc', 'date_part', 'date_diff'])
const diffUnits = ['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']

function unitsFor(name: string, type: DataType): readonly string[] {
  switch (name) {
    case 'date_diff':
      return diffUnits
    case 'date_trunc':
      return type.kind === 'timestamp' || type.kind === 'date' ? [...truncUnits] : []
    default:
      return allFields.filter((field) => timed.has(type.kind) && extractKind(field, type) !== undefined)
  }
}

const timed = new Set<DataType['kind']>(['timestamp', 'date', 'time', 'interval'])

function constantText(part: Expression | undefined): string | undefined {
  return part !== undefined && isTextLiteral(part) ? String((part as { value: unknown }).value) : undefined
}
