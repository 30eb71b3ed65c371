import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMillraceError } from '../../src/errors.ts'
import { sql, sqlText } from '../../src/expr/index.ts'
import { parseExpression } from '../../src/expr/parser.ts'
import type { Syntax } from '../../src/expr/syntax.ts'

/** A tree as a short text with all parentheses. */
function tree(syntax: Syntax): string {
  switch (syntax.kind) {
    case 'identifier':
      return syntax.parts.map((part) => (part.quoted ? `"${part.text}"` : part.text)).join('.')
    case 'literal':
      return syntax.literal === 'string'
        ? `'${syntax.text}'`
        : syntax.literal === 'null'
          ? 'null'
          : syntax.text
    case 'typed-literal':
      return `${syntax.type.name}'${syntax.text}'`
    case 'value':
      return `$${JSON.stringify(syntax.value)}`
    case 'call':
      return `(${[syntax.name, ...syntax.arguments.map(tree)].join(' ')})`
    case 'cast': {
      const { name, parameters, zoned, dimensions } = syntax.type
      return `(cast ${tree(syntax.operand)} ${name}${parameters.length > 0 ? `(${parameters.join()})` : ''}${zoned ? ' zoned' : ''}${'[]'.repeat(dimensions)})` // prettier-ignore
    }
    case 'field':
      return `(field ${tree(syntax.operand)} ${syntax.name.text})`
    case 'case': {
      const branches = syntax.branches.map(({ when, then }) => `${tree(when)}->${tree(then)}`)
      const operand = syntax.operand === undefined ? '' : `${tree(syntax.operand)}: `
      return `(case ${operand}${branches.join(' ')}${syntax.otherwise === undefined ? '' : ` else ${tree(syntax.otherwise)}`})`
    }
  }
}

const parse = (text: string): string => tree(parseExpression(sqlText(text).source))

describe('precedence follows PostgreSQL', () => {
  test.each([
    ['a + b * c - d', '(- (+ a (* b c)) d)'],
    ['a - b - c', '(- (- a b) c)'],
    ['-a ^ 2', '(^ (negate a) 2)'],
    ['2 ^ 3 ^ 2', '(^ (^ 2 3) 2)'],
    ['-5', '-5'],
    ['- 5::text', '(negate (cast 5 text))'],
    ['a or b and not c = d', '(or a (and b (not (= c d))))'],
    ['a or b or c', '(or a b c)'],
    ['not a is null', '(not (is_null a))'],
    ['a = b is null', '(is_null (= a b))'],
    ["a || b like 'x' and c", "(and (like (|| a b) 'x') c)"],
    ['a + 1 between b and c + 1 and d', '(and (between (+ a 1) b (+ c 1)) d)'],
    ['a between symmetric 1 and 2', '(between_symmetric a 1 2)'],
    ['a not in (1, 2) or b', '(or (not (in a 1 2)) b)'],
    ["a not ilike 'x' escape '!'", "(not (ilike a 'x' '!'))"],
    ['a is not distinct from b + 1', '(is_not_distinct_from a (+ b 1))'],
    ['a is not true', '(not (is_true a))'],
    ['a isnull', '(is_null a)'],
    ["a -> 'b' ->> 0", "(->> (-> a 'b') 0)"],
    ["ts at time zone 'UTC' + x", "(+ (timezone 'UTC' ts) x)"],
    ['a !~ b', '(not (~ a b))'],
    ['a[1][2].b', '(field (element_at (element_at a 1) 2) b)'],
    ['a[:2]', '(slice a null 2)'],
    ['(a).b', '(field a b)'],
    ['a.b."C d"', 'a.b."C d"'],
    ['a != b', '(<> a b)'],
  ])('%s', (text, expected) => expect(parse(text)).toBe(expected))
})

describe('literals', () => {
  test.each([
    ["'it''s'", "'it's'"],
    ["E'a\\n\\x41\\u00e9\\\\'", "'a\nAé\\'"],
    ["$$it's$$", "'it's'"],
    ['$q$a$$b$q$', "'a$$b'"],
    ["X'0aFF'", '0aff'],
    ['1_000.5e-3', '1000.5e-3'],
    ['.5', '.5'],
    ['0xFF', '0xFF'],
    ["date '2001-02-03'", "date'2001-02-03'"],
    ["timestamp with time zone '2001-02-03 04:05Z'", "timestamp'2001-02-03 04:05Z'"],
    ["interval '3' hour", "interval'3 hour'"],
    ['true', 'true'],
    ['date', 'date'],
    ['"quoted ""name"""', '"quoted "name""'],
    ['a -- comment\n + /* two /* nested */ */ b', '(+ a b)'],
    ['ünïcode', 'ünïcode'],
  ])('%s', (text, expected) => expect(parse(text)).toBe(expected))
})

