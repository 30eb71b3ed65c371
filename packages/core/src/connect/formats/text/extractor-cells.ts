/**
 * Source text of the cells that generated extractors read inline, shared by JSON and CSV.
 *
 * Every piece reads at offset `o` of `bytes` (a DataView `view` over the same memory) and leaves `o` behind the value.
 * What it does not take leaves the loop by `break rows`: the exact reader then decides (and words the fault). A piece
 * may look up to EXTRACTOR_SLACK bytes beyond `end`; the loop makes sure that they exist. Locals are declared by the loop.
 */
import { powerOfTenLimit } from './number-limits.ts'
import type { DataType, Field } from '../../../data/type.ts'
import type { EpochUnit } from './text-options.ts'

/** Bytes beyond `end` that inline pieces may read. */
export const EXTRACTOR_SLACK = 16

/** The names of a column's arrays in generated code, hoisted before the loop. */
export function hoistColumn(index: number): string {
  return (
    `const k${index}=state.columns[${index}],v${index}=k${index}.values,s${index}=k${index}.starts,` +
    `l${index}=k${index}.lengths,u${index}=k${index}.validity;`
  )
}

/** Marks the row of a column as null. */
export function writeNull(index: number, isText: boolean): string {
  const range = isText ? `s${index}[row]=0;l${index}[row]=0;` : ''
  return `u${index}[row>>3]&=~(1<<(row&7));k${index}.nulls++;${range}`
}

/** Largest value that the inline path stores in an integer column. */
const integerLimits: { readonly [kind: string]: number } = {
  int8: 127,
  int16: 32767,
  int32: 2147483647,
  int64: Number.MAX_SAFE_INTEGER,
  uint8: 255,
  uint16: 65535,
  uint32: 4294967295,
  uint64: Number.MAX_SAFE_INTEGER,
}

const unitNanos: { readonly [Unit in EpochUnit]: number } = { s: 1e9, ms: 1e6, us: 1e3, ns: 1 }

/** What a piece needs to know of its column. */
export interface InlineCell {
  readonly index: number
  readonly field: Field
  readonly epochUnit: EpochUnit
  /** Statement that reads the cell exactly from offset `z` and moves `o`, or leaves the loop. */
  readonly exact: string
  /** Statement for a cell that does not start like a number. */
  readonly otherwise: string
  /** Whether numbers may have leading zeros (CSV). */
  readonly leadingZeros: boolean
}

/** The statements that read a number into the column, or undefined when its type is not read inline. */
export function numberCell(cell: InlineCell): string | undefined {
  const { type } = cell.field
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return floatCell(cell)
    case 'decimal':
      return decimalCell(cell, type)
    case 'timestamp': {
      const factor = unitNanos[cell.epochUnit] / unitNanos[type.unit]
      return factor < 1 ? undefined : integerCell(cell, Number.MAX_SAFE_INTEGER, true, factor)
    }
    default: {
      const limit = integerLimits[type.kind]
      return limit === undefined ? undefined : integerCell(cell, limit, type.kind.startsWith('int'), 1)
    }
  }
}

const DIGITS = 'while((d=bytes[o]-48)>=0&&d<10){x=x*10+d;o++;}'

/** Looks at the next four bytes: their digits in `w`, and in `m` the sign bit of each byte that is none. */
const LOOK = `w=view.getInt32(o,true)^${0x30303030};m=((w+${0x76767676})|w)&-2139062144;`
/** The number that the four digits in `w` are, the first of them in the lowest byte. */
const FOUR = `(y=(w&${0xff00ff})*10+((w>>>8)&${0xff00ff}),(y&65535)*100+(y>>>16))`
/** The first one to three bytes are digits, if any: zeros go before them. */
const PART = `if((m&128)===0){d=(31-Math.clz32(m&-m))>>3;w<<=32-8*d;`

/**
 * Digits from `o` on into `x`, by words of four: a loop over bytes waits for each product, and ends where no processor
 * can guess. The first two words stay 32-bit integers. Where there are no digits `x` is 0. Looks at most 8 bytes beyond
 * where it started and 4 beyond `end`.
 */
const WHOLE_NUMBER =
  `x=0;${LOOK}if(m!==0){${PART}x=${FOUR};o+=d;}}else{x=${FOUR};o+=4;` +
  `${LOOK}if(m===0){x=x*10000+${FOUR};o+=4;` +
  `for(;;){if(o>end)break rows;${LOOK}if(m!==0)break;x=x*10000+${FOUR};o+=4;}}` +
  `${PART}x=x*tens[d]+${FOUR};o+=d;}}`

