/**
 * The integers that each type of up to 32 bits has; those of 64 bits are beyond what numbers hold exactly.
 */

/** The lowest and the highest value, by kind of type. */
export const integerRanges: { readonly [kind: string]: readonly [number, number] } = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
  uint8: [0, 255],
  uint16: [0, 65535],
  uint32: [0, 4294967295],
}
