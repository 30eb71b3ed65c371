/**
 * Paths into JSON: `$.a[0]."b c"`, and PostgreSQL's `{a,0}`-like lists of steps. Numbers keep their digits as text.
 */
import { failValue, shorten } from './value-error.ts'

/** A step into an object or an array. */
export type PathStep = string | number

const paths = new Map<string, readonly PathStep[]>()
const CACHE_MAX = 500

/** The steps of a JSON path. Throws `value/invalid`. */
export function pathSteps(path: string): readonly PathStep[] {
  let steps = paths.get(path)
  if (steps === undefined) {
    steps = parsePath(path)
    if (paths.size >= CACHE_MAX) paths.clear()
    paths.set(path, steps)
  }
  return steps
}

function parsePath(path: string): readonly PathStep[] {
  const steps: PathStep[] = []
  let rest = path.trim().replace(/^(lax|strict)\s+/, '')
  if (!rest.startsWith('$')) return failValue('value/invalid', `JSON path "${shorten(path)}" does not start with $`)
  rest = rest.slice(1)
  while (rest !== '') {
    const match =
      /^\.([\p{L}_$][\p{L}\p{N}_$-]*)/u.exec(rest) ??
      /^\.?\s*"((?:[^"\\]|\\.)*)"/.exec(rest) ??
      /^\[\s*(-?\d{1,9})\s*\]/.exec(rest) ??
      /^\[\s*['"]([^'"]*)['"]\s*\]/.exec(rest)
    if (match === null) return failValue('value/invalid', `JSON path "${shorten(path)}" cannot be read at "${shorten(rest)}"`)
    const text = match[1] as string
    steps.push(/^\[\s*-?\d/.test(match[0]) ? Number(text) : text.replace(/\\(.)/g, '$1'))
    rest = rest.slice(match[0].length)
  }
  return steps
} // prettier-ignore

/** The text of the value at the end of some steps, or undefined when there is none. */
export function jsonAt(json: string, steps: readonly PathStep[]): string | undefined {
  let text = json
  for (const step of steps) {
    const found = typeof step === 'number' ? elementOf(text, step) : memberOf(text, step)
    if (found === undefined) return undefined
    text = found
  }
  return text.trim()
}

function memberOf(json: string, name: string): string | undefined {
  const start = skipBlank(json, 0)
  if (json[start] !== '{') return undefined
  let found: string | undefined
  eachMember(json, start, (key, from, to) => {
    // The last of equal names counts, as in PostgreSQL's jsonb and JSON.parse.
    if (key === name) found = json.slice(from, to)
  })
  return found
}

function elementOf(json: string, index: number): string | undefined {
  const elements = elementsOf(json)
  return elements?.[index < 0 ? elements.length + index : index]
}

/** The texts of an array's elements; undefined when it is no array. */
export function elementsOf(json: string): string[] | undefined {
  const start = skipBlank(json, 0)
  if (json[start] !== '[') return undefined
  const elements: string[] = []
  let at = skipBlank(json, start + 1)
  while (json[at] !== ']' && at < json.length) {
    const end = valueEnd(json, at)
    elements.push(json.slice(at, end))
    at = skipBlank(json, end)
    if (json[at] === ',') at = skipBlank(json, at + 1)
  }
  return elements
}

/** The names of an object's members; undefined when it is no object. */
export function namesOf(json: string): string[] | undefined {
  const start = skipBlank(json, 0)
  if (json[start] !== '{') return undefined
  const names = new Set<string>()
  eachMember(json, start, (key) => names.add(key))
  return [...names]
}

function eachMember(json: string, start: number, see: (key: string, from: number, to: number) => void): void {
  let at = skipBlank(json, start + 1)
  while (json[at] === '"') {
    const keyEnd = stringEnd(json, at)
    const key = JSON.parse(json.slice(at, keyEnd)) as string
    const from = skipBlank(json, skipBlank(json, keyEnd) + 1)
    const to = valueEnd(json, from)
    see(key, from, to)
    at = skipBlank(json, to)
    if (json[at] === ',') at = skipBlank(json, at + 1)
  }
}

function skipBlank(json: string, at: number): number {
  let end = at
  while (end < json.length && json.charCodeAt(end) <= 32) end++
  return end
}

function stringEnd(json: string, at: number): number {
  let end = at + 1
  while (end < json.length && json[end] !== '"') end += json[end] === '\\' ? 2 : 1
  return end + 1
}

/** The end of the value that starts at a place: brackets are counted, not nested by calls. */
function valueEnd(json: string, at: number): number {
  let depth = 0
  let end = at
  while (end < json.length) {
    const character = json[end]
    if (character === '"') {
      end = stringEnd(json, end)
      if (depth === 0) return end
      continue
    }
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') {
      if (depth === 0) return end
      depth--
      if (depth === 0) return end + 1
    } else if (depth === 0 && (character === ',' || json.charCodeAt(end) <= 32)) return end
    end++
  }
  return end
}

/** What kind of JSON value a text is: PostgreSQL's json_typeof. */
export function jsonKind(json: string): string {
  switch (json[skipBlank(json, 0)]) {
    case '{':
      return 'object'
    case '[':
      return 'array'
    case '"':
      return 'string'
    case 't':
    case 'f':
      return 'boolean'
    case 'n':
      return 'null'
    default:
      return 'number'
  }
}

/** A JSON value as text: strings without quotes, null as undefined, all else as it is written. */
export function jsonText(json: string | undefined): string | undefined {
  if (json === undefined || json === 'null') return undefined
  return json.startsWith('"') ? (JSON.parse(json) as string) : json
}
