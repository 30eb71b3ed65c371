/**
 * Parses what operators combine: literals, names, calls, CASE, CAST, and the special forms of standard SQL
 * (EXTRACT, SUBSTRING, POSITION, TRIM, OVERLAY, ARRAY, INTERVAL), which become plain calls.
 */
import type { Token } from './lexer.ts'
import { parseTypeName } from './parser-types.ts'
import { precedence } from './precedence.ts'
import type { Name, Span, Syntax } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

/** Words that end an expression or have their own grammar: they are no column names unless quoted. */
const reserved = new Set(
  (
    'all and any as asc between both by case cast collate cross desc distinct else end except fetch for from full ' +
    'group having ilike in inner intersect into is isnull join lateral leading left like limit natural not notnull ' +
    'null offset on or order outer right select similar some symmetric then to trailing union using when where ' +
    'window with'
  ).split(' '),
)

/** Reserved words that are also functions. */
const callableReserved = new Set(['left', 'right'])

/** Functions of standard SQL that are written without parentheses. */
const niladic = new Map([
  ['current_timestamp', 'now'],
  ['localtimestamp', 'now'],
  ['current_date', 'current_date'],
])

const typedLiterals = new Set(['date', 'time', 'timestamp', 'timestamptz', 'uuid', 'json'])
const intervalUnits = /^(year|month|week|day|hour|minute|second|millisecond|microsecond)s?$/

/** Parses the primary expression that stands next. */
export function parsePrimary(reader: TokenReader): Syntax {
  const token = reader.peek()
  switch (token.kind) {
    case 'number':
    case 'string':
    case 'bytes':
      reader.next()
      return { kind: 'literal', literal: token.kind, text: token.text, at: token.at }
    case 'parameter': {
      reader.next()
      return { kind: 'value', value: reader.source.parameters[token.parameter]?.value, at: token.at }
    }
    case 'quoted':
      return parseIdentifierOrCall(reader)
    case 'name':
      return parseWord(reader, token)
    case 'operator':
      if (reader.acceptOperator('(')) return parseParentheses(reader)
      throw reader.expected('a value')
    case 'end':
      throw reader.expected('a value')
  }
}

function parseParentheses(reader: TokenReader): Syntax {
  const inner = reader.expression()
  if (reader.isOperator(',')) {
    throw reader.expected('")"', 'rows are not expressions: compare their columns one by one')
  }
  reader.expectOperator(')', 'to close "("')
  // A column in parentheses is a value: (a).b reads field b of column a.
  return inner
}

function parseWord(reader: TokenReader, token: Token): Syntax {
  const { word } = token
  if (word === 'null') {
    reader.next()
    return { kind: 'literal', literal: 'null', text: '', at: token.at }
  }
  if ((word === 'true' || word === 'false') && !reader.isOperator('(', 1)) {
    reader.next()
    return { kind: 'literal', literal: 'boolean', text: word, at: token.at }
  }
  if (word === 'case') return parseCase(reader)
  if (word === 'interval' && reader.peek(1).kind === 'string') return parseInterval(reader)
  if (typedLiterals.has(word) && startsTypedLiteral(reader)) return parseTypedLiteral(reader)
  if (word === 'array' && reader.isOperator('[', 1)) return parseArray(reader)
  const call = niladic.get(word)
  if (call !== undefined && !reader.isOperator('(', 1)) {
    reader.next()
    return reader.call(token.at, call, [], token.at)
  }
  if (reader.isOperator('(', 1)) {
    const special = specialForms[word]
    if (special !== undefined) {
      reader.next()
      reader.next()
      const made = special(reader, token.at)
      return made
    }
  }
  if (reserved.has(word) && !(callableReserved.has(word) && reader.isOperator('(', 1))) {
    throw reader.expected('a value', `if "${token.text}" is a column, write it in double quotes`)
  }
  return parseIdentifierOrCall(reader)
}

function parseIdentifierOrCall(reader: TokenReader): Syntax {
  const start = reader.peek()
  const parts: Name[] = [reader.name('a name')]
  if (reader.isOperator('(')) {
    const name = start.kind === 'name' ? start.word : start.text
    return reader.call(start.at, name, parseArguments(reader, name), start.at)
  }
  while (reader.isOperator('.')) {
    reader.next()
    parts.push(reader.name('a name after "."'))
  }
  return { kind: 'identifier', parts, at: reader.spanFrom(start.at) }
}

function parseArguments(reader: TokenReader, name: string): Syntax[] {
  reader.expectOperator('(', 'here')
  const parts: Syntax[] = []
  if (reader.acceptOperator(')')) return parts
  if (reader.isOperator('*') && reader.isOperator(')', 1)) {
    throw reader.expected(
      'a value',
      `${name}(*) is an aggregate: aggregates stand in the .aggregate(…) of a window`,
    )
  }
  do parts.push(reader.expression())
  while (reader.acceptOperator(','))
  reader.expectOperator(')', `after the arguments of ${name}`)
  return parts
}

