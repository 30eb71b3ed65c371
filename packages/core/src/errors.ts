/**
 * The one catalogue of operating errors. Assertions (our own bugs) are not here: they use `assert`.
 *
 * An operating error says what failed (lower case, no final stop), where, what was expected and there,
 * and what to do next. Codes are stable: programs may switch on them, and docs/reference/errors.md
 * describes each one (a test holds the two together).
 */

/** Who has to act: the person who wrote the pipeline, something outside the process, or Millrace itself. */
export type ErrorDomain = 'user' | 'external' | 'internal'

/** Whether the same attempt can succeed later without anyone changing anything. */
export type RetryHint = 'retry' | 'no-retry'

/** How a code is classed. */
export interface CatalogueEntry {
  readonly domain: ErrorDomain
  readonly retry: RetryHint
  /** One sentence: what the code means. */
  readonly meaning: string
}

/** Every code an operating error can carry, with its domain, retry hint and meaning. */
export const errorCatalogue = {
  // The pipeline as it was written.
  'plan/duplicate-step': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'two steps of one pipeline have the same name',
  },
  'plan/invalid-name': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a step, option or column name is empty or has characters that names may not have',
  },
  'plan/unknown-column': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a step or an expression names a column (or a field of a struct) that its input does not have',
  },
  'plan/type-mismatch': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a step uses a column or expression of a type that it cannot take',
  },
  'plan/invalid-argument': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a step was given a value outside its allowed range',
  },
  'plan/no-sink': { domain: 'user', retry: 'no-retry', meaning: 'the pipeline writes nothing' },
  'plan/foreign-stream': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a stream of one pipeline is used in another',
  },
  'plan/no-event-time': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a step needs event time and its input has none',
  },
  'plan/unsupported': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the plan asks for something that this target, mode or connector cannot do',
  },
  'plan/not-deterministic': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'building the pipeline twice gave two different plans',
  },
  'pipeline/not-found': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the module does not exist or has no pipeline as its default export',
  },
  'pipeline/module-failed': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the module threw while it was loaded or while the pipeline was built',
  },
  'option/unknown': {
    domain: 'user',
    retry: 'no-retry',
    meaning: '--set names an option that the pipeline does not declare',
  },
  'option/invalid': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the value of an option does not fit its declaration',
  },
  // Types, schemas, expressions.
  'schema/invalid': { domain: 'user', retry: 'no-retry', meaning: 'a schema is not well formed' },
  'schema/unmappable': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a foreign schema has a part that no column type can hold',
  },
  'schema/mismatch': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the schema of some data differs from the declared schema',
  },
  'schema/not-inferable': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'no schema could be inferred from the first rows of the input',
  },
  'expression/syntax': { domain: 'user', retry: 'no-retry', meaning: 'a SQL expression cannot be parsed' },
  'expression/unknown-function': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'an expression calls a function that does not exist',
  },
  'expression/type': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'an expression combines types that do not fit',
  },
  'value/division-by-zero': { domain: 'user', retry: 'no-retry', meaning: 'a number was divided by zero' },
  'value/overflow': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the result of an operation does not fit its type',
  },
  'value/cast': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a value cannot be converted to the asked type',
  },
  'value/unsafe-integer': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'an integer outside ±2^53 would lose digits as a JavaScript number',
  },
  'value/invalid': { domain: 'user', retry: 'no-retry', meaning: 'a value is not valid for its type' },
  'duration/invalid': { domain: 'user', retry: 'no-retry', meaning: 'a duration cannot be read' },
  // Input.
  'input/not-found': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'an input file or directory does not exist',
  },
  'input/empty': { domain: 'external', retry: 'no-retry', meaning: 'a batch run found no input files' },
  'input/permission': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'an input cannot be opened for lack of permission',
  },
  'input/read-failed': { domain: 'external', retry: 'retry', meaning: 'reading an input failed' },
  'input/undecodable': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'a row of the input cannot be decoded',
  },
  'input/missing-column': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'the input lacks a column that the schema requires',
  },
  'input/truncated': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'an input file ends before its format says it should',
  },
  'input/corrupt': { domain: 'external', retry: 'no-retry', meaning: 'an input file is damaged' },
  'input/no-event-time': { domain: 'external', retry: 'no-retry', meaning: 'a row has no event time' },
  'input/changed': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'an input file changed while it was read or since its position was taken',
  },
  'input/unsupported': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'an input file uses a feature of its format that is not supported',
  },
  // Output.
  'output/exists': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the output holds something that this run did not write',
  },
  'output/overlap': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'an output lies where its pipeline reads, or in another output of it',
  },
  'output/permission': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'the output cannot be written for lack of permission',
  },
  'output/disk-full': { domain: 'external', retry: 'no-retry', meaning: 'the disk of the output is full' },
  'output/write-failed': { domain: 'external', retry: 'retry', meaning: 'writing the output failed' },
  'output/unfit': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'the target of an output is missing, or cannot take the rows as it is',
  },
  'output/rejected': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'the target of an output refuses what is written to it',
  },
  'output/lost': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'a prepared output was lost before it was committed',
  },
  // Checkpoints.
  'checkpoint/store-failed': {
    domain: 'external',
    retry: 'retry',
    meaning: 'the place where checkpoints are kept failed',
  },
  'checkpoint/damaged': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'a file of a checkpoint is missing or not what was written',
  },
  'checkpoint/lost-epochs': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'an output shows rows of epochs that the checkpoint log does not know any more',
  },
  'checkpoint/newer-format': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a checkpoint was written by a newer release',
  },
  'checkpoint/owned': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'another process runs the job whose state this is, or may',
  },
  'checkpoint/fenced': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'another attempt has taken over the job',
  },
  'checkpoint/incompatible': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the pipeline cannot go on with the state that was kept of it',
  },
  'checkpoint/no-such-epoch': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the epoch to go back to is not kept',
  },
  // User code.
  'step/function-failed': { domain: 'user', retry: 'no-retry', meaning: 'a user function threw' },
  'step/invalid-row': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a user function returned a row that does not fit its schema',
  },
  'step/kept-view': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a user function kept a row view beyond its call',
  },
  'step/kept-context': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a user function used its context, or state, after its call',
  },
  'step/unknown-column': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a user function read a column that its row does not have',
  },
  // Running.
  'run/stalled': { domain: 'internal', retry: 'no-retry', meaning: 'no task can make progress' },
  'run/cancelled': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'the run was stopped before it was finished',
  },
  'run/unsupported-runtime': {
    domain: 'external',
    retry: 'no-retry',
    meaning: 'this version of Node lacks something that is needed',
  },
  // Tests of pipelines.
  'test/unknown-name': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a test names a source, sink, step or partition that the pipeline it drives does not have',
  },
  'test/not-possible': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a test asks for something that the mode, source or step it drives cannot do',
  },
  'test/not-running': {
    domain: 'user',
    retry: 'no-retry',
    meaning: 'a test drives a run on that has failed or come to its end',
  },
  'internal/assertion': {
    domain: 'internal',
    retry: 'no-retry',
    meaning: 'Millrace broke one of its own invariants',
  },
} as const

