/** Where rows stand that a start would put out a second time: what to remove before, for who wants each of them once. */
import { historyOf } from '../checkpoint/index.ts'
import type { NumberedEntry } from '../checkpoint/index.ts'
import { finishedPrefix, writerId } from '../connect/files/output-name.ts'
import type { SinkDescription } from '../connect/sink.ts'
import { targetOf } from './other-output.ts'

/** Output of one step that stands already. */
export interface StandingOutput {
  readonly step: string
  /** A folder, a table, a service, as the step names it now. */
  readonly target: string
  /** For files: what all of their names begin with and contain, by epoch and history. */
  readonly files?: readonly { readonly begins: string; readonly contains: string }[]
}

/** Of the outputs that these epochs gave rows to. */
export function standingOutputs(
  entries: readonly NumberedEntry[],
  epochs: readonly number[],
  sinks: ReadonlyMap<string, SinkDescription>,
): readonly StandingOutput[] {
  const repeated = historyOf(entries).manifests.filter(({ entry }) => epochs.includes(entry.epoch))
  return Array.from(sinks).flatMap(([step, sink]): StandingOutput[] => {
    const target = targetOf(sink)
    const hasRows = repeated.some(({ entry: { rows = {} } }) => (rows[step] ?? 0) > 0)
    if (target === undefined || !hasRows) return []
    if (sink.connector !== 'files') return [{ step, target }]
    const files = repeated.map(({ entry: { lineage, epoch } }) => ({
      begins: finishedPrefix(epoch),
      contains: `-${writerId(lineage, step)}.`,
    }))
    return [{ step, target, files }]
  })
}