function parseCase(reader: TokenReader): Syntax {
  const start = reader.next().at
  const operand = reader.isWord('when') ? undefined : reader.expression()
  const branches: { when: Syntax; then: Syntax }[] = []
  while (reader.acceptWords('when')) {
    const when = reader.expression()
    reader.expectWord('then', 'after the condition of WHEN')
    branches.push({ when, then: reader.expression() })
  }
  if (branches.length === 0) throw reader.expected('WHEN')
  const otherwise = reader.acceptWords('else') ? reader.expression() : undefined
  if (!reader.acceptWords('end')) {
    throw reader.expected(otherwise === undefined ? 'WHEN, ELSE or END' : 'END')
  }
  return reader.built(
    { kind: 'case', operand, branches, otherwise, at: reader.spanFrom(start) },
    [operand, ...branches.flatMap(({ when, then }) => [when, then]), otherwise],
  ) // prettier-ignore
}

/** Whether `date`, `timestamp` … is followed by a string, and is not a column of that name. */
function startsTypedLiteral(reader: TokenReader): boolean {
  if (reader.peek(1).kind === 'string') return true
  const timed = reader.isWord('timestamp') || reader.isWord('time')
  if (!timed) return false
  let ahead = 1
  if (reader.isOperator('(', 1)) ahead = 4
  if (reader.isWord('with', ahead) || reader.isWord('without', ahead)) ahead += 3
  return reader.peek(ahead).kind === 'string'
}

function parseTypedLiteral(reader: TokenReader): Syntax {
  const start = reader.peek().at
  const type = parseTypeName(reader)
  const text = reader.next().text
  return { kind: 'typed-literal', type, text, at: reader.spanFrom(start) }
}

function parseInterval(reader: TokenReader): Syntax {
  const start = reader.next().at
  let { text } = reader.next()
  const unit = reader.peek()
  if (unit.kind === 'name' && intervalUnits.test(unit.word)) {
    reader.next()
    text = `${text} ${unit.word}`
  }
  const at = reader.spanFrom(start)
  const type = { name: 'interval', parameters: [], zoned: false, dimensions: 0, at }
  return { kind: 'typed-literal', type, text, at }
}

function parseArray(reader: TokenReader): Syntax {
  const start = reader.next().at
  reader.expectOperator('[', 'after ARRAY')
  const items: Syntax[] = []
  if (!reader.isOperator(']')) {
    do items.push(reader.expression())
    while (reader.acceptOperator(','))
  }
  reader.expectOperator(']', 'after the items of ARRAY')
  return reader.call(start, 'array', items, start)
}

/** Forms with words between their arguments; each is called behind `name(`. */
const specialForms: { readonly [word: string]: (reader: TokenReader, start: Span) => Syntax } = {
  cast: (reader, start) => {
    const operand = reader.expression()
    reader.expectWord('as', 'after the value of CAST')
    const type = parseTypeName(reader)
    reader.expectOperator(')', 'after the type of CAST')
    return reader.built({ kind: 'cast', operand, type, at: reader.spanFrom(start) }, [operand])
  },
  extract: (reader, start) => {
    const token = reader.next()
    if (token.kind !== 'name' && token.kind !== 'string') {
      throw reader.error(
        token.at,
        'found something else than a field in EXTRACT',
        'write extract(hour from x)',
      )
    }
    const field: Syntax = { kind: 'literal', literal: 'string', text: token.word, at: token.at }
    reader.expectWord('from', 'after the field of EXTRACT')
    return closed(reader, start, 'date_part', [field, reader.expression()])
  },
  overlay: (reader, start) => {
    const parts = [reader.expression()]
    if (reader.acceptWords('placing')) {
      parts.push(reader.expression())
      reader.expectWord('from', 'after the new text of OVERLAY')
      parts.push(reader.expression())
      if (reader.acceptWords('for')) parts.push(reader.expression())
    } else while (reader.acceptOperator(',')) parts.push(reader.expression())
    return closed(reader, start, 'overlay', parts)
  },
  position: (reader, start) => {
    const wanted = reader.expression(precedence.match + 1)
    if (reader.acceptOperator(',')) return closed(reader, start, 'position', [wanted, reader.expression()])
    reader.expectWord('in', 'after the text of POSITION')
    return closed(reader, start, 'position', [wanted, reader.expression()])
  },
  substring: (reader, start) => {
    const parts = [reader.expression()]
    if (reader.acceptOperator(',')) {
      do parts.push(reader.expression())
      while (reader.acceptOperator(','))
      return closed(reader, start, 'substring', parts)
    }
    const from = reader.acceptWords('from') ? reader.expression() : undefined
    const length = reader.acceptWords('for') ? reader.expression() : undefined
    const one: Syntax = { kind: 'literal', literal: 'number', text: '1', at: reader.peek().at }
    if (from === undefined && length === undefined) throw reader.expected('FROM, FOR or ","')
    parts.push(from ?? one)
    if (length !== undefined) parts.push(length)
    return closed(reader, start, 'substring', parts)
  },
  trim: (reader, start) => {
    let name = 'btrim'
    if (reader.acceptWords('leading')) name = 'ltrim'
    else if (reader.acceptWords('trailing')) name = 'rtrim'
    else reader.acceptWords('both')
    if (reader.acceptWords('from')) return closed(reader, start, name, [reader.expression()])
    const first = reader.expression()
    if (reader.acceptWords('from')) return closed(reader, start, name, [reader.expression(), first])
    if (reader.acceptOperator(',')) return closed(reader, start, name, [first, reader.expression()])
    return closed(reader, start, name, [first])
  },
}

function closed(reader: TokenReader, start: Span, name: string, parts: readonly Syntax[]): Syntax {
  reader.expectOperator(')', `after the arguments of ${name}`)
  return reader.call(start, name, parts, start)
}
