/**
 * Which files an input path stands for: the file itself, the data files of a folder, or the matches of a pattern.
 *
 * A folder is taken flat, with the partition folders (`day=2001-01-01/`) in it. Order is bytewise by path. The file
 * system is asked for names only; sizes and identities are the enumerator's business.
 */
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { Files } from '../../host/host.ts'
import { nearestNames } from '../../data/nearest-names.ts'
import { bytewise, folderOf, isHidden, joinPath, lastSegment } from './file-name.ts'
import { globBase, globFiles, isGlob } from './glob.ts'
import { inputError } from './file-errors.ts'
import { parsePartition } from './partition-path.ts'
import type { PartitionValues } from './partition-path.ts'

/** An input file by name. */
export interface FoundFile {
  readonly path: string
  /** Values of partition columns by the folders it lies in. */
  readonly partition: PartitionValues
}

/** What was found. */
export interface Findings {
  readonly files: readonly FoundFile[]
  /** Names of visible files in a folder that are no data of the wanted kind: for the error when there are no others. */
  readonly passedOver: readonly string[]
  /** Paths that have the name of data and are no files: links that lead nowhere, devices, pipes. */
  readonly strange: readonly string[]
}

/** Lists the files of a path. In folders only names that `isData` says yes to count. Throws input/not-found, input/permission. */
export async function findFiles(
  files: Files,
  path: string,
  isData: (name: string) => boolean,
): Promise<Findings> {
  try {
    const status = await files.status(path)
    if (status?.kind === 'file') return { files: [{ path, partition: {} }], passedOver: [], strange: [] }
    if (status?.kind === 'directory') return await findInFolder(files, path, isData)
    if (status?.kind === 'other') throw await strangeInput(files, path)
    // A name may hold pattern characters; only what does not exist by that name is a pattern.
    if (status === undefined && isGlob(path)) return await findByPattern(files, path)
  } catch (error) {
    throw inputError(error, path)
  }
  throw await notFound(files, path)
}

/**
 * The same for a run that has found files before: one that is named by itself may be away for a moment, between two steps
 * of a rotation. Its folder may not.
 */
export async function findAgain(
  files: Files,
  path: string,
  isData: (name: string) => boolean,
): Promise<Findings> {
  try {
    return await findFiles(files, path, isData)
  } catch (error) {
    const isAway = isMillraceError(error) && error.code === 'input/not-found' && !isGlob(path)
    const folder = isAway ? await files.status(folderOf(path)).catch(() => undefined) : undefined
    if (folder?.kind === 'directory') return { files: [], passedOver: [], strange: [] }
    throw error
  }
}

async function findInFolder(
  files: Files,
  folder: string,
  isData: (name: string) => boolean,
): Promise<Findings> {
  const found: FoundFile[] = []
  const passedOver: string[] = []
  const strange: string[] = []
  const visit = async (current: string, partition: PartitionValues): Promise<void> => {
    for (const { name, kind } of await files.list(current)) {
      if (isHidden(name)) continue
      const path = joinPath(current, name)
      if (kind === 'file' && isData(name)) found.push({ path, partition })
      else if (kind === 'file') passedOver.push(name)
      else if (kind === 'other' && isData(name)) strange.push(path)
      else if (kind === 'directory') {
        const part = parsePartition(name)
        if (part !== undefined) await visit(path, { ...partition, [part.column]: part.value })
      }
    }
  }
  await visit(folder, {})
  return { files: found.sort((left, right) => bytewise(left.path, right.path)), passedOver, strange }
}

async function findByPattern(files: Files, pattern: string): Promise<Findings> {
  const base = globBase(pattern)
  const status = await files.status(base)
  if (status?.kind !== 'directory') throw await notFound(files, base)
  const matches = await globFiles(files, pattern)
  const found = matches.files.map((path) => {
    let partition: PartitionValues = {}
    for (const folder of path.slice(base.length).split('/').slice(0, -1)) {
      const part = parsePartition(folder)
      if (part !== undefined) partition = { ...partition, [part.column]: part.value }
    }
    return { path, partition }
  })
  return { files: found, passedOver: [], strange: matches.others }
}

/** The error of a name that stands for no file although it is there. */
export async function strangeInput(files: Files, path: string): Promise<unknown> {
  try {
    if ((await files.status(path)) === undefined) return await notFound(files, path)
  } catch (error) {
    return inputError(error, path)
  }
  return new MillraceError('input/unsupported', {
    what: `input "${path}" is not a regular file`,
    detail: 'it is a device, a pipe or a socket: it has no end, or could not be read again',
    hint: 'write what it gives to a file first, or take it out of the input',
    place: { file: path },
  })
}

async function notFound(files: Files, path: string): Promise<MillraceError> {
  const folder = folderOf(path)
  const own = lastSegment(path)
  const beside = (await files.list(folder).catch(() => [])).map(({ name }) => name)
  if (beside.includes(own)) {
    return new MillraceError('input/not-found', {
      what: `input "${path}" is a link to something that does not exist`,
      hint: 'mend the link, or take it out of the input',
      place: { file: path },
    })
  }
  const near = nearestNames(own, beside)
  const full = files.resolve(path)
  return new MillraceError('input/not-found', {
    what: `input "${path}" does not exist`,
    detail: full === path ? undefined : `looked for ${full}`,
    hint:
      near.length === 0
        ? 'check the path; a relative one starts at the working directory'
        : `did you mean ${near.map((name) => `"${joinPath(folder, name)}"`).join(' or ')}?`,
    place: { file: path },
  })
}

/** The error of a batch run whose path holds no input. */
export function emptyInput(path: string, findings: Findings, wanted: string): MillraceError {
  const [example] = findings.passedOver
  return new MillraceError('input/empty', {
    what: `input "${path}" holds no ${wanted} files`,
    detail:
      example === undefined
        ? undefined
        : `${findings.passedOver.length} files with other endings are there, such as "${example}"`,
    hint:
      example === undefined
        ? 'put files there first, or run in continuous mode to wait for them'
        : `name the files by a pattern, such as "${joinPath(path, '*')}", to read them whatever their ending`,
    place: { file: path },
  })
}
