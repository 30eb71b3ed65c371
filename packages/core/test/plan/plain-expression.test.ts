// Expressions as explain shows them: what binding has added is left out, where that changes nothing.
import { describe, expect, it } from 'vitest'
import { schema, sql, t } from '../../src/index.ts'
import { bindExpression } from '../../src/expr/index.ts'
import { plainExpression } from '../../src/plan/explain/plain-expression.ts'

const Row = schema({
  i: t.int32(),
  l: t.int64(),
  f: t.float64(),
  s: t.string(),
  d: t.decimal(10, 2),
  at: t.timestamp(),
})

const shown = (expression: Parameters<typeof bindExpression>[0]): string =>
  plainExpression(bindExpression(expression, Row))

describe('an expression as explain shows it', () => {
  it.each([
    [sql`f >= 5`, 'f >= 5'],
    [sql`f >= ${15}`, 'f >= 15'],
    [sql`f > -0.25`, 'f > -0.25'],
    [sql`f in (1, 2.5)`, 'f in (1, 2.5)'],
    [sql`l = 7`, 'l = 7'],
    [sql`i > l`, 'i > l'],
    [sql`i < f and s = 'x'`, "i < f and s = 'x'"],
    [sql`case when f > 15 then 1.0::float8 else 0.0::float8 end`, 'case when f > 15 then 1 else 0 end'],
  ])('%# leaves out casts that only comparing needed', (expression, text) => {
    expect(shown(expression)).toBe(text)
  })

  it.each([
    [sql`i / 60::float8`, 'cast(i as double precision) / 60.0'],
    [sql`f::int`, 'cast(f as integer)'],
    [sql`s::int > 5`, 'cast(s as integer) > 5'],
    [sql`f::int = 5`, 'cast(f as integer) = 5'],
    [sql`f > 1e300`, "f > cast('1e+300' as double precision)"],
    [sql`f > 'NaN'::float8`, "f > cast('NaN' as double precision)"],
  ])('%# keeps what decides the result', (expression, text) => {
    expect(shown(expression)).toBe(text)
  })
})
