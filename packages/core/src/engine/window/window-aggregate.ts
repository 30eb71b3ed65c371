/**
 * Aggregation per key and window: chooses the operator for the kind of window.
 *
 * Tumbling, sliding and global windows are made of panes; sessions keep intervals per key.
 */
import type { Schema } from '../../data/type.ts'
import type { WindowAggregateNode } from '../../plan/logical.ts'
import type { Operator, OperatorContext } from '../operator.ts'
import { PaneWindows } from './window-aggregate-panes.ts'
import { SessionWindows } from './window-aggregate-sessions.ts'

/** What an aggregation is made from besides its node and its rows. */
export interface FunctionBindings {
  /** The user functions that a plan refers to by id. */
  readonly functions: ReadonlyMap<string, unknown>
  /** The schema of its second input, when a partial aggregate in front of the exchange has begun the work. */
  readonly accumulators?: Schema | undefined
}

/**
 * Makes the operator of a window aggregate for one task.
 *
 * Input batches carry `eventTime` unless the window is global. Output columns are the keys, the window's start and end
 * (not for global windows), and the aggregates, in the order of `node.schema`.
 *
 * @throws MillraceError `plan/unknown-column` or `plan/type-mismatch` when the node does not fit its input.
 */
export function createWindowAggregate(
  node: WindowAggregateNode,
  inputSchema: Schema,
  context: OperatorContext,
  bindings: FunctionBindings,
): Operator {
  return node.window.kind === 'session'
    ? new SessionWindows(node, inputSchema, context, bindings.functions)
    : new PaneWindows(node, inputSchema, context, bindings)
}
