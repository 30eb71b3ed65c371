/**
 * Parses SQL expressions: operator precedence by Pratt's method, with PostgreSQL's table of precedence.
 *
 * Primary forms (literals, CASE, calls, special forms such as EXTRACT) are parser-primary.ts. Names and types mean
 * nothing here yet (bind.ts). The SQL front end parses whole statements with the same reader and calls
 * `parseExpressionFrom` where an expression stands.
 *
 * Sources: Pratt, "Top down operator precedence" (1973); PostgreSQL 16 documentation, table 4.2.
 */
import { parsePrimary } from './parser-primary.ts'
import { parseTypeName } from './parser-types.ts'
import { precedence } from './precedence.ts'
import type { CallSyntax, SourceText, Syntax } from './syntax.ts'
import { TokenReader } from './token-reader.ts'

const comparisons = new Set(['=', '<>', '<', '<=', '>', '>='])
const binaryOperators: { readonly [symbol: string]: number } = {
  '+': precedence.add,
  '-': precedence.add,
  '*': precedence.multiply,
  '/': precedence.multiply,
  '%': precedence.multiply,
  '^': precedence.power,
  '||': precedence.other,
  '->': precedence.other,
  '->>': precedence.other,
  '~': precedence.other,
  '~*': precedence.other,
  '!~': precedence.other,
  '!~*': precedence.other,
}

/** Parses a text that is one expression. Throws `expression/syntax` with line, column and excerpt. */
export function parseExpression(source: SourceText): Syntax {
  const reader = new TokenReader(source, parseExpressionFrom)
  const syntax = parseExpressionFrom(reader)
  if (reader.peek().kind !== 'end') {
    throw reader.expected('an operator or the end', reader.isOperator(';') ? 'drop the semicolon' : undefined)
  }
  return syntax
}

/** Parses the expression that stands next, up to the first token that cannot belong to it. */
function parseExpressionFrom(reader: TokenReader, minimum: number = precedence.or): Syntax {
  return reader.nested(() => {
    let left = parsePrefix(reader)
    for (;;) {
      const longer = parseInfix(reader, left, minimum)
      if (longer === undefined) return left
      left = longer
    }
  })
}

function parsePrefix(reader: TokenReader): Syntax {
  const token = reader.peek()
  if (reader.acceptWords('not')) {
    const operand = parseExpressionFrom(reader, precedence.not)
    return reader.call(token.at, 'not', [operand], token.at)
  }
  if (token.kind === 'operator' && (token.text === '-' || token.text === '+')) {
    reader.next()
    const operand = parseExpressionFrom(reader, precedence.sign)
    if (token.text === '+') return reader.call(token.at, 'plus', [operand], token.at)
    if (operand.kind === 'literal' && operand.literal === 'number' && !operand.text.startsWith('-')) {
      return reader.built({ ...operand, text: `-${operand.text}`, at: reader.spanFrom(token.at) }, [])
    }
    return reader.call(token.at, 'negate', [operand], token.at)
  }
  return parsePrimary(reader)
}

/** Extends `left` by the operator that comes next, when it binds at least as tightly as `minimum`. */
function parseInfix(reader: TokenReader, left: Syntax, minimum: number): Syntax | undefined {
  const token = reader.peek()
  if (token.kind === 'operator') {
    return (
      parsePostfix(reader, left, minimum) ??
      parseComparison(reader, left, minimum) ??
      parseBinary(reader, left, minimum)
    )
  }
  if (token.kind !== 'name') return undefined
  switch (token.word) {
    case 'and':
    case 'or':
      return parseLogic(reader, left, minimum, token.word)
    case 'is':
    case 'isnull':
    case 'notnull':
      return minimum <= precedence.is ? parseIs(reader, left) : undefined
    case 'at':
      return minimum <= precedence.zone && reader.isWord('time', 1)
        ? parseAtTimeZone(reader, left)
        : undefined
    case 'between':
    case 'in':
    case 'like':
    case 'ilike':
    case 'similar':
      return minimum <= precedence.match ? parseMatch(reader, left) : undefined
    case 'not':
      return minimum <= precedence.match && /^(between|in|like|ilike|similar)$/.test(reader.peek(1).word)
        ? parseMatch(reader, left)
        : undefined
    default:
      return undefined
  }
}

/** `::type`, `[index]`, `[from:to]`, `.field` */
function parsePostfix(reader: TokenReader, left: Syntax, minimum: number): Syntax | undefined {
  const token = reader.peek()
  if (minimum > precedence.postfix) return undefined
  if (reader.acceptOperator('::')) {
    const type = parseTypeName(reader)
    return reader.built({ kind: 'cast', operand: left, type, at: reader.spanFrom(left.at) }, [left])
  }
  if (reader.acceptOperator('.')) {
    const name = reader.name('a field name after "."')
    return reader.built({ kind: 'field', operand: left, name, at: reader.spanFrom(left.at) }, [left])
  }
  if (!reader.acceptOperator('[')) return undefined
  const from = reader.isOperator(':') ? undefined : parseExpressionFrom(reader)
  if (!reader.acceptOperator(':')) {
    reader.expectOperator(']', 'after the index')
    return reader.call(left.at, 'element_at', [left, from as Syntax], token.at)
  }
  const missing: Syntax = { kind: 'literal', literal: 'null', text: '', at: token.at }
  const to = reader.isOperator(']') ? undefined : parseExpressionFrom(reader)
  reader.expectOperator(']', 'after the slice')
  return reader.call(left.at, 'slice', [left, from ?? missing, to ?? missing], token.at)
}

