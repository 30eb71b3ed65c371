/**
 * What stands behind a row view: it answers for the columns that a row does not have.
 *
 * It is the prototype of the view, so that only a miss comes here; columns are the view's own and cost what they did.
 * What every object has, symbols, and names that runtimes and test tools ask any object for, stay as they are.
 */
import { MillraceError } from '../errors.ts'
import { didYouMean } from './nearest-names.ts'

/** Names that are asked of any object: by promises, JSON, `console.log` and matchers. */
const askedOfAnything: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'inspect',
  'asymmetricMatch',
  'nodeType',
  'nodeName',
  'tagName',
])

/** Columns that a message lists at most. */
const LISTED_MAX = 12

/** The prototype of a view with these columns; `isPart` when a step's `uses` chose them. */
export function rowGuard(columns: readonly string[], isPart: boolean): object {
  return new Proxy(Object.prototype, {
    get(target, name, receiver): unknown {
      if (typeof name === 'symbol' || name in target) return Reflect.get(target, name, receiver)
      if (askedOfAnything.has(name) || name.startsWith('@@') || name.startsWith('$$')) return undefined
      throw unknownColumn(name, columns, isPart)
    },
  })
}

function unknownColumn(name: string, columns: readonly string[], isPart: boolean): MillraceError {
  const listed = columns.slice(0, LISTED_MAX).join(', ') + (columns.length > LISTED_MAX ? ', …' : '')
  const otherwise = isPart ? 'name it in `uses`, which says what the function reads' : undefined
  return new MillraceError('step/unknown-column', {
    what: `the row has no column "${name}"`,
    detail: `${isPart ? 'with what the step says in `uses`, its columns are' : 'its columns are'} ${listed}`,
    hint: didYouMean(name, columns) ?? otherwise,
  })
}

/** The error of a row that was read after its call. */
export function keptView(name: string): MillraceError {
  return new MillraceError('step/kept-view', {
    what: `column "${name}" was read from a row after the call that the row was given to`,
    detail: 'a row is a view of memory that is used again for the next row',
    hint: 'copy what you keep: `{ ...row }`, or only the values you need',
  })
}
