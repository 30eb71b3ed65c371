/**
 * Glob patterns over paths: `*` and `?` within a name, `**` over folders, `[a-z]` and `[!a-z]`, `{a,b}`, and `\` before a
 * character that stands for itself.
 *
 * A name that begins with a dot or underscore matches only where the pattern spells that first character.
 */
import { MillraceError } from '../../errors.ts'
import type { Files, FileStatus } from '../../host/host.ts'
import { bytewise, isHidden, joinPath } from './file-name.ts'
import { isWithin, parsePartition } from './partition-path.ts'

/** Patterns that braces may multiply to. */
const ALTERNATIVES_MAX = 1000
/** Folders that `**` may go down: links can form circles. */
const DEPTH_MAX = 64

type Segment =
  | { readonly kind: 'any-folders' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pattern'; readonly matches: (name: string) => boolean }

/** Whether a path has characters of a pattern. */
export function isGlob(path: string): boolean {
  return /(^|[^\\])[*?[{]/.test(path)
}

/** The longest folder that every match lies in. */
export function globBase(pattern: string): string {
  const folders: string[] = []
  const segments = pattern.split('/')
  for (const segment of segments.slice(0, -1)) {
    if (isGlob(segment)) break
    folders.push(unescape(segment))
  }
  const base = folders.join('/')
  if (base === '') return pattern.startsWith('/') ? '/' : '.'
  return base
}

/** Paths that match a pattern. */
export interface GlobMatches {
  readonly files: readonly string[]
  /** Neither files nor folders: links that lead nowhere, devices, pipes. */
  readonly others: readonly string[]
}

/** The paths of what matches, sorted bytewise, each once. Folders do not count. */
export async function globFiles(files: Files, pattern: string): Promise<GlobMatches> {
  const found = new Set<string>()
  const others = new Set<string>()
  for (const alternative of expandBraces(pattern)) {
    const isAbsolute = alternative.startsWith('/')
    const segments = alternative
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .map(toSegment)
    await walk({ files, found, others }, { folder: isAbsolute ? '/' : '.', segments, depth: 0 })
  }
  return { files: [...found].sort(bytewise), others: [...others].sort(bytewise) }
}

interface Walk {
  readonly files: Files
  readonly found: Set<string>
  readonly others: Set<string>
}

interface WalkPlace {
  readonly folder: string
  readonly segments: readonly Segment[]
  readonly depth: number
}

async function walk(context: Walk, place: WalkPlace): Promise<void> {
  const [segment, ...rest] = place.segments
  if (segment === undefined || place.depth > DEPTH_MAX) return
  const { folder, depth } = place
  if (segment.kind === 'name') {
    const path = joinPath(folder, segment.name)
    const status = await context.files.status(path)
    if (status?.kind === 'file' && rest.length === 0) context.found.add(path)
    if (status?.kind === 'directory') await walk(context, { folder: path, segments: rest, depth: depth + 1 })
    return
  }
  // `**` stands for no folder too.
  if (segment.kind === 'any-folders') await walk(context, { folder, segments: rest, depth: depth + 1 })
  for (const { name, kind } of await context.files.list(folder)) {
    const path = joinPath(folder, name)
    if (segment.kind === 'any-folders') {
      if (kind === 'directory' && !isHidden(name)) {
        await walk(context, { folder: path, segments: place.segments, depth: depth + 1 })
      }
      if (rest.length === 0 && !isHidden(name)) take(context, path, kind)
      continue
    }
    if (!segment.matches(name)) continue
    if (rest.length === 0) take(context, path, kind)
    if (kind === 'directory') await walk(context, { folder: path, segments: rest, depth: depth + 1 })
  }
}

function take(context: Walk, path: string, kind: FileStatus['kind']): void {
  if (kind === 'file') context.found.add(path)
  if (kind === 'other') context.others.add(path)
}

/**
 * Whether a file could match that lies in `folder` or in partition folders in it, whether or not there is one now.
 * `folder` is absolute, with links followed.
 */
export async function couldMatchIn(files: Files, pattern: string, folder: string): Promise<boolean> {
  for (const alternative of expandBraces(pattern)) {
    const segments = alternative.split('/')
    const first = segments.findIndex((segment, at) => isGlob(segment) || at === segments.length - 1)
    const base = await files.real(unescape(segments.slice(0, first).join('/')) || globBase(alternative))
    if (isWithin(folder, base)) return true
    if (folder !== base && !folder.startsWith(joinPath(base, ''))) continue
    const inner = folder.slice(base.length).split('/').filter(Boolean)
    const rest = segments.slice(first).filter((part) => part !== '' && part !== '.')
    if (couldMatchBelow(rest.map(toSegment), inner)) return true
  }
  return false
}

function couldMatchBelow(segments: readonly Segment[], folders: readonly string[]): boolean {
  const [segment, ...rest] = segments
  const [folder, ...inner] = folders
  if (segment === undefined) return false
  if (folder === undefined)
    return rest.length === 0 || segment.kind !== 'name' || parsePartition(segment.name) !== undefined
  if (segment.kind === 'any-folders')
    return couldMatchBelow(rest, folders) || (!isHidden(folder) && couldMatchBelow(segments, inner))
  const matches = segment.kind === 'name' ? segment.name === folder : segment.matches(folder)
  return matches && couldMatchBelow(rest, inner)
}

/** Whether a path is one that `globFiles` would give, if it was there. */
export function matchesGlob(pattern: string, path: string): boolean {
  const parts = path.split('/').filter(Boolean)
  return expandBraces(pattern).some((alternative) => {
    if (alternative.startsWith('/') !== path.startsWith('/')) return false
    const segments = alternative.split('/').filter((part) => part !== '' && part !== '.')
    return matchesSegments(segments.map(toSegment), parts)
  })
}

function matchesSegments(segments: readonly Segment[], parts: readonly string[]): boolean {
  const [segment, ...rest] = segments
  const [part, ...inner] = parts
  if (segment === undefined) return part === undefined
  if (segment.kind === 'any-folders')
    return (
      matchesSegments(rest, parts) ||
      (part !== undefined && !isHidden(part) && matchesSegments(segments, inner))
    )
  if (part === undefined) return false
  const matches = segment.kind === 'name' ? segment.name === part : segment.matches(part)
  return matches && matchesSegments(rest, inner)
}

/** `a{b,c{d,e}}` as `ab`, `acd`, `ace`. A brace without partner stands for itself. */
export function expandBraces(pattern: string): string[] {
  const open = findBrace(pattern)
  if (open === undefined) return [pattern]
  const { start, end, parts } = open
  const results: string[] = []
  for (const part of parts) {
    for (const expanded of expandBraces(pattern.slice(0, start) + part + pattern.slice(end + 1))) {
      results.push(expanded)
      if (results.length > ALTERNATIVES_MAX) {
        throw new MillraceError('plan/invalid-argument', {
          what: `the braces of pattern "${pattern}" stand for more than ${ALTERNATIVES_MAX} patterns`,
          hint: 'use * where the names need not be listed',
        })
      }
    }
  }
  return results
}

/** The first brace with a partner and a comma, and its alternatives. */
function findBrace(
  pattern: string,
): { readonly start: number; readonly end: number; readonly parts: string[] } | undefined {
  for (let start = 0; start < pattern.length; start++) {
    if (pattern[start] === '\\') start++
    else if (pattern[start] === '{') {
      const found = closeBrace(pattern, start)
      if (found !== undefined) return found
    }
  }
  return undefined
}

function closeBrace(pattern: string, start: number): ReturnType<typeof findBrace> {
  const parts: string[] = []
  let depth = 0
  let from = start + 1
  for (let index = start; index < pattern.length; index++) {
    const character = pattern[index]
    if (character === '\\') index++
    else if (character === '{') depth++
    else if (character === ',' && depth === 1) {
      parts.push(pattern.slice(from, index))
      from = index + 1
    } else if (character === '}' && --depth === 0) {
      parts.push(pattern.slice(from, index))
      return parts.length > 1 ? { start, end: index, parts } : undefined
    }
  }
  return undefined
}

function toSegment(text: string): Segment {
  if (text === '**') return { kind: 'any-folders' }
  if (!isGlob(text)) return { kind: 'name', name: unescape(text) }
  const expression = new RegExp(`^${toExpression(text)}$`, 'su')
  const first = unescape(text.slice(0, 2))[0] as string
  return {
    kind: 'pattern',
    matches: (name) => expression.test(name) && (!isHidden(name) || name.startsWith(first)),
  }
}

function toExpression(text: string): string {
  let expression = ''
  const characters = Array.from(text)
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] as string
    if (character === '\\' && index + 1 < characters.length)
      expression += literal(characters[++index] as string)
    else if (character === '*') expression += '.*'
    else if (character === '?') expression += '.'
    else if (character === '[') {
      const end = characters.indexOf(']', index + 2)
      if (end < 0) expression += literal(character)
      else {
        expression += toClass(characters.slice(index + 1, end))
        index = end
      }
    } else expression += literal(character)
  }
  return expression
}

function toClass(members: readonly string[]): string {
  const negated = members[0] === '!' || members[0] === '^'
  const listed = negated ? members.slice(1) : members
  const inner = listed.map((member, index) => {
    const isRange = member === '-' && index > 0 && index < listed.length - 1
    return isRange && (listed[index - 1] as string) <= (listed[index + 1] as string) ? '-' : literal(member)
  })
  return `[${negated ? '^' : ''}${inner.join('')}]`
}

/** A character as it stands in a regular expression, inside a class or not. */
function literal(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gsu, '$1')
}
