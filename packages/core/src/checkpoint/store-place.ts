/**
 * What a place for checkpoints holds at its top, so that one that holds something else is told before anything is written.
 */
import { MillraceError } from '../errors.ts'

/** First parts of the names of a job's place, and of a savepoint's. */
const OWN_NAMES: ReadonlySet<string> = new Set(['log', 'state', 'sinks', 'savepoint'])

/** Whether a name is one that jobs give; what begins with a dot is the store's own. */
export function isOwnName(name: string): boolean {
  const slash = name.indexOf('/')
  const first = slash < 0 ? name : name.slice(0, slash)
  return OWN_NAMES.has(first) || first.startsWith('.')
}

/** The error of a place that is none. */
export function noPlace(place: string, detail: string): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `"${place}" is no place for checkpoints`,
    detail,
    hint: 'name a directory (or a prefix) of its own, which need not exist',
    place: { file: place },
  })
}

/** What is said of a name that is not ours. */
export function foreign(name: string): string {
  return `it holds "${name}", which is not ours`
}
