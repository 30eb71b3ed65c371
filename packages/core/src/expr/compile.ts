/**
 * Compiles a filter with projection into one generated function per layout of the columns it reads.
 *
 * The function writes a selection vector and computed columns at physical row indices; columns that are only handed on
 * keep their pointers. Invariants (tests quote them):
 *  X1  The result equals the evaluator's, value for value, on every layout. (`verify` checks it while running.)
 *  X2  Wide columns are computed as pairs of 32-bit words (generate-wide.ts). A batch whose values or results fit neither
 *      float64 nor, where code for pairs exists, 64 bits is run by the evaluator.
 *  X3  Output buffers belong to the transform: a batch it gave is valid until its next run (B1).
 *  X4  Event time, weights and order are handed on as they are; rows keep their physical index.
 */
import type { Batch } from '../data/batch.ts'
import type { Column } from '../data/column.ts'
import { canGenerate } from '../data/generate.ts'
import { readText } from '../data/text-bytes.ts'
import type { Schema } from '../data/type.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import { compileLoop } from './compile-loop.ts'
import type { Loop } from './compile-loop.ts'
import { columnIndex } from './evaluate.ts'
import type { Expression } from './expression.ts'
import { compareText } from './functions/comparison.ts'
import { roundHalfEven } from './float-text.ts'
import type { ColumnShape } from './generator.ts'
import { columnsOf } from './rewrite.ts'
import * as calendar from './calendar-kernels.ts'
import { likeAnyCase, likeBytes } from './like-kernel.ts'
import * as numbers from './number-kernels.ts'
import * as texts from './text-kernels.ts'
import { dateField, truncateDay } from './time-fields.ts'
import { resolveOutputs, runReference } from './transform.ts'
import type { Output, TransformSpec } from './transform.ts'
import { readCell } from './value.ts'
import { verifySame } from './verify.ts'

/** What generated code may call. */
const helpers = { ...texts, ...numbers, ...calendar, likeBytes, likeAnyCase, readText, readCell, compareText, roundHalfEven, truncateDay, dateField } // prettier-ignore

/** A compiled filter and projection. */
export interface Transform {
  readonly outputSchema: Schema
  /** The batch of the rows that pass, with the output columns. It is valid until the next call (B1). */
  run(batch: Batch): Batch
  /** How many batches the evaluator ran, and how many generated code did: a high share of the first is slow. */
  readonly batches: { readonly evaluated: number; readonly generated: number }
  /** The generated functions so far, as readable text. Before the first batch: for the plain layout of each type. */
  explainCode(): string
}

/** How a transform runs. */
export interface CompileOptions {
  /** Runs the evaluator beside the generated code and fails when they differ: for tests and suspicion. */
  readonly verify?: boolean
  /** False: the evaluator does everything, as where `new Function` is forbidden. */
  readonly generate?: boolean
}

/**
 * Compiles a filter and a projection of bound expressions.
 *
 * `run` throws `value/…` for a row whose expression has no value, with the expression and the row.
 *
 * @example
 * ```ts
 * import { batchOfRows, schema, t } from '@millrace/core/data'
 * import { bindExpression, compileTransform, sql } from '@millrace/core/expr'
 *
 * const flights = schema({ origin: t.string(), delay: t.int32() })
 * const batch = batchOfRows(flights, [{ origin: 'SEA', delay: 20 }])
 * const transform = compileTransform({ schema: flights, predicate: bindExpression(sql`delay > 15`, flights) })
 * const late = transform.run(batch)
 * ```
 */
export function compileTransform(spec: TransformSpec, options: CompileOptions = {}): Transform {
  return new CompiledTransform(spec, options)
}

/** Layouts seen per transform whose code is kept; sources have few. */
const LOOPS_MAX = 64

class CompiledTransform implements Transform {
  readonly outputSchema: Schema
  readonly #spec: TransformSpec
  readonly #options: CompileOptions
  readonly #outputs: readonly Output[]
  /** Positions of the columns that generated code reads. */
  readonly #used: readonly number[]
  readonly #loops = new Map<string, Loop | undefined>()
  /** The layout codes of the last batch and its loop: most batches look like the one before. */
  readonly #lastCodes: Int32Array
  #last: Loop | undefined
  readonly #mayGenerate: boolean
  readonly #isPass: boolean
  #selection = new Int32Array(0)
  readonly batches = { evaluated: 0, generated: 0 }