function integerCell(cell: InlineCell, limit: number, signed: boolean, factor: number): string {
  const { index } = cell
  const scaled = factor === 1 ? 'x' : `x*${factor}`
  const sign = signed ? 'n=bytes[o]===45;if(n)o++;' : ''
  const value = signed ? `n?0-${scaled}:${scaled}` : scaled
  const zeros = cell.leadingZeros ? '' : 'if(bytes[q]===48&&o>q+1)break rows;'
  return (
    `z=o;${sign}q=o;${WHOLE_NUMBER}` +
    `if(o===q){o=z;${cell.otherwise}}else if(x>${Math.floor(limit / factor)}){${cell.exact}}` +
    `else{${zeros}v${index}[row]=${value};}`
  )
}

/** Decimal digits of up to 2^53 divided by a power of ten that is exact (10^22): one correctly rounded operation. */
function floatCell(cell: InlineCell): string {
  const { index } = cell
  const zeros = cell.leadingZeros ? '' : 'if(bytes[q]===48&&f>q+1)break rows;'
  const single = cell.field.type.kind === 'float32' ? '||x>3e38' : ''
  return (
    `z=o;n=bytes[o]===45;if(n)o++;q=o;x=0;${DIGITS}f=o;` +
    `if(o===q){o=z;${cell.otherwise}}else{${zeros}` +
    `if(bytes[o]===46){o++;${DIGITS}if(o===f+1)break rows;d=o-f-1;}else d=0;` +
    `if(x>9007199254740992||d>22||(bytes[o]|32)===101${single}){o=z;${cell.exact}}` +
    `else{if(d!==0)x/=tens[d];v${index}[row]=n?-x:x;}}`
  )
}

function decimalCell(cell: InlineCell, type: DataType & { readonly kind: 'decimal' }): string {
  const { index } = cell
  const zeros = cell.leadingZeros ? '' : 'if(bytes[q]===48&&f>q+1)break rows;'
  return (
    `z=o;n=bytes[o]===45;if(n)o++;q=o;x=0;${DIGITS}f=o;` +
    `if(o===q){o=z;${cell.otherwise}}else{${zeros}` +
    `if(bytes[o]===46){o++;${DIGITS}if(o===f+1)break rows;d=o-f-1;}else d=0;` +
    `if(d>${type.scale}||x>9007199254740991||(bytes[o]|32)===101||` +
    `(x*=tens[${type.scale}-d])>${powerOfTenLimit(type.precision)}){o=z;${cell.exact}}` +
    `else v${index}[row]=n?0-x:x;}`
  )
}

/** Leaves in `e` the first byte from `o` on that is `byte`, by words of four; leaves the loop at `end`. */
export function findByte(byte: number): string {
  const pattern = (byte * 0x01010101) | 0
  return (
    `e=o;for(;;){w=view.getInt32(e,true)^${pattern};m=(w-16843009)&~w&-2139062144;` +
    `if(m!==0)break;e+=4;if(e>=end)break rows;}e+=(31-Math.clz32(m&-m))>>3;if(e>=end)break rows;`
  )
}

/** Like `findByte` for the first of two bytes. */
export function findEither(first: number, second: number): string {
  return (
    `e=o;for(;;){y=view.getInt32(e,true);w=y^${(first * 0x01010101) | 0};y^=${(second * 0x01010101) | 0};` +
    `m=(((w-16843009)&~w)|((y-16843009)&~y))&-2139062144;` +
    `if(m!==0)break;e+=4;if(e>=end)break rows;}e+=(31-Math.clz32(m&-m))>>3;if(e>=end)break rows;`
  )
}

/** Like `findByte` by the native search, which is faster from some 40 bytes on. */
export function findFar(byte: number): string {
  return `e=bytes.indexOf(${byte},o);if(e<0||e>=end)break rows;`
}

/** Text longer than this is searched natively (a native call costs what 40 bytes by words cost). */
export const FAR_BYTES = 40

/** Declarations of the locals that the pieces use. */
export const EXTRACTOR_LOCALS = 'let o=0,e=0,d=0,x=0,z=0,q=0,f=0,n=false,w=0,y=0,m=0;'
