/**
 * Cuts SQL text into tokens with exact positions: PostgreSQL's lexical rules.
 *
 * Not a parser: it knows no grammar and no keyword is reserved here. Interpolated parameters of the `sql` tag are
 * tokens of their own and may not stand inside a string, a quoted name or a comment.
 *
 * Source: PostgreSQL 16 documentation, section 4.1 (Lexical Structure).
 */
import { errorAt } from './syntax-error.ts'
import type { SourceText, Span } from './syntax.ts'

/** What a token is. `name` is unquoted (its `text` as written), `quoted` is a name in double quotes. */
export type TokenKind = 'name' | 'quoted' | 'number' | 'string' | 'bytes' | 'operator' | 'parameter' | 'end'

/** A token. */
export interface Token {
  readonly kind: TokenKind
  /** The content: of strings without quotes and escapes, of operators the symbol. */
  readonly text: string
  /** Names in lower case, for keywords; else the same as text. */
  readonly word: string
  readonly at: Span
  /** Index into the source's parameters. */
  readonly parameter: number
}

/** The longest SQL text that is read, in UTF-16 units. */
const SQL_LENGTH_MAX = 100_000

const OPERATORS = [
  '->>', '!~*', '::', '<=', '>=', '<>', '!=', '||', '->', '~*', '!~', '=>',
  '+', '-', '*', '/', '%', '^', '=', '<', '>', '~', '(', ')', '[', ']', ',', '.', ';', ':',
] // prettier-ignore

/** What other languages write, with what SQL has instead; longer ones first. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ['!==', 'write <> for "not equal"'],
  ['===', 'write = for "equal"'],
  ['==', 'write = for "equal"'],
  ['&&', 'write and'],
]

const nameStart = /[\p{L}_]/u
const namePart = /[\p{L}\p{N}\p{M}_$]/u

/** Cuts `source` into tokens, the last one of kind `end`. Throws `expression/syntax`. */
export function tokenize(source: SourceText): Token[] {
  return new Lexer(source).run()
}

class Lexer {
  readonly #source: SourceText
  readonly #text: string
  #position = 0
  #parameter = 0
  readonly #tokens: Token[] = []

  constructor(source: SourceText) {
    this.#source = source
    this.#text = source.text
  }

  run(): Token[] {
    if (this.#text.length > SQL_LENGTH_MAX) {
      throw errorAt(
        'expression/syntax',
        undefined,
        { start: 0, end: 0 },
        {
          what: 'the SQL text is too long',
          detail: `${this.#text.length} characters, at most ${SQL_LENGTH_MAX}`,
          hint: 'split it into several steps, or pass large values as parameters',
        },
      )
    }
    for (;;) {
      this.#skipBlank()
      if (this.#position >= this.#text.length) break
      this.#next()
    }
    this.#push('end', '', this.#position)
    return this.#tokens
  }

  #push(kind: TokenKind, text: string, start: number, parameter = -1): void {
    const word = kind === 'name' ? text.toLowerCase() : text
    this.#tokens.push({ kind, text, word, at: { start, end: this.#position }, parameter })
  }

  #fail(start: number, what: string, hint?: string): never {
    throw errorAt('expression/syntax', this.#source, { start, end: start + 1 }, { what, hint })
  }

