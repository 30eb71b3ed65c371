/**
 * Where a file is that lines are read of, when a run goes on with it: under its name, or renamed by a rotation.
 *
 * The same file is that with the same identity (device and inode) whose bytes before the position have the same
 * checksums, under whatever name in its folder or in the input. A copy under the same name counts too, when enough was
 * read to know it by. What cannot be told apart is an error: rows would be lost or come twice.
 */
import type { Json } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { FileStatus, Host, OpenFile } from '../../host/host.ts'
import { changedError, inputError, systemCode } from './file-errors.ts'
import { isSameIdentity } from './file-identity.ts'
import { bytesAround, MARK_BYTES, marksOf } from './file-marks.ts'
import type { MarkedBytes, ReadMarks } from './file-marks.ts'
import { folderOf, joinPath } from './file-name.ts'
import type { SplitDetail } from './file-split.ts'
import type { RecordPosition } from './record-reader.ts'
import { MissingFiles } from './same-device.ts'

/** What is known of a file from when it was read last. */
export interface FollowedStart {
  /** The name that it had last. */
  readonly path: string
  /** It had another name when it was found: a rotation renames it on and deletes it in the end. */
  readonly isRenamed: boolean
  readonly identity: string
  /** Up to where it was read. */
  readonly byte: number
  /** Its size as far as it was seen. */
  readonly seen: number
  /** Undefined: an earlier release made none, or nothing was read. */
  readonly marks: ReadMarks | undefined
  /** What becomes of those that went before they were read. */
  readonly lostRows: 'fail' | 'skip'
}

/** A file that was found again, open. */
export interface FollowedFile extends MarkedBytes {
  readonly file: OpenFile
  readonly path: string
  readonly status: FileStatus
  /** It was written again: what it has now is to be read from its beginning. */
  readonly isBegunAnew: boolean
}

/** How often a file is looked for before it counts as gone: a rotation may rename it while its folder is listed. */
const TRIES = 3

/** Where an earlier reader of a split left its file. */
export function startOf(
  detail: SplitDetail,
  position: Json | undefined,
  lostRows: 'fail' | 'skip',
): FollowedStart {
  const from = position as RecordPosition | undefined
  const [head, tail, seen = detail.size, identity = detail.identity, path = detail.path] = from?.marks ?? []
  const marks = head === undefined || tail === undefined ? undefined : { head, tail }
  return { path, isRenamed: path !== detail.path, identity, byte: from?.byte ?? 0, seen, marks, lostRows }
}

/** What to do about a file whose rows are lost. */
export const GIVE_UP_HINT =
  "or go on without its other rows: { lostRows: 'skip' }, which reads what has its name by now from the beginning"

/** The same of a file that was emptied, or written again from its beginning. */
export const REWRITTEN_HINT: string = `rotate logs by renaming them (logrotate: create, not copytruncate). To go on: copy what it holds now into another file that is read, then copy its earlier content over it; ${GIVE_UP_HINT}`

/** Finds and opens the file; undefined when it was deleted, and all that was seen of it was read. */
export async function openFollowed(
  host: Host,
  start: FollowedStart,
  /** Paths of the input. */
  input: () => Promise<readonly string[]>,
): Promise<FollowedFile | undefined> {
  const own = await openIfThere(host, start.path, start.byte)
  try {
    if (own !== undefined && isSameIdentity(own.status.identity, start.identity)) {
      const fault = faultOf(host, start, own)
      if (fault === undefined) return own
      if (start.lostRows === 'fail') throw fault
      const nothing = new Uint8Array(0)
      return { ...own, head: nothing, tail: nothing, isBegunAnew: true }
    }
    const moved = await findMoved(host, start, input)
    if (moved !== undefined) {
      await own?.file.close()
      return moved
    }
    if (own !== undefined && start.seen > 0 && !start.isRenamed) {
      if (isCopy(host, start, own)) return own
      if (start.lostRows === 'fail') throw replacedError(start)
    }
    // Of a file that was empty nothing is lost, and one that a rotation has deleted has a successor: it is read for itself.
    await own?.file.close()
  } catch (error) {
    await own?.file.close()
    throw error
  }
  if (start.lostRows === 'skip') return undefined
  await new MissingFiles(host).refuseUnmounted(start)
  if (start.byte >= start.seen) return undefined
  throw new MillraceError('input/not-found', {
    what: `input "${start.path}" was deleted before all of its rows were read`,
    detail: `it was read up to byte ${start.byte} of ${start.seen}`,
    hint: `put it back under its name, from a copy if need be, and start again; ${GIVE_UP_HINT}`,
    place: { file: start.path, byte: start.byte },
  })
}

