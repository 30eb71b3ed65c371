/**
 * Whether a file that was announced is still what it was: what a run that follows checks with every look.
 */
import type { FileStatus, Host } from '../../host/host.ts'
import type { MillraceError } from '../../errors.ts'
import { changedError } from './file-errors.ts'
import { isSameIdentity } from './file-identity.ts'
import { REWRITTEN_HINT } from './followed-file.ts'
import { hasMark } from './known-files.ts'
import type { KnownFile } from './known-files.ts'

const OTHER_NAME_HINT =
  'give the new file another name to have it read as well, and put the earlier one back, or leave the name free'

/**
 * Throws input/changed unless it is. True: it was only touched, or put back from a copy, and its new status is to be
 * kept.
 */
export async function checkKnown(
  host: Host,
  known: KnownFile,
  now: {
    readonly status: FileStatus
    readonly follow: 'files' | 'lines'
    /** The first look of a run that goes on. */
    readonly isReturning: boolean
  },
): Promise<boolean> {
  const { path, status: before, mark } = known
  const { status, follow, isReturning } = now
  if (follow === 'lines') {
    checkGrown(known, status)
    return false
  }
  const isOther = !isSameIdentity(status.identity, before.identity)
  if (!isOther && status.size === before.size && status.modifiedMs === before.modifiedMs) return false
  const mayBeSame = status.size === before.size && typeof mark === 'number' && (!isOther || isReturning)
  const isSame = mayBeSame ? await hasMark(host, { path, status }, known) : false
  if (isSame !== false) return isSame === true
  if (isOther) throw changedError(path, 'another file has taken its name', OTHER_NAME_HINT)
  if (status.size === before.size)
    throw changedError(path, `it was written again after it was found, to the same ${status.size} bytes`)
  throw changedError(
    path,
    `it had ${before.size} bytes when it was found and now has ${status.size}`,
    status.size > before.size
      ? "read lines as they are added with { follow: 'lines' }, or write new data to new files"
      : undefined,
  )
}

function checkGrown({ path, status: before, mark }: KnownFile, status: FileStatus): void {
  if (status.size < before.size) {
    throw changedError(
      path,
      `it had ${before.size} bytes and has ${status.size}: a followed file may only grow`,
      REWRITTEN_HINT,
    )
  }
  if (typeof mark !== 'number' || status.size === before.size) return
  throw changedError(
    path,
    `it was read whole, with follow: 'files', and has grown from ${before.size} to ${status.size} bytes since`,
    'put the new lines into a new file, or go back to the earlier option',
  )
}

/** The error of a file whose name a file has that begins as it did, or which was written over itself. */
export function rewrittenError(path: string): MillraceError {
  return changedError(
    path,
    'it was written again from its beginning: whether its rows are new cannot be told',
    REWRITTEN_HINT,
  )
}
