/**
 * Floats as PostgreSQL writes them: the shortest digits that read back the same, with an exponent outside 1e-4 … 1e15.
 */

/** The text of a float64. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Object.is(value, -0)) return '-0'
  const size = Math.abs(value)
  // Here JavaScript writes the same.
  if (size >= 1e-4 && size < 1e15) return String(value)
  return layout(value.toExponential())
}

/** The text of a float32: the shortest digits that round to the same float32. */
export function formatFloat32(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatFloat(value)
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return layout(Number(text).toExponential(), 6)
  }
  return layout(value.toExponential(), 6)
}

function layout(exponential: string, plainBelow: number = 15): string {
  const [mantissa = '', exponentText = '0'] = exponential.split('e')
  const exponent = Number(exponentText)
  if (exponent >= -4 && exponent < plainBelow) return plainText(exponential, mantissa, exponent)
  const size = String(Math.abs(exponent)).padStart(2, '0')
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${size}`
}

function plainText(exponential: string, mantissa: string, exponent: number): string {
  const negative = exponential.startsWith('-')
  const digits = mantissa.replace('-', '').replace('.', '')
  let text: string
  if (exponent < 0) text = `0.${'0'.repeat(-exponent - 1)}${digits}`
  else if (digits.length <= exponent + 1) text = digits.padEnd(exponent + 1, '0')
  else text = `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
  return negative ? `-${text}` : text
}

/** Rounds to the nearest integer, half to even: PostgreSQL's rint for float to integer casts and round(float8). */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value)
  const rest = value - down
  if (rest < 0.5) return down
  if (rest > 0.5) return down + 1
  return down % 2 === 0 ? down : down + 1
}
