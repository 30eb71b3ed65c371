/**
 * The distinct byte strings of a column chunk, with the code of each.
 */
import { hashSecretly, tableSeed } from '../../../data/table-seed.ts'
import { grownCapacity } from './leaf.ts'

/** Codes of byte strings; it copies the bytes. */
export class BytesDictionary {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024)
  starts: Int32Array<ArrayBuffer> = new Int32Array(64)
  lengths: Int32Array<ArrayBuffer> = new Int32Array(64)
  length = 0
  byteLength = 0
  private readonly seed = tableSeed()
  private hashes = new Int32Array(64)
  private slots = new Int32Array(256)

  clear(): void {
    if (this.length === 0) return
    this.length = 0
    this.byteLength = 0
    this.slots.fill(0)
  }

  /** The code of `bytes[start … start + length)`; a new value gets the next. */
  codeOf(bytes: Uint8Array, start: number, length: number): number {
    const hash = hashSecretly(this.seed, bytes, start, length)
    const { slots } = this
    const mask = slots.length - 1
    let slot = hash & mask
    for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
      if (this.hashes[taken - 1] === hash && this.isEntry(taken - 1, bytes, start, length)) return taken - 1
      slot = (slot + 1) & mask
    }
    return this.add(bytes, start, length, hash, slot)
  }

  private isEntry(code: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.lengths[code] !== length) return false
    const own = this.bytes
    const from = this.starts[code] as number
    for (let index = 0; index < length; index++) if (own[from + index] !== bytes[start + index]) return false
    return true
  }

  private add(bytes: Uint8Array, start: number, length: number, hash: number, slot: number): number {
    const code = this.length
    if (code === this.starts.length) this.growEntries()
    if (this.byteLength + length > this.bytes.length) {
      const wider = new Uint8Array(grownCapacity(this.bytes.length, this.byteLength + length))
      wider.set(this.bytes.subarray(0, this.byteLength))
      this.bytes = wider
    }
    this.bytes.set(bytes.subarray(start, start + length), this.byteLength)
    this.starts[code] = this.byteLength
    this.lengths[code] = length
    this.hashes[code] = hash
    this.byteLength += length
    this.length++
    this.slots[slot] = this.length
    if (this.length * 4 > this.slots.length) this.growSlots()
    return code
  }

  private growEntries(): void {
    const capacity = this.starts.length * 2
    this.starts = wider(this.starts, capacity)
    this.lengths = wider(this.lengths, capacity)
    this.hashes = wider(this.hashes, capacity)
  }

  private growSlots(): void {
    const slots = new Int32Array(this.slots.length * 2)
    const mask = slots.length - 1
    for (let code = 0; code < this.length; code++) {
      let slot = (this.hashes[code] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = code + 1
    }
    this.slots = slots
  }
}

function wider(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(capacity)
  grown.set(array)
  return grown
}
