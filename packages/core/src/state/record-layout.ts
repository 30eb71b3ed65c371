/**
 * Where the fields of a packed record lie: key words first, then accumulators or state fields.
 *
 * A record is a run of 32-bit words, always an even number of them, so that its float64 fields are aligned. An `i32`
 * field is addressed in words, an `f64` field in doubles, both relative to the record's start.
 */

/** The machine type of a record field. */
export type FieldKind = 'i32' | 'f64'

/** One field of a record. */
export interface RecordField {
  readonly kind: FieldKind
  /** Words (i32) or doubles (f64) from the start of the record. */
  readonly offset: number
  /** The value in a new record. */
  readonly initial: number
}

/** Lays out fields one by one; holes left by alignment are filled by later i32 fields. */
export class RecordLayout {
  readonly fields: RecordField[] = []
  #words: number
  #hole = -1

  constructor(keyWords: number) {
    this.#words = keyWords
  }

  /** Words per record, even. */
  get words(): number {
    return Math.max(2, this.#words + (this.#words & 1))
  }

  add(kind: FieldKind, initial = 0): RecordField {
    const field: RecordField = { kind, offset: kind === 'i32' ? this.#place32() : this.#place64(), initial }
    this.fields.push(field)
    return field
  }

  /** The words of a new record; key words are 0. */
  template(): Int32Array {
    const words = new Int32Array(this.words)
    const doubles = new Float64Array(words.buffer)
    for (const field of this.fields) {
      if (field.kind === 'i32') words[field.offset] = field.initial
      else doubles[field.offset] = field.initial
    }
    return words
  }

  #place32(): number {
    if (this.#hole >= 0) {
      const offset = this.#hole
      this.#hole = -1
      return offset
    }
    return this.#words++
  }

  #place64(): number {
    if ((this.#words & 1) !== 0) this.#hole = this.#words++
    const offset = this.#words >> 1
    this.#words += 2
    return offset
  }
}
