/** `millrace check`: what a start would do with kept state, without starting. */
import { createNodeHost } from '@millrace/core/host/node'
import { isMillraceError } from '@millrace/core/errors'
import type { MillraceError } from '@millrace/core/errors'
import { Job } from '@millrace/core/runtime'
import type { RunMode, StartCheck } from '@millrace/core/runtime'
import type { ParsedWords } from '../command-line/command.ts'
import { countOf, settingsOf, valueOf } from '../command-line/flag-values.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { exitCodeOf, exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { loadPipeline } from '../module/load-pipeline.ts'
import { errorRecord, jsonLine } from '../progress/json-lines.ts'
import { checkText } from '../report/check-text.ts'
import { errorText } from '../report/error-text.ts'
import { paletteFor } from '../report/style.ts'
import { textWidth } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'
import { placesOf } from './run.ts'

/** Runs the command. */
export async function check(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const state = valueOf(words, 'state')
  if (state === undefined) throw new UsageError('millrace check needs a state directory', 'add --state DIR')
  const savepoint = valueOf(words, 'from-savepoint')
  const module = await loadPipeline(words.operands[0] ?? '', surroundings)
  const host = createNodeHost()
  const built = await module.pipeline.buildOn(host, { set: settingsOf(words) })
  const from = countOf(words, 'from', Number.MAX_SAFE_INTEGER)
  const dropState = words.values.get('drop-state')
  const renamedFrom = valueOf(words, 'renamed-from')
  const places = await placesOf({ state, savepoint }, { host, surroundings })
  const look = async (mode: RunMode): Promise<StartCheck> => {
    const found = await new Job(built, {
      host,
      mode,
      ...places,
      ...(from === undefined ? {} : { from }),
      ...(dropState === undefined ? {} : { dropState }),
      ...(renamedFrom === undefined ? {} : { renamedFrom }),
      goOn: words.given.has('go-on'),
      ...(mode === 'batch' ? {} : { refreshTables: words.given.has('refresh-tables') }),
      takeOver: words.given.has('takeover'),
    }).check()
    return found as StartCheck
  }
  const asked = valueOf(words, 'mode') as RunMode | undefined
  let found = await look(asked ?? 'continuous')
  if (asked === undefined && found.mode === 'batch') found = await look('batch')
  report(found, words, surroundings)
  const [refusal] = found.refusals
  return refusal === undefined ? exitCodes.done : exitCodeOf(refusal)
}

function report(found: StartCheck, words: ParsedWords, { stdout, stderr, environment }: Surroundings): void {
  if (words.given.has('json')) {
    stdout.write(jsonLine({ type: 'check', ...found, refusals: found.refusals.map(refusalRecord) }))
    return
  }
  const width = textWidth(stdout)
  stdout.write(checkText(found, paletteFor(stdout, environment), width))
  const palette = paletteFor(stderr, environment)
  const verbose = words.given.has('verbose')
  for (const refusal of found.refusals)
    stderr.write(errorText(refusal, { verbose, palette, width: textWidth(stderr) }))
}

function refusalRecord(error: MillraceError): object {
  const { type: _, ...record } = errorRecord(isMillraceError(error) ? error : undefined)
  return record
}
