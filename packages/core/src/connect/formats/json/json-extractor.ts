/**
 * Generated extractors of JSON records: straight-line code that expects one shape (json-shape.ts) and writes columns.
 *
 * Literals between values are compared as 32-bit words and numbers are read inline; strings end at the next quote
 * (windows without a backslash) and stay ranges of the chunk. A record that differs in any byte between values, or
 * holds a value that is not read inline, ends the run; nothing of it counts. Two framings: lines (NDJSON: the record
 * ends where the line ends) and elements (JSON arrays: the bytes between two records are part of the shape).
 * What an extractor takes, the exact reader takes with the same values (tests hold them equal).
 */
import type { Field, Schema } from '../../../data/type.ts'
import { parseDateBytes, parseInstantBytes } from '../../../time/index.ts'
import type { DecodedColumn } from '../text/decoded-columns.ts'
import { holderOf } from '../text/decoded-columns.ts'
import type { InlineCell } from '../text/extractor-cells.ts'
import {
  EXTRACTOR_LOCALS,
  EXTRACTOR_SLACK,
  FAR_BYTES,
  findByte,
  findEither,
  findFar,
  hoistColumn,
  numberCell,
  writeNull,
} from '../text/extractor-cells.ts'
import { compileFunction, literalDiffers } from '../text/generated-function.ts'
import type { JsonShape, ShapeMember } from './json-shape.ts'
import { powersOfTen } from '../text/number-limits.ts'
import type { EpochUnit } from '../text/text-options.ts'

const NULL_WORD = 1819047278
const TRUE_WORD = 1702195828
const FALS_WORD = 1936482662

/** What generated code reaches besides the bytes. */
export interface ExtractorState {
  readonly columns: readonly DecodedColumn[]
  /** Where the run stopped: the start of a record, or behind one (`afterRecord`). */
  position: number
  afterRecord: boolean
  readonly recordBytesMax: number
  readonly tens: Float64Array
  readonly instant: typeof parseInstantBytes
  readonly date: typeof parseDateBytes
  /** Reads a cell exactly; gives the position behind it, or −1. */
  cell(column: number, row: number, bytes: Uint8Array, at: number, end: number): number
  /** Reads a string whose first backslash is at `escape`; gives the position behind its quote, or −1. */
  escaped(column: number, row: number, bytes: Uint8Array, start: number, escape: number, end: number): number
  /** Steps over any value; gives the position behind it, or −1. */
  skip(bytes: Uint8Array, at: number, end: number): number
}

/** Decodes records of `bytes[position, windowEnd)` into rows from `row` on, while they have the shape; gives the next row. */
export type Extractor = (
  state: ExtractorState,
  bytes: Uint8Array,
  view: DataView,
  position: number,
  windowEnd: number,
  row: number,
  rowsMax: number,
) => number

/** How records are framed; for elements with the bytes between two records. */
export type Framing =
  | { readonly kind: 'lines' }
  | { readonly kind: 'elements'; readonly separator: Uint8Array }

/** What an extractor is generated from. */
export interface ExtractorPlan {
  readonly schema: Schema
  readonly shape: JsonShape
  readonly framing: Framing
  readonly epochUnit: EpochUnit
  /** Whether strings may hold backslashes. */
  readonly escapes: boolean
}

/** The extractor's own part of the state. */
export const extractorConstants: Pick<ExtractorState, 'tens' | 'instant' | 'date'> = {
  tens: powersOfTen,
  instant: parseInstantBytes,
  date: parseDateBytes,
}

/** Generates (or finds) the extractor of a plan. */
export function makeExtractor(plan: ExtractorPlan): Extractor {
  return compileFunction<Extractor>(
    ['state', 'bytes', 'view', 'p', 'windowEnd', 'row', 'rowsMax'],
    extractorSource(plan),
  )
}

function extractorSource(plan: ExtractorPlan): string {
  const { schema, shape } = plan
  const slack = shape.literalBytesMax + EXTRACTOR_SLACK
  const hoisted = schema.fields.map((_, index) => hoistColumn(index)).join('')
  const members = shape.members.map((member) => memberSource(plan, member)).join('')
  const missing = shape.missing
    .map((index) => writeNull(index, holderOf((schema.fields[index] as Field).type) === 'text'))
    .join('')
  const head = `${hoisted}const {tens,instant,date,recordBytesMax}=state;${EXTRACTOR_LOCALS}`
  const tail = `if(${literalDiffers(shape.tail, 'o')})break rows;o+=${shape.tail.length};`
  return plan.framing.kind === 'lines'
    ? `${head}const length=bytes.length-${slack};` +
        `rows:while(row<rowsMax&&p<windowEnd){const end=bytes.indexOf(10,p);` +
        `if(end<0||end>=windowEnd||end>length||end-p>recordBytesMax)break;o=p;${members}${tail}` +
        `if(o!==end&&(o+1!==end||bytes[o]!==13))break;${missing}p=end+1;row++;}` +
        `state.position=p;return row;`
    : `${head}const end=Math.min(windowEnd,bytes.length-${slack + plan.framing.separator.length});` +
        `state.afterRecord=false;` +
        `rows:while(row<rowsMax&&p<end){o=p;${members}${tail}if(o>end||o-p>recordBytesMax)break;${missing}p=o;row++;` +
        `if(${literalDiffers(plan.framing.separator, 'o')}){state.afterRecord=true;break;}` +
        `p=o+${plan.framing.separator.length};}` +
        `state.position=p;return row;`
}

