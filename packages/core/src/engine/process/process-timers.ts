/**
 * Event-time timers of a `process` step: per key and name, in typed memory.
 *
 * A timer fires when the watermark reaches its time, in order of (time, key group, key, name). Timers of one time are
 * taken from the heap together and sorted; what the functions set meanwhile for that time or an earlier one fires
 * right after them.
 *
 * Invariants (tests quote them):
 *  PT1  There is one timer per key and name; setting it again moves it, also when it is about to fire.
 *  PT2  A timer that was deleted or moved before its turn does not fire.
 *  PT3  Timers that set each other without time going on, or after the end of the input, end in an error.
 */
import { isWellFormed } from '../../data/text-bytes.ts'
import { MillraceError } from '../../errors.ts'
import type { ArrayPool, KeyLayout, RecordField, StringTable } from '../../state/index.ts'
import { GroupTable, RecordLayout, TimerHeap, compareKeys } from '../../state/index.ts'

/** How often timers may set each other at one time, or after the end of the input. */
const CHAIN_MAX = 1000

/** A timer whose turn it is. */
export interface DueTimer {
  readonly group: number
  readonly name: string
  readonly time: number
}

/** What timers need to know of the keys. */
export interface TimerKeys {
  readonly layout: KeyLayout
  readonly table: GroupTable
  /** The field with the key's hash, as the exchange computes it. */
  readonly hash: RecordField
  /** How many key groups there are; a power of two. */
  readonly keyGroups: number
}

const encoder = new TextEncoder()
// A mark at the beginning is a part of the text: without it two texts would be one.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Whether a timer can be set for a time: what rows made at it can carry. */
function isTimerTime(time: unknown): time is number {
  return typeof time === 'number' && Math.abs(time) <= Number.MAX_SAFE_INTEGER
}

/** The timers of all keys of one task. */
export class ProcessTimers {
  readonly #keys: TimerKeys
  readonly #strings: StringTable
  readonly #step: string
  /** Keyed by (group, number of the name's string). */
  readonly #timers: GroupTable
  readonly #time: RecordField
  /** How many timers in a row set each other to come here. */
  readonly #chain: RecordField
  /** The time that the last snapshot has; NaN when it has none. */
  readonly #saved: RecordField
  readonly #heap = new TimerHeap()
  readonly #nameIds = new Map<string, number>()
  readonly #names = new Map<number, string>()
  /** Timers taken from the heap, in order; those that were set anew meanwhile are pending again. */
  #due: Int32Array = new Int32Array(16)
  #dueCount = 0
  #duePosition = 0
  #dueTime = Number.NaN
  #firing: { readonly time: number; readonly chain: number; readonly isEnd: boolean } | undefined
  /**
   * Called when a timer that a snapshot has goes, with its key's record and the number of its name's string. Not for one
   * that fires when the snapshot says it does: that it is gone follows from the watermark.
   */
  onRemoved: (group: number, name: number) => void = () => undefined

  constructor(keys: TimerKeys, options: { strings: StringTable; pool: ArrayPool; step: string }) {
    this.#keys = keys
    this.#strings = options.strings
    this.#step = options.step
    const layout = new RecordLayout(2)
    this.#time = layout.add('f64', 0)
    this.#chain = layout.add('i32', 0)
    this.#saved = layout.add('f64', Number.NaN)
    this.#timers = new GroupTable({ keyWords: 2, template: layout.template(), pool: options.pool })
  }

  /** Pending timers, the ones about to fire included. */
  get size(): number {
    return this.#timers.size
  }

  get bytes(): number {
    return this.#timers.bytes + this.#heap.bytes
  }

  /** Whether a timer is due at a watermark. */
  isDue(watermark: number): boolean {
    return this.#duePosition < this.#dueCount || this.#heap.isDue(watermark)
  }

  /** Sets or moves a timer; true when the key did not have it. */
  set(group: number, name: string, time: number): boolean {
    if (!isTimerTime(time)) throw this.#refused(name, time)
    const chain = this.#nextChain(name, time)
    const found = this.#find(group, name)
    const timer = found < 0 ? this.#insert() : found
    this.#setTime(timer, this.#time, time)
    this.#timers.i32[timer * this.#timers.words + this.#chain.offset] = chain
    this.#timers.mark(timer)
    this.#heap.set(timer, time)
    return found < 0
  }

