/** What a start would do, as people read it. Pure. */
import type { EpochOutput, StartCheck, StateChange, StepFit } from '@millrace/core/runtime'
import { formatCount, formatRows, formatTime } from '../progress/quantities.ts'
import type { Palette } from './style.ts'
import { sinceText } from './table-since.ts'
import { wrapLine } from './wrapped-text.ts'

/** The answer of `millrace check`, with a line end. */
export function checkText(check: StartCheck, palette: Palette, width: number = Infinity): string {
  const lines = [
    `${check.place}: ${palette(headline(check), check.refusals.length === 0 ? 'good' : 'bad')}`,
    ...ownerLines(check),
    ...owedLines(check),
    ...movedLines(check),
    ...repeatLines(check),
    ...stepLines(check.steps, palette),
    ...againLines(check).map((line) => palette(line, 'warn')),
    ...check.tables.map(
      (table) =>
        `  table ${table} stays as an earlier run has read it${sinceText(table, check.tableEpochs)}; --refresh-tables reads it anew`,
    ),
  ]
  return lines.map((line) => `${wrapLine(line, width, indentOf(line))}\n`).join('')
}

/** Before a run: what it puts out a second time, and where it goes back. Empty when there is nothing to say. */
export function repeatsText(check: StartCheck, palette: Palette, width: number = Infinity): string {
  const head = `goes back behind epoch ${formatCount(check.epoch)}, with a history of its own`
  return [
    ...(check.isBranch ? [palette(head, 'warn'), ...repeatLines(check)] : []),
    ...againLines(check).map((line) => palette(line.trimStart(), 'warn')),
  ]
    .map((line) => `${wrapLine(line, width)}\n`)
    .join('')
}

/** What comes out twice although the history goes on. */
function againLines({ readsAgain, firesAgain }: StartCheck): string[] {
  const quoted = (steps: readonly string[]): string => steps.map((step) => `"${step}"`).join(', ')
  return [
    ...(readsAgain.length === 0
      ? []
      : [
          `  ${quoted(readsAgain)}: all of the input is read from its beginning, and what its rows give is put out a second time`,
        ]),
    ...(firesAgain.length === 0
      ? []
      : [
          `  ${quoted(firesAgain)}: the run before has fired all of its windows at its end; where more rows of such a window come, it fires again, with these rows only`,
        ]),
  ]
}

/** Where the text of a line begins: behind the name of a step, where one stands in front. */
function indentOf(line: string): number | undefined {
  return /^ {4}\S.*? {2,}(?=\S)/.exec(line)?.[0].length
}

function headline({ kind, epoch, atMs, end, mode, refusals, phases, isBranch }: StartCheck): string {
  const when = atMs === undefined ? '' : ` of ${formatTime(atMs)}`
  const ended =
    end === undefined ? '' : `, with which the run before ${end === 'idle' ? 'had read all there was' : end}`
  const inPhases =
    phases === undefined ? '' : `, phase ${formatCount(phases.done)} of ${formatCount(phases.of)}`
  const would = refusals.length === 0 ? 'a start' : 'refused: a start'
  switch (kind) {
    case undefined:
      return 'a start would be refused'
    case 'begin':
      return `${would} would begin at the beginning: no epoch is kept`
    case 'resume':
      return `${would} would go on behind epoch ${formatCount(epoch)}${when}${inPhases}${isBranch ? ', as a history of its own' : ended}`
    case 'ended':
      return `${would} would have nothing left to do: the job ${end ?? 'ended'} with epoch ${formatCount(epoch)}${when}; ${mode === 'batch' ? 'a batch runs again in another state directory' : '--go-on reads new input'}`
  }
}

function ownerLines({ owner, kind }: StartCheck): string[] {
  if (owner === undefined) return kind === 'begin' ? [] : ['  nobody runs the job']
  const { process, state, attempt, heardAtMs } = owner
  const who = `process ${process.pid} on ${process.machine} (attempt ${attempt}, heard of at ${formatTime(heardAtMs)})`
  if (state === 'dead') return [`  ${who} ran the job and is gone: it would be taken over at once`]
  return [state === 'alive' ? `  ${who} runs the job` : `  ${who} may still run the job`]
}

