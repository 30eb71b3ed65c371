/**
 * What the meaning of a step is told, and what it answers.
 */
import type { LogicalNode } from '../../plan/index.ts'
import type { Relation } from './relation.ts'

/** Whether rows can be late. */
export type Lateness =
  /** Every row counts as one that came in time. */
  | { readonly kind: 'none' }
  /**
   * Each row is judged by the watermark that the rows before it in its split make: exact for a source of one split. The
   * watermark moves after so many rows at once: in micro-batch mode between epochs, else after every row.
   */
  | { readonly kind: 'by-split'; readonly rowsAtOnce: number }
  /** For each window step, the rows that were late for it, and no others: told from outside. */
  | {
      readonly kind: 'given'
      isLate(step: string, cells: Relation['rows'][number]['cells']): boolean
    }

/** What stands around a step. */
export interface Around {
  readonly functions: ReadonlyMap<string, unknown>
  /** Rows of a source step by split, as user code sees rows. */
  readonly splits: (step: string) => readonly (readonly object[])[]
  /** The number of a source step among the sources of the plan. */
  readonly sourceNumber: (step: string) => number
  readonly lateness: Lateness
  /** How far event time has come: what is due later has not happened. Infinity at the end of the input. */
  readonly horizon: number
}

/** The rows of each port of a step. */
export interface Ports {
  readonly [port: string]: Relation
}

/** What a step gives for all rows of its inputs. */
export type Meaning<Node extends LogicalNode> = (
  node: Node,
  inputs: readonly Relation[],
  around: Around,
) => Ports

/** The one input of a step that has one. */
export function only(inputs: readonly Relation[]): Relation {
  const [input] = inputs
  if (input === undefined || inputs.length !== 1) throw new Error(`${inputs.length} inputs instead of one`)
  return input
}
