/** `millrace savepoint`: one epoch in a place of its own. */
import { readCheckpoints, writeSavepoint } from '@millrace/core/runtime'
import type { ParsedWords } from '../command-line/command.ts'
import { countOf, valueOf } from '../command-line/flag-values.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { jsonLine } from '../progress/json-lines.ts'
import { formatBytes, formatTime } from '../progress/quantities.ts'
import { textWidth, wrapLine } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'
import { statePlace } from './state-place.ts'
import { openStore } from './state-store.ts'

/** The command that begins with a savepoint, but for the module and the new state directory. */
function beginLine(path: string, mode = 'continuous'): string {
  return `millrace run MODULE --mode ${mode} --state NEW --from-savepoint ${path} --output-mode append`
}

/** Runs the command. */
export async function savepoint(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const { stdout } = surroundings
  const { host, store } = await statePlace(words, 'savepoint', surroundings)
  const path = valueOf(words, 'to')
  if (path === undefined) throw new UsageError('millrace savepoint needs a place to write to', 'add --to DIR')
  const to = await openStore(path, { host, surroundings })
  const epoch = countOf(words, 'epoch', Number.MAX_SAFE_INTEGER)
  const manifest = await writeSavepoint(store, to, { checks: host.bytes, epoch })
  const bytes = manifest.state.reduce((sum, file) => sum + file.bytes, 0)
  const { atMs, lineage, mode } = manifest
  const { epochs } = await readCheckpoints(store, host.bytes)
  const newest = Math.max(manifest.epoch, ...epochs.map((kept) => kept.manifest.epoch))
  stdout.write(
    words.given.has('json')
      ? jsonLine({ type: 'savepoint', place: to.place, epoch: manifest.epoch, newest, atMs, lineage, bytes })
      : `${to.place}: epoch ${manifest.epoch} of ${formatTime(atMs)}, ${formatBytes(bytes)} of state\n${beginText({ path, mode, epoch: manifest.epoch, newest, width: textWidth(stdout) })}`,
  )
  return exitCodes.done
}

/** How to begin with a savepoint so that no row is put out twice, and none is removed. */
function beginText(saved: {
  readonly path: string
  readonly mode: string | undefined
  readonly epoch: number
  readonly newest: number
  readonly width: number
}): string {
  const { path, mode, epoch, newest, width } = saved
  const lines = [
    `begin with it: ${beginLine(path, mode)}`,
    'append leaves what was put out before the savepoint; overwrite is refused: nothing would write it again',
    ...(newest === epoch
      ? []
      : [
          `the job has gone on to epoch ${newest}: what comes behind epoch ${epoch} is put out again, so give the new job outputs of its own`,
        ]),
  ]
  // The command stays whole, to be copied.
  return lines.map((line, at) => `${at === 0 ? `  ${line}` : wrapLine(`  ${line}`, width)}\n`).join('')
}