describe('special forms', () => {
  test.each([
    ['case a when 1 then 2 else 3 end', '(case a: 1->2 else 3)'],
    ['case when a then b end', '(case a->b)'],
    ['cast(a as decimal(10, 2))', '(cast a decimal(10,2))'],
    ['a::timestamp(6) with time zone', '(cast a timestamp(6) zoned)'],
    ['a::text[]', '(cast a text[])'],
    ['a::double precision', '(cast a double)'],
    ['extract(hour from a)', "(date_part 'hour' a)"],
    ['substring(a from 2 for 3)', '(substring a 2 3)'],
    ['substring(a for 3)', '(substring a 1 3)'],
    ["position('x' in a)", "(position 'x' a)"],
    ["trim(leading 'x' from a)", "(ltrim a 'x')"],
    ['trim(a)', '(btrim a)'],
    ['array[1, 2]', '(array 1 2)'],
    ['left(a, 2)', '(left a 2)'],
    ['Foo(a)', '(foo a)'],
    ['current_timestamp', '(now)'],
  ])('%s', (text, expected) => expect(parse(text)).toBe(expected))
})

describe('parameters', () => {
  const shown = (expression: { readonly source: never } | ReturnType<typeof sql>): string =>
    tree(parseExpression(expression.source))

  test('are values and never text', () => {
    const evil = "x'; drop table --"
    expect(shown(sql`a = ${evil} and b`)).toBe(`(and (= a $${JSON.stringify(evil)}) b)`)
  })
  test('that are arrays stand for the items of IN', () => {
    expect(shown(sql`a in ${[1, 2]}`)).toBe('(in a $1 $2)')
    expect(shown(sql`a in (${[1, 2]}, 3)`)).toBe('(in a $1 $2 3)')
  })
  test('may not stand inside a string, a name or a comment', () => {
    for (const wrong of [sql`a = '${1}'`, sql`"a${1}"`, sql`a /* ${1} */`, sql`a = $$${1}$$`]) {
      expect(() => parseExpression(wrong.source)).toThrow(/a parameter stands inside/)
    }
  })
  test('keep backslashes of patterns as they are written', () => {
    expect(shown(sql`a ~ '\d+'`)).toBe("(~ a '\\d+')")
  })
})

describe('errors point at the place', () => {
  test.each([
    ['delay >', 'found the end where a value should stand: line 1, column 8'],
    ['delay > > 3', 'found ">" where a value should stand: line 1, column 9'],
    ['a +\n  * b', 'found "*" where a value should stand: line 2, column 3'],
    ['(a', 'found the end where ")" to close "(" should stand: line 1, column 3'],
    ['a b', 'found "b" where an operator or the end should stand: line 1, column 3'],
    ['a < b < c', 'found "<" after a comparison: comparisons do not chain: line 1, column 7'],
    ["'abc", "a string has no closing ': line 1, column 1"],
    ['case a end', 'found "end" where WHEN should stand: line 1, column 8'],
    ['cast(a b)', 'found "b" where AS after the value of CAST should stand: line 1, column 8'],
    [
      'a is 3',
      'found "3" where NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS should stand: line 1, column 6',
    ],
    ['a in ()', 'found ")" where a value should stand: line 1, column 7'],
    ['1abc', 'found "a" directly after a number: line 1, column 2'],
    ['a # b', 'found "#", which starts nothing in SQL: line 1, column 3'],
    ['select', 'found "select" where a value should stand: line 1, column 1'],
    ['', 'found the end where a value should stand: line 1, column 1'],
    ['count(*)', 'found "*" where a value should stand: line 1, column 7'],
  ])('%s', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'expression/syntax' }))
    expect(() => parse(text)).toThrow(message)
  })

  test('with an excerpt and a caret under it', () => {
    expect(() => parse('delay > and x')).toThrow('    delay > and x\n            ^^^')
  })
})

describe('limits', () => {
  test('deep nesting is refused, not overflowed', () => {
    for (const text of [
      '('.repeat(5000),
      '- '.repeat(5000),
      'not '.repeat(5000),
      'f('.repeat(5000),
      'case when '.repeat(5000),
    ]) {
      expect(() => parse(text)).toThrow(/nested more than/)
    }
  })
  test('a long chain is refused, a long OR is not', () => {
    expect(() => parse(`a${' + a'.repeat(5000)}`)).toThrow(/operators in a row/)
    expect(parse(`a${' or a'.repeat(5000)}`).length).toBeGreaterThan(5000)
  })
  test('100,000 characters at most', () => {
    expect(() => parse(' '.repeat(100_001))).toThrow(/too long/)
  })
})

function parseOutcome(text: string): string {
  try {
    parse(text)
    return 'parsed'
  } catch (error) {
    return isMillraceError(error) ? error.code : String(error)
  }
}

test('any text parses or fails with a syntax error', () => {
  const pieces = fc.constantFrom(
    'a', '1', "'x'", '(', ')', '+', '-', 'and', 'or', 'not', 'is', 'null', 'in', 'case', 'when', 'then', 'end', 'between',
    'like', '::', 'int', '[', ']', ',', '.', 'cast', 'as', 'extract', 'from', '"q"', 'interval', '$$', "E'", '->', 'array', ' ',
  ) // prettier-ignore
  fc.assert(
    fc.property(fc.oneof(fc.array(pieces, { maxLength: 12 }).map((all) => all.join(' ')), fc.string({ unit: 'binary' })), (text) => {
      expect(['parsed', 'expression/syntax']).toContain(parseOutcome(text))
    }),
    { numRuns: 2000 },
  )
}) // prettier-ignore
