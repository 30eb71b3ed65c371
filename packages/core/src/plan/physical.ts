/**
 * The physical plan: logical nodes grouped into stages between exchanges, with the number of tasks of each.
 *
 * A stage is a chain (in general a small graph) of steps that run in one task without re-partitioning. The same plain
 * data for every target: the embedded engine runs stages as tasks in this process.
 */
import type { Input, LogicalPlan } from './logical.ts'

/** How rows get from one stage's output to another stage's tasks. */
export type ExchangeKind =
  /** Task i to task i. */
  | { readonly kind: 'forward' }
  /** By key group of the named columns. */
  | { readonly kind: 'key-group'; readonly keys: readonly string[] }
  /** Every row to every task (the table side of a lookup join). */
  | { readonly kind: 'broadcast' }
  /** All rows to the one task that the stage has. */
  | { readonly kind: 'gather' }

/** An edge between stages. */
export interface Exchange {
  readonly from: Input
  /** The step in the target stage that reads it, and which of its inputs. */
  readonly to: { readonly step: string; readonly input: number }
  readonly exchange: ExchangeKind
}

/** Steps that run together. */
export interface Stage {
  readonly id: number
  /** In topological order. */
  readonly steps: readonly string[]
  readonly tasks: number
}

/** A plan ready to be run. */
export interface PhysicalPlan {
  readonly logical: LogicalPlan
  readonly stages: readonly Stage[]
  readonly exchanges: readonly Exchange[]
  /** Fixed for the life of the state; a power of two. */
  readonly keyGroups: number
}

/** Hash slices of the key space: what moves when the number of tasks changes (docs/internals/task-loop.md). */
export const KEY_GROUPS_DEFAULT = 128
