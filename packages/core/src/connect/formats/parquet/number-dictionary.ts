/**
 * The distinct numbers of a column chunk, by their bits, with the code of each.
 */

import { tableSeed } from '../../../data/table-seed.ts'
import type { TableSeed } from '../../../data/table-seed.ts'

/** Codes of numbers: open addressing over the two words of a float64. */
export class NumberDictionary {
  values: Float64Array<ArrayBuffer> = new Float64Array(256)
  length = 0
  private words = new Int32Array(this.values.buffer)
  private slots = new Int32Array(1024)
  private readonly seed = tableSeed()
  private readonly one = new Float64Array(1)
  private readonly oneWords = new Int32Array(this.one.buffer)

  clear(): void {
    this.length = 0
    this.slots.fill(0)
  }

  /** The code of a value; a new one gets the next. */
  codeOf(value: number): number {
    this.one[0] = value
    const low = this.oneWords[0] as number
    const high = this.oneWords[1] as number
    const { slots, words } = this
    const mask = slots.length - 1
    let slot = hash(this.seed, low, high) & mask
    for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
      if (words[2 * taken - 2] === low && words[2 * taken - 1] === high) return taken - 1
      slot = (slot + 1) & mask
    }
    return this.add(value, slot)
  }

  private add(value: number, slot: number): number {
    if (this.length === this.values.length) this.growValues()
    this.values[this.length++] = value
    this.slots[slot] = this.length
    if (this.length * 4 > this.slots.length) this.growSlots()
    return this.length - 1
  }

  private growValues(): void {
    const grown = new Float64Array(this.values.length * 2)
    grown.set(this.values)
    this.values = grown
    this.words = new Int32Array(grown.buffer)
  }

  private growSlots(): void {
    const slots = new Int32Array(this.slots.length * 2)
    const mask = slots.length - 1
    for (let code = 0; code < this.length; code++) {
      let slot = hash(this.seed, this.words[2 * code] as number, this.words[2 * code + 1] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = code + 1
    }
    this.slots = slots
  }
}

function hash({ start, word, chain }: TableSeed, low: number, high: number): number {
  let mixed = Math.imul(Math.imul(low, word) ^ start, chain)
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ Math.imul(high, word), chain)
  return mixed ^ (mixed >>> 16)
}
