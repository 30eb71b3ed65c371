/**
 * Results of an expression over one dictionary column, computed once per dictionary entry (and once for null).
 *
 * Entries are computed when a row first needs them: an entry that no row uses must not stop the run with its error.
 * Codes stay valid as long as the dictionary object is the same (data/column.ts), so the memo lives as long.
 */
import type { DictionaryColumn, Utf8Column } from '../data/column.ts'
import { textBufferOf, textBytesMax, writeText } from '../data/text-bytes.ts'
import type { DataType } from '../data/type.ts'
import { evaluateWith } from './evaluate.ts'
import type { Expression } from './expression.ts'
import { isBig } from './types.ts'
import { readCell } from './value.ts'
import type { Value } from './value.ts'

/** State of a slot; slot 0 is null's, slot n + 1 entry n's. */
const UNKNOWN = 0
/** For truth values FALSE and TRUE, for others VALUE. */
const FALSE = 1
const VALUE = 1
const NULL = 2
const TRUE = 3

/** A memo that generated code reads: `states[code + 1]`, then `numbers` or `texts`. */
export class DictionaryMemo {
  states: Uint8Array = new Uint8Array(1)
  numbers: Float64Array = new Float64Array(1)
  texts: Value[] = []
  /** Results as codes into a dictionary of the results, where a whole output column is one. */
  codes: Int32Array = new Int32Array(1)
  #output: TextDictionary | undefined = undefined
  readonly #expression: Expression
  #dictionary: Utf8Column | undefined = undefined

  constructor(expression: Expression) {
    this.#expression = expression
  }

  /** Prepares for a batch. */
  bind(column: DictionaryColumn): void {
    const slots = column.dictionaryLength + 1
    if (column.dictionary !== this.#dictionary) {
      this.#dictionary = column.dictionary
      this.states.fill(UNKNOWN)
      this.texts.length = 0
      this.#output = undefined
    }
    if (slots <= this.states.length) return
    const capacity = Math.max(slots, this.states.length * 2)
    const states = new Uint8Array(capacity)
    states.set(this.states)
    const numbers = new Float64Array(capacity)
    numbers.set(this.numbers)
    const codes = new Int32Array(capacity)
    codes.set(this.codes)
    this.states = states
    this.numbers = numbers
    this.codes = codes
  }

  /** Computes a slot and returns its state. Throws what the evaluator throws. */
  fill(slot: number): number {
    const cell = slot === 0 ? null : readCell(this.#dictionary as Utf8Column, slot - 1)
    const value = evaluateWith(this.#expression, () => cell)
    return (this.states[slot] = this.#store(slot, value))
  }

  #store(slot: number, value: Value): number {
    if (value === null) return NULL
    if (typeof value === 'boolean') return value ? TRUE : FALSE
    if (typeof value === 'number') this.numbers[slot] = value
    else if (typeof value === 'bigint' && isBig(this.#expression.type)) {
      const number = Number(value)
      if (!Number.isSafeInteger(number)) throw new RangeError('a memoised value is wide')
      this.numbers[slot] = number
    } else this.texts[slot] = value
    return VALUE
  }

  /** Computes a slot whose result, a text, is wanted as a code. */
  fillCode(slot: number): number {
    const state = this.fill(slot)
    if (state === VALUE) this.codes[slot] = this.#dictionaryOfResults().add(this.texts[slot] as string)
    return state
  }

  #dictionaryOfResults(): TextDictionary {
    this.#output ??= new TextDictionary(this.#expression.type)
    return this.#output
  }

  /** The column of codes into the results so far. */
  column(codes: Int32Array, validity: Uint8Array | undefined): DictionaryColumn {
    const { dictionary, length } = this.#dictionaryOfResults()
    const { type } = this.#expression
    return { layout: 'dictionary', type, codes, dictionary, dictionaryLength: length, validity }
  }
}

/** A dictionary that only grows at its end, as data/column.ts allows. */
class TextDictionary {
  readonly dictionary: Utf8Column
  length = 0
  #end = 0

  constructor(type: DataType) {
    this.dictionary = { layout: 'utf8', type, bytes: textBufferOf(new Uint8Array(256)), starts: new Int32Array(16), lengths: new Int32Array(16), validity: undefined } // prettier-ignore
  }

  /** Adds a text and returns its code. */
  add(text: string): number {
    const { dictionary } = this
    const needed = this.#end + textBytesMax(text)
    if (needed > dictionary.bytes.length) {
      const larger = textBufferOf(new Uint8Array(Math.max(needed, dictionary.bytes.length * 2)))
      larger.set(dictionary.bytes)
      dictionary.bytes = larger
    }
    if (this.length === dictionary.starts.length) {
      dictionary.starts = grown(dictionary.starts)
      dictionary.lengths = grown(dictionary.lengths)
    }
    const length = writeText(textBufferOf(dictionary.bytes), this.#end, text)
    dictionary.starts[this.length] = this.#end
    dictionary.lengths[this.length] = length
    this.#end += length
    return this.length++
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