  /** Where timers lie, for snapshots: the key of a timer is its key's record and the number of its name's string. */
  get records(): GroupTable {
    return this.#timers
  }

  timeOf(timer: number): number {
    return this.#timers.f64[timer * (this.#timers.words >> 1) + this.#time.offset] as number
  }

  /** From now on the last snapshot has the timer as it is. */
  wasSaved(timer: number): void {
    this.#setTime(timer, this.#saved, this.timeOf(timer))
  }

  /** Takes over a timer that a snapshot has; true when the key did not have it. */
  load(group: number, name: Uint8Array, time: number): boolean {
    const found = this.#findByName(group, name)
    const timer = found < 0 ? this.#insert() : found
    this.#setTime(timer, this.#time, time)
    this.#setTime(timer, this.#saved, time)
    this.#heap.set(timer, time)
    return found < 0
  }

  /** Takes over that a timer is gone; true when the key had it. */
  loadRemoval(group: number, name: Uint8Array): boolean {
    const timer = this.#findByName(group, name)
    if (timer < 0) return false
    this.#heap.remove(timer)
    this.#remove(timer, Number.NaN)
    return true
  }

  /** Forgets the timers that a watermark has fired; calls back with the record of the key of each. */
  dropTo(watermark: number, visit: (group: number) => void): void {
    while (this.#heap.isDue(watermark)) {
      const timer = this.#heap.pop()
      visit(this.#timers.i32[timer * this.#timers.words] as number)
      this.#remove(timer, Number.NaN)
    }
  }

  /** Deletes a timer; true when the key had it. */
  delete(group: number, name: string): boolean {
    const timer = this.#find(group, name)
    if (timer < 0) return false
    this.#heap.remove(timer)
    this.#remove(timer, Number.NaN)
    return true
  }

  /** Takes the next timer that is due; undefined when there is none. The key no longer has it. */
  next(watermark: number): DueTimer | undefined {
    for (;;) {
      while (this.#duePosition < this.#dueCount) {
        const timer = this.#due[this.#duePosition++] as number
        if (this.#isStillDue(timer)) return this.#take(timer, watermark)
      }
      if (!this.#heap.isDue(watermark)) return undefined
      this.#gather()
    }
  }

  /** The function that `next` led to has returned. */
  fired(): void {
    this.#firing = undefined
  }

  /** Takes all timers of the earliest time from the heap, and sorts them. */
  #gather(): void {
    this.#dueTime = this.#heap.earliest
    this.#dueCount = 0
    this.#duePosition = 0
    while (this.#heap.earliest === this.#dueTime && this.#heap.size > 0) {
      if (this.#dueCount === this.#due.length) {
        const due = new Int32Array(this.#dueCount * 2)
        due.set(this.#due)
        this.#due = due
      }
      this.#due[this.#dueCount++] = this.#heap.pop()
    }
    if (this.#dueCount > 1) this.#due.subarray(0, this.#dueCount).sort((a, b) => this.#compare(a, b))
  }

  #compare(left: number, right: number): number {
    const { layout, table, hash, keyGroups } = this.#keys
    const { i32, words } = this.#timers
    const l = (i32[left * words] as number) * table.words
    const r = (i32[right * words] as number) * table.words
    const mask = keyGroups - 1
    return (
      ((table.i32[l + hash.offset] as number) & mask) - ((table.i32[r + hash.offset] as number) & mask) ||
      compareKeys(layout, this.#strings, table.i32, l, r) ||
      this.#strings.compare(i32[left * words + 1] as number, i32[right * words + 1] as number)
    )
  }

  /** A timer of the due list that was deleted has no record of that time; one that was moved is in the heap (PT2). */
  #isStillDue(timer: number): boolean {
    if (this.#heap.isPending(timer)) return false
    return this.#timers.f64[timer * (this.#timers.words >> 1) + this.#time.offset] === this.#dueTime
  }

  #take(timer: number, watermark: number): DueTimer {
    const { i32, words } = this.#timers
    const group = i32[timer * words] as number
    const id = i32[timer * words + 1] as number
    const name = this.#nameOf(id)
    const chain = i32[timer * words + this.#chain.offset] as number
    const time = this.#dueTime
    this.#firing = { time, chain, isEnd: watermark === Infinity }
    this.#remove(timer, time)
    return { group, name, time }
  }

  /** `fired`: the time that it fires at, NaN when it does not. */
  #remove(timer: number, fired: number): void {
    const base = timer * this.#timers.words
    const saved = this.#timers.f64[(base >> 1) + this.#saved.offset] as number
    if (saved === saved && saved !== fired)
      this.onRemoved(this.#timers.i32[base] as number, this.#timers.i32[base + 1] as number)
    this.#strings.release(this.#timers.i32[base + 1] as number)
    // A number that is given out again must not pass for the timer that was about to fire.
    this.#timers.f64[timer * (this.#timers.words >> 1) + this.#time.offset] = Number.NaN
    this.#timers.remove(timer)
  }

  /** A timer for the key that `#find` left. */
  #insert(): number {
    this.#strings.retain(this.#timers.key[1] as number)
    return this.#timers.insert(this.#timers.tagOfKey())
  }

  #setTime(timer: number, { offset }: RecordField, time: number): void {
    this.#timers.f64[timer * (this.#timers.words >> 1) + offset] = time
  }

  #findByName(group: number, name: Uint8Array): number {
    this.#timers.key[0] = group
    this.#timers.key[1] = this.#strings.intern(name, 0, name.length)
    return this.#timers.find()
  }

  /** The timer of a key and name, or −1. Leaves its key in the table's `key`. */
  #find(group: number, name: string): number {
    this.#timers.key[0] = group
    this.#timers.key[1] = this.#nameId(name)
    return this.#timers.find()
  }

  #nameId(name: string): number {
    let id = this.#nameIds.get(name)
    // Few names are ever used; those of the first ones are kept for the step's life, which saves encoding them.
    if (id !== undefined) return id
    if (!isWellFormed(name)) throw this.#halfName(name)
    const bytes = encoder.encode(name)
    id = this.#strings.intern(bytes, 0, bytes.length)
    if (this.#nameIds.size < 64) {
      this.#strings.retain(id)
      this.#nameIds.set(name, id)
      this.#names.set(id, name)
    }
    return id
  }

