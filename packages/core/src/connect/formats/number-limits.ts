/** Powers of ten that numbers hold exactly, and the largest unscaled value of a decimal that stays a safe integer. */

/** 10^0 … 10^38; exact up to 10^22. */
export const powersOfTen: Float64Array = Float64Array.from({ length: 39 }, (_, n) => Number(`1e${n}`))

/** The largest unscaled value with `precision` digits that is a safe integer. */
export function powerOfTenLimit(precision: number): number {
  return precision > 15 ? Number.MAX_SAFE_INTEGER : 10 ** precision - 1
}
