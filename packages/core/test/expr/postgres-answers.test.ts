/**
 * What a PostgreSQL server answered (postgres-answers.txt), and where Millrace answers otherwise on purpose
 * (postgres-differences.txt). Each expression is checked with the evaluator and with generated code.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { makeBatch } from '../../src/data/batch.ts'
import { schema, t } from '../../src/data/builder.ts'
import type { Column } from '../../src/data/column.ts'
import { isMillraceError } from '../../src/errors.ts'
import { toText } from '../../src/expr/casts.ts'
import { bindExpression, compileTransform, evaluate, sqlText } from '../../src/expr/index.ts'
import { columnOf, readCell } from '../../src/expr/value.ts'
import { sameValue } from '../../src/expr/verify.ts'

const one = schema({ x: t.int32() })
const batch = makeBatch(one, [columnOf({ kind: 'int32' }, [1])], 1)

/** The value in the notation of the files: text in quotes, `null`, or `error`. */
function answer(text: string): string {
  try {
    const expression = bindExpression(sqlText(text), one)
    const value = evaluate(expression, batch, 0)
    const result = compileTransform({ schema: one, outputs: [{ name: 'y', expression }] }).run(batch)
    const generated = readCell(result.columns[0] as Column, 0)
    if (!sameValue(generated, value)) return `generated code differs from the evaluator`
    if (value === null) return 'null'
    if (!Array.isArray(value)) return JSON.stringify(toText(value, expression.type))
    return JSON.stringify(`{${value.map((item) => (item === null ? 'NULL' : String(item))).join(',')}}`)
  } catch (error) {
    if (!isMillraceError(error) || error.code.startsWith('internal/')) throw error
    return 'error'
  }
}

function rowsOf(file: string): readonly (readonly string[])[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))
    .map((line) => line.split(' → '))
}

const answers = rowsOf('postgres-answers.txt')
const differences = rowsOf('postgres-differences.txt')

test('PostgreSQL gives the same answers', () => {
  expect(answers.length).toBeGreaterThan(1000)
  const wrong = answers.filter(([text, expected]) => answer(text as string) !== expected)
  expect(wrong.map(([text, expected]) => `${text}: ${answer(text as string)}, not ${expected}`)).toEqual([])
})

test('differences to PostgreSQL are the known ones', () => {
  const found = differences.map(([text, , theirs]) => [text, answer(text as string), theirs])
  expect(found).toEqual(differences)
  expect(differences.filter(([, ours, theirs]) => ours === theirs)).toEqual([])
})
