/**
 * What was seen of one column (or part of one) while a schema is inferred: counts and ranges, no values.
 */
import { parseDate, parseInstant } from '../time/instant.ts'

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const numberPattern = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** Levels of nesting that are looked into; deeper parts count as values of other kinds, and become JSON. */
const DEPTH_MAX = 16

/** A kind of value that can be told apart. */
export type ObservedKind = 'boolean' | 'number' | 'string' | 'array' | 'object' | 'other'

/** Counts of what was seen. */
export class Observation {
  readonly isText: boolean
  readonly #depth: number
  /** Values seen, nulls among them. */
  total = 0
  nulls = 0
  booleans = 0
  numbers = 0
  /** Numbers with a fraction, and those that are not finite. */
  fractions = 0
  lowest: number = Number.POSITIVE_INFINITY
  highest: number = Number.NEGATIVE_INFINITY
  strings = 0
  dates = 0
  instants = 0
  zoned = 0
  uuids = 0
  /** Most digits of a second's fraction. */
  fractionDigits = 0
  arrays = 0
  elements: Observation | undefined
  objects = 0
  readonly members: Map<string, Observation> = new Map<string, Observation>()
  others = 0

  constructor(isText: boolean, depth: number = 0) {
    this.isText = isText
    this.#depth = depth
  }

  /** The kinds seen, in a fixed order. */
  kinds(): ObservedKind[] {
    const counts: readonly (readonly [ObservedKind, number])[] = [
      ['boolean', this.booleans],
      ['number', this.numbers],
      ['string', this.strings],
      ['array', this.arrays],
      ['object', this.objects],
      ['other', this.others],
    ]
    return counts.filter(([, count]) => count > 0).map(([kind]) => kind)
  }

  /** Looks at a value. */
  add(value: unknown): void {
    this.total++
    switch (typeof value) {
      case 'boolean':
        this.booleans++
        return
      case 'number':
        return this.#addNumber(value, Number.isInteger(value))
      case 'bigint':
        return this.#addNumber(Number(value), true)
      case 'string':
        return this.isText ? this.#addField(value) : this.#addText(value)
      case 'undefined':
        this.nulls++
        return
      default:
        return this.#addReference(value as object | null)
    }
  }

  /** Looks at the members of an object. */
  addObject(value: { readonly [name: string]: unknown }): void {
    this.objects++
    for (const [name, member] of Object.entries(value)) {
      let seen = this.members.get(name)
      if (seen === undefined) {
        seen = new Observation(this.isText, this.#depth + 1)
        this.members.set(name, seen)
      }
      seen.add(member)
    }
  }

  #addReference(value: object | null): void {
    if (value === null) {
      this.nulls++
    } else if (this.#depth >= DEPTH_MAX) {
      this.others++
    } else if (Array.isArray(value)) {
      this.arrays++
      this.elements ??= new Observation(this.isText, this.#depth + 1)
      for (const element of value) this.elements.add(element)
    } else if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
      this.addObject(value as { readonly [name: string]: unknown })
    } else {
      this.others++
    }
  }

  #addNumber(value: number, isWhole: boolean): void {
    this.numbers++
    // −0 has a sign that integers cannot keep.
    if (!isWhole || Object.is(value, -0)) this.fractions++
    if (value < this.lowest) this.lowest = value
    if (value > this.highest) this.highest = value
  }

  /** A field of a text source. */
  #addField(field: string): void {
    if (field === '') {
      this.nulls++
    } else if (field === 'true' || field === 'false') {
      this.booleans++
    } else {
      const match = numberPattern.exec(field)
      if (match === null) this.#addText(field)
      else this.#addNumber(Number(field), match[1] === undefined && match[2] === undefined)
    }
  }

  #addText(text: string): void {
    this.strings++
    const first = text.charCodeAt(0)
    // Dates begin with a digit or a sign; most texts are told by that.
    if (text.length >= 10 && text.length <= 40 && (first <= 57 || text.length === 36)) this.#addShaped(text)
  }

  #addShaped(text: string): void {
    if (uuidPattern.test(text)) {
      this.uuids++
      return
    }
    if (!Number.isNaN(parseDate(text))) {
      this.dates++
      return
    }
    const instant = parseInstant(text)
    if (instant === undefined) return
    this.instants++
    if (instant.zoned) this.zoned++
    const fraction = /[.,](\d+)/.exec(text)
    this.fractionDigits = Math.max(this.fractionDigits, fraction?.[1]?.length ?? 0)
  }
}
