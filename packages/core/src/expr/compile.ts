/**
 * Compiles a filter with projection into one function per column layout.
 */
import type { Batch } from '../data/batch.ts'
import type { Schema } from '../data/type.ts'
import { resolveOutputs, runReference } from './transform.ts'
import type { TransformSpec } from './transform.ts'

/** A compiled filter and projection. */
export interface Transform {
  readonly outputSchema: Schema
  /** The batch of the rows that pass, with the output columns. It is valid until the next call (B1). */
  run(batch: Batch): Batch
}

/** Compiles a filter and a projection. */
export function compileTransform(spec: TransformSpec): Transform {
  const outputs = resolveOutputs(spec)
  const outputSchema: Schema =
    spec.outputs === undefined ? spec.schema : { fields: outputs.map((output) => output.field) }
  return { outputSchema, run: (batch) => runReference(batch, spec.predicate, outputs, outputSchema) }
}
