/**
 * Sums of whole numbers (integers, unscaled decimals) that never lose a digit.
 *
 * The accumulator is a number in base 2^52 whose limbs are float64: low + middle · 2^52 + high · 2^104. As long as the
 * low limb stays within ±2^52, one addition per row is all that happens; a sum of two safe integers below 2^53 is
 * exact, so one comparison after the addition finds the rows that must carry. The high limb exists for decimals of
 * more than 18 digits only. A low limb of NaN says that there was no row yet: any sum with it fails the comparison.
 */
import type { FixedColumnBuilder } from '../../data/fixed-column-builder.ts'
import type { RecordField, RecordLayout, RecordStore } from '../../state/index.ts'
import type { InlineNames } from './aggregate.ts'

const LIMB = 2 ** 52
const LIMB_BITS = 52n

/** The fields of an exact sum and what can be done with them. */
export class ExactSum {
  readonly #low: RecordField
  readonly #middle: RecordField
  readonly #high: RecordField | undefined

  constructor(layout: RecordLayout, isBig: boolean) {
    this.#low = layout.add('f64', Number.NaN)
    this.#middle = layout.add('f64', 0)
    this.#high = isBig ? layout.add('f64', 0) : undefined
  }

  /** The limbs, lowest first. */
  get fields(): readonly RecordField[] {
    return [this.#low, this.#middle, ...(this.#high === undefined ? [] : [this.#high])]
  }

  /** Statements that add a safe integer; `carry` is an expression for this object. */
  inline(names: InlineNames, carry: string): string {
    const low = names.field(this.#low)
    return (
      `{ const sum = ${low} + ${names.value}; ` +
      `if (sum <= ${LIMB} && sum >= ${-LIMB}) ${low} = sum; else ${carry}.add(store, record, ${names.value}); }`
    )
  }

  /** Adds a safe integer. */
  add(store: RecordStore, record: number, value: number): void {
    const base = record * (store.words >> 1)
    const { f64 } = store
    const low = f64[base + this.#low.offset] as number
    const sum = low !== low ? value : low + value
    if (sum <= LIMB && sum >= -LIMB) f64[base + this.#low.offset] = sum
    else this.addExact(store, record, BigInt(value))
  }

  /** Adds `high` · 2^32 + `low`, with `low` in [0, 2^32), to a sum of two limbs. */
  addWords(store: RecordStore, record: number, high: number, low: number): void {
    const base = record * (store.words >> 1)
    const { f64 } = store
    const above = Math.floor(high / 1048576)
    const before = f64[base + this.#low.offset] as number
    // At most 2^52 and less than 2^52 more: exact.
    const sum = (before !== before ? 0 : before) + (high - above * 1048576) * 4294967296 + low
    const carry = sum >= LIMB ? 1 : 0
    f64[base + this.#low.offset] = sum - carry * LIMB
    f64[base + this.#middle.offset] = (f64[base + this.#middle.offset] as number) + above + carry
  }

  /** Adds any whole number. */
  addExact(store: RecordStore, record: number, value: bigint): void {
    this.#put(store, record, (this.total(store, record) ?? 0n) + value)
  }

  /** Adds another accumulator's total. */
  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const base = sourceRecord * (source.words >> 1)
    const low = source.f64[base + this.#low.offset] as number
    if (low !== low) return
    const isSmall =
      source.f64[base + this.#middle.offset] === 0 &&
      (this.#high === undefined || source.f64[base + this.#high.offset] === 0)
    if (isSmall) this.add(target, targetRecord, low)
    else this.addExact(target, targetRecord, this.total(source, sourceRecord) as bigint)
  }

  /** The sum, or undefined when nothing was added. */
  total(store: RecordStore, record: number): bigint | undefined {
    const base = record * (store.words >> 1)
    const low = store.f64[base + this.#low.offset] as number
    if (low !== low) return undefined
    const middle = store.f64[base + this.#middle.offset] as number
    const high = this.#high === undefined ? 0 : (store.f64[base + this.#high.offset] as number)
    return BigInt(low) + ((BigInt(middle) + (BigInt(high) << LIMB_BITS)) << LIMB_BITS)
  }

  /** The sum as a float64 (rounded), NaN when nothing was added. */
  approximate(store: RecordStore, record: number): number {
    const base = record * (store.words >> 1)
    const low = store.f64[base + this.#low.offset] as number
    const middle = store.f64[base + this.#middle.offset] as number
    if (middle === 0 && this.#high === undefined) return low
    return Number(this.total(store, record) ?? Number.NaN)
  }

  /** Writes the sum to a column of whole numbers; gives false when it does not fit `limit`. */
  write(
    store: RecordStore,
    record: number,
    out: FixedColumnBuilder,
    row: number,
    limit: IntegerRange,
  ): boolean {
    const base = record * (store.words >> 1)
    const low = store.f64[base + this.#low.offset] as number
    if (low !== low) {
      out.setNull(row)
      return true
    }
    const isSmall = store.f64[base + this.#middle.offset] === 0 && this.#high === undefined
    if (isSmall && low >= limit.safeLow && low <= limit.safeHigh) {
      out.values[row] = low + 0
      return true
    }
    const total = this.total(store, record) as bigint
    if (total < limit.low || total > limit.high) return false
    out.setExact(row, total)
    return true
  }

  #put(store: RecordStore, record: number, total: bigint): void {
    const base = record * (store.words >> 1)
    // Limbs below the top one are non-negative; the top one carries the sign.
    const low = BigInt.asUintN(52, total)
    const rest = total >> LIMB_BITS
    store.f64[base + this.#low.offset] = Number(low)
    if (this.#high === undefined) {
      store.f64[base + this.#middle.offset] = Number(rest)
      return
    }
    store.f64[base + this.#middle.offset] = Number(BigInt.asUintN(52, rest))
    store.f64[base + this.#high.offset] = Number(rest >> LIMB_BITS)
  }
}

/** The whole numbers that a result type can hold. */
export interface IntegerRange {
  readonly low: bigint
  readonly high: bigint
  /** The part of it that is exact in float64. */
  readonly safeLow: number
  readonly safeHigh: number
}

/** A range with its part that is exact in float64. */
export function integerRange(low: bigint, high: bigint): IntegerRange {
  const safe = BigInt(Number.MAX_SAFE_INTEGER)
  return {
    low,
    high,
    safeLow: low < -safe ? Number.MIN_SAFE_INTEGER : Number(low),
    safeHigh: high > safe ? Number.MAX_SAFE_INTEGER : Number(high),
  }
}