function parseComparison(reader: TokenReader, left: Syntax, minimum: number): Syntax | undefined {
  const token = reader.peek()
  if (!comparisons.has(token.text) || minimum > precedence.comparison) return undefined
  reader.next()
  const right = parseExpressionFrom(reader, precedence.comparison + 1)
  if (reader.peek().kind === 'operator' && comparisons.has(reader.peek().text)) {
    throw reader.error(
      reader.peek().at,
      `found "${reader.peek().text}" after a comparison: comparisons do not chain`,
      reader.source.text.includes('||')
        ? '|| joins texts and lists; between conditions write or'
        : 'write a < b and b < c, or use between',
    )
  }
  return reader.call(left.at, token.text, [left, right], token.at)
}

function parseBinary(reader: TokenReader, left: Syntax, minimum: number): Syntax | undefined {
  const token = reader.peek()
  const power = binaryOperators[token.text]
  if (power === undefined || power < minimum) return undefined
  reader.next()
  const right = parseExpressionFrom(reader, power + 1)
  if (token.text.startsWith('!')) {
    const match = reader.call(left.at, token.text.slice(1), [left, right], token.at)
    return reader.call(left.at, 'not', [match], token.at)
  }
  return reader.call(left.at, token.text, [left, right], token.at)
}

/** Chains of the same connective become one node, so that a thousand ORs are not a thousand levels. */
function parseLogic(
  reader: TokenReader,
  left: Syntax,
  minimum: number,
  word: 'and' | 'or',
): Syntax | undefined {
  const power = precedence[word]
  if (power < minimum) return undefined
  const nameAt = reader.peek().at
  const parts = [left]
  while (reader.acceptWords(word)) parts.push(parseExpressionFrom(reader, power + 1))
  return reader.call(left.at, word, parts, nameAt)
}

function negated(reader: TokenReader, isNegated: boolean, call: CallSyntax): Syntax {
  return isNegated ? reader.call(call.at, 'not', [call], call.nameAt) : call
}

function parseIs(reader: TokenReader, left: Syntax): Syntax {
  const nameAt = reader.peek().at
  const test = (name: string, right: readonly Syntax[] = []): CallSyntax =>
    reader.call(left.at, name, [left, ...right], nameAt)
  if (reader.acceptWords('isnull')) return test('is_null')
  if (reader.acceptWords('notnull')) return test('is_not_null')
  reader.expectWord('is', 'here')
  const not = reader.acceptWords('not')
  if (reader.acceptWords('null') || reader.acceptWords('unknown')) {
    return test(not ? 'is_not_null' : 'is_null')
  }
  if (reader.acceptWords('true')) return negated(reader, not, test('is_true'))
  if (reader.acceptWords('false')) return negated(reader, not, test('is_false'))
  if (reader.acceptWords('distinct', 'from')) {
    const right = parseExpressionFrom(reader, precedence.is + 1)
    return test(not ? 'is_not_distinct_from' : 'is_distinct_from', [right])
  }
  throw reader.expected(`NULL, TRUE, FALSE, UNKNOWN or DISTINCT FROM after IS${not ? ' NOT' : ''}`)
}

function parseAtTimeZone(reader: TokenReader, left: Syntax): Syntax {
  const nameAt = reader.next().at
  reader.expectWord('time', 'after AT')
  reader.expectWord('zone', 'after AT TIME')
  const zone = parseExpressionFrom(reader, precedence.zone + 1)
  return reader.call(left.at, 'timezone', [zone, left], nameAt)
}

/** BETWEEN, IN, LIKE, ILIKE, SIMILAR TO, each with NOT. */
function parseMatch(reader: TokenReader, left: Syntax): Syntax {
  const nameAt = reader.peek().at
  const not = reader.acceptWords('not')
  const word = reader.next().word
  if (word === 'in') {
    const items = parseInList(reader)
    return negated(reader, not, reader.call(left.at, 'in', [left, ...items], nameAt))
  }
  if (word === 'between') {
    const symmetric = reader.acceptWords('symmetric')
    const low = parseExpressionFrom(reader, precedence.match + 1)
    reader.expectWord('and', 'between the two bounds of BETWEEN')
    const high = parseExpressionFrom(reader, precedence.match + 1)
    const name = symmetric ? 'between_symmetric' : 'between'
    return negated(reader, not, reader.call(left.at, name, [left, low, high], nameAt))
  }
  if (word === 'similar') reader.expectWord('to', 'after SIMILAR')
  const parts = [left, parseExpressionFrom(reader, precedence.match + 1)]
  if (reader.acceptWords('escape')) parts.push(parseExpressionFrom(reader, precedence.match + 1))
  return negated(reader, not, reader.call(left.at, word === 'similar' ? 'similar_to' : word, parts, nameAt))
}

/** `(a, b, …)`; a parameter that is an array stands for its items, with or without parentheses. */
function parseInList(reader: TokenReader): Syntax[] {
  const items: Syntax[] = []
  if (reader.peek().kind === 'parameter') {
    items.push(parsePrimary(reader))
  } else {
    reader.expectOperator('(', 'after IN')
    if (reader.isOperator(')')) throw reader.expected('a value', 'IN needs at least one value')
    do items.push(parseExpressionFrom(reader))
    while (reader.acceptOperator(','))
    reader.expectOperator(')', 'after the list of IN')
  }
  return items.flatMap((item): Syntax[] => {
    if (item.kind !== 'value' || !Array.isArray(item.value)) return [item]
    return item.value.map((value: unknown) => ({ kind: 'value', value, at: item.at }))
  })
}
