/**
 * How key columns become the words of a table key, and back.
 *
 * Equal keys have equal words whatever the column's layout was: −0 is 0, every NaN is one NaN, an integer is the same
 * in a `fixed` and in a `wide` column, a string is its number in the string table. A null key is a value of its own
 * (SQL's GROUP BY): its words are 0 and its bit in the null word is set.
 */
import type { Column } from '../data/column.ts'
import type { DataType, Field, Schema } from '../data/type.ts'
import { MillraceError } from '../errors.ts'

/** How a key column is packed: in one word; as 64 or 128 bits; as the bits of a float64; as a string's number. */
export type KeyKind = 'word' | 'int64' | 'int128' | 'float' | 'string'

/** One key column. */
export interface KeyPart {
  /** Position in the input schema. */
  readonly column: number
  readonly field: Field
  readonly kind: KeyKind
  /** First word in the key. */
  readonly word: number
  readonly words: number
  /** The bit in the null word; 0 when the column cannot be null. */
  readonly nullBit: number
}

/** The packed form of a key. */
export interface KeyLayout {
  readonly parts: readonly KeyPart[]
  readonly words: number
  /** The word of null marks, or −1. */
  readonly nullWord: number
  /** Words that hold string numbers. */
  readonly stringWords: readonly number[]
}

const wordsOfKind: { readonly [K in KeyKind]: number } = { word: 1, int64: 2, int128: 4, float: 2, string: 1 }

/** At most so many key columns: their null marks share one word. */
const KEY_COLUMNS_MAX = 31

/** Lays out the key of some columns. Throws when a column's type has no equality that a key could use. */
export function keyLayout(schema: Schema, keys: readonly string[], step: string): KeyLayout {
  if (keys.length > KEY_COLUMNS_MAX) {
    throw new MillraceError('plan/unsupported', {
      what: `a key of ${keys.length} columns`,
      detail: `at most ${KEY_COLUMNS_MAX} are possible`,
      step,
    })
  }
  const parts: KeyPart[] = []
  let word = 0
  let nullable = false
  for (const [position, name] of keys.entries()) {
    const column = schema.fields.findIndex((field) => field.name === name)
    const field = schema.fields[column]
    if (field === undefined) {
      throw new MillraceError('plan/unknown-column', {
        what: `key column "${name}" is not in the input`,
        step,
      })
    }
    const kind = keyKind(field.type)
    if (kind === undefined) {
      throw new MillraceError('plan/type-mismatch', {
        what: `column "${name}" of type ${field.type.kind} cannot be a key`,
        hint: 'derive a string or a number from it in a step before',
        step,
      })
    }
    if (field.nullable) nullable = true
    const words = wordsOfKind[kind]
    parts.push({ column, field, kind, word, words, nullBit: field.nullable ? 1 << position : 0 })
    word += words
  }
  const nullWord = nullable ? word++ : -1
  const stringWords = parts.filter((part) => part.kind === 'string').map((part) => part.word)
  return { parts, words: word, nullWord, stringWords }
}

/** How a type is packed into a key, or undefined when it cannot be one. */
function keyKind(type: DataType): KeyKind | undefined {
  switch (type.kind) {
    case 'boolean':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'date':
      return 'word'
    case 'int64':
    case 'uint64':
    case 'time':
    case 'timestamp':
      return 'int64'
    case 'decimal':
      return type.precision <= 18 ? 'int64' : 'int128'
    case 'float32':
    case 'float64':
      return 'float'
    case 'string':
    case 'bytes':
    case 'uuid':
    case 'json':
      return 'string'
    default:
      return undefined
  }
}

/** What the generated code for a key needs to know of a column's physical form. */
export function keyShape(column: Column): string {
  const nulls = column.validity === undefined ? '' : '?'
  return column.layout === 'fixed' ? column.values.constructor.name + nulls : column.layout + nulls
}

/**
 * Statements that fill locals `k0 …` with the key words of physical row `i`.
 *
 * For part p they read `c<p>` (values; for strings the lookup array of `StringColumn`), `v<p>` (validity), and for
 * strings `s<p>` (a StringColumn). `scratchF`/`scratchI` are two views of 8 bytes.
 */
export function keySource(layout: KeyLayout, columns: readonly Column[]): string {
  const lines: string[] = []
  if (layout.nullWord >= 0) lines.push(`let k${layout.nullWord} = 0;`)
  for (const [p, part] of layout.parts.entries()) {
    const column = columns[part.column] as Column
    const names = Array.from({ length: part.words }, (_, w) => `k${part.word + w}`)
    lines.push(`let ${names.map((name) => `${name} = 0`).join(', ')};`)
    const load = partSource(part, column, p)
    if (part.nullBit !== 0 && column.validity !== undefined) {
      lines.push(
        `if ((v${p}[i >> 3] & (1 << (i & 7))) !== 0) { ${load} } else k${layout.nullWord} |= ${part.nullBit};`,
      )
    } else {
      lines.push(load)
    }
  }
  return lines.join('\n')
}

function partSource(part: KeyPart, column: Column, p: number): string {
  const k = (w: number): string => `k${part.word + w}`
  switch (part.kind) {
    case 'word':
      return `${k(0)} = c${p}[i] | 0;`
    case 'float':
      return (
        `{ const x = +c${p}[i]; scratchF[0] = x === x ? x + 0 : NaN; ` +
        `${k(0)} = scratchI[0]; ${k(1)} = scratchI[1]; }`
      )
    case 'string':
      return column.layout === 'dictionary'
        ? `{ const code = d${p}[i]; ${k(0)} = c${p}[code]; if (${k(0)} === 0) ${k(0)} = s${p}.resolveCode(code); }`
        : `${k(0)} = s${p}.resolve(i);`
    case 'int64':
    case 'int128': {
      const extend = part.kind === 'int128' ? `${k(2)} = ${k(3)} = ${k(1)} >> 31;` : ''
      if (column.layout === 'fixed') {
        return (
          `{ const x = c${p}[i]; ${k(0)} = x | 0; ` +
          `${k(1)} = x === ${k(0)} ? ${k(0)} >> 31 : Math.floor(x / 4294967296) | 0; ${extend} }`
        )
      }
      // A wide column is seen as words: two per row, or four for decimals.
      const perRow = part.field.type.kind === 'decimal' ? 4 : 2
      return Array.from({ length: part.words }, (_, w) => `${k(w)} = c${p}[${perRow} * i + ${w}];`).join(' ')
    }
  }
}
