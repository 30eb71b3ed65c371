/**
 * Puts a generated loop together: header with hoisted arrays, predicate, outputs, and the buffers it writes to.
 */
import type { Batch } from '../data/batch.ts'
import type { Column, DictionaryColumn } from '../data/column.ts'
import { generate } from '../data/generate.ts'
import type { Schema } from '../data/type.ts'
import type { AnyCode, Code, PairCode } from './code.ts'
import { formOf } from './code.ts'
import type { DictionaryMemo } from './dictionary-memo.ts'
import type { Expression } from './expression.ts'
import { Generator } from './generator.ts'
import type { ColumnShape, Templates } from './generator.ts'
import { castTemplates } from './generate-casts.ts'
import { logicTemplates } from './generate-logic.ts'
import { numberTemplates } from './generate-numbers.ts'
import { textTemplates } from './generate-text.ts'
import { timeTemplates } from './generate-time.ts'
import { asPair, unsafeTest } from './generate-wide.ts'
import { OutputBuffer } from './output-buffer.ts'
import type { OutputForm } from './output-buffer.ts'
import { conjunctsOf } from './rewrite.ts'
import type { Output } from './transform.ts'

const templates: Templates = new Map([
  ...numberTemplates,
  ...castTemplates,
  ...logicTemplates,
  ...textTemplates,
  ...timeTemplates,
])

/** What a loop is compiled from. */
export interface LoopSpec {
  readonly schema: Schema
  readonly predicate: Expression | undefined
  readonly outputs: readonly Output[]
  readonly shapes: ReadonlyMap<number, ColumnShape>
  /** Functions that generated code calls as `h.name`. */
  readonly helpers: object
}

/** The generated function: returns how many rows passed, or −1 when the evaluator must run the batch. */
type LoopFunction = (
  columns: readonly Column[],
  count: number,
  selection: Int32Array | undefined,
  buffers: readonly (OutputBuffer | undefined)[],
  selected: Int32Array,
  memos: readonly DictionaryMemo[],
) => number

/** A compiled loop with its buffers. */
export interface Loop {
  readonly run: LoopFunction
  /** By output position; passed-on columns have none. */
  readonly buffers: readonly (OutputBuffer | undefined)[]
  readonly memos: readonly DictionaryMemo[]
  /** Prepares buffers and memos for a batch. */
  begin(batch: Batch): void
  /** The computed column of an output, after a run. */
  column(output: number, batch: Batch): Column
  readonly text: string
}

interface WrittenOutput {
  readonly index: number
  readonly form: OutputForm
  readonly nullable: boolean
  readonly table: readonly string[]
  /** The memo whose results the output is made of, by code. */
  readonly memo: number | undefined
  /** The input column whose chunk the ranges point into. */
  readonly chunkOf: number | undefined
}

/** Compiles a loop. Throws EvalError where code may not be generated. */
export function compileLoop(spec: LoopSpec): Loop {
  const computed = spec.outputs.flatMap((output) => (output.kind === 'compute' ? [output.expression] : []))
  const all = spec.predicate === undefined ? computed : [spec.predicate, ...computed]
  const generator = new Generator(spec.schema, spec.shapes, templates, all)
  if (spec.predicate !== undefined) writePredicate(generator, spec.predicate, computed.length > 0)
  else generator.line('m++')
  const written = spec.outputs.flatMap((output, index) =>
    output.kind === 'compute' ? [writeOutput(generator, output.expression, index)] : [],
  )
  const body = generator.take()
  const text = loopText(spec, generator, written, body)
  const make = generate<(h: object, constants: readonly unknown[]) => LoopFunction>(['h', 'constants'], text)
  const buffers = new Array<OutputBuffer | undefined>(spec.outputs.length).fill(undefined)
  for (const { index, form, table } of written) {
    buffers[index] = new OutputBuffer(form, (spec.outputs[index] as Output).field.type, table)
  }
  const run = make(spec.helpers, generator.constants)
  return makeLoop(run, buffers, generator, written, text)
}

function makeLoop(
  run: LoopFunction,
  buffers: readonly (OutputBuffer | undefined)[],
  generator: Generator,
  written: readonly WrittenOutput[],
  text: string,
): Loop {
  const memos = generator.memos.map(({ memo }) => memo)
  return {
    run,
    buffers,
    memos,
    text,
    begin(batch) {
      for (const { index, nullable } of written)
        (buffers[index] as OutputBuffer).begin(batch.length, nullable)
      for (const arena of generator.arenas) arena.end = 0
      for (const { column, memo } of generator.memos) memo.bind(batch.columns[column] as DictionaryColumn)
    },
    column(output, batch) {
      const buffer = buffers[output] as OutputBuffer
      const { chunkOf, memo } = written.find(({ index }) => index === output) as WrittenOutput
      if (memo !== undefined) {
        return (memos[memo] as DictionaryMemo).column(
          buffer.starts,
          buffer.nulls > 0 ? buffer.bits : undefined,
        )
      }
      if (chunkOf !== undefined) {
        const source = batch.columns[chunkOf] as Column
        buffer.chunk = source.layout === 'dictionary' ? source.dictionary.bytes : (source as { bytes: Uint8Array }).bytes
      } // prettier-ignore
      return buffer.column(batch.length)
    },
  }
}

/** Each part of the conjunction drops rows before the next is computed. */
function writePredicate(generator: Generator, predicate: Expression, hasOutputs: boolean): void {
  const parts = conjunctsOf(predicate)
  for (const [index, part] of parts.entries()) {
    const condition = generator.condition(part)
    const isLast = index === parts.length - 1
    if (isLast && !hasOutputs) {
      // Without a branch on the row: a filter that passes every second row would mispredict each.
      generator.line('selected[m] = i')
      generator.line(`m += ${condition} ? 1 : 0`)
    } else generator.line(`if (!(${condition})) continue`)
    if (isLast && hasOutputs) generator.line('selected[m++] = i')
  }
}