function memberSource(plan: ExtractorPlan, member: ShapeMember): string {
  const literal = `if(${literalDiffers(member.literal, 'o')})break rows;o+=${member.literal.length};`
  // A number may run past a record that is not whole; the next literal must not be looked for out there.
  const bound = plan.framing.kind === 'elements' ? 'if(o>end)break rows;' : ''
  const value = member.column < 0 ? skipSource(plan, member) : columnSource(plan, member)
  return `${literal}${value}${bound}`
}

/** Leaves in `e` the closing quote of the string at `o`; with escapes `e` may be a backslash. */
function findQuote(plan: ExtractorPlan, member: ShapeMember): string {
  if (plan.escapes) return findEither(34, 92)
  return member.length > FAR_BYTES ? findFar(34) : findByte(34)
}

function skipSource(plan: ExtractorPlan, member: ShapeMember): string {
  const generic = 'o=state.skip(bytes,o,end);if(o<0)break rows;'
  if (member.nested) return generic
  // Elements are counted in lines by their shape, so a value with lines of its own must not slip in.
  const flat = plan.framing.kind === 'elements' ? 'if(bytes[o]===91||bytes[o]===123)break rows;' : ''
  const escaped = plan.escapes ? `if(bytes[e]===92){o=state.skip(bytes,o-1,end);if(o<0)break rows;}else ` : ''
  return (
    `if(bytes[o]===34){o++;${findQuote(plan, member)}${escaped}o=e+1;}` +
    `else if((d=bytes[o]-48)>=0&&d<10){do{o++;d=bytes[o];}while((d>=48&&d<58)||d===46);` +
    `if(d===43||d===45||d===69||d===101){o=state.skip(bytes,o-1,end);if(o<0)break rows;}}` +
    `else{${flat}${generic}}`
  )
}

function columnSource(plan: ExtractorPlan, member: ShapeMember): string {
  const index = member.column
  const field = plan.schema.fields[index] as InlineCell['field']
  const isText = holderOf(field.type) === 'text'
  const orNull = field.nullable
    ? `if(view.getInt32(o,true)===${NULL_WORD}){o+=4;${writeNull(index, isText)}}else `
    : ''
  const generic = `o=state.cell(${index},row,bytes,o,end);if(o<0)break rows;`
  const { kind } = field.type
  if (kind === 'string') {
    const found = `s${index}[row]=o;l${index}[row]=e-o;o=e+1;`
    const escaped = plan.escapes
      ? `if(bytes[e]===92){o=state.escaped(${index},row,bytes,o,e,end);if(o<0)break rows;}else{${found}}`
      : found
    return `if(bytes[o]===34){o++;${findQuote(plan, member)}${escaped}}else ${orNull}break rows;`
  }
  if (kind === 'boolean') {
    return (
      `w=view.getInt32(o,true);if(w===${TRUE_WORD}){v${index}[row]=1;o+=4;}` +
      `else if(w===${FALS_WORD}&&bytes[o+4]===101){v${index}[row]=0;o+=5;}else ${orNull}break rows;`
    )
  }
  const quoted = quotedTimeSource(field, index)
  if (kind === 'date') return `if(bytes[o]===34){${quoted}}else ${orNull}{${generic}}`
  const number = numberCell({
    index,
    field,
    epochUnit: plan.epochUnit,
    exact: `o=state.cell(${index},row,bytes,z,end);if(o<0)break rows;`,
    otherwise: `${orNull}{${generic}}`,
    leadingZeros: false,
  })
  if (number === undefined) return `${orNull}{${generic}}`
  return quoted === '' ? number : `if(bytes[o]===34){${quoted}}else{${number}}`
}

/** Reads a date or a timestamp in ms from a string at `o`; anything unusual in it is left to the exact reader. */
function quotedTimeSource({ type }: InlineCell['field'], index: number): string {
  const isInstant = type.kind === 'timestamp' && type.unit === 'ms'
  if (!isInstant && type.kind !== 'date') return ''
  const read = isInstant ? 'instant' : 'date'
  return `o++;${findByte(34)}x=${read}(bytes,o,e);if(x!==x)break rows;v${index}[row]=x;o=e+1;`
}
