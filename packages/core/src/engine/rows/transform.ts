/**
 * Filter and projection by expressions: one generated function per column layout (expr/compile).
 */
import type { Batch } from '../../data/batch.ts'
import { rowCount } from '../../data/batch.ts'
import type { Schema } from '../../data/type.ts'
import { compileTransform } from '../../expr/index.ts'
import type { TransformNode } from '../../plan/logical.ts'
import { MAIN_PORT } from '../../plan/logical.ts'
import type { Operator, OperatorContext } from '../operator.ts'

/** Makes the operator of a transform step. */
export function createTransform(
  node: TransformNode,
  inputSchema: Schema,
  context: OperatorContext,
): Operator {
  const transform = compileTransform({
    schema: inputSchema,
    predicate: node.predicate,
    outputs: node.outputs,
  })
  const emit = context.emit(MAIN_PORT)
  return {
    push(batch: Batch): void {
      const result = transform.run(batch)
      if (rowCount(result) > 0) emit(result)
    },
    advance: () => true,
    close: () => undefined,
  }
}
