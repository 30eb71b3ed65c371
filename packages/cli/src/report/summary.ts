/** The last words on a run that ended well: what went in and out, how long it took, where the results lie. Pure. */
import type { LogicalNode } from '@millrace/core/plan'
import type { JobResult } from '@millrace/core/runtime'
import { formatBytes, formatCount, formatMs, formatShort } from '../progress/quantities.ts'
import type { Palette } from './style.ts'

/** What a summary is made from. */
export interface Summary {
  readonly pipeline: string
  readonly mode: 'batch' | 'continuous'
  readonly nodes: readonly LogicalNode[]
  readonly result: JobResult
  /** The most memory that the process held. */
  readonly memoryBytes: number
}

const endings: { readonly [end in JobResult['end']]: string } = {
  finished: 'done',
  idle: 'done, nothing came any more',
  stopped: 'stopped',
}

/** The summary as text, with a line end. */
export function summaryText(summary: Summary, palette: Palette): string {
  const { result, pipeline } = summary
  const { progress } = result
  const seconds = progress.elapsedMs / 1000
  const rate = seconds > 0 ? `   ${formatShort(progress.rowsIn / seconds)} rows/s` : ''
  const lines = [
    `${palette(`${pipeline}: ${endings[result.end]}`, 'good')} in ${formatMs(progress.elapsedMs)}`,
    `  read ${rowsAndBytes(progress.rowsIn, progress.bytesIn)}, wrote ${rowsAndBytes(progress.rowsOut, progress.bytesOut)}`,
    `  CPU ${formatMs(progress.cpuMs)}${rate}   memory ${formatBytes(summary.memoryBytes)} at most`,
    ...lostRows(summary, palette),
    ...outputs(summary, palette),
  ]
  return `${lines.join('\n')}\n`
}

function rowsAndBytes(rows: number, bytes: number): string {
  const counted = `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`
  return bytes > 0 ? `${counted} (${formatBytes(bytes)})` : counted
}

function lostRows({ result: { progress } }: Summary, palette: Palette): string[] {
  const { rowsLate, rowsRejected } = progress
  const lines: string[] = []
  if (rowsLate > 0)
    lines.push(`  ${palette(`${formatCount(rowsLate)} rows came too late for their window`, 'warn')}`)
  if (rowsRejected > 0) lines.push(`  ${palette(`${formatCount(rowsRejected)} rows were rejected`, 'warn')}`)
  return lines
}

function outputs({ nodes, result }: Summary, palette: Palette): string[] {
  const sinks = nodes.flatMap((node) => {
    if (node.kind !== 'sink') return []
    const { path } = node.sink.options
    if (typeof path !== 'string') return []
    const rows = result.progress.steps.find(({ step }) => step === node.step)?.rowsIn
    return [{ path, rows }]
  })
  if (sinks.length === 0) return []
  const width = Math.max(...sinks.map(({ path }) => path.length))
  return [
    '  results',
    ...sinks.map(({ path, rows }) => {
      const counted = rows === undefined ? '' : palette(`  ${formatCount(rows)} rows`, 'faint')
      return `    ${path.padEnd(width)}${counted}`
    }),
  ]
}
