/**
 * What a sink is refused with that shows rows of epochs which the job does not know: entries of its log are gone, and
 * going on would put out their rows a second time.
 */
import { MillraceError } from '../errors.ts'
import type { EpochId } from './sink.ts'

/**
 * The error of output that stands and is not in the log. Only for output of the same lineage: another history may have
 * gone farther.
 */
export function laterOutput(found: {
  readonly step: string
  /** The newest epoch of the log; 0: there is none. */
  readonly standing: EpochId
  /** The newest one that the output shows. */
  readonly shown: EpochId
  /** What shows it, such as `file "part-…"`. */
  readonly what: string
  /** How its rows are taken away, as a clause; undefined: they cannot be told apart. */
  readonly remove?: string | undefined
}): MillraceError {
  const { step, standing, shown, what, remove } = found
  const back =
    standing === 0
      ? ''
      : `; or put them out a second time with --from ${standing}, which begins another history`
  return new MillraceError('checkpoint/lost-epochs', {
    what: `output "${step}" shows rows of epoch ${shown}, and the newest epoch of the checkpoint log is ${standing}`,
    detail: `${what} was committed by this job: the entries of later epochs are gone from its log, and their rows would come twice`,
    hint: `restore the state directory, as a whole, from a copy that knows epoch ${shown}${remove === undefined ? '' : `; or, where no other output has them, ${remove} and start again`}${back}`,
    step,
  })
}