async function openIfThere(host: Host, path: string, byte: number): Promise<FollowedFile | undefined> {
  let file: OpenFile
  try {
    file = await host.files.open(path, 'read')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw inputError(error, path)
  }
  try {
    return { file, path, status: await file.status(), isBegunAnew: false, ...(await bytesAround(file, byte)) }
  } catch (error) {
    await file.close()
    throw inputError(error, path)
  }
}

/** Whether a file has what was read of it, and all that was seen behind that. */
function isRead(host: Host, { byte, seen, marks }: FollowedStart, found: FollowedFile): boolean {
  if (found.status.size < Math.max(byte, seen)) return false
  if (marks === undefined) return true
  const { head, tail } = marksOf(found, host.bytes)
  return head === marks.head && tail === marks.tail
}

/** What is wrong with the file of the same identity, which may have been written over. */
function faultOf(host: Host, start: FollowedStart, found: FollowedFile): MillraceError | undefined {
  const { path, byte, seen } = start
  const { size } = found.status
  if (isRead(host, start, found)) return undefined
  const now =
    size < Math.max(byte, seen)
      ? `had ${seen} bytes and has ${size}: a followed file may only grow`
      : 'and other bytes stand before that by now'
  return changedError(path, `it was read up to byte ${byte}, ${now}`, REWRITTEN_HINT)
}

/** Whether another file of the same name is the same one: its content says so beyond doubt. */
function isCopy(host: Host, start: FollowedStart, found: FollowedFile): boolean {
  const { byte, seen, marks } = start
  const { size } = found.status
  const isTelling = byte >= MARK_BYTES || size === seen
  return marks !== undefined && isTelling && isRead(host, start, found)
}

function replacedError({ path, byte, seen }: FollowedStart): MillraceError {
  return changedError(
    path,
    `another file has taken its name, and the one that was read up to byte ${byte} of ${seen} is not in its folder`,
    `move the earlier file back into the folder, under any name; or copy it back under its own name, and give the new one another; ${GIVE_UP_HINT}`,
  )
}

/** What is told of a file that is gone. */
export function goneText({ path, byte, seen }: FollowedStart): string {
  return byte >= seen
    ? `"${path}" was deleted; it had been read to its end, byte ${byte}`
    : `"${path}" is gone; it had been read up to byte ${byte} of ${seen}, its other rows are lost, and a file that has its name by now is read from its beginning`
}

async function findMoved(
  host: Host,
  start: FollowedStart,
  input: () => Promise<readonly string[]>,
): Promise<FollowedFile | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    for await (const path of namesOfFile(host, start, input)) {
      const found = await openIfThere(host, path, start.byte)
      if (found === undefined) continue
      if (isSameIdentity(found.status.identity, start.identity) && isRead(host, start, found)) return found
      await found.file.close()
    }
  }
  return undefined
}

/** Names that lead to a file with this identity, beside the one that it had: in its folder, and then in the input. */
export async function* namesOfFile(
  host: Host,
  { path, identity }: { readonly path: string; readonly identity: string },
  input: () => Promise<readonly string[]>,
): AsyncGenerator<string> {
  const looked = new Set<string>([path])
  for (const list of [() => pathsIn(host, folderOf(path)), input]) {
    for (const other of await list()) {
      if (looked.has(other)) continue
      looked.add(other)
      const status = await host.files.status(other).catch(() => undefined)
      if (status?.kind === 'file' && isSameIdentity(status.identity, identity)) yield other
    }
  }
}

/** A name that a file with this identity has in its folder, beside the one that it had. */
export async function nameInFolder(
  host: Host,
  file: { readonly path: string; readonly identity: string },
): Promise<string | undefined> {
  for await (const name of namesOfFile(host, file, async () => [])) return name
  return undefined
}

async function pathsIn({ files }: Host, folder: string): Promise<readonly string[]> {
  const entries = await files.list(folder).catch(() => [])
  return entries.filter(({ kind }) => kind === 'file').map(({ name }) => joinPath(folder, name))
}
