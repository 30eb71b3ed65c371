/**
 * Several inputs as one stream: rows pass, the watermark is the minimum of the inputs' (the task sees to that).
 */
import type { Batch } from '../../data/batch.ts'
import type { UnionNode } from '../../plan/logical.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import type { Operator, OperatorContext } from '../operator.ts'

/** Makes the operator of a union step; all inputs have its schema. */
export function createUnion(node: UnionNode, context: OperatorContext): Operator {
  const emit = context.emit(MAIN_PORT)
  return {
    push: (batch: Batch) => emit(batch.schema === node.schema ? batch : { ...batch, schema: node.schema }),
    advance: () => true,
    close: () => undefined,
  }
}
