/**
 * Decimals between text and their unscaled integer: `'-12.50'` at scale 2 is −1250.
 *
 * Arithmetic on decimals is the room expr's; this is only what columns and rows need.
 */

const decimalPattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/

/**
 * The unscaled integer of decimal text at a scale; undefined when the text is not a decimal number or when digits
 * other than 0 would be lost.
 */
export function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = decimalPattern.exec(text)
  if (match === null) return undefined
  const whole = match[2] as string
  const fraction = match[3] ?? ''
  if (whole.length + fraction.length === 0) return undefined
  // digits × 10^(exponent − fraction length) = unscaled × 10^−scale
  const shift = Number(match[4] ?? '0') - fraction.length + scale
  let digits = whole + fraction
  if (shift < 0) {
    const kept = Math.max(0, digits.length + shift)
    if (!/^0*$/.test(digits.slice(kept))) return undefined
    digits = digits.slice(0, kept)
  }
  const magnitude = BigInt(digits === '' ? '0' : digits) * (shift > 0 ? 10n ** BigInt(shift) : 1n)
  return match[1] === '-' ? -magnitude : magnitude
}

/** The text of an unscaled integer: all digits of the scale, no exponent: (−1250, 2) is `'-12.50'`. */
export function formatDecimal(unscaled: bigint | number, scale: number): string {
  // −0 prints as 0, as a decimal has no negative zero.
  const text = String(unscaled)
  if (scale === 0) return text
  const negative = text.charCodeAt(0) === 45
  const digits = (negative ? text.slice(1) : text).padStart(scale + 1, '0')
  const split = digits.length - scale
  return `${negative ? '-' : ''}${digits.slice(0, split)}.${digits.slice(split)}`
}

/** Tells whether an unscaled integer has at most `precision` digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = powersOfTen[precision] as bigint
  return unscaled < limit && -unscaled < limit
}

const powersOfTen: readonly bigint[] = Array.from({ length: 39 }, (_, n) => 10n ** BigInt(n))

/** A 128-bit two's complement integer from its two words. */
export function fromWords(low: bigint, high: bigint): bigint {
  return (high << 64n) | BigInt.asUintN(64, low)
}
