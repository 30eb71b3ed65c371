/**
 * Sums of floats with their rounding errors carried along (Knuth's two-sum; Ogita, Rump, Oishi, "Accurate sum and dot
 * product", 2005), so that order and grouping hardly show: as good as twice the precision.
 */
import type { RecordField, RecordLayout, RecordStore } from '../../state/index.ts'
import type { InlineNames } from './aggregate.ts'

/** The fields of a compensated sum and what can be done with them. */
export class FloatSum {
  readonly #sum: RecordField
  readonly #error: RecordField

  constructor(layout: RecordLayout) {
    this.#sum = layout.add('f64', 0)
    this.#error = layout.add('f64', 0)
  }

  get fields(): readonly RecordField[] {
    return [this.#sum, this.#error]
  }

  /** Statements that add a value. */
  inline(names: InlineNames): string {
    const sum = names.field(this.#sum)
    return (
      `{ const x = ${names.value}, s = ${sum}, t = s + x, z = t - s; ` +
      `${sum} = t; ${names.field(this.#error)} += (s - (t - z)) + (x - z); }`
    )
  }

  add(store: RecordStore, record: number, x: number): void {
    const base = record * (store.words >> 1)
    const s = store.f64[base + this.#sum.offset] as number
    const t = s + x
    const z = t - s
    store.f64[base + this.#sum.offset] = t
    store.f64[base + this.#error.offset] =
      (store.f64[base + this.#error.offset] as number) + (s - (t - z)) + (x - z)
  }

  merge(target: RecordStore, targetRecord: number, source: RecordStore, sourceRecord: number): void {
    const from = sourceRecord * (source.words >> 1)
    this.add(target, targetRecord, source.f64[from + this.#sum.offset] as number)
    const at = targetRecord * (target.words >> 1) + this.#error.offset
    target.f64[at] = (target.f64[at] as number) + (source.f64[from + this.#error.offset] as number)
  }

  /** The sum; the error term means nothing once the sum is infinite or NaN. */
  value(store: RecordStore, record: number): number {
    const base = record * (store.words >> 1)
    const sum = store.f64[base + this.#sum.offset] as number
    return Number.isFinite(sum) ? sum + (store.f64[base + this.#error.offset] as number) : sum
  }
}
