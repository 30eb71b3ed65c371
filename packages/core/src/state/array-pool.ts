/**
 * A bounded pool of power-of-two buffers for state tables.
 *
 * First touch of fresh memory costs about as much as filling it twice, and windows open and
 * close all the time: what a closed window held serves the next one. Contents of an acquired buffer are unspecified.
 * Not for memory that emitted batches may refer to.
 */

const BYTES_MIN = 128

/** Buffers kept per size at most; together with `retainedBytesMax` this bounds the pool (law L6). */
const BUFFERS_PER_SIZE_MAX = 64

/** Hands out and takes back buffers whose sizes are powers of two. */
export class ArrayPool {
  /** Bytes held for reuse. */
  retainedBytes = 0
  readonly retainedBytesMax: number
  readonly #free = new Map<number, ArrayBuffer[]>()

  constructor(retainedBytesMax: number = 256 * 1024 * 1024) {
    this.retainedBytesMax = retainedBytesMax
  }

  /** A buffer of at least `bytes` bytes, rounded up to a power of two. Not cleared. */
  acquire(bytes: number): ArrayBuffer {
    const size = roundUpToPowerOfTwo(Math.max(bytes, BYTES_MIN))
    return this.#reuse(size) ?? new ArrayBuffer(size)
  }

  /** The same with zeros in it. */
  acquireZeroed(bytes: number): ArrayBuffer {
    const size = roundUpToPowerOfTwo(Math.max(bytes, BYTES_MIN))
    const used = this.#reuse(size)
    // Fresh memory is zero already, and not touched before it is used.
    if (used === undefined) return new ArrayBuffer(size)
    new Int32Array(used).fill(0)
    return used
  }

  #reuse(size: number): ArrayBuffer | undefined {
    const buffer = this.#free.get(size)?.pop()
    if (buffer !== undefined) this.retainedBytes -= size
    return buffer
  }

  /** Takes back a buffer that nothing refers to any more. */
  release(buffer: ArrayBuffer): void {
    const size = buffer.byteLength
    if (this.retainedBytes + size > this.retainedBytesMax) return
    let list = this.#free.get(size)
    if (list === undefined) this.#free.set(size, (list = []))
    if (list.length >= BUFFERS_PER_SIZE_MAX) return
    list.push(buffer)
    this.retainedBytes += size
  }
}

/** The smallest power of two that is at least `value`. */
function roundUpToPowerOfTwo(value: number): number {
  let size = 1
  while (size < value) size *= 2
  return size
}
