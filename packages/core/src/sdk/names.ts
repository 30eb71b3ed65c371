/**
 * Names that people give to pipelines, steps and options, and the errors for those that cannot be.
 *
 * A step name is the identity of its state (law L7) and stands in file names, metrics and logs: so the characters are
 * few. Steps that the SDK adds on its own carry a `/`, which a person's name may not have.
 */
import { MillraceError } from '../errors.ts'

/** Characters of a name, at most. */
const NAME_LENGTH_MAX = 100

const allowed = /^[A-Za-z][A-Za-z0-9_.-]*$/

/**
 * Checks the name of a pipeline, step, option or side output.
 *
 * @throws MillraceError `plan/invalid-name`
 */
export function checkName(
  what: 'pipeline' | 'step' | 'option' | 'side output' | 'state',
  name: unknown,
): void {
  if (typeof name === 'string' && allowed.test(name) && name.length <= NAME_LENGTH_MAX) return
  const shown =
    typeof name === 'string' ? JSON.stringify(name.slice(0, NAME_LENGTH_MAX)) : `of type ${typeof name}`
  throw new MillraceError('plan/invalid-name', {
    what: `the ${what} name ${shown} is not allowed`,
    detail: `a name is 1 to ${NAME_LENGTH_MAX} of the characters A-Z a-z 0-9 _ - . and starts with a letter`,
    hint: typeof name === 'string' ? suggestName(name) : `give the ${what} a name as the first argument`,
  })
}

function suggestName(name: string): string | undefined {
  const cleaned = name
    .trim()
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z]+|-+$/g, '')
    .slice(0, NAME_LENGTH_MAX)
  return cleaned === '' ? undefined : `for example "${cleaned}"`
}
