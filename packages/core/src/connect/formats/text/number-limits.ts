/** Powers of ten that numbers hold exactly, and the largest unscaled value of a decimal that stays a safe integer. */

/** 10^0 … 10^38; exact up to 10^22. */
export const powersOfTen: Float64Array = Float64Array.from({ length: 39 }, (_, n) => Number(`1e${n}`))

/** The largest unscaled value with `precision` digits that is a safe integer. */
export function powerOfTenLimit(precision: number): number {
  return precision > 15 ? Number.MAX_SAFE_INTEGER : 10 ** precision - 1
}

/** Smallest and largest value of the integer types. */
export const integerRanges: { readonly [kind: string]: readonly [bigint, bigint] } = {
  int8: [-128n, 127n],
  int16: [-32768n, 32767n],
  int32: [-2147483648n, 2147483647n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65535n],
  uint32: [0n, 4294967295n],
  uint64: [0n, 2n ** 64n - 1n],
}
