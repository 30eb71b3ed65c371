import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindExpression, columnsOf, evaluate, expressionFromJson, expressionToJson, expressionToString, simplify, sqlText, substitute } from '../../src/expr/index.ts' // prettier-ignore
import { sameValue } from '../../src/expr/verify.ts'
import { isMillraceError } from '../../src/errors.ts'
import type { Batch } from '../../src/data/batch.ts'
import type { Expression } from '../../src/expr/index.ts'
import { arbitraryEverything, everything, layouts } from './everything.ts'
import { examples, shapes } from './examples.ts'

const bind = (text: string): Expression => bindExpression(sqlText(text), everything)
const simplified = (text: string): string => expressionToString(simplify(bind(text)))

describe('simplify', () => {
  test.each([
    ['1 + 2 * 3', '7'],
    ['i32 > 1 + 1', 'i32 > 2'],
    ['not (i32 < 3)', 'i32 >= 3'],
    ['not (not b)', 'b'],
    ['b and true and (i32 = 1 and true)', 'b and i32 = 1'],
    ['b and false', 'false'],
    ['b or true', 'true'],
    ['i32 is null', 'false'],
    ['coalesce(null, i32, i32n)', 'i32'],
    ['case when false then 1 when b then 2 else 3 end', 'case when b then 2 else 3 end'],
    ["upper('abc') || s", "'ABC' || s"],
  ])('%s becomes %s', (text, expected) => expect(simplified(text)).toBe(expected))

  test('keeps a constant that fails where it may not be reached', () => {
    expect(simplified('case when b then 1 / 0 else 0 end')).toBe('case when b then 1 / 0 else 0 end')
    expect(simplified('10 / i32 > 1 and false')).toBe('10 / i32 > 1 and false')
  })
})

function outcome(expression: Expression, batch: Batch, row: number): unknown {
  try {
    return { value: evaluate(expression, batch, row) }
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return { value: error.code }
  }
}

/** Some examples of each function. */
const some = [...Object.values(examples).flatMap((texts) => texts.slice(0, 6)), ...shapes]

test('simplifying changes no value and no error', () => {
  for (const text of some) {
    const before = bind(text)
    const after = simplify(before)
    expect(after.type).toEqual(before.type)
    fc.assert(
      fc.property(arbitraryEverything(layouts[0] as never, columnsOf(before)), (batch) => {
        const [a, b] = [outcome(before, batch, 0), outcome(after, batch, 0)] as { value: never }[]
        expect([text, sameValue(a?.value as never, b?.value as never)]).toEqual([text, true])
      }),
      { numRuns: 5 },
    )
  }
})

test('the text of an expression binds to the same expression again', () => {
  for (const text of some) {
    const printed = expressionToString(bind(text))
    const again = expressionToString(bind(printed))
    expect(again).toBe(printed)
    expect(bind(printed).type).toEqual(bind(text).type)
  }
})

test('the JSON form reads back the same, and damaged forms are refused', () => {
  for (const text of some) {
    const expression = bind(text)
    expect(expressionFromJson(expressionToJson(expression))).toEqual(expression)
  }
  const good = expressionToJson(bind('i32 + 1')) as { [name: string]: never }
  for (const bad of [
    null,
    3,
    {},
    { ...good, kind: 'x' },
    { ...good, name: 'nope' },
    { ...good, arguments: [null] },
  ]) {
    expect(() => expressionFromJson(bad as never)).toThrow(expect.objectContaining({ name: 'MillraceError' }))
  }
})

test('columns are replaced by name', () => {
  const replaced = substitute(bind('i32 + k32 > i32'), new Map([['i32', bind('k32 * 2')]]))
  expect(expressionToString(replaced)).toBe('k32 * 2 + k32 > k32 * 2')
  expect(columnsOf(replaced)).toEqual(['k32'])
})
