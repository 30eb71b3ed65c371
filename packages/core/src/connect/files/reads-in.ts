/**
 * Whether an input path leads into a folder that is written: what a pipeline writes it must neither read nor, by
 * overwriting, take away from under its own reading.
 *
 * Told by paths alone, before anything is opened: files that will appear there count as much as those that are there.
 */
import type { Files } from '../../host/host.ts'
import { folderOf } from './file-name.ts'
import { couldMatchIn, isGlob } from './glob.ts'
import { isWithin } from './partition-path.ts'

/** Whether files in `folder` (absolute, links followed), or in partition folders in it, are input by `path`. */
export async function readsIn(files: Files, path: string, folder: string): Promise<boolean> {
  // What cannot be looked at fails where it is read, with its reason.
  const status = await files.status(path).catch(() => undefined)
  if (status === undefined && isGlob(path)) return couldMatchIn(files, path, folder)
  const input = await files.real(path)
  if (status?.kind === 'file') return isWithin(folder, folderOf(input))
  return isWithin(folder, input) || isWithin(input, folder)
}
