/** The errors of damaged compressed input. The reader adds the file's name. */
import { MillraceError } from '../../errors.ts'

/** The input ends inside the compressed stream. */
export function truncatedInput(codec: string, cause?: unknown): MillraceError {
  return new MillraceError('input/truncated', {
    what: `${codec} data is incomplete`,
    detail: 'it ends before the end of its last frame',
    hint: 'copy or download the file again, or wait until its writer has finished',
    cause,
  })
}

/** The input is not what the codec writes. */
export function corruptInput(codec: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError('input/corrupt', {
    what: `${codec} data is damaged`,
    detail,
    hint: 'copy or download the file again; if its name has the wrong ending, rename it',
    cause,
  })
}