  constructor(spec: TransformSpec, options: CompileOptions) {
    this.#spec = spec
    this.#options = options
    this.#outputs = resolveOutputs(spec)
    this.outputSchema =
      spec.outputs === undefined ? spec.schema : { fields: this.#outputs.map((output) => output.field) }
    const names = new Set(this.#expressions().flatMap(columnsOf))
    this.#used = [...names].map((name) => columnIndex(spec.schema, name)).toSorted((a, b) => a - b)
    this.#lastCodes = new Int32Array(this.#used.length).fill(-1)
    this.#mayGenerate = (options.generate ?? true) && canGenerate()
    this.#isPass = this.#outputs.every((output) => output.kind === 'pass')
  }

  #expressions(): Expression[] {
    const { predicate } = this.#spec
    const computed = this.#outputs.flatMap((output) => (output.kind === 'compute' ? [output.expression] : []))
    return predicate === undefined ? computed : [predicate, ...computed]
  }

  run(batch: Batch): Batch {
    // Renaming and dropping columns computes nothing.
    if (this.#spec.predicate === undefined && this.#isPass) return this.#passed(batch)
    const loop = this.#mayGenerate ? this.#loopFor(batch) : undefined
    const result = loop === undefined ? this.#reference(batch) : this.#runLoop(loop, batch)
    if (this.#options.verify === true && loop !== undefined) verifySame(result, this.#reference(batch))
    return result
  }

  #passed(batch: Batch): Batch {
    const columns = this.#outputs.map(
      (output) => batch.columns[(output as { input: number }).input] as Column,
    )
    return { ...batch, schema: this.outputSchema, columns }
  }

  #reference(batch: Batch): Batch {
    this.batches.evaluated++
    return runReference(batch, this.#spec.predicate, this.#outputs, this.outputSchema)
  }

  /** The loop for the batch's layout. */
  #loopFor(batch: Batch): Loop | undefined {
    let same = true
    for (let n = 0; n < this.#used.length; n++) {
      const code = layoutCode(batch.columns[this.#used[n] as number] as Column)
      if (code === this.#lastCodes[n]) continue
      this.#lastCodes[n] = code
      same = false
    }
    if (same && this.#last !== undefined) return this.#last
    this.#last = this.#compiled(this.#lastCodes.join(' '), batch)
    return this.#last
  }

  #compiled(signature: string, batch: Batch): Loop | undefined {
    if (this.#loops.has(signature)) return this.#loops.get(signature)
    const shapes = new Map(this.#used.map((n) => [n, shapeOf(batch.columns[n] as Column)]))
    const loop = this.#generate(shapes)
    if (this.#loops.size >= LOOPS_MAX) this.#loops.clear()
    this.#loops.set(signature, loop)
    return loop
  }

  #generate(shapes: ReadonlyMap<number, ColumnShape>): Loop {
    const { schema, predicate } = this.#spec
    return compileLoop({ schema, predicate, outputs: this.#outputs, shapes, helpers })
  }

  #runLoop(loop: Loop, batch: Batch): Batch {
    const count = batch.selection === undefined ? batch.length : batch.selectedCount
    if (this.#spec.predicate !== undefined && this.#selection.length < batch.length) {
      this.#selection = new Int32Array(Math.max(batch.length, this.#selection.length * 2))
    }
    loop.begin(batch)
    let kept = -1
    try {
      kept = loop.run(batch.columns, count, batch.selection, loop.buffers, this.#selection, loop.memos)
    } catch (error) {
      // The evaluator finds the row and words the error; a RangeError is a memo that turned out wide.
      if (!isMillraceError(error) && !(error instanceof RangeError)) throw error
    }
    if (kept < 0) return this.#reference(batch)
    this.batches.generated++
    return this.#result(loop, batch, kept)
  }

  #result(loop: Loop, batch: Batch, kept: number): Batch {
    const columns = this.#outputs.map((output, index) =>
      output.kind === 'pass'
        ? (batch.columns[output.input] as Column)
        : loop.column(index, batch),
    ) // prettier-ignore
    const filtered = this.#spec.predicate !== undefined && kept < batch.length
    const handedOn = this.#spec.predicate === undefined ? batch.selection : undefined
    return {
      schema: this.outputSchema,
      length: batch.length,
      columns,
      eventTime: batch.eventTime,
      weights: batch.weights,
      order: batch.order,
      selection: filtered ? this.#selection : handedOn,
      selectedCount: kept,
    }
  }

  explainCode(): string {
    const loops = [...this.#loops.values()].filter((loop) => loop !== undefined)
    if (loops.length > 0) return loops.map((loop) => loop.text).join('\n\n')
    const plain = new Map(this.#used.map((n) => [n, plainShape(this.#spec.schema, n)]))
    return this.#mayGenerate ? this.#generate(plain).text : 'evaluated row by row: code cannot be generated'
  }
}

const layouts = ['fixed', 'wide', 'utf8', 'dictionary', 'list', 'struct']

function layoutCode(column: Column): number {
  return layouts.indexOf(column.layout) * 2 + (column.validity === undefined ? 0 : 1)
}

function shapeOf(column: Column): ColumnShape {
  return { layout: column.layout as ColumnShape['layout'], nullable: column.validity !== undefined }
}

function plainShape(schema: Schema, n: number): ColumnShape {
  const field = schema.fields[n]
  if (field === undefined) throw new MillraceError('internal/assertion', { what: `no column ${n}` })
  const { kind } = field.type
  const isText = kind === 'string' || kind === 'bytes' || kind === 'json' || kind === 'uuid'
  const isList = kind === 'list' || kind === 'map'
  const isStruct = kind === 'struct' || kind === 'interval'
  const layout = isText ? 'utf8' : isList ? 'list' : isStruct ? 'struct' : 'fixed'
  return { layout, nullable: field.nullable }
}
