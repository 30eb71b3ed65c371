/**
 * What a filter with projection is, apart from how it runs: resolved outputs, output schema, and its run by the
 * reference evaluator. The fast way is compile.ts.
 */
import type { Batch } from '../data/batch.ts'
import { rowCount, rowIndex } from '../data/batch.ts'
import type { Column } from '../data/column.ts'
import type { Field, Schema } from '../data/type.ts'
import { columnIndex, evaluate } from './evaluate.ts'
import type { Expression, NamedExpression } from './expression.ts'
import type { Value } from './value.ts'
import { columnOf } from './value.ts'

/** A filter and a projection, as `compileTransform` takes them. */
export interface TransformSpec {
  readonly schema: Schema
  /** Rows for which it is not true are dropped; undefined keeps all. */
  readonly predicate?: Expression | undefined
  /** The output columns; undefined keeps the input's. */
  readonly outputs?: readonly NamedExpression[] | undefined
}

/** An output: a column of the input handed on as it is, or a computed one. */
export type Output =
  | { readonly kind: 'pass'; readonly field: Field; readonly input: number }
  | { readonly kind: 'compute'; readonly field: Field; readonly expression: Expression }

/** The outputs of a transform, resolved against its input schema. */
export function resolveOutputs({ schema, outputs }: TransformSpec): readonly Output[] {
  if (outputs === undefined) return schema.fields.map((field, input) => ({ kind: 'pass', field, input }))
  return outputs.map(({ name, expression }): Output => {
    if (expression.kind === 'column') {
      const input = columnIndex(schema, expression.name)
      return { kind: 'pass', field: { ...(schema.fields[input] as Field), name }, input }
    }
    return {
      kind: 'compute',
      field: { name, type: expression.type, nullable: expression.nullable },
      expression,
    }
  })
}

/** The batch that a transform gives for `batch`, by the reference evaluator: exact, allocating, slow. */
export function runReference(
  batch: Batch,
  predicate: Expression | undefined,
  outputs: readonly Output[],
  outputSchema: Schema,
): Batch {
  const live: number[] = []
  const count = rowCount(batch)
  const computed = outputs.map((output) =>
    output.kind === 'compute' ? new Array<Value>(batch.length).fill(null) : [],
  )
  for (let n = 0; n < count; n++) {
    const row = rowIndex(batch, n)
    if (predicate !== undefined && evaluate(predicate, batch, row) !== true) continue
    live.push(row)
    for (const [index, output] of outputs.entries()) {
      if (output.kind === 'compute')
        (computed[index] as Value[])[row] = evaluate(output.expression, batch, row)
    }
  }
  const columns = outputs.map((output, index) =>
    output.kind === 'pass'
      ? (batch.columns[output.input] as Column)
      : columnOf(output.field.type, computed[index] as Value[]),
  )
  const keepsAll = live.length === batch.length
  const selection = keepsAll ? undefined : Int32Array.from(live)
  return { ...batch, schema: outputSchema, columns, selection, selectedCount: live.length }
}