  /** The parameter that stands at the position, if one does. */
  #parameterHere(): { start: number; end: number } | undefined {
    const next = this.#source.parameters[this.#parameter]
    return next !== undefined && next.start === this.#position ? next : undefined
  }

  #skipBlank(): void {
    for (;;) {
      const char = this.#text[this.#position]
      if (char === undefined || this.#parameterHere() !== undefined) return
      if (/\s/.test(char)) this.#position++
      else if (char === '-' && this.#text[this.#position + 1] === '-') this.#skipLineComment()
      else if (char === '/' && this.#text[this.#position + 1] === '*') this.#skipBlockComment()
      else return
    }
  }

  #skipLineComment(): void {
    const start = this.#position
    while (this.#position < this.#text.length && this.#text[this.#position] !== '\n') {
      this.#refuseParameter(start, 'a comment')
      this.#position++
    }
  }

  #skipBlockComment(): void {
    const start = this.#position
    let depth = 0
    do {
      this.#refuseParameter(start, 'a comment')
      if (this.#text.startsWith('/*', this.#position)) {
        depth++
        this.#position += 2
      } else if (this.#text.startsWith('*/', this.#position)) {
        depth--
        this.#position += 2
      } else if (this.#position >= this.#text.length) {
        this.#fail(start, 'a comment has no end', 'close it with */')
      } else this.#position++
    } while (depth > 0)
  }

  #refuseParameter(start: number, inside: string): void {
    if (this.#parameterHere() === undefined) return
    this.#fail(
      start,
      `a parameter stands inside ${inside}`,
      'a parameter is a whole value: write name = ${value}, without quotes around it',
    )
  }

  #next(): void {
    const parameter = this.#parameterHere()
    if (parameter !== undefined) {
      const start = this.#position
      this.#position = parameter.end
      this.#push('parameter', this.#text.slice(start, parameter.end), start, this.#parameter++)
      return
    }
    const start = this.#position
    const char = String.fromCodePoint(this.#text.codePointAt(start) as number)
    const after = this.#text[start + 1] ?? ''
    if (char === "'") this.#string(start, false)
    else if (/[eE]/.test(char) && after === "'") {
      this.#position++
      this.#string(start, true)
    } else if (/[xX]/.test(char) && after === "'") this.#bytes(start)
    else if (char === '"') this.#quotedName(start)
    else if (char === '$') this.#dollarString(start)
    else if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(after))) this.#number(start)
    else if (nameStart.test(char)) this.#name(start)
    else this.#operator(start)
  }

  #name(start: number): void {
    while (this.#position < this.#text.length && this.#parameterHere() === undefined) {
      const char = String.fromCodePoint(this.#text.codePointAt(this.#position) as number)
      if (!namePart.test(char)) break
      this.#position += char.length
    }
    this.#push('name', this.#text.slice(start, this.#position), start)
  }

  #quotedName(start: number): void {
    const content = this.#quoted(start, '"', 'a quoted name')
    if (content === '') this.#fail(start, 'a quoted name is empty', 'write a name between the double quotes')
    this.#push('quoted', content, start)
  }

  /** Reads to the closing quote; a doubled quote stands for itself. */
  #quoted(start: number, quote: string, what: string): string {
    this.#position++
    let content = ''
    for (;;) {
      this.#refuseParameter(start, what)
      const char = this.#text[this.#position]
      if (char === undefined) this.#fail(start, `${what} has no closing ${quote}`, `close it with ${quote}`)
      this.#position++
      if (char !== quote) content += char
      else if (this.#text[this.#position] === quote) {
        content += quote
        this.#position++
      } else return content
    }
  }

  #string(start: number, escapes: boolean): void {
    const content = escapes ? this.#escaped(start) : this.#quoted(start, "'", 'a string')
    this.#push('string', content, start)
  }

  #escaped(start: number): string {
    this.#position++
    let content = ''
    for (;;) {
      this.#refuseParameter(start, 'a string')
      const char = this.#text[this.#position]
      if (char === undefined) this.#fail(start, "a string has no closing '", "close it with '")
      this.#position++
      if (char === '\\') content += this.#escape(start)
      else if (char !== "'") content += char
      else if (this.#text[this.#position] === "'") {
        content += "'"
        this.#position++
      } else return content
    }
  }

  #escape(start: number): string {
    const rest = this.#text.slice(this.#position, this.#position + 9)
    const numeric =
      /^x([0-9a-fA-F]{1,2})/.exec(rest) ?? /^u([0-9a-fA-F]{4})/.exec(rest) ?? /^U([0-9a-fA-F]{8})/.exec(rest)
    if (numeric !== null) {
      this.#position += numeric[0].length
      const code = Number.parseInt(numeric[1] as string, 16)
      if (code > 0x10ffff) this.#fail(start, 'an escape is outside Unicode', 'the largest is \\U0010FFFF')
      return String.fromCodePoint(code)
    }
    const octal = /^[0-7]{1,3}/.exec(rest)
    if (octal !== null) {
      this.#position += octal[0].length
      return String.fromCodePoint(Number.parseInt(octal[0], 8))
    }
    const simple: { [letter: string]: string } = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
    const letter = rest[0]
    if (letter === undefined) this.#fail(start, "a string has no closing '", "close it with '")
    this.#position++
    return simple[letter] ?? letter
  }

  #bytes(start: number): void {
    this.#position++
    const content = this.#quoted(start, "'", 'a byte string')
    if (!/^([0-9a-fA-F]{2})*$/.test(content)) {
      this.#fail(start, 'a byte string has something else than pairs of hexadecimal digits', "write X'0aff'")
    }
    this.#push('bytes', content.toLowerCase(), start)
  }

  #dollarString(start: number): void {
    const opening = /^\$([\p{L}_][\p{L}\p{N}_]*)?\$/u.exec(this.#text.slice(start, start + 80))
    if (opening === null) {
      this.#fail(start, 'found "$"', 'interpolate parameters with ${…}, or quote text as $$text$$')
    }
    const tag = opening[0]
    const end = this.#text.indexOf(tag, start + tag.length)
    if (end === -1) this.#fail(start, `a string has no closing ${tag}`, `close it with ${tag}`)
    while (this.#position < end) {
      this.#refuseParameter(start, 'a string')
      this.#position++
    }
    this.#position = end + tag.length
    this.#push('string', this.#text.slice(start + tag.length, end), start)
  }

  #number(start: number): void {
    const rest = this.#text.slice(start)
    const match =
      (/^0(?:[xX]_?[0-9a-fA-F]+(_[0-9a-fA-F]+)*|[oO]_?[0-7]+(_[0-7]+)*|[bB]_?[01]+(_[01]+)*)/.exec(rest) ??
        /^(\d+(_\d+)*)?(\.(\d+(_\d+)*)?)?([eE][+-]?\d+)?/.exec(rest)) as RegExpExecArray
    this.#position = start + match[0].length
    const next = this.#text[this.#position]
    if (next !== undefined && nameStart.test(next) && this.#parameterHere() === undefined) {
      this.#fail(
        this.#position,
        `found "${next}" directly after a number`,
        'put a space or an operator between',
      )
    }
    this.#push('number', match[0].replaceAll('_', ''), start)
  }

  #operator(start: number): void {
    const foreign = FOREIGN.find(([symbol]) => this.#text.startsWith(symbol, start))
    if (foreign !== undefined)
      this.#fail(start, `found ${JSON.stringify(foreign[0])}, which is not SQL`, foreign[1])
    for (const operator of OPERATORS) {
      if (!this.#text.startsWith(operator, start)) continue
      this.#position = start + operator.length
      this.#push('operator', operator === '!=' ? '<>' : operator, start)
      return
    }
    const char = String.fromCodePoint(this.#text.codePointAt(start) as number)
    this.#fail(
      start,
      `found ${JSON.stringify(char)}, which starts nothing in SQL`,
      char === '!' ? 'write not' : undefined,
    )
  }
}
