/**
 * Points at a place in SQL text: line, column and an excerpt with a caret under the place.
 */
import { MillraceError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { SourceText, Span } from './syntax.ts'

const EXCERPT_MAX = 100

/** `line 1, column 7` (both from 1) of an offset. */
function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}

/** The line around a span, with a caret line below. */
function excerptOf(text: string, span: Span): string {
  const lineStart = text.lastIndexOf('\n', span.start - 1) + 1
  const lineEndFound = text.indexOf('\n', span.start)
  const lineEnd = lineEndFound === -1 ? text.length : lineEndFound
  const from = Math.max(lineStart, span.start - EXCERPT_MAX / 2)
  const to = Math.min(lineEnd, from + EXCERPT_MAX)
  const head = from > lineStart ? '…' : ''
  const tail = to < lineEnd ? '…' : ''
  const carets = Math.max(1, Math.min(span.end, to) - span.start)
  const shown = text.slice(from, to).replaceAll('\t', ' ').replaceAll('\r', ' ')
  return `${head}${shown}${tail}\n${' '.repeat(head.length + span.start - from)}${'^'.repeat(carets)}`
}

/** An error at a place of some SQL text; without a place only the words. */
export function errorAt(
  code: ErrorCode,
  source: SourceText | undefined,
  span: Span,
  parts: { readonly what: string; readonly detail?: string | undefined; readonly hint?: string | undefined },
): MillraceError {
  if (source === undefined || span.start < 0) return new MillraceError(code, parts)
  const { line, column } = positionOf(source.text, span.start)
  const place = `line ${line}, column ${column}`
  const detail = parts.detail === undefined ? place : `${parts.detail} (${place})`
  const excerpt = excerptOf(source.text, span)
    .split('\n')
    .map((text) => `    ${text}`)
    .join('\n')
  return new MillraceError(code, {
    what: parts.what,
    detail: `${detail}\n${excerpt}`,
    hint: parts.hint,
  })
}