  #nameOf(id: number): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const start = this.#strings.starts[id] as number
    return decoder.decode(this.#strings.bytes.subarray(start, start + (this.#strings.lengths[id] as number)))
  }

  #refused(name: string, time: unknown): MillraceError {
    const shown = typeof time === 'object' && time !== null ? 'an object' : String(time)
    return new MillraceError('value/invalid', {
      what: `timer "${name}" was set for ${shown}`,
      detail: 'the time of a timer is a number of milliseconds since 1970, within 2^53',
      hint:
        time === Infinity
          ? 'set it for Number.MAX_SAFE_INTEGER: timers that are left when the input ends fire then'
          : 'give event time in milliseconds, such as context.eventTime + 60_000',
      step: this.#step,
    })
  }

  #halfName(name: string): MillraceError {
    return new MillraceError('value/invalid', {
      what: `a timer cannot be called ${JSON.stringify(name)}`,
      detail: 'the name has half a character (a lone surrogate), which would come back as U+FFFD',
      hint: 'cut texts between characters, as in [...text], or name it name.toWellFormed()',
      step: this.#step,
    })
  }

  /** How long the chain of timers is that leads to one set now (PT3). */
  #nextChain(name: string, time: number): number {
    const firing = this.#firing
    if (firing === undefined || (time > firing.time && !firing.isEnd)) return 0
    if (firing.chain < CHAIN_MAX) return firing.chain + 1
    throw new MillraceError('step/function-failed', {
      what: `timer "${name}" of step "${this.#step}" sets itself without end`,
      detail: firing.isEnd
        ? `the input has ended, and ${CHAIN_MAX} timers in a row have set another one`
        : `${CHAIN_MAX} timers in a row have set another one for the same time or an earlier one`,
      hint: 'set no timer in onTimer when context.watermark is Infinity, or set it for a later time',
      step: this.#step,
    })
  }
}
