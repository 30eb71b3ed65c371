/**
 * Pending timers in order of time: a 4-ary heap on typed arrays, with the place of each timer known.
 *
 * A timer is a small integer (its record's number); its name and key are its owner's business. Timers of equal time
 * come in no particular order: whoever pops them sorts what ties. Four children per node make the heap half as deep
 * as a binary one, and the four times that are compared lie in one cache line.
 *
 * Invariants (tests quote them):
 *  T1  `times[n]` is not less than the time of its parent.
 *  T2  `place[id]` is where a pending timer is, and −1 for others.
 */

const ARITY_SHIFT = 2
const CAPACITY_MIN = 64

/** A priority queue of timers by time. */
export class TimerHeap {
  /** Pending timers. */
  size = 0
  #times: Float64Array = new Float64Array(CAPACITY_MIN)
  #ids: Int32Array = new Int32Array(CAPACITY_MIN)
  #place: Int32Array = new Int32Array(CAPACITY_MIN).fill(-1)

  get bytes(): number {
    return this.#times.byteLength + this.#ids.byteLength + this.#place.byteLength
  }

  /** The earliest time, +Infinity when nothing is pending. */
  get earliest(): number {
    return this.size === 0 ? Infinity : (this.#times[0] as number)
  }

  /** One of the timers with the earliest time; −1 when nothing is pending. */
  get first(): number {
    return this.size === 0 ? -1 : (this.#ids[0] as number)
  }

  /** Whether a timer is due at a watermark (+Infinity: whether any is pending). */
  isDue(watermark: number): boolean {
    return this.size > 0 && (this.#times[0] as number) <= watermark
  }

  isPending(id: number): boolean {
    return id < this.#place.length && (this.#place[id] as number) >= 0
  }

  /** Sets a timer, or moves it when it is pending. */
  set(id: number, time: number): void {
    if (id >= this.#place.length) this.#growPlaces(id)
    const place = this.#place[id] as number
    if (place < 0) {
      if (this.size === this.#times.length) this.#growHeap()
      this.#up(this.size++, id, time)
    } else if (time <= (this.#times[place] as number)) this.#up(place, id, time)
    else this.#down(place, id, time)
  }

  /** Takes a timer out; one that is not pending is left alone. */
  remove(id: number): void {
    if (!this.isPending(id)) return
    const place = this.#place[id] as number
    this.#place[id] = -1
    const last = --this.size
    if (place === last) return
    const lastId = this.#ids[last] as number
    const lastTime = this.#times[last] as number
    if (lastTime <= (this.#times[place] as number)) this.#up(place, lastId, lastTime)
    else this.#down(place, lastId, lastTime)
  }

  /** Takes out one of the timers with the earliest time; −1 when there is none. */
  pop(): number {
    if (this.size === 0) return -1
    const id = this.#ids[0] as number
    this.remove(id)
    return id
  }

  #up(start: number, id: number, time: number): void {
    let place = start
    while (place > 0) {
      const parent = (place - 1) >> ARITY_SHIFT
      if ((this.#times[parent] as number) <= time) break
      this.#put(place, this.#ids[parent] as number, this.#times[parent] as number)
      place = parent
    }
    this.#put(place, id, time)
  }

  #down(start: number, id: number, time: number): void {
    const times = this.#times
    let place = start
    for (;;) {
      const first = (place << ARITY_SHIFT) + 1
      if (first >= this.size) break
      let child = first
      const end = Math.min(first + (1 << ARITY_SHIFT), this.size)
      for (let other = first + 1; other < end; other++) {
        if ((times[other] as number) < (times[child] as number)) child = other
      }
      if ((times[child] as number) >= time) break
      this.#put(place, this.#ids[child] as number, times[child] as number)
      place = child
    }
    this.#put(place, id, time)
  }

  #put(place: number, id: number, time: number): void {
    this.#times[place] = time
    this.#ids[place] = id
    this.#place[id] = place
  }

  #growHeap(): void {
    const times = new Float64Array(this.#times.length * 2)
    times.set(this.#times)
    this.#times = times
    const ids = new Int32Array(times.length)
    ids.set(this.#ids)
    this.#ids = ids
  }

  #growPlaces(id: number): void {
    const place = new Int32Array(Math.max(id + 1, this.#place.length * 2)).fill(-1)
    place.set(this.#place)
    this.#place = place
  }
}
