/**
 * Validity bitmaps (column.ts C1): building one, and the operations that many rooms need.
 */

/** Bytes of a bitmap of some rows. */
export function bitmapBytes(rows: number): number {
  return (rows + 7) >> 3
}

/** A bitmap in the making: every row is valid until it is set null. */
export class ValidityBuilder {
  /** Bit per row; replaced by `reserve`. Generated code may clear bits itself and add to `nulls`. */
  bits: Uint8Array
  /** How often a row was set null; 0 means that the column has no bitmap. */
  nulls = 0

  constructor(capacity: number) {
    this.bits = new Uint8Array(bitmapBytes(capacity)).fill(0xff)
  }

  /** Makes room for rows. */
  reserve(capacity: number): void {
    const bytes = bitmapBytes(capacity)
    if (bytes <= this.bits.length) return
    const bits = new Uint8Array(bytes).fill(0xff)
    bits.set(this.bits)
    this.bits = bits
  }

  /** Marks a row as null. */
  setNull(row: number): void {
    this.bits[row >> 3] = (this.bits[row >> 3] as number) & ~(1 << (row & 7))
    this.nulls++
  }

  /** Rows from `length` on are valid again. */
  truncate(length: number): void {
    if (this.nulls === 0) return
    const bytes = bitmapBytes(length)
    if ((length & 7) !== 0) this.bits[bytes - 1] = (this.bits[bytes - 1] as number) | (0xff << (length & 7))
    this.bits.fill(0xff, bytes)
  }

  /** The bitmap, or undefined when no row is null. */
  finish(): Uint8Array | undefined {
    return this.nulls === 0 ? undefined : this.bits
  }

  /** All rows are valid again. */
  reset(): void {
    if (this.nulls === 0) return
    this.bits.fill(0xff)
    this.nulls = 0
  }
}

/** How many of the first `length` rows are null. */
export function countNulls(validity: Uint8Array | undefined, length: number): number {
  if (validity === undefined) return 0
  let valid = 0
  const whole = length >> 3
  for (let i = 0; i < whole; i++) valid += bitsIn(validity[i] as number)
  if ((length & 7) !== 0) valid += bitsIn((validity[whole] as number) & ((1 << (length & 7)) - 1))
  return length - valid
}

/** The bitmap of the rows that both bitmaps have; undefined when neither has one. */
export function intersectValidity(
  a: Uint8Array | undefined,
  b: Uint8Array | undefined,
  length: number,
): Uint8Array | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const both = new Uint8Array(bitmapBytes(length))
  for (let i = 0; i < both.length; i++) both[i] = (a[i] as number) & (b[i] as number)
  return both
}

function bitsIn(byte: number): number {
  let n = byte - ((byte >> 1) & 0x55)
  n = (n & 0x33) + ((n >> 2) & 0x33)
  return (n + (n >> 4)) & 0x0f
}
