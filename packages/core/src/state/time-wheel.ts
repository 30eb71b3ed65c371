/**
 * Records by time, taken out in order of time: a timing wheel of two levels (Varghese, Lauck, "Hashed and hierarchical
 * timing wheels", SOSP 1987).
 *
 * Times are whole milliseconds of any size. Near ones, those of the span that is being taken out, lie in one slot per
 * millisecond; later ones in one list per span, which is dealt out to the slots when its turn comes. Adding costs one
 * step whatever the time is, and so does taking out, beside an empty slot now and then. Nothing is taken out before its turn: for
 * timers that can be deleted there is timer-heap.ts.
 *
 * Invariants (tests quote them):
 *  TW1  `take` gives every record once, in order of time; those of one time in the order in which they were added.
 *  TW2  A record that is added for a time before a bound that was asked for comes before all later ones, in no order.
 */
import { assert } from '../errors.ts'

const SPAN_BITS = 10
const SPAN_MS = 1 << SPAN_BITS
const RECORDS_MIN = 64

/** Records in order of time. */
export class TimeWheel {
  /** Records in the wheel. */
  size = 0
  #times: Float64Array = new Float64Array(RECORDS_MIN)
  /** The next record of the same list + 1; 0 for the last. */
  #next: Int32Array = new Int32Array(RECORDS_MIN)
  /** Per millisecond of the near span the first and the last record + 1. */
  readonly #heads = new Int32Array(SPAN_MS)
  readonly #tails = new Int32Array(SPAN_MS)
  /** The span in the slots; −Infinity before the first. */
  #near = -Infinity
  /** The slot of the record that was taken out last. */
  #cursor = 0
  /** Records in the slots. */
  #nearSize = 0
  /** Later spans: their first and last record + 1. */
  readonly #spans = new Map<number, { head: number; tail: number }>()
  /** The numbers of those spans: a binary heap. */
  readonly #order: number[] = []

  get bytes(): number {
    return this.#times.byteLength + this.#next.byteLength + 2 * this.#heads.byteLength
  }

  /** Adds a record that is not in the wheel. `time` is a whole number. */
  add(record: number, time: number): void {
    if (record >= this.#times.length) this.#grow(record)
    assert(Number.isSafeInteger(time), 'a time in a wheel is no whole number')
    // Without records there is no order to keep: the next ones may begin anywhere.
    if (this.size++ === 0) {
      this.#near = -Infinity
      this.#cursor = 0
    }
    this.#times[record] = time
    this.#next[record] = 0
    const span = Math.floor(time / SPAN_MS)
    if (span <= this.#near) this.#addNear(record, span < this.#near ? -1 : time - span * SPAN_MS)
    else this.#addLater(record, span)
  }

  /** Takes out the next record with a time before `bound`, which never falls; −1 when there is none. */
  take(bound: number): number {
    const slot = this.size === 0 ? -1 : this.#openSlot(bound)
    if (slot < 0) return -1
    const record = (this.#heads[slot] as number) - 1
    if ((this.#times[record] as number) >= bound) return -1
    const next = this.#next[record] as number
    this.#heads[slot] = next
    if (next === 0) this.#tails[slot] = 0
    this.#cursor = slot
    this.#nearSize--
    this.size--
    return record
  }

  /** The next slot that has a record, where one before `bound` may be; −1 when there is none. */
  #openSlot(bound: number): number {
    if (this.#nearSize === 0) {
      const span = this.#order[0]
      if (span === undefined || span * SPAN_MS >= bound) return -1
      this.#openSpan(span)
    }
    let slot = this.#cursor
    while (this.#heads[slot] === 0) slot++
    return slot
  }

  /** Deals a span out to the slots. */
  #openSpan(span: number): void {
    this.#popOrder()
    const { head } = this.#spans.get(span) as { head: number }
    this.#spans.delete(span)
    this.#near = span
    this.#cursor = 0
    for (let entry = head; entry !== 0;) {
      const record = entry - 1
      entry = this.#next[record] as number
      this.#next[record] = 0
      this.#addNear(record, (this.#times[record] as number) - span * SPAN_MS)
    }
  }

  #addNear(record: number, slot: number): void {
    const at = Math.max(slot, this.#cursor)
    this.#nearSize++
    // Behind what was taken out already: the next to be taken, in front of what is later (TW2).
    if (slot < at) {
      const head = this.#heads[at] as number
      this.#next[record] = head
      this.#heads[at] = record + 1
      if (head === 0) this.#tails[at] = record + 1
    } else {
      const tail = this.#tails[at] as number
      if (tail === 0) this.#heads[at] = record + 1
      else this.#next[tail - 1] = record + 1
      this.#tails[at] = record + 1
    }
  }

  #addLater(record: number, span: number): void {
    const found = this.#spans.get(span)
    if (found === undefined) {
      this.#spans.set(span, { head: record + 1, tail: record + 1 })
      this.#pushOrder(span)
      return
    }
    this.#next[found.tail - 1] = record + 1
    found.tail = record + 1
  }

  #pushOrder(span: number): void {
    const order = this.#order
    let at = order.push(span) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((order[parent] as number) <= span) break
      order[at] = order[parent] as number
      at = parent
    }
    order[at] = span
  }

  #popOrder(): void {
    const order = this.#order
    const span = order.pop() as number
    if (order.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= order.length) break
      if (child + 1 < order.length && (order[child + 1] as number) < (order[child] as number)) child++
      if ((order[child] as number) >= span) break
      order[at] = order[child] as number
      at = child
    }
    order[at] = span
  }

  #grow(record: number): void {
    const length = Math.max(record + 1, this.#times.length * 2)
    const times = new Float64Array(length)
    times.set(this.#times)
    this.#times = times
    const next = new Int32Array(length)
    next.set(this.#next)
    this.#next = next
  }
}