/** A stable error code. */
export type ErrorCode = keyof typeof errorCatalogue

/** Where in the outside world something failed: a file with line or row (from 1) and byte offset (from 0), or a named place. */
export interface Place {
  readonly file?: string
  readonly line?: number
  readonly byte?: number
  readonly row?: number
  readonly column?: string
  /** A place with no file: a topic and offset, a table, a URL. */
  readonly name?: string
}

/** What an operating error is made of. */
export interface ErrorParts {
  /** What failed, with kind and quoted name: lower case, no final stop. */
  readonly what: string
  /** What was expected and what was there. */
  readonly detail?: string | undefined
  /** What the reader can do next: a sentence that can be followed. */
  readonly hint?: string | undefined
  readonly place?: Place | undefined
  readonly step?: string | undefined
  readonly cause?: unknown
}

const brand = Symbol.for('millrace.error')

/**
 * An operating error: expected, typed, with a stable code and a remedy.
 *
 * Recognise one with `isMillraceError`, which also works across duplicate installs of the package.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly domain: ErrorDomain
  readonly retry: RetryHint
  readonly what: string
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly place: Place | undefined
  readonly step: string | undefined

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(renderMessage(parts), parts.cause === undefined ? undefined : { cause: parts.cause })
    this.name = 'MillraceError'
    this.code = code
    this.domain = errorCatalogue[code].domain
    this.retry = errorCatalogue[code].retry
    this.what = parts.what
    this.detail = parts.detail
    this.hint = parts.hint
    this.place = parts.place
    this.step = parts.step
    Object.defineProperty(this, brand, { value: true })
  }
}

/** Tells whether a value is an operating error of Millrace, also one from another copy of the package. */
export function isMillraceError(value: unknown): value is MillraceError {
  return typeof value === 'object' && value !== null && brand in value
}

