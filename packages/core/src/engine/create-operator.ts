/**
 * The table from plan nodes to operators: one entry per kind, so that a new kind does not compile until it has one.
 */
import type { Schema } from '../data/type.ts'
import { assert } from '../errors.ts'
import type { LogicalNode } from '../plan/logical.ts'
import { createIntervalJoin } from './join/interval-join.ts'
import { createLookupJoin } from './lookup/lookup-join.ts'
import type { Operator, OperatorContext } from './operator.ts'
import { PartialAggregate } from './window/partial-aggregate.ts'
import { createProcess } from './process/process.ts'
import { createRowFunction } from './rows/row-function.ts'
import { createTransform } from './rows/transform.ts'
import { createUnion } from './rows/union.ts'
import { createWindowAggregate } from './window/window-aggregate.ts'

/** Node kinds that are operators; sources and sinks have tasks of their own. */
export type OperatorNode = Exclude<LogicalNode, { kind: 'source' | 'sink' }>

/** What operators are made from besides their node. */
export interface OperatorParts {
  readonly inputSchemas: readonly Schema[]
  readonly context: OperatorContext
  readonly functions: ReadonlyMap<string, unknown>
}

/** Makes the operator of a node for one task. */
export function createOperator(node: OperatorNode, parts: OperatorParts): Operator {
  const { context, functions } = parts
  const input = parts.inputSchemas[0]
  assert(input !== undefined, `step "${node.step}" has no input`)
  switch (node.kind) {
    case 'transform':
      return createTransform(node, input, context)
    case 'row-function':
      return createRowFunction(node, input, context, functions.get(node.functionId))
    case 'union':
      return createUnion(node, context)
    case 'key-by':
      return createPass(context)
    case 'window-aggregate':
      return createWindowAggregate(node, input, context, { functions, accumulators: parts.inputSchemas[1] })
    case 'partial-aggregate':
      return new PartialAggregate(node, input, context)
    case 'process':
      return createProcess(node, input, context, { functions })
    case 'lookup-join':
      return createLookupJoin(node, parts.inputSchemas, context)
    case 'interval-join':
      return createIntervalJoin(node, parts.inputSchemas, context)
  }
}

/** key-by only names the key; the exchange in front of it has done the work. */
function createPass(context: OperatorContext): Operator {
  return { push: context.emit('main'), advance: () => true, close: () => undefined }
}
