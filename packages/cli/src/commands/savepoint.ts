/** `millrace savepoint`: one epoch in a directory of its own. */
import { DirectoryStore, writeSavepoint } from '@millrace/core/runtime'
import type { ParsedWords } from '../command-line/command.ts'
import { countOf, valueOf } from '../command-line/flag-values.ts'
import { statePath } from '../command-line/state-path.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { jsonLine } from '../progress/json-lines.ts'
import { formatBytes, formatTime } from '../progress/quantities.ts'
import type { Surroundings } from '../surroundings.ts'
import { statePlace } from './state-place.ts'

/** Runs the command. */
export async function savepoint(words: ParsedWords, { stdout }: Surroundings): Promise<ExitCode> {
  const { host, store } = await statePlace(words, 'savepoint')
  const path = valueOf(words, 'to')
  if (path === undefined) throw new UsageError('millrace savepoint needs a place to write to', 'add --to DIR')
  const to = new DirectoryStore(host, statePath(path))
  const epoch = countOf(words, 'epoch', Number.MAX_SAFE_INTEGER)
  const manifest = await writeSavepoint(store, to, { checks: host.bytes, epoch })
  const bytes = manifest.state.reduce((sum, file) => sum + file.bytes, 0)
  const { atMs, lineage } = manifest
  stdout.write(
    words.given.has('json')
      ? jsonLine({ type: 'savepoint', place: to.place, epoch: manifest.epoch, atMs, lineage, bytes })
      : `${to.place}: epoch ${manifest.epoch} of ${formatTime(atMs)}, ${formatBytes(bytes)} of state\n  millrace run MODULE --state NEW --from-savepoint ${path} begins with it\n`,
  )
  return exitCodes.done
}
