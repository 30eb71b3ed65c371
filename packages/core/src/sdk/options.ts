/**
 * Options of a pipeline: named values with defaults that `--set name=value` changes.
 *
 * Values arrive as text (from the command line) or as values (from code) and are checked against the declaration.
 */
import { checkOptionNames } from '../data/option-names.ts'
import { didYouMean, listNames } from '../data/nearest-names.ts'
import { MillraceError } from '../errors.ts'
import { formatDuration, parseDuration } from '../time/index.ts'
import type { Duration } from '../time/index.ts'
import { checkName } from './names.ts'

/** A value that an option can be set to. */
export type OptionValue = string | number | boolean | Duration

/** Values for options by name. */
export interface OptionValues {
  readonly [name: string]: OptionValue
}

/** A declaration whose type follows from its default: text, number or truth value. */
export interface OptionDeclaration<Value extends string | number | boolean> {
  readonly default: Value
  /** One line for `--help`. */
  readonly description?: string
  /** The only values allowed. */
  readonly choices?: readonly Value[]
}

/** A declaration of a length of time; the option's value is in milliseconds. */
export interface DurationOptionDeclaration {
  readonly type: 'duration'
  readonly default: Duration
  readonly description?: string
}

/** An option as `--help` shows it. */
export interface DeclaredOption {
  readonly name: string
  readonly type: 'string' | 'number' | 'boolean' | 'duration'
  /** The default as it would be written after `--set name=`. */
  readonly default: string
  /** The value in use, written likewise. */
  readonly value: string
  readonly description: string | undefined
  readonly choices: readonly string[] | undefined
}

/** The type of an option's value: literals widen, so that a default of 5 does not make the option always 5. */
export type Widened<Value> = Value extends string
  ? string
  : Value extends number
    ? number
    : Value extends boolean
      ? boolean
      : never

/** Collects the declarations of one build and hands out values. */
export class OptionReader {
  private readonly given: OptionValues
  private readonly declared = new Map<string, DeclaredOption>()

  constructor(given: OptionValues) {
    this.given = given
  }

  /** Declares an option and gives its value. */
  read(
    name: string,
    declaration: OptionDeclaration<string | number | boolean> | DurationOptionDeclaration,
  ): string | number | boolean {
    checkName('option', name)
    if (this.declared.has(name)) {
      throw new MillraceError('plan/invalid-name', {
        what: `option "${name}" is declared twice`,
        hint: 'declare it once and use its value in both places',
      })
    }
    checkDeclaration(name, declaration)
    const type = typeOf(name, declaration)
    const fallback = convert(name, type, declaration.default)
    const value = Object.hasOwn(this.given, name) ? convert(name, type, this.given[name]) : fallback
    const choices = 'choices' in declaration ? declaration.choices : undefined
    if (choices !== undefined && !choices.includes(value)) {
      throw invalid(name, value, `one of ${listNames(choices.map(String))}`)
    }
    this.declared.set(name, {
      name,
      type,
      default: show(type, fallback),
      value: show(type, value),
      description: declaration.description,
      choices: choices?.map(String),
    })
    return value
  }

  /** Refuses given names that were not declared, and gives the declarations. */
  finish(): readonly DeclaredOption[] {
    const names = [...this.declared.keys()]
    for (const name of Object.keys(this.given)) {
      if (this.declared.has(name)) continue
      throw new MillraceError('option/unknown', {
        what: `option "${name}" does not exist`,
        detail:
          names.length === 0 ? 'the pipeline declares no options' : `its options are ${listNames(names)}`,
        hint: didYouMean(name, names),
      })
    }
    return [...this.declared.values()]
  }
}

/** Refuses what a declaration cannot say. */
function checkDeclaration(name: string, declaration: unknown): void {
  if (typeof declaration !== 'object' || declaration === null) {
    throw new MillraceError('option/invalid', {
      what: `option "${name}" has no declaration`,
      hint: `write p.option('${name}', { default: … })`,
    })
  }
  const isTyped = 'type' in declaration && declaration.type !== undefined
  const known = isTyped ? ['type', 'default', 'description'] : ['type', 'default', 'description', 'choices']
  checkOptionNames(`the declaration of option "${name}"`, declaration, known)
  if (!isTyped || declaration.type === 'duration') return
  throw new MillraceError('option/invalid', {
    what: `option "${name}" has the type ${JSON.stringify(declaration.type)}`,
    detail: "the only type that is written is 'duration'",
    hint: 'leave it out: the type of the others follows from the default',
  })
}

function typeOf(
  name: string,
  declaration: OptionDeclaration<string | number | boolean> | DurationOptionDeclaration,
): DeclaredOption['type'] {
  if ('type' in declaration && declaration.type !== undefined) return 'duration'
  const type = typeof declaration.default
  if (type === 'string' || type === 'number' || type === 'boolean') return type
  throw new MillraceError('option/invalid', {
    what: `option "${name}" has no default`,
    detail: 'the default is a string, number or boolean, and the type of the option follows from it',
    hint: `write p.option('${name}', { default: … })`,
  })
}

function convert(name: string, type: DeclaredOption['type'], value: unknown): string | number | boolean {
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value
      throw invalid(name, value, 'text')
    case 'number':
      return convertNumber(name, value)
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (value === 'true' || value === 'yes' || value === 'on' || value === '1') return true
      if (value === 'false' || value === 'no' || value === 'off' || value === '0') return false
      throw invalid(name, value, 'true or false')
    case 'duration':
      return convertDuration(name, value)
  }
}

function convertNumber(name: string, value: unknown): number {
  const text = typeof value === 'string' ? value.trim().replaceAll('_', '') : ''
  const number = typeof value === 'number' ? value : text === '' ? Number.NaN : Number(text)
  if (Number.isFinite(number)) return number
  throw invalid(name, value, 'a number')
}

function convertDuration(name: string, value: unknown): number {
  const text = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value
  try {
    return parseDuration(text as Duration)
  } catch (cause) {
    throw invalid(name, value, "a duration such as '10 s'", cause)
  }
}

function show(type: DeclaredOption['type'], value: string | number | boolean): string {
  return type === 'duration' ? formatDuration(value as number) : String(value)
}

function invalid(name: string, value: unknown, expected: string, cause?: unknown): MillraceError {
  return new MillraceError('option/invalid', {
    what: `the value ${JSON.stringify(value) ?? String(value)} does not fit option "${name}"`,
    detail: `it must be ${expected}`,
    cause,
  })
}
