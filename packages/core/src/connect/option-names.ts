/**
 * Refuses options that do not exist: JavaScript, a cast or a spread object lets a misspelt one pass the compiler, and
 * the default would be taken in silence.
 */
import { nearestNames } from '../data/nearest-names.ts'
import { MillraceError } from '../errors.ts'

/**
 * Checks the names in an object of options.
 *
 * @throws MillraceError `plan/invalid-argument` for a name that is not in `known`, and for what is no such object.
 */
export function checkOptionNames(of: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new MillraceError('plan/invalid-argument', {
      what: `the options of ${of} are ${options === null ? 'null' : Array.isArray(options) ? 'a list' : `a ${typeof options}`}`,
      detail: 'expected an object',
    })
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = nearestNames(name, known)
    throw new MillraceError('plan/invalid-argument', {
      what: `${of} has no option "${name}"`,
      detail: known.length === 0 ? 'it has none' : `its options are ${known.join(', ')}`,
      hint:
        near.length === 0
          ? 'leave it out, or look up what it is called'
          : `did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`,
    })
  }
}
