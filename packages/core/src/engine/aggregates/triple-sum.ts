/**
 * Sums of floats, and of their exact squares, in three float64 each: the sum, its error, and the error of that.
 *
 * As good as 159 digits of two. Order and grouping could show in a result only where cancellation takes more than
 * about a hundred of them; but then the values are nearly alike, their squares lie on one grid of 2^-106 of
 * themselves, and three float64 hold the sums exactly.
 * Two-sum after Knuth, the product's error after Dekker ("A floating-point technique for extending the available
 * precision", 1971); the cascade is that of Ogita, Rump and Oishi ("Accurate sum and dot product", 2005).
 */
import type { RecordField, RecordLayout, RecordStore } from '../../state/index.ts'
import type { InlineNames } from './aggregate.ts'

/** 2^27 + 1: cuts a float64 into halves whose products are exact. */
const SPLITTER = 134_217_729

/** The fields of one such sum and what can be done with them. */
export class TripleSum {
  readonly fields: readonly [RecordField, RecordField, RecordField]

  constructor(layout: RecordLayout) {
    this.fields = [layout.add('f64', 0), layout.add('f64', 0), layout.add('f64', 0)]
  }

  /** Statements that add the value of a local `x`. */
  inline(names: InlineNames): string {
    const [sum, error, rest] = this.#names(names)
    return (
      `{ const s = ${sum}, t = s + x, z = t - s, e = (s - (t - z)) + (x - z), ` +
      `f = ${error}, u = f + e, v = u - f; ` +
      `${sum} = t; ${error} = u; ${rest} += (f - (u - v)) + (e - v); }`
    )
  }

  /** Statements that add the square of a local `x`. */
  inlineSquare(names: InlineNames): string {
    const [sum, error, rest] = this.#names(names)
    return (
      `{ const p = x * x, c = ${SPLITTER} * x, h = c - (c - x), l = x - h, lost = ((h * h - p) + 2 * h * l) + l * l, ` +
      `s = ${sum}, t = s + p, z = t - s, e = (s - (t - z)) + (p - z), ` +
      `f = ${error}, u = f + e, v = u - f, w = u + lost, y = w - u; ` +
      `${sum} = t; ${error} = w; ${rest} += ((f - (u - v)) + (e - v)) + ((u - (w - y)) + (lost - y)); }`
    )
  }

  /** Adds a value. */
  add(store: RecordStore, record: number, x: number): void {
    this.#addAt(store, record, 0, x)
  }

  /** Adds the square of a value. */
  addSquare(store: RecordStore, record: number, x: number): void {
    const square = x * x
    this.#addAt(store, record, 0, square)
    this.#addAt(store, record, 1, productError(x, x, square))
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    for (let part = 0; part < 3; part++)
      this.#addAt(target, targetRecord, part, this.part(source, sourceRecord, part))
  }

  /** The sum (0), its error (1), or the error of that (2). */
  part(store: RecordStore, record: number, part: number): number {
    const field = this.fields[part] as RecordField
    return store.f64[record * (store.words >> 1) + field.offset] as number
  }

  /** Adds a value to a part, and what is lost to those behind it. */
  #addAt({ f64, words }: RecordStore, record: number, from: number, x: number): void {
    const base = record * (words >> 1)
    let value = x
    for (let part = from; part < 3; part++) {
      const at = base + (this.fields[part] as RecordField).offset
      const before = f64[at] as number
      const after = before + value
      const taken = after - before
      f64[at] = after
      value = before - (after - taken) + (value - taken)
    }
  }

  #names(names: InlineNames): [string, string, string] {
    const [sum, error, rest] = this.fields
    return [names.field(sum), names.field(error), names.field(rest)]
  }
}

/** What rounding took from a product. */
export function productError(a: number, b: number, product: number): number {
  const cutA = SPLITTER * a
  const highA = cutA - (cutA - a)
  const lowA = a - highA
  const cutB = SPLITTER * b
  const highB = cutB - (cutB - b)
  const lowB = b - highB
  return highA * highB - product + highA * lowB + lowA * highB + lowA * lowB
}

/** What is left of the largest term when three times the digits are not enough for the sum. */
const CANCELLATION = 2 ** -30

/** The sum of some numbers as if computed with three or four times the digits, and rounded; `terms` is used up. */
export function accurateSum(terms: Float64Array): number {
  const last = terms.length - 1
  let largest = 0
  for (let i = 0; i <= last; i++) largest = Math.max(largest, Math.abs(terms[i] as number))
  distil(terms)
  distil(terms)
  if (Math.abs(terms[last] as number) < largest * CANCELLATION) distil(terms)
  let sum = 0
  for (let i = 0; i <= last; i++) sum += terms[i] as number
  return sum
}

/** Moves the sum to the last term, and what rounding took from it to the others. */
function distil(terms: Float64Array): void {
  let sum = terms[0] as number
  for (let i = 1; i < terms.length; i++) {
    const value = terms[i] as number
    const after = sum + value
    const taken = after - sum
    terms[i - 1] = sum - (after - taken) + (value - taken)
    sum = after
  }
  terms[terms.length - 1] = sum
}
