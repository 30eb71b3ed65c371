/** The last words on a run that ended well: what went in and out, how long it took, where the results lie. Pure. */
import type { SinkDescription } from '@millrace/core/connect'
import type { LogicalNode } from '@millrace/core/plan'
import type { JobOptions, JobResult, JobStart, RunMode, StepFit } from '@millrace/core/runtime'
import { formatBytes, formatCount, formatMs, formatRows, formatShort } from '../progress/quantities.ts'
import { lateRows, openWindows, pendingTimers, rejectedRows, waitingRows } from './left-behind.ts'
import type { OpenWindows, PendingTimers, StepRows, WaitingRows } from './left-behind.ts'
import type { Palette } from './style.ts'
import { sinceText } from './table-since.ts'
import { wrapLine } from './wrapped-text.ts'

/** What a summary is made from. */
export interface Summary {
  readonly pipeline: string
  readonly mode: RunMode
  readonly nodes: readonly LogicalNode[]
  readonly result: JobResult
  /** How long a run that ends when nothing comes waited for more. */
  readonly stopWhenIdleMs?: number | undefined
  /** What became of results that lay there; undefined: the run refused to begin where some did. */
  readonly outputMode?: JobOptions['outputMode']
  /** How often the run started again after a failure. */
  readonly restarts?: number
  /** The most memory that the process held. */
  readonly memoryBytes: number
}

/** How a run ended, and after how long. */
function endingOf(summary: Summary): readonly [string, string] {
  const { result, stopWhenIdleMs } = summary
  const { end, progress } = result
  const took = formatMs(progress.elapsedMs)
  if (end === 'finished') return ['done', ` in ${took}`]
  if (end === 'stopped') return ['stopped', ` after ${took}`]
  if (endsByItself(summary)) return ['done', ` in ${took}: what was there is read`]
  const waited = stopWhenIdleMs === undefined ? '' : ` for ${formatMs(stopWhenIdleMs)}`
  return ['stopped', ` after ${took}: nothing new came${waited}`]
}

/** The summary as text, with a line end. */
export function summaryText(summary: Summary, palette: Palette, width: number = Infinity): string {
  const { result, pipeline } = summary
  const { progress } = result
  const seconds = progress.elapsedMs / 1000
  const rate = seconds > 0 ? `   ${formatShort(progress.rowsIn / seconds)} rows/s` : ''
  const [ending, after] = endingOf(summary)
  const lines = [
    `${palette(`${pipeline}: ${ending}`, 'good')}${after}`,
    ...startNotes(summary, palette),
    `  read ${rowsAndBytes(progress.rowsIn, progress.bytesIn)}, wrote ${rowsAndBytes(progress.rowsOut, progress.bytesOut)}`,
    `  CPU ${formatMs(progress.cpuMs)}${rate}   memory ${formatBytes(summary.memoryBytes)} at most`,
    ...leftBehind(summary, palette),
  ].map((line) => wrapLine(line, width))
  // Paths stay whole.
  lines.push(...outputs(summary, palette))
  return `${lines.join('\n')}\n`
}

/** Where a run with a state directory went on. */
function startNotes(summary: Summary, palette: Palette): string[] {
  const { start } = summary.result
  const { restarts = 0 } = summary
  return [
    ...(restarts === 0
      ? []
      : [`  started again after ${formatCount(restarts)} ${restarts === 1 ? 'failure' : 'failures'}`]),
    ...historyNotes(summary, palette),
    ...(start?.kind === 'resume' ? start.changes.map(changeNote) : []),
    ...(start?.tables ?? []).map((table) => tableNote(table, start, palette)),
  ]
}

function tableNote(table: string, start: JobStart | undefined, palette: Palette): string {
  const since = sinceText(table, start?.tableEpochs)
  return `  table ${table} is as an earlier run has read it${since} ${palette('(--refresh-tables reads it anew)', 'faint')}`
}

const changeWords = {
  gains: 'began empty',
  reads: 'reads another input',
  widens: 'became wider',
  migrates: 'was migrated',
  drops: 'was dropped',
} as const

/** What became of the state of a step that did not simply go on. */
function changeNote({ step, verdict, changes }: StepFit): string {
  const what = {
    keeps: 'went on',
    begins: 'began empty',
    converts: 'went on, changed',
    drops: 'was dropped',
    anew: 'was read anew',
    // Of a start that was refused.
    misfits: 'does not fit',
  }[verdict]
  const states = changes.map(({ kind, state }) => `"${state}" ${changeWords[kind]}`)
  return `  state of ${step} ${what}${states.length === 0 ? '' : `: ${states.join(', ')}`}`
}

function historyNotes({ mode, result: { start } }: Summary, palette: Palette): string[] {
  if (start === undefined || start.kind === 'begin') return []
  const again =
    start.committedAgain === 0
      ? ''
      : `; ${formatCount(start.committedAgain)} ${start.committedAgain === 1 ? 'output' : 'outputs'} of the run before committed`
  if (start.phases !== undefined) return [phaseNote(start.phases), ...outputModeNote(start.phases)]
  if (start.kind === 'resume') return [`  went on behind epoch ${formatCount(start.epoch)}${again}`]
  return [
    `  this job had come to its end at epoch ${formatCount(start.epoch)}${again}: nothing was left to do`,
    `    ${palette(mode === 'batch' ? batchAgain : goOn, 'faint')}`,
  ]
}

const goOn = '--go-on reads new input with its state; another --state begins anew'
const batchAgain =
  'a batch runs once in a state directory: to run it again, name another --state, or remove this one'

function phaseNote({ done, of, tasks }: NonNullable<JobStart['phases']>): string {
  const inTasks = `${formatCount(tasks)} ${tasks === 1 ? 'task' : 'tasks'} per stage`
  return `  went on behind phase ${formatCount(done)} of ${formatCount(of)}, in ${inTasks}; what came before was not read again`
}