function writeOutput(generator: Generator, expression: Expression, index: number): WrittenOutput {
  const code = keptPair(generator, generator.generateAny(expression))
  const memo = code.form === 'string' ? code.memo : undefined
  const { form, chunkOf } =
    memo === undefined ? outputForm(code, expression) : { form: 'choice' as const, chunkOf: undefined }
  const store =
    memo === undefined
      ? storeCode(generator, code, expression, index, form, chunkOf)
      : `os${index}[i] = m${memo.index}.codes[${memo.slot}]`
  const nullable = code.isNull !== 'false'
  if (nullable) {
    generator.line(`if (${code.isNull}) { ov${index}[i >> 3] &= ~(1 << (i & 7)); on${index}++ }`)
    generator.line(`else ${store}`)
  } else generator.line(store)
  const table = code.form === 'choice' && form === 'choice' ? code.table : []
  return { index, form, nullable, table, chunkOf, memo: memo?.index }
}

/** A pair is written and tested: it is computed once. */
function keptPair(generator: Generator, code: AnyCode): AnyCode {
  return code.form === 'pair' ? asPair(generator, code) : code
}

function outputForm(
  code: AnyCode,
  expression: Expression,
): { form: OutputForm; chunkOf: number | undefined } {
  if (code.form === 'choice' && expression.type.kind === 'string')
    return { form: 'choice', chunkOf: undefined }
  if (code.form === 'text') return { form: 'text', chunkOf: code.chunkOf }
  if (code.form === 'pair') return { form: 'wide', chunkOf: undefined }
  const form = formOf(expression.type)
  return { form: form === 'scalar' ? 'fixed' : form === 'boxed' ? 'boxed' : 'text', chunkOf: undefined }
}

function storeCode(
  generator: Generator,
  code: AnyCode,
  expression: Expression,
  index: number,
  form: OutputForm,
  chunkOf: number | undefined,
): string {
  switch (form) {
    case 'fixed': {
      const { value } = code as { value: string }
      return `o${index}[i] = ${expression.type.kind === 'boolean' ? `(${value}) ? 1 : 0` : value}`
    }
    case 'wide': {
      const pair = code as PairCode
      const words = expression.type.kind === 'decimal' ? 4 : 2
      const sign = words === 2 ? '' : ` o${index}[4 * i + 2] = o${index}[4 * i + 3] = ${pair.high} >> 31;`
      return `{ o${index}[${words} * i] = ${pair.low}; o${index}[${words} * i + 1] = ${pair.high};${sign} if (${unsafeTest(pair)}) ob${index}.isWide = true }`
    }
    case 'choice':
      return `os${index}[i] = ${(code as { index: string }).index}`
    case 'boxed':
      return `ob${index}.boxed[i] = ${generator.box(code, expression)}`
    case 'text': {
      if (code.form !== 'text') return `ob${index}.putString(i, ${generator.plain(code as Code)})`
      if (chunkOf === undefined) return `ob${index}.putRange(i, ${code.bytes}, ${code.start}, ${code.length})`
      return `{ os${index}[i] = ${code.start}; ol${index}[i] = ${code.length} }`
    }
  }
}

function loopText(
  spec: LoopSpec,
  generator: Generator,
  written: readonly WrittenOutput[],
  body: readonly string[],
): string {
  const lines = ["'use strict'"]
  generator.constants.forEach((_, n) => lines.push(`const k${n} = constants[${n}]`))
  lines.push('return function transform(columns, count, selection, buffers, selected, memos) {')
  for (const [n, shape] of spec.shapes) lines.push(...columnHeader(n, shape))
  generator.memos.forEach((_, n) =>
    lines.push(`  const m${n} = memos[${n}], ms${n} = m${n}.states, mn${n} = m${n}.numbers`),
  )
  for (const { index } of written) {
    lines.push(
      `  const ob${index} = buffers[${index}], o${index} = ob${index}.values, ov${index} = ob${index}.bits`,
    )
    lines.push(`  const os${index} = ob${index}.starts, ol${index} = ob${index}.lengths`)
    lines.push(`  let on${index} = 0`)
  }
  lines.push('  let m = 0', '  if (selection === undefined) {', '    for (let i = 0; i < count; i++) {')
  for (const line of body) lines.push(`      ${line}`)
  lines.push('    }', '  } else {', '    for (let n = 0; n < count; n++) {', '      const i = selection[n]')
  for (const line of body) lines.push(`      ${line}`)
  lines.push('    }', '  }')
  for (const { index } of written) lines.push(`  ob${index}.nulls = on${index}`)
  lines.push('  return m', '}')
  return lines.join('\n')
}

function columnHeader(n: number, { layout, nullable }: ColumnShape): string[] {
  const lines = [`  const x${n} = columns[${n}]`]
  if (nullable) lines.push(`  const v${n} = x${n}.validity`)
  if (layout === 'wide') lines.push(`  const c${n} = h.wordsOf(x${n}.values)`)
  if (layout === 'fixed') lines.push(`  const c${n} = x${n}.values`)
  if (layout === 'utf8')
    lines.push(`  const b${n} = x${n}.bytes, s${n} = x${n}.starts, l${n} = x${n}.lengths`)
  if (layout === 'dictionary') {
    lines.push(`  const d${n} = x${n}.codes, e${n} = x${n}.dictionary`)
    lines.push(`  const b${n} = e${n}.bytes, s${n} = e${n}.starts, l${n} = e${n}.lengths`)
  }
  return lines
}
