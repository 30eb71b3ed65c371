/**
 * Holds invariant X1 of compile.ts: generated code gives what the evaluator gives, for every function of the catalogue,
 * on every layout, nulls included; and where the evaluator fails, so does the generated code, with the same error.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/data/batch.ts'
import { rowCount, rowIndex } from '../../src/data/batch.ts'
import type { Column } from '../../src/data/column.ts'
import { isMillraceError } from '../../src/errors.ts'
import {
  bindExpression,
  catalogue,
  columnsOf,
  compileTransform,
  evaluate,
  sqlText,
} from '../../src/expr/index.ts'
import type { Expression } from '../../src/expr/index.ts'
import { readCell } from '../../src/expr/value.ts'
import type { Value } from '../../src/expr/value.ts'
import { sameValue } from '../../src/expr/verify.ts'
import { arbitraryEverything, everything, layouts } from './everything.ts'
import type { Layout } from './everything.ts'
import { examples, shapes, wideExamples } from './examples.ts'

/** What the evaluator says of a row: a value or an error code. */
type Outcome = { readonly value: Value } | { readonly code: string }

function outcomeOf(expression: Expression, batch: Batch, row: number): Outcome {
  try {
    return { value: evaluate(expression, batch, row) }
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return { code: error.code }
  }
}

function check(text: string, expression: Expression, batch: Batch): void {
  const rows = Array.from({ length: rowCount(batch) }, (_, n) => rowIndex(batch, n))
  const outcomes = new Map(rows.map((row) => [row, outcomeOf(expression, batch, row)]))
  const good = rows.filter((row) => 'value' in (outcomes.get(row) as Outcome))
  const onGood: Batch =
    good.length === batch.length
      ? batch
      : { ...batch, selection: Int32Array.from(good), selectedCount: good.length }
  const transform = compileTransform({ schema: everything, outputs: [{ name: 'x', expression }] })
  const result = transform.run(onGood)
  expect(rowCount(result)).toBe(good.length)
  generated += transform.batches.generated
  for (const row of good) {
    const { value } = outcomes.get(row) as { value: Value }
    const found = readCell(result.columns[0] as Column, row)
    if (!sameValue(found, value)) {
      const inputs = columnsOf(expression).map((name) => [
        name,
        evaluate(bindExpression(name, everything), batch, row),
      ])
      expect.fail(`${text}: generated ${show(found)}, evaluated ${show(value)}, inputs ${show(inputs as never)}\n${transform.explainCode()}`) // prettier-ignore
    }
  }
  if (expression.type.kind === 'boolean') checkFilter(expression, onGood, outcomes)
  for (const row of rows) {
    const outcome = outcomes.get(row) as Outcome
    if ('value' in outcome) continue
    const alone: Batch = { ...batch, selection: Int32Array.of(row), selectedCount: 1 }
    expect(() => transform.run(alone)).toThrow(expect.objectContaining({ code: outcome.code }))
  }
}

function checkFilter(predicate: Expression, batch: Batch, outcomes: ReadonlyMap<number, Outcome>): void {
  const result = compileTransform({ schema: everything, predicate }).run(batch)
  const kept = Array.from({ length: rowCount(result) }, (_, n) => rowIndex(result, n))
  const expected = Array.from({ length: rowCount(batch) }, (_, n) => rowIndex(batch, n)).filter(
    (row) => (outcomes.get(row) as { value: Value }).value === true,
  )
  expect(kept).toEqual(expected)
}

function show(value: Value): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}

let generated = 0

const wideLayouts = layouts.filter(({ wide, dictionary }) => wide && !dictionary)

function crossTest(text: string, over: readonly Layout[] = layouts, numRuns: number = 6): void {
  const expression = bindExpression(sqlText(text), everything)
  const names = columnsOf(expression)
  for (const layout of over) {
    fc.assert(
      fc.property(arbitraryEverything(layout, names), (batch) => check(text, expression, batch)),
      { numRuns },
    )
  }
}

describe('generated code agrees with the evaluator', () => {
  for (const [name, texts] of Object.entries(examples)) {
    test(`on ${name}`, () => {
      generated = 0
      for (const text of texts) crossTest(text)
      // The evaluator alone agrees with itself: most batches must have been run by generated code.
      expect(generated).toBeGreaterThan(texts.length * 20)
    }, 120_000)
  }
  test.each(shapes)('on %s', (text) => {
    generated = 0
    crossTest(text)
    expect(generated).toBeGreaterThan(0)
  })
})

test('generated code agrees with the evaluator on what float64 cannot hold', () => {
  generated = 0
  for (const text of wideExamples) crossTest(text, wideLayouts, 5)
  // Of 20 batches each, most fit 64 bits and are run by generated code.
  expect(generated).toBeGreaterThan(wideExamples.length * 9)
}, 120_000)

test('every function of the catalogue has examples, and every example a function', () => {
  expect([...catalogue.keys(), 'cast'].toSorted()).toEqual(Object.keys(examples).toSorted())
})

test('every function has a signature and a line of documentation', () => {
  for (const entry of catalogue.values()) {
    expect(entry.signature).not.toBe('')
    expect(`${entry.name}: ${entry.doc}`).toMatch(/: \S.*\.$/)
  }
})