/** Outputs are opened for good by the first start. */
function outputModeNote({ outputMode }: NonNullable<JobStart['phases']>): string[] {
  if (outputMode === undefined) return []
  return [`  outputs stay as the first start opened them: --output-mode ${outputMode}`]
}

function rowsAndBytes(rows: number, bytes: number): string {
  return bytes > 0 ? `${formatRows(rows)} (${formatBytes(bytes)})` : formatRows(rows)
}

/** A run of micro-batch mode that reads what is there; others of it end as those of continuous mode do. */
function endsByItself({ mode, result: { end }, stopWhenIdleMs }: Summary): boolean {
  return mode === 'micro-batch' && end === 'idle' && stopWhenIdleMs === undefined
}

/** What was read and is in no result, each with what to do about it. */
function leftBehind(summary: Summary, palette: Palette): string[] {
  const { nodes, mode } = summary
  const { progress } = summary.result
  const windows = openWindows(progress)
  const timers = pendingTimers(progress)
  const waiting = waitingRows(progress)
  const unfired = [...windows.map(openText), ...timers.map(timersText), ...waiting.map(waitingText)]
  const isOne = unfired.length === 1 && (windows[0]?.groups ?? timers[0]?.timers ?? waiting[0]?.rows) === 1
  const goesOn = endsByItself(summary) || summary.result.start !== undefined
  const remedy = goesOn ? goesOnText(summary.result, isOne) : drainText(isOne, waiting.length > 0)
  const notes: Note[] = [
    // One remedy for all of them, behind the last.
    ...unfired.map((text, at): Note => [text, at === unfired.length - 1 ? remedy : undefined]),
    ...lateRows(progress, nodes).map((late) => lateNote(late, mode)),
    ...rejectedRows(progress, nodes).map(rejectedNote),
  ]
  return notes.flatMap(([what, remedy]) => [
    `  ${palette(what, 'warn')}`,
    ...(remedy === undefined ? [] : [`    ${palette(remedy, 'faint')}`]),
  ])
}

type Note = readonly [what: string, remedy: string | undefined]

function openText({ step, groups }: OpenWindows): string {
  const windows = groups === 1 ? 'window is' : 'windows (counted per key) are'
  return `${step}: ${formatCount(groups)} ${windows} still open, without a result`
}

function timersText({ step, timers }: PendingTimers): string {
  return `${step}: ${formatCount(timers)} ${timers === 1 ? 'timer' : 'timers'} had not fired`
}

function waitingText({ step, rows }: WaitingRows): string {
  return `${step}: ${formatRows(rows)} still ${rows === 1 ? 'waits' : 'wait'} for a partner`
}

function goesOnText({ start }: JobResult, isOne: boolean): string {
  const what = isOne ? 'it' : 'them'
  return start === undefined
    ? `with --state DIR a later run goes on with ${what}`
    : `a later run with the same --state goes on with ${what}`
}

function drainText(isOne: boolean, hasRows: boolean): string {
  const what = isOne ? 'it' : 'them'
  return `--drain ${hasRows ? `lets ${what} out` : `fires ${what}`} at the end of the run`
}

function lateNote({ step, rows, readBy }: StepRows, mode: Summary['mode']): Note {
  const waiting =
    mode === 'batch'
      ? "eventTime: { column: '…', watermark: 'at-end' } lets windows wait for the end of the input, and a disorder for so long"
      : 'a larger disorder of the event time lets windows wait'
  return [
    `${step}: ${formatRows(rows)} came too late for ${rows === 1 ? 'its window' : 'their windows'}`,
    readBy.length > 0
      ? `${rows === 1 ? 'it' : 'they'} went to ${listed(readBy)}; ${waiting}`
      : `${waiting}; .late gives such rows`,
  ]
}

function rejectedNote({ step, rows, readBy }: StepRows): Note {
  return [
    `${step}: ${formatRows(rows)} ${rows === 1 ? 'was' : 'were'} rejected`,
    readBy.length > 0
      ? `${rows === 1 ? 'it' : 'they'} went to ${listed(readBy)}`
      : 'write .rejected to see them, with the reasons',
  ]
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}

function outputs({ nodes, result, outputMode }: Summary, palette: Palette): string[] {
  // Nothing was written, and what is there may be of others.
  if (result.start?.kind === 'ended' && result.start.committedAgain === 0) return []
  const sinks = nodes.flatMap((node) => {
    if (node.kind !== 'sink') return []
    const path = placeOf(node.sink)
    if (path === undefined) return []
    const rows = result.progress.steps.find(({ step }) => step === node.step)?.rowsIn
    return [{ path, rows }]
  })
  if (sinks.length === 0) return []
  const width = Math.max(...sinks.map(({ path }) => path.length))
  const replaces = outputMode === 'overwrite' && (result.start === undefined || result.start.kind === 'begin')
  return [
    '  results',
    ...sinks.map(({ path, rows }) => {
      const counted = rows === undefined ? '' : palette(`  ${formatRows(rows)}`, 'faint')
      const removed =
        replaces && rows === 0
          ? palette('; what it held before was removed (--output-mode overwrite)', 'warn')
          : ''
      return `    ${path.padEnd(width)}${counted}${removed}`
    }),
  ]
}

/** Where a sink writes: a path, a table in a file, or a table of a server; undefined: nowhere that has a name. */
function placeOf({ connector, options: { path, table } }: SinkDescription): string | undefined {
  if (typeof table !== 'string') return typeof path === 'string' ? path : undefined
  return `${typeof path === 'string' ? path : connector}, table ${table}`
}
