/**
 * A dictionary that a builder keeps for itself, filled with the entries it meets in a foreign one.
 *
 * A foreign dictionary may lie in memory that its producer uses again (batch.ts B1), so rows that outlive the producer's
 * call need a copy; copying each entry once keeps the codes, and with them all that readers cache per code.
 */
import type { Utf8Column } from './column.ts'
import { copyBytes } from './text-bytes.ts'

/** Copies entries of one foreign dictionary into one of its own, each at its first use. */
export class OwnDictionary {
  /** The foreign dictionary whose codes `codeOf` understands. */
  readonly source: Utf8Column
  /** The copy: grows at its end, and stays the same object. */
  readonly own: Utf8Column
  /** Entries of the copy. */
  length = 0
  #bytesLength = 0
  /** Own code + 1 by foreign code; 0: not copied yet. */
  #codes: Int32Array

  constructor(source: Utf8Column, entries: number) {
    this.source = source
    const capacity = Math.max(16, entries)
    this.#codes = new Int32Array(capacity)
    this.own = {
      layout: 'utf8',
      type: source.type,
      bytes: new Uint8Array(capacity * 8),
      starts: new Int32Array(capacity),
      lengths: new Int32Array(capacity),
      validity: undefined,
    }
  }

  /** The own code of a foreign code. */
  codeOf(foreign: number): number {
    if (foreign < this.#codes.length) {
      const known = this.#codes[foreign] as number
      if (known !== 0) return known - 1
    }
    return this.#copy(foreign)
  }

  #copy(foreign: number): number {
    const { source, own } = this
    if (foreign >= this.#codes.length) {
      const codes = new Int32Array(Math.max(foreign + 1, this.#codes.length * 2))
      codes.set(this.#codes)
      this.#codes = codes
    }
    const length = source.lengths[foreign] as number
    const needed = this.#bytesLength + length
    if (needed > own.bytes.length) {
      const bytes = new Uint8Array(Math.max(needed, own.bytes.length * 2))
      bytes.set(own.bytes)
      own.bytes = bytes
    }
    if (this.length === own.starts.length) {
      own.starts = doubled(own.starts)
      own.lengths = doubled(own.lengths)
    }
    copyBytes(source.bytes, source.starts[foreign] as number, length, own.bytes, this.#bytesLength)
    own.starts[this.length] = this.#bytesLength
    own.lengths[this.length] = length
    this.#bytesLength = needed
    this.length++
    this.#codes[foreign] = this.length
    return this.length - 1
  }
}

function doubled(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
