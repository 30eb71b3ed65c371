/**
 * Sources of byte strings in data pages: PLAIN, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, fixed lengths and UUIDs.
 *
 * Each gives values as ranges of a chunk of bytes: the page itself where the values stand in it as they are, else
 * bytes of its own, which are used again two reads later.
 */
import { damaged } from './damage.ts'
import { DeltaReader } from './delta-reader.ts'
import { grownCapacity } from './leaf.ts'
import type { LeafType } from './leaf-type.ts'
import { encoding, physicalType } from './vocabulary.ts'

/** A cursor over byte strings. */
export interface RangeSource {
  open(bytes: Uint8Array, start: number, end: number): void
  /** Writes the ranges of the next `count` values to `starts` and `lengths` from `at` on; returns their chunk. */
  read(starts: Int32Array, lengths: Int32Array, at: number, count: number): Uint8Array
}

const noBytes = new Uint8Array(0)

/** The source for a leaf and an encoding, or undefined when they do not go together. */
export function rangeSource(leaf: LeafType, code: number): RangeSource | undefined {
  const fixed = leaf.physical === physicalType.fixedLengthByteArray
  if (code === encoding.plain) {
    if (leaf.type.kind === 'uuid') return new UuidSource()
    return fixed ? new FixedSource(leaf.fixedBytes) : new PlainSource()
  }
  if (code === encoding.deltaLengthByteArray && !fixed) return new DeltaLengthSource()
  if (code === encoding.deltaByteArray && leaf.type.kind !== 'uuid') return new DeltaBytesSource()
  return undefined
}

/** Each value behind its length of four bytes. */
class PlainSource implements RangeSource {
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  read(starts: Int32Array, lengths: Int32Array, at: number, count: number): Uint8Array {
    const { bytes, end } = this
    let { position } = this
    for (let index = at; index < at + count; index++) {
      if (position + 4 > end) throw damaged('a page has fewer values than it says')
      const length =
        (bytes[position] as number) |
        ((bytes[position + 1] as number) << 8) |
        ((bytes[position + 2] as number) << 16) |
        ((bytes[position + 3] as number) << 24)
      position += 4
      if (length < 0 || length > end - position) throw damaged('a value is longer than its page')
      starts[index] = position
      lengths[index] = length
      position += length
    }
    this.position = position
    return bytes
  }
}

/** Values of one length, one behind the other. */
class FixedSource implements RangeSource {
  private readonly size: number
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0

  constructor(size: number) {
    this.size = size
  }

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  read(starts: Int32Array, lengths: Int32Array, at: number, count: number): Uint8Array {
    if (count * this.size > this.end - this.position) throw damaged('a page has fewer values than it says')
    for (let index = at; index < at + count; index++, this.position += this.size) {
      starts[index] = this.position
      lengths[index] = this.size
    }
    return this.bytes
  }
}

const HEX: Uint8Array = new TextEncoder().encode('0123456789abcdef')

/** Sixteen bytes each, as 36 characters. */
class UuidSource implements RangeSource {
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  read(starts: Int32Array, lengths: Int32Array, at: number, count: number): Uint8Array {
    if (count * 16 > this.end - this.position) throw damaged('a page has fewer values than it says')
    // A batch may join the texts of several pages, so each read has bytes of its own.
    const texts = new Uint8Array(count * 36)
    for (let index = 0; index < count; index++, this.position += 16) {
      starts[at + index] = index * 36
      lengths[at + index] = 36
      writeUuid(this.bytes, this.position, texts, index * 36)
    }
    return texts
  }
}

function writeUuid(bytes: Uint8Array, position: number, texts: Uint8Array, at: number): void {
  let to = at
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) texts[to++] = 0x2d
    const byte = bytes[position + index] as number
    texts[to++] = HEX[byte >> 4] as number
    texts[to++] = HEX[byte & 15] as number
  }
}

/** All lengths first, then all bytes. */
class DeltaLengthSource implements RangeSource {
  private readonly delta = new DeltaReader()
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.delta.open(bytes, start, end, true)
    this.position = this.delta.endPosition()
    this.end = end
  }

  read(starts: Int32Array, lengths: Int32Array, at: number, count: number): Uint8Array {
    for (let index = at; index < at + count; index++) {
      const length = this.delta.readLength()
      if (length > this.end - this.position) throw damaged('a value is longer than its page')
      starts[index] = this.position
      lengths[index] = length
      this.position += length
    }
    return this.bytes
  }
}

/** Values of one read larger than this together are taken for damage: prefixes can blow up a small page. */
const EXPANDED_BYTES_MAX = 1 << 29

/** Each value as the length of the prefix that it shares with the one before, and the rest. */
class DeltaBytesSource implements RangeSource {
  private readonly prefixes = new DeltaReader()
  private readonly suffixes = new DeltaReader()
  private bytes: Uint8Array = noBytes
  private position = 0
  private end = 0
  private out: Uint8Array = noBytes
  private previous: Uint8Array = noBytes

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.prefixes.open(bytes, start, end, true)
    this.suffixes.open(bytes, this.prefixes.endPosition(), end, true)
    this.position = this.suffixes.endPosition()
    this.end = end
    this.previous = noBytes
  }

  read(starts: Int32Array, lengths: Int32Array, at: number, count: number): Uint8Array {
    // A batch may join the bytes of several reads, so each read has bytes of its own.
    this.out = new Uint8Array(Math.max(64, count * 16))
    let to = 0
    let last = this.previous
    let lastAt = 0
    let lastLength = this.previous.length
    for (let index = at; index < at + count; index++) {
      const prefix = this.prefixes.readLength()
      const suffix = this.suffixes.readLength()
      if (prefix > lastLength) throw damaged('a value shares more with the one before than that has')
      if (suffix > this.end - this.position) throw damaged('a value is longer than its page')
      if (to + prefix + suffix > EXPANDED_BYTES_MAX)
        throw damaged('the values of a page are larger than is plausible')
      const grew = this.reserve(to, to + prefix + suffix)
      if (grew && index > at) last = this.out
      this.out.set(last.subarray(lastAt, lastAt + prefix), to)
      this.out.set(this.bytes.subarray(this.position, this.position + suffix), to + prefix)
      this.position += suffix
      starts[index] = to
      lengths[index] = prefix + suffix
      last = this.out
      lastAt = to
      lastLength = prefix + suffix
      to += lastLength
    }
    this.previous = last.slice(lastAt, lastAt + lastLength)
    return this.out
  }

  private reserve(used: number, needed: number): boolean {
    if (needed <= this.out.length) return false
    const wider = new Uint8Array(grownCapacity(this.out.length, needed))
    wider.set(this.out.subarray(0, used))
    this.out = wider
    return true
  }
}
