/** What `millrace schema` says of a path that names nothing it can look at: in words of the command line, not of code. */
import { isMillraceError, MillraceError } from '@millrace/core/errors'
import type { Host } from '@millrace/core/host'
import { shellWord } from '../command-line/invocation.ts'

const module = /\.[cm]?[jt]s$/
const pattern = /[*?[{]/

/** The error with what to do on a command line. */
export async function explainInput(
  error: unknown,
  { path, invocation, files }: { path: string; invocation: string; files: Host['files'] },
): Promise<unknown> {
  if (!isMillraceError(error)) return error
  const status = await files.status(path).catch(() => undefined)
  if (error.code === 'plan/unsupported' && status?.kind === 'file') {
    const word = shellWord(path)
    return new MillraceError('plan/unsupported', {
      what: error.what,
      detail: error.detail,
      hint: module.test(path)
        ? `for a pipeline: ${invocation} explain ${word}`
        : `if it is CSV: ${invocation} schema ${word} --delimiter ','; other formats show in the ending of the name`,
      place: error.place,
      cause: error,
    })
  }
  if (error.code === 'schema/not-inferable' && status === undefined && pattern.test(path)) {
    return new MillraceError('input/not-found', {
      what: `no data file matches "${path}"`,
      hint: 'check the pattern; a relative one starts at the working directory',
      place: { file: path },
      cause: error,
    })
  }
  return error
}
