/**
 * The files that a run has announced, with what is remembered of each: enough to know it again under another name, and to
 * tell it from another one under its own.
 */
import type { FileStatus, Host, OpenFile } from '../../host/host.ts'
import type { Json } from '../../data/type.ts'
import { inputError, systemCode } from './file-errors.ts'
import { isSameIdentity } from './file-identity.ts'
import { contentMark, MARK_BYTES, readRange } from './file-marks.ts'

/** A file as it was when it was looked at last. */
export interface KnownFile {
  readonly path: string
  readonly status: FileStatus
  /** False while it may still be in the making. */
  readonly announced: boolean
  /** The name of its split, or what the names of its splits begin with. */
  readonly id: string
  /** Undefined: an earlier release made none. */
  readonly mark: FileMark | undefined
}

/** By what the content is known: of a file that is read whole one checksum; of one that grows that of its first bytes. */
export type FileMark = number | readonly [bytes: number, checksum: number]

/** As it is remembered. */
export function memoryOf({ path, status, mark, id }: KnownFile): Json {
  const { size, modifiedMs, identity } = status
  const own = [size, modifiedMs, identity]
  if (mark === undefined) return own
  return id === path ? [...own, mark] : [...own, mark, id]
}

/** Back from memory. */
export function knownFromMemory(path: string, memory: Json): KnownFile {
  const [size, modifiedMs, identity, mark, id = path] = memory as readonly [
    number,
    number,
    string,
    (FileMark | undefined)?,
    string?,
  ]
  const status: FileStatus = { kind: 'file', size, modifiedMs, identity }
  return { path, status, announced: true, id, mark }
}

/** A file under a name, as a look at the name has found it. */
export interface NamedFile {
  readonly path: string
  readonly status: FileStatus
}

/** The mark of a file; undefined when its name leads elsewhere by now. */
export function markOf(
  { files, bytes }: Host,
  named: NamedFile,
  follow: 'files' | 'lines',
): Promise<FileMark | undefined> {
  const { size } = named.status
  return withFile(files, named, async (file) => {
    if (follow === 'files') return contentMark(file, size, bytes)
    const head = await readRange(file, 0, Math.min(size, MARK_BYTES))
    return [head.length, bytes.crc32(head)]
  })
}

/**
 * Whether a file has the content that a mark is of; one that grows may have more. Undefined: its name leads elsewhere by
 * now, as in the middle of a rotation.
 */
export async function hasMark(
  { files, bytes }: Host,
  named: NamedFile,
  known: Pick<KnownFile, 'mark' | 'status'>,
): Promise<boolean | undefined> {
  const { mark, status } = known
  if (mark === undefined) return false
  return withFile(files, named, async (file) => {
    if (typeof mark === 'number') return (await contentMark(file, status.size, bytes)) === mark
    const head = await readRange(file, 0, mark[0])
    return head.length === mark[0] && bytes.crc32(head) === mark[1]
  })
}

/** Whether more of the beginning is there than the mark covers. */
export function mayMarkMore({ mark }: KnownFile, size: number): boolean {
  return typeof mark === 'object' && mark[0] < MARK_BYTES && size > mark[0]
}

async function withFile<Result>(
  files: Host['files'],
  { path, status }: NamedFile,
  use: (file: OpenFile) => Promise<Result>,
): Promise<Result | undefined> {
  let file: OpenFile
  try {
    file = await files.open(path, 'read')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw inputError(error, path)
  }
  try {
    const { identity } = await file.status()
    return isSameIdentity(identity, status.identity) ? await use(file) : undefined
  } catch (error) {
    throw inputError(error, path)
  } finally {
    await file.close()
  }
}

/** The same file with the same bytes, as far as a status can tell. An identity alone may be used again by the system. */
export function isSameContent(left: FileStatus, right: FileStatus): boolean {
  const isSame = left.size === right.size && left.modifiedMs === right.modifiedMs
  return isSame && isSameIdentity(left.identity, right.identity)
}
