/**
 * Refuses options that do not exist: JavaScript, a cast or a spread object lets a misspelt one pass the compiler, and
 * the default would be taken in silence.
 */
import { didYouMean, nearestNames } from './nearest-names.ts'
import { MillraceError } from '../errors.ts'

/** Characters of a wrong value that a message shows. */
const SHOWN_MAX = 100

/**
 * Checks the names in an object of options. `otherwise` is the hint where no name is near.
 *
 * @throws MillraceError `plan/invalid-argument` for a name that is not in `known`, and for what is no such object.
 */
export function checkOptionNames(
  of: string,
  options: unknown,
  known: readonly string[],
  otherwise: string = 'leave it out, or look up what it is called',
): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new MillraceError('plan/invalid-argument', {
      what: `the options of ${of} are ${options === null ? 'null' : Array.isArray(options) ? 'a list' : `a ${typeof options}`}`,
      detail: 'expected an object',
    })
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    throw new MillraceError('plan/invalid-argument', {
      what: `${of} has no option "${name}"`,
      detail: known.length === 0 ? 'it has none' : `its options are ${known.join(', ')}`,
      hint: didYouMean(name, known) ?? otherwise,
    })
  }
}

/**
 * Checks that the value of an option is one of a few words, or not given.
 *
 * @throws MillraceError `plan/invalid-argument`
 */
export function checkOptionChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return
  const shown =
    typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_MAX)) : `of type ${typeof value}`
  const near = typeof value === 'string' ? nearestNames(value, choices) : []
  const listed = choices.map((choice) => `'${choice}'`).join(' or ')
  throw new MillraceError('plan/invalid-argument', {
    what: `the option "${name}" cannot be ${shown}`,
    detail: `expected ${listed}`,
    hint: near[0] === undefined ? undefined : `did you mean '${near[0]}'?`,
  })
}