/** The same error with the step (and, where it has none, the place) filled in; context is added once, on the way up. */
export function withContext(error: unknown, context: { step?: string; place?: Place }): unknown {
  if (!isMillraceError(error)) return error
  if (error.step !== undefined && (error.place !== undefined || context.place === undefined)) return error
  return toldAs(error, { place: error.place ?? context.place, step: error.step ?? context.step })
}

/** The same error with more to its detail, and another cause. */
export function withDetail(
  error: MillraceError,
  more: { readonly detail: string; readonly cause: unknown },
): MillraceError {
  const detail = error.detail === undefined ? more.detail : `${error.detail}; ${more.detail}`
  return toldAs(error, { detail, cause: more.cause })
}

function toldAs(error: MillraceError, parts: Partial<ErrorParts>): MillraceError {
  const told = new MillraceError(error.code, {
    what: error.what,
    detail: error.detail,
    hint: error.hint,
    place: error.place,
    step: error.step,
    cause: error.cause,
    ...parts,
  })
  // Where it happened, not where it was told more of.
  if (error.stack !== undefined) {
    const [, frames = ''] = /^[^]*?(\n {4}at [^]*)$/.exec(error.stack) ?? []
    Object.defineProperty(told, 'stack', { value: `${told.name}: ${told.message}${frames}`, writable: true })
  }
  return told
}

/** A place as people read it: `flights.csv, line 12, byte 803`. */
export function renderPlace(place: Place): string {
  const parts: string[] = []
  if (place.file !== undefined) parts.push(place.file)
  if (place.name !== undefined) parts.push(place.name)
  if (place.line !== undefined) parts.push(`line ${place.line}`)
  if (place.row !== undefined) parts.push(`row ${place.row}`)
  if (place.column !== undefined) parts.push(`column "${place.column}"`)
  if (place.byte !== undefined) parts.push(`byte ${place.byte}`)
  return parts.join(', ')
}

function renderMessage(parts: ErrorParts): string {
  const lines = [parts.detail === undefined ? parts.what : `${parts.what}: ${parts.detail}`]
  if (parts.step !== undefined) lines.push(`  step: ${parts.step}`)
  if (parts.place !== undefined) lines.push(`  at: ${renderPlace(parts.place)}`)
  if (parts.hint !== undefined) lines.push(`  hint: ${parts.hint}`)
  return lines.join('\n')
}

/** Throws the assertion error that says Millrace broke an invariant of its own. */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition) return
  throw new MillraceError('internal/assertion', {
    what: message,
    hint: 'this is a defect of Millrace; please report it with the plan and the input that led here',
  })
}

/** For switches that must be exhaustive: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new MillraceError('internal/assertion', { what: `unexpected value ${JSON.stringify(value)}` })
}
