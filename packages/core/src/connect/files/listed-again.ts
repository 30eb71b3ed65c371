/**
 * A file that is read whole in a run that follows, when its split is opened later than it was found: touched or put
 * back from a copy since, it is the same file as long as its content is; and so it is when it was only renamed.
 */
import type { Json } from '../../data/type.ts'
import { MillraceError } from '../../errors.ts'
import type { FileStatus, Host } from '../../host/host.ts'
import { inputError } from './file-errors.ts'
import type { SplitDetail } from './file-split.ts'
import { GIVE_UP_HINT, namesOfFile } from './followed-file.ts'
import { hasMark, isSameContent } from './known-files.ts'

/**
 * The split's file as it is now; as it was found when it is another one by now, which its reader tells. Undefined: it is
 * gone, and so are rows that may be lost.
 *
 * @throws MillraceError `input/not-found` when it is gone.
 */
export async function listedAgain(
  host: Host,
  detail: SplitDetail,
  {
    from,
    lostRows,
    input,
  }: {
    /** Up to where it was read. */
    readonly from: Json | undefined
    readonly lostRows: 'fail' | 'skip'
    /** Paths of the input. */
    readonly input: () => Promise<readonly string[]>
  },
): Promise<SplitDetail | undefined> {
  const { path } = detail
  const now = await statusOf(host, path)
  if (now !== undefined && isSameContent(now, statusOfDetail(detail))) return detail
  if (now !== undefined && (await isSame(host, detail, now, path))) return { ...detail, ...stamp(now) }
  for await (const name of namesOfFile(host, detail, input)) {
    const renamed = await statusOf(host, name)
    // Its identity may have been given to a file that is new: then it has another time.
    if (renamed !== undefined && isSameContent(renamed, statusOfDetail(detail)))
      return { ...detail, path: name }
  }
  if (now !== undefined) return detail
  if (lostRows === 'skip') return undefined
  throw new MillraceError('input/not-found', {
    what: `input "${path}" was deleted before all of its rows were read`,
    detail:
      from === undefined
        ? 'nothing was read of it'
        : `it was read up to ${placeText(from)} of ${detail.size} bytes`,
    hint: `put it back under its name, from a copy if need be, and start again; ${GIVE_UP_HINT}`,
    place: { file: path },
  })
}

function placeText(from: Json): string {
  const { byte } = from as { readonly byte?: number }
  return byte === undefined ? JSON.stringify(from) : `byte ${byte}`
}

async function isSame(host: Host, detail: SplitDetail, now: FileStatus, path: string): Promise<boolean> {
  if (now.size !== detail.size || typeof detail.mark !== 'number') return false
  const listed = { mark: detail.mark, status: statusOfDetail(detail) }
  return (await hasMark(host, { path, status: now }, listed)) === true
}

function statusOfDetail({ size, modifiedMs, identity }: SplitDetail): FileStatus {
  return { kind: 'file', size, modifiedMs, identity }
}

function stamp({ identity, modifiedMs }: FileStatus): Pick<SplitDetail, 'identity' | 'modifiedMs'> {
  return { identity, modifiedMs }
}

async function statusOf({ files }: Host, path: string): Promise<FileStatus | undefined> {
  try {
    return await files.status(path)
  } catch (error) {
    throw inputError(error, path)
  }
}
