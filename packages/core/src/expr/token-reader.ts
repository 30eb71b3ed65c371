/**
 * Walks over the tokens of one SQL text and words the errors: what was found, what could stand there.
 *
 * Grammar is parser.ts and its neighbours; cutting text into tokens is lexer.ts.
 */
import type { Token } from './lexer.ts'
import { tokenize } from './lexer.ts'
import { errorAt } from './syntax-error.ts'
import { precedence } from './precedence.ts'
import type { CallSyntax, Name, SourceText, Span, Syntax } from './syntax.ts'
import type { MillraceError } from '../errors.ts'

/** Parentheses, CASEs and calls inside each other, at most: keeps every walk over a tree off the stack's end. */
export const NESTING_MAX = 200

/** Height of a syntax tree, at most (a long chain `a + b + c …` is as high as it is long). */
export const TREE_HEIGHT_MAX = 500

/** A position in the tokens of a source. */
export class TokenReader {
  readonly source: SourceText
  readonly #tokens: readonly Token[]
  #index = 0
  #nesting = 0
  readonly #heights = new WeakMap<Syntax, number>()

  readonly #rule: (reader: TokenReader, minimum: number) => Syntax

  /** `rule` parses an expression: it is parser.ts, which stands above this file and its neighbours. */
  constructor(source: SourceText, rule: (reader: TokenReader, minimum: number) => Syntax) {
    this.source = source
    this.#tokens = tokenize(source)
    this.#rule = rule
  }

  /** Parses the expression that stands next, of operators that bind at least as tightly as `minimum`. */
  expression(minimum: number = precedence.or): Syntax {
    return this.#rule(this, minimum)
  }

  /** Takes a name, quoted or not. */
  name(expected: string): Name {
    const token = this.peek()
    if (token.kind !== 'name' && token.kind !== 'quoted') throw this.expected(expected)
    this.next()
    return { text: token.text, quoted: token.kind === 'quoted' }
  }

  /** A call node over `parts`, from `start` to here. */
  call(start: Span, name: string, parts: readonly Syntax[], nameAt: Span): CallSyntax {
    return this.built({ kind: 'call', name, arguments: parts, nameAt, at: this.spanFrom(start) }, parts)
  }

  /** The token that comes next, or one `ahead` of it. */
  peek(ahead: number = 0): Token {
    return this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)] as Token
  }

  /** Takes the next token. */
  next(): Token {
    const token = this.peek()
    if (token.kind !== 'end') this.#index++
    return token
  }

  /** The end of the token taken last. */
  get end(): number {
    return this.#index === 0 ? 0 : (this.#tokens[this.#index - 1] as Token).at.end
  }

  /** From a start to the end of the token taken last. */
  spanFrom(start: Span): Span {
    return { start: start.start, end: this.end }
  }

  isWord(word: string, ahead: number = 0): boolean {
    const token = this.peek(ahead)
    return token.kind === 'name' && token.word === word
  }

  isOperator(symbol: string, ahead: number = 0): boolean {
    const token = this.peek(ahead)
    return token.kind === 'operator' && token.text === symbol
  }

  /** Takes the words when all of them come next. */
  acceptWords(...words: readonly string[]): boolean {
    if (!words.every((word, ahead) => this.isWord(word, ahead))) return false
    this.#index += words.length
    return true
  }

  acceptOperator(symbol: string): boolean {
    if (!this.isOperator(symbol)) return false
    this.#index++
    return true
  }

  expectWord(word: string, where: string): void {
    if (!this.acceptWords(word)) throw this.expected(`${word.toUpperCase()} ${where}`)
  }

  expectOperator(symbol: string, where: string): void {
    if (!this.acceptOperator(symbol)) throw this.expected(`"${symbol}" ${where}`)
  }

  /** The error that something else should stand here. */
  expected(what: string, hint?: string): MillraceError {
    const token = this.peek()
    return errorAt('expression/syntax', this.source, token.at, {
      what: `found ${describeToken(token)} where ${what} should stand`,
      hint,
    })
  }

  /** An error about a place. */
  error(at: Span, what: string, hint?: string): MillraceError {
    return errorAt('expression/syntax', this.source, at, { what, hint })
  }

  /** Runs a rule one level deeper. */
  nested<Result>(rule: () => Result): Result {
    if (this.#nesting >= NESTING_MAX) {
      throw this.error(
        this.peek().at,
        `the expression is nested more than ${NESTING_MAX} levels deep`,
        'compute a part of it in an earlier step',
      )
    }
    this.#nesting++
    try {
      return rule()
    } finally {
      this.#nesting--
    }
  }

  /** Notes the height of a new node over its parts and refuses one that is too high. */
  built<Made extends Syntax>(node: Made, parts: readonly (Syntax | undefined)[]): Made {
    let height = 0
    for (const part of parts) {
      if (part !== undefined) height = Math.max(height, this.#heights.get(part) ?? 0)
    }
    if (height + 1 > TREE_HEIGHT_MAX) {
      throw this.error(
        node.at,
        `an expression has more than ${TREE_HEIGHT_MAX} operators in a row`,
        'use parentheses to group it, or compute a part of it in an earlier step',
      )
    }
    this.#heights.set(node, height + 1)
    return node
  }
}

function describeToken(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'the end'
    case 'string':
      return 'a string'
    case 'bytes':
      return 'a byte string'
    case 'parameter':
      return 'a parameter'
    default:
      return `"${token.text}"`
  }
}
