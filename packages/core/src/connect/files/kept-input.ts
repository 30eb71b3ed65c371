/**
 * Whether a source of files may go on with what was kept of another path: when that path covers the files that are not
 * read to their end, and some of those that were.
 *
 * Paths are compared as they are written: `in` and `/data/in` may be one folder, but what is remembered under one name
 * is not known under the other.
 */
import type { Json } from '../../data/type.ts'
import type { Files } from '../../host/host.ts'
import type { UnfinishedSplit } from '../source.ts'
import { inputError } from './file-errors.ts'
import { folderOf, isHidden, lastSegment } from './file-name.ts'
import type { FileSourceOptions } from './file-source-options.ts'
import { detailOfSplit } from './file-split.ts'
import { isGlob, matchesGlob } from './glob.ts'
import { isWithin } from './partition-path.ts'

/** Why not, as a clause; undefined: it may. */
export async function refusesKept(
  options: FileSourceOptions,
  {
    remembered,
    unfinished,
  }: {
    readonly remembered: ReadonlyMap<string, Json>
    readonly unfinished: readonly UnfinishedSplit[]
  },
  files: Files,
): Promise<string | undefined> {
  const covers = await coverageOf(options, files)
  for (const { split } of unfinished) {
    const { path } = detailOfSplit(split)
    if (!covers(path)) return `"${path}" is not read to its end and no part of it`
  }
  const known = [...remembered.keys()]
  if (known.length === 0 || known.some(covers)) return undefined
  return known.length === 1
    ? `"${known[0] ?? ''}", which was read, is no part of it`
    : `none of the ${known.length} files that were read, such as "${known[0] ?? ''}", is part of it`
}

async function coverageOf(
  { path, formats }: FileSourceOptions,
  files: Files,
): Promise<(file: string) => boolean> {
  const status = await files.status(path).catch((error: unknown) => {
    throw inputError(error, path)
  })
  if (status?.kind === 'directory') {
    const folder = path === '/' ? path : path.replace(/\/+$/, '')
    return (file) => {
      const name = lastSegment(file)
      return !isHidden(name) && formats.isData(name) && isWithin(folder, folderOf(file))
    }
  }
  if (status === undefined && isGlob(path)) return (file) => matchesGlob(path, file)
  return (file) => file === path
}
