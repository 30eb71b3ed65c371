/**
 * Errors as people read them: the code, what failed, step, place, hint; the stack of user code where user code
 * failed; every cause with --verbose.
 */
import { inspect } from 'node:util'
import { isMillraceError, renderPlace } from '@millrace/core/errors'
import type { MillraceError } from '@millrace/core/errors'
import { UsageError } from '../command-line/usage-error.ts'
import { userPosition, userStack } from '../module/user-stack.ts'
import { causesOf } from './error-causes.ts'
import type { Palette } from './style.ts'
import { indentUnderLabel, wrapLine } from './wrapped-text.ts'

/** How errors are shown. */
export interface ErrorTextOptions {
  readonly verbose: boolean
  readonly palette: Palette
  /** Columns that lines are broken at; default: nowhere. */
  readonly width?: number
}

/** Codes of failures inside user code: its stack is shown without being asked for. */
const userCode: ReadonlySet<string> = new Set(['pipeline/module-failed', 'step/function-failed'])

/** Codes of mistakes inside functions of steps that Millrace itself finds: they are thrown through the user's line. */
const mistakes: ReadonlySet<string> = new Set(['step/kept-context', 'step/kept-view', 'step/unknown-column'])

/** The error as lines of text, with a line end. */
export function errorText(error: unknown, options: ErrorTextOptions): string {
  const { palette, width = Infinity } = options
  if (error instanceof UsageError) {
    const hint = error.hint === undefined ? [] : [`  ${palette('hint:', 'faint')} ${error.hint}`]
    return wrapped([`${palette('error', 'bad')}: ${error.message}`, ...hint], width)
  }
  const lines = isMillraceError(error) ? operatingError(error, palette) : unexpected(error, palette)
  if (isMillraceError(error) && userCode.has(error.code) && !options.verbose) {
    lines.push(...stackLines(error.cause, palette))
  }
  if (options.verbose) lines.push(...causeLines(error, palette))
  else if (hasCause(error)) lines.push(`  ${palette('causes are shown with --verbose', 'faint')}`)
  return wrapped(lines, width)
}

/** Frames of stacks stay whole, since terminals and editors make links of them; so does code with a mark below it. */
function wrapped(lines: readonly string[], width: number): string {
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) =>
      line.startsWith('    ') ? line : wrapLine(loose(line, width), width, indentUnderLabel(line)),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** On a terminal rows of JSON get places where they can be broken. */
function loose(line: string, width: number): string {
  return width === Infinity ? line : line.replaceAll(/(?<=["\d\]}el]),(?="[^"]*":)/g, ', ')
}

function operatingError(error: MillraceError, palette: Palette): string[] {
  const what = error.detail === undefined ? error.what : `${error.what}: ${error.detail}`
  const lines = [`${palette('error', 'bad')} ${palette(error.code, 'strong')}: ${what}`]
  if (error.step !== undefined) lines.push(`  ${palette('step:', 'faint')} ${error.step}`)
  if (error.place !== undefined) lines.push(`  ${palette('at:', 'faint')} ${renderPlace(error.place)}`)
  lines.push(...writtenAt(error, palette))
  if (error.hint !== undefined) {
    // Further lines are statements to copy.
    const hint = error.hint.replaceAll('\n', '\n    ')
    lines.push(`  ${palette('hint:', 'faint')} ${hint}`)
  }
  return lines
}

/**
 * The line of the module that a step was written on, where it cannot be built, and of the other step of its name; of a
 * mistake inside the function of a step, the line of the mistake.
 */
function writtenAt(error: MillraceError, palette: Palette): string[] {
  if (!/^(plan|expression|schema|duration|option)\//.test(error.code) && !mistakes.has(error.code)) return []
  const here = userPosition(error)
  if (here === undefined) return []
  const first = error.code === 'plan/duplicate-step' ? userPosition(error.cause) : undefined
  const before = first === undefined ? '' : `, and before in ${first}`
  return [`  ${palette('in:', 'faint')} ${here}${before}`]
}

function unexpected(error: unknown, palette: Palette): string[] {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return [
    `${palette('error', 'bad')}: ${message}`,
    `  ${palette('hint:', 'faint')} this was not foreseen and may be a defect of Millrace; --verbose shows where it came from`,
  ]
}

function stackLines(cause: unknown, palette: Palette): string[] {
  return userStack(cause).map((frame) => `    ${palette(frame, 'faint')}`)
}

function hasCause(error: unknown): boolean {
  if (!isMillraceError(error)) return false
  return error.cause !== undefined && !userCode.has(error.code) && error.code !== 'plan/duplicate-step'
}

function causeLines(error: unknown, palette: Palette): string[] {
  const lines = [`  ${palette('stack:', 'faint')}`, ...rawStack(error)]
  for (const cause of causesOf(error)) {
    const head =
      cause instanceof Error ? `${cause.name}: ${cause.message.split('\n')[0] ?? ''}` : inspect(cause)
    lines.push(`  ${palette('caused by:', 'faint')} ${head}`, ...rawStack(cause))
  }
  return lines
}

function rawStack(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => `    ${line.trim()}`)
}
