/**
 * XXH64 with seed 0, of which zstd frames carry the lower half as the checksum of their content (RFC 8878, §3.1.1).
 *
 * Algorithm: Yann Collet, "xxHash fast digest algorithm", specification 0.1.1. Over long input 64-bit numbers are pairs
 * of 32-bit halves, since BigInt is far slower; the few steps at the end are BigInt's.
 */

const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

const P1_LOW = Number(P1 & 0xffffffffn)
const P1_HIGH = Number(P1 >> 32n)
const P2_LOW = Number(P2 & 0xffffffffn)
const P2_HIGH = Number(P2 >> 32n)

const STRIPE_BYTES = 32

/** Hashes bytes that come in pieces. */
export class XxHash64 {
  /** Four accumulators, each as its low and its high half. */
  readonly #lanes = new Int32Array(8)
  readonly #tail = new Uint8Array(STRIPE_BYTES)
  #tailBytes = 0
  #bytes = 0

  constructor() {
    for (const [lane, start] of [P1 + P2, P2, 0n, -P1].entries()) {
      this.#lanes[2 * lane] = Number(BigInt.asIntN(32, start))
      this.#lanes[2 * lane + 1] = Number(BigInt.asIntN(32, start >> 32n))
    }
  }

  update(bytes: Uint8Array): this {
    this.#bytes += bytes.length
    let at = 0
    if (this.#tailBytes > 0) {
      at = Math.min(STRIPE_BYTES - this.#tailBytes, bytes.length)
      this.#tail.set(bytes.subarray(0, at), this.#tailBytes)
      this.#tailBytes += at
      if (this.#tailBytes < STRIPE_BYTES) return this
      addStripes(this.#lanes, this.#tail, 0)
    }
    const end = addStripes(this.#lanes, bytes, at)
    this.#tail.set(bytes.subarray(end))
    this.#tailBytes = bytes.length - end
    return this
  }

  /** The hash of all bytes so far. */
  digest(): bigint {
    let hash = wrap((this.#bytes >= STRIPE_BYTES ? this.#converged() : P5) + BigInt(this.#bytes))
    const tail = Buffer.from(this.#tail.buffer, 0, this.#tailBytes)
    let at = 0
    for (; at + 8 <= tail.length; at += 8)
      hash = wrap(rotate(hash ^ round(0n, tail.readBigUInt64LE(at)), 27n) * P1 + P4)
    for (; at + 4 <= tail.length; at += 4)
      hash = wrap(rotate(hash ^ wrap(BigInt(tail.readUInt32LE(at)) * P1), 23n) * P2 + P3)
    for (; at < tail.length; at++) hash = wrap(rotate(hash ^ wrap(BigInt(tail[at] as number) * P5), 11n) * P1)
    hash = wrap((hash ^ (hash >> 33n)) * P2)
    hash = wrap((hash ^ (hash >> 29n)) * P3)
    return hash ^ (hash >> 32n)
  }

  #converged(): bigint {
    const lanes = [0, 2, 4, 6].map((at) => {
      const [low, high] = this.#lanes.subarray(at, at + 2) as unknown as [number, number]
      return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
    })
    const shifts = [1n, 7n, 12n, 18n]
    let hash = lanes.reduce((sum, lane, at) => sum + rotate(lane, shifts[at] as bigint), 0n)
    for (const lane of lanes) hash = wrap((wrap(hash) ^ round(0n, lane)) * P1 + P4)
    return hash
  }
}

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value)

const rotate = (value: bigint, by: bigint): bigint => wrap(value << by) | (value >> (64n - by))

const round = (lane: bigint, input: bigint): bigint => wrap(rotate(wrap(lane + input * P2), 31n) * P1)

/** Takes whole stripes from `at` on; the index behind the last one. */
function addStripes(lanes: Int32Array, bytes: Uint8Array, at: number): number {
  let index = at
  for (; index + STRIPE_BYTES <= bytes.length; index += STRIPE_BYTES) {
    addToLane(lanes, 0, bytes, index)
    addToLane(lanes, 2, bytes, index + 8)
    addToLane(lanes, 4, bytes, index + 16)
    addToLane(lanes, 6, bytes, index + 24)
  }
  return index
}

/** `round` in halves. */
function addToLane(lanes: Int32Array, lane: number, bytes: Uint8Array, at: number): void {
  const inputLow = wordAt(bytes, at)
  const inputHigh = wordAt(bytes, at + 4)
  const productLow = Math.imul(inputLow, P2_LOW)
  const productHigh =
    highOfProduct(inputLow, P2_LOW) + Math.imul(inputLow, P2_HIGH) + Math.imul(inputHigh, P2_LOW)
  const sum = ((lanes[lane] as number) >>> 0) + (productLow >>> 0)
  const high = (productHigh + (lanes[lane + 1] as number) + (sum > 0xffffffff ? 1 : 0)) | 0
  const rotatedLow = (sum << 31) | (high >>> 1)
  const rotatedHigh = (high << 31) | ((sum | 0) >>> 1)
  lanes[lane] = Math.imul(rotatedLow, P1_LOW)
  lanes[lane + 1] =
    highOfProduct(rotatedLow, P1_LOW) + Math.imul(rotatedLow, P1_HIGH) + Math.imul(rotatedHigh, P1_LOW)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** The upper half of a product of unsigned halves, from 16-bit parts: no step is beyond 2^53. */
function highOfProduct(left: number, right: number): number {
  const leftLow = left & 0xffff
  const leftHigh = left >>> 16
  const rightLow = right & 0xffff
  const rightHigh = right >>> 16
  const cross = leftHigh * rightLow + ((leftLow * rightLow) >>> 16)
  const middle = leftLow * rightHigh + (cross & 0xffff)
  return leftHigh * rightHigh + (cross >>> 16) + (middle >>> 16)
}