function owedLines({ owes }: StartCheck): string[] {
  if (owes.length === 0) return []
  const epochs = [...new Set(owes.map(({ epoch }) => epoch))]
  const steps = [...new Set(owes.map(({ step }) => `"${step}"`))]
  return [
    `  ${owes.length === 1 ? 'an output is' : `${formatCount(owes.length)} outputs are`} owed and would be committed first: ${steps.join(', ')} of ${epochsText(epochs)}`,
  ]
}

function movedLines({ moved }: StartCheck): string[] {
  return moved.map(
    ({ step, epoch, before, now }) =>
      `  output "${step}" has rows of epoch ${formatCount(epoch)} in hand at ${before}, and is now at ${now}: a start is refused unless what lies there was moved, too`,
  )
}

function repeatLines({ isBranch, repeats, epoch, stands = [] }: StartCheck): string[] {
  if (!isBranch) return []
  if (repeats.length === 0)
    return [`  what other histories have put out behind epoch ${formatCount(epoch)} is put out again`]
  return [
    `  put out again: ${epochsText(repeats.map((one) => one.epoch))}, whose output stands already${rowsText(repeats)}`,
    ...stands.map(
      (one) =>
        `    stands in ${standingText(
          one,
          repeats.map(({ epoch: at }) => at),
        )}`,
    ),
  ]
}

/** Where an output stands; files may be removed whenever one likes, since those of another history have other names. */
function standingText(
  { step, target, files }: NonNullable<StartCheck['stands']>[number],
  epochs: readonly number[],
): string {
  if (files === undefined) return `${target}, of "${step}" in ${epochsText(epochs)}`
  const begins = [...new Set(files.map((one) => one.begins))]
  const contains = [...new Set(files.map((one) => one.contains))].map((text) => `"${text}"`)
  const range = begins.length === 1 ? `${begins[0]}*` : `${begins[0]}* to ${begins.at(-1)}*`
  return `${target}, as files ${range} with ${contains.join(' or ')} in their names: remove these for rows once`
}

function rowsText(repeats: readonly EpochOutput[]): string {
  const rows = new Map<string, number>()
  for (const one of repeats)
    for (const [step, count] of Object.entries(one.rows)) rows.set(step, (rows.get(step) ?? 0) + count)
  const texts = Array.from(rows, ([step, count]) => `${formatRows(count)} of "${step}"`)
  return texts.length === 0 ? '' : `: ${texts.join(', ')}`
}

/** `epoch 3`, `epochs 3 to 7`. */
function epochsText(epochs: readonly number[]): string {
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)]
  if (first === last) return `epoch ${formatCount(first)}`
  return `epochs ${formatCount(first)} to ${formatCount(last)}`
}

function stepLines(steps: readonly StepFit[], palette: Palette): string[] {
  if (steps.length === 0) return []
  const width = Math.max(...steps.map(({ step }) => step.length))
  return [
    '  state',
    ...steps.map(
      ({ step, verdict, changes }) =>
        `    ${step.padEnd(width)}  ${palette(verdictText(verdict), toneOf(verdict))}${changes.map(changeText).join('')}`,
    ),
  ]
}

function toneOf(verdict: StepFit['verdict']): 'bad' | 'warn' | 'plain' {
  if (verdict === 'misfits') return 'bad'
  return verdict === 'drops' ? 'warn' : 'plain'
}

function verdictText(verdict: StepFit['verdict']): string {
  switch (verdict) {
    case 'keeps':
      return 'goes on as it is'
    case 'begins':
      return 'begins empty'
    case 'converts':
      return 'goes on, changed'
    case 'drops':
      return 'is dropped'
    case 'anew':
      return 'is read anew'
    case 'misfits':
      return 'does not fit: a start is refused'
  }
}

function changeText({ kind, state, before, after }: StateChange): string {
  switch (kind) {
    case 'reads':
      return `; reads ${after ?? '?'}, before ${before ?? '?'}`
    case 'gains':
      return `; "${state}" begins empty`
    case 'drops':
      return `; "${state}" is dropped`
    case 'widens':
      return `; "${state}" becomes ${after ?? 'wider'}, was ${before ?? 'narrower'}`
    case 'migrates':
      return `; "${state}" is migrated from ${before ?? '?'} to ${after ?? '?'}`
  }
}
