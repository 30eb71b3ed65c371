/**
 * Errors of the system as operating errors: what failed, which file, what to do.
 */
import type { ErrorCode } from '../../errors.ts'
import type { FileStatus } from '../../host/host.ts'
import { isMillraceError, MillraceError, withContext } from '../../errors.ts'
import { isSameIdentity } from './file-identity.ts'

/** The `code` of a system error; empty when there is none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** An error met while input was read. Operating errors get the file as their place. */
export function inputError(error: unknown, file: string): unknown {
  if (isMillraceError(error)) return withContext(error, { place: { file } })
  const code = systemCode(error)
  const place = { file }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new MillraceError('input/not-found', {
      what: `input "${file}" does not exist any more`,
      detail: 'it was there when the input was listed',
      hint: 'keep input files until the run has ended',
      place,
      cause: error,
    })
  }
  if (code === 'ELOOP') {
    return new MillraceError('input/not-found', {
      what: `input "${file}" is a link that leads to no file`,
      detail: 'links lead in a circle, or there are too many one behind another',
      hint: 'mend the link, or take it out of the input',
      place,
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new MillraceError('input/permission', {
      what: `input "${file}" cannot be opened`,
      detail: `the system says ${code}`,
      hint: 'give this user the right to read it, and to enter the folders above it',
      place,
      cause: error,
    })
  }
  return new MillraceError('input/read-failed', {
    what: `input "${file}" cannot be read`,
    detail: describe(error),
    hint: 'check the disk or the network share, then run again',
    place,
    cause: error,
  })
}

/** An error met while output was written. */
export function outputError(error: unknown, path: string): unknown {
  if (isMillraceError(error)) return withContext(error, { place: { file: path } })
  const [code, what, hint] = outputParts(systemCode(error), path)
  return new MillraceError(code, { what, detail: describe(error), hint, place: { file: path }, cause: error })
}

function outputParts(code: string, path: string): readonly [ErrorCode, string, string] {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return [
        'output/disk-full',
        `no space is left to write "${path}"`,
        'free space or choose another folder, then run again; nothing unfinished is visible in the output',
      ]
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return [
        'output/permission',
        `output "${path}" cannot be written`,
        'give this user the right to write there',
      ]
    case 'ENOTDIR':
    case 'EEXIST':
      return [
        'output/write-failed',
        `output "${path}" cannot be written`,
        'something else has this name, or the name of a folder above it: move that away, or choose another folder',
      ]
    case 'ENOENT':
    case 'EINVAL':
    case 'ENOSYS':
    case 'ENOTSUP':
    case 'ENAMETOOLONG':
      return [
        'output/write-failed',
        `output "${path}" cannot be written`,
        'choose another folder: files cannot be made there, or the folder was removed meanwhile',
      ]
    case 'ESTORE':
      return [
        'output/write-failed',
        `output "${path}" cannot be written`,
        'look after the object store, then run again; nothing unfinished is visible in the output',
      ]
    default:
      return ['output/write-failed', `output "${path}" cannot be written`, 'check the disk, then run again']
  }
}

function describe(error: unknown): string {
  if (systemCode(error) === 'ESTORE') return (error as Error).message
  return error instanceof Error ? `the system says ${error.message}` : String(error)
}

/** A file is not what it was when its position was taken or when it was listed. */
export function changedError(file: string, detail: string, hint?: string): MillraceError {
  return new MillraceError('input/changed', {
    what: `input "${file}" changed while it was in use`,
    detail,
    hint: hint ?? 'write new data to new files, or move finished files into place by renaming them',
    place: { file },
  })
}

/** What a file was like when it was listed. */
export interface ListedStatus {
  readonly path: string
  readonly size: number
  readonly identity: string
  readonly modifiedMs: number
}

/** Throws input/changed unless a file is the one that was listed, and has not been written to since. */
export function checkUnchanged(listed: ListedStatus, status: FileStatus, remark = ''): void {
  const { path, size } = listed
  if (!isSameIdentity(status.identity, listed.identity))
    throw changedError(path, 'another file has taken its name')
  if (status.size !== size) throw changedError(path, `it had ${size} bytes and has ${status.size}${remark}`)
  if (status.modifiedMs === listed.modifiedMs) return
  throw changedError(path, `it was written again after it was listed, to the same ${size} bytes`)
}
