/** Tables of lookup joins that a start leaves as an earlier run has read them, and since when they are so. Pure. */
import type { Manifest, NumberedEntry } from '../checkpoint/index.ts'
import type { LogicalPlan } from '../plan/logical.ts'
import { ancestorsOf, tableSources } from '../plan/plan-graph.ts'
import type { StepFit } from './state-fit.ts'

/** Since when a table is as it is. */
export interface TableEpoch {
  /** The name of its source. */
  readonly table: string
  /** The newest epoch that wrote rows of it. */
  readonly epoch: number
  /** When that epoch became durable, in wall-clock time; undefined: it is not kept any more. */
  readonly atMs?: number
}

/** Tables that stay as they were read before: the names of their sources. */
export function tablesKept(plan: LogicalPlan, steps: readonly StepFit[]): readonly string[] {
  const kept = steps.filter(({ verdict }) => verdict === 'keeps' || verdict === 'converts')
  const tables = tableSources(plan)
  return kept.flatMap(({ step }) => (tables.has(step) ? [step] : []))
}

/** The epochs of these tables, as the state of their joins tells; of an empty one nothing is known. */
export function tableEpochs(
  plan: LogicalPlan,
  tables: readonly string[],
  { manifest, entries }: { readonly manifest: Manifest; readonly entries: readonly NumberedEntry[] },
): readonly TableEpoch[] {
  const joins = plan.nodes.filter(({ kind }) => kind === 'lookup-join')
  return tables.flatMap((table) => {
    const own = new Set(
      joins.flatMap(({ step, inputs }) =>
        ancestorsOf(
          plan,
          inputs.slice(1).map((input) => input.step),
        ).has(table)
          ? [step]
          : [],
      ),
    )
    const epochs = manifest.state.flatMap(({ step, epoch }) => (own.has(step) ? [epoch] : []))
    if (epochs.length === 0) return []
    const epoch = Math.max(...epochs)
    const atMs = entries.findLast(({ entry }) => entry.kind === 'manifest' && entry.epoch === epoch)?.entry
    return [{ table, epoch, ...(atMs?.kind === 'manifest' ? { atMs: atMs.atMs } : {}) }]
  })
}
