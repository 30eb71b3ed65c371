/**
 * Generated extractors of CSV records: fields in the order of the file, written straight into columns.
 *
 * Takes records of one line: plain fields, and quoted ones without quotes inside. Anything else (doubled quotes, line
 * ends in quotes, another number of fields) ends the run and goes to the exact reader (csv-record.ts); what an
 * extractor takes, the exact reader takes with the same values (tests hold them equal).
 */
import type { Field, Schema } from '../../../data/type.ts'
import { parseDateBytes, parseInstantBytes } from '../../../time/index.ts'
import type { CsvDialect } from './csv-dialect.ts'
import type { DecodedColumn } from '../text/decoded-columns.ts'
import { holderOf } from '../text/decoded-columns.ts'
import {
  EXTRACTOR_LOCALS,
  EXTRACTOR_SLACK,
  FAR_BYTES,
  findByte,
  findFar,
  hoistColumn,
  numberCell,
  writeNull,
} from '../text/extractor-cells.ts'
import { compileFunction } from '../text/generated-function.ts'
import { powersOfTen } from '../text/number-limits.ts'

/** What generated code reaches besides the bytes. */
export interface CsvExtractorState {
  readonly columns: readonly DecodedColumn[]
  /** Where the run stopped: the start of a record. */
  position: number
  readonly recordBytesMax: number
  readonly tens: Float64Array
  readonly instant: typeof parseInstantBytes
  readonly date: typeof parseDateBytes
  /** Reads the field at `at` exactly; gives the position of the delimiter or line end behind it, or −1. */
  field(column: number, row: number, bytes: Uint8Array, at: number, end: number): number
  /** Tells whether a plain field means null. */
  isNull(bytes: Uint8Array, start: number, end: number): boolean
}

/** Decodes records of `bytes[position, windowEnd)` into rows from `row` on; gives the next row. */
export type CsvExtractor = (
  state: CsvExtractorState,
  bytes: Uint8Array,
  view: DataView,
  position: number,
  windowEnd: number,
  row: number,
  rowsMax: number,
) => number

/** A field of the file: the column it fills (−1: none) and how long its content was in the record learned from. */
export interface CsvFieldPlan {
  readonly column: number
  readonly length: number
}

/** What an extractor is generated from. */
export interface CsvExtractorPlan {
  readonly schema: Schema
  readonly dialect: CsvDialect
  readonly fields: readonly CsvFieldPlan[]
  /** Columns that the file does not have. */
  readonly missing: readonly number[]
}

/** The extractor's own part of the state. */
export const csvExtractorConstants: Pick<CsvExtractorState, 'tens' | 'instant' | 'date'> = {
  tens: powersOfTen,
  instant: parseInstantBytes,
  date: parseDateBytes,
}

/** Generates (or finds) the extractor of a plan. */
export function makeCsvExtractor(plan: CsvExtractorPlan): CsvExtractor {
  const { schema, dialect } = plan
  const hoisted = schema.fields.map((_, index) => hoistColumn(index)).join('')
  const fields = plan.fields.map((_, at) => fieldSource(plan, at)).join('')
  const missing = plan.missing
    .map((index) => writeNull(index, holderOf((schema.fields[index] as Field).type) === 'text'))
    .join('')
  const comment = dialect.comment < 0 ? '' : `||bytes[p]===${dialect.comment}`
  return compileFunction<CsvExtractor>(
    ['state', 'bytes', 'view', 'p', 'windowEnd', 'row', 'rowsMax'],
    `${hoisted}const {tens,instant,date,recordBytesMax}=state;${EXTRACTOR_LOCALS}` +
      `const length=bytes.length-${EXTRACTOR_SLACK};` +
      `rows:while(row<rowsMax&&p<windowEnd){const feed=bytes.indexOf(10,p);` +
      `if(feed<0||feed>=windowEnd||feed>length||feed-p>recordBytesMax)break;` +
      `const end=bytes[feed-1]===13&&feed>p?feed-1:feed;if(end===p${comment})break;` +
      `o=p;${fields}${missing}p=feed+1;row++;}` +
      `state.position=p;return row;`,
  )
}

function fieldSource(plan: CsvExtractorPlan, at: number): string {
  const isLast = at === plan.fields.length - 1
  const { column } = plan.fields[at] as CsvFieldPlan
  const value = column < 0 ? skipSource(plan, at, isLast) : columnSource(plan, at, isLast)
  const behind = isLast ? 'if(o!==end)break rows;' : `if(bytes[o]!==${plan.dialect.delimiter})break rows;o++;`
  return value + behind
}

/** Leaves in `e` the end of the plain field at `o`; of the last one also when a delimiter stands before the line end. */
function findEnd(plan: CsvExtractorPlan, at: number, isLast: boolean): string {
  const { delimiter } = plan.dialect
  if (!isLast) {
    return (plan.fields[at] as CsvFieldPlan).length > FAR_BYTES ? findFar(delimiter) : findByte(delimiter)
  }
  // The delimiter that too many fields would have; mostly there is none before the line end.
  const pattern = (delimiter * 0x01010101) | 0
  return (
    `e=o;for(;;){w=view.getInt32(e,true)^${pattern};m=(w-16843009)&~w&-2139062144;` +
    `if(m!==0||e>=end)break;e+=4;}e+=(31-Math.clz32(m&-m))>>3;if(m!==0&&e<end)break rows;e=end;`
  )
}

/** Leaves in `e` the closing quote of the quoted field whose content starts at `o`. */
function findClose(plan: CsvExtractorPlan, at: number): string {
  const { quote } = plan.dialect
  return (plan.fields[at] as CsvFieldPlan).length > FAR_BYTES ? findFar(quote) : findByte(quote)
}

/** Runs `plain` for a plain field in [o, e) and `quoted` for a quoted one; both then leave `o` behind the field. */
function eitherForm(
  plan: CsvExtractorPlan,
  at: number,
  isLast: boolean,
  plain: string,
  quoted: string,
): string {
  const { quote, escape, trim } = plan.dialect
  const close =
    escape === quote
      ? `o++;${findClose(plan, at)}if(bytes[e+1]===${quote})break rows;${quoted}o=e+1;`
      : 'break rows;'
  const trimmed = trim ? 'if(o<e&&(bytes[o]<33||bytes[e-1]<33))break rows;' : ''
  const blankFirst = trim ? 'if(bytes[o]===32||bytes[o]===9)break rows;' : ''
  return `${blankFirst}if(bytes[o]===${quote}){${close}}else{${findEnd(plan, at, isLast)}${trimmed}${plain}o=e;}`
}

function skipSource(plan: CsvExtractorPlan, at: number, isLast: boolean): string {
  return eitherForm(plan, at, isLast, '', '')
}

function columnSource(plan: CsvExtractorPlan, at: number, isLast: boolean): string {
  const { dialect } = plan
  const index = (plan.fields[at] as CsvFieldPlan).column
  const field = plan.schema.fields[index] as Field
  const { type, nullable } = field
  const exactAt = (from: string): string => `o=state.field(${index},row,bytes,${from},end);if(o<0)break rows;`
  const exact = exactAt('o')
  if (type.kind === 'string') {
    const keep = `s${index}[row]=o;l${index}[row]=e-o;`
    const plain = nullable ? `if(${nullTest(dialect)}){${writeNull(index, true)}}else{${keep}}` : keep
    return eitherForm(plan, at, isLast, plain, keep)
  }
  if (type.kind === 'boolean') {
    return (
      `w=view.getInt32(o,true);if(w===1702195828){v${index}[row]=1;o+=4;}` +
      `else if(w===1936482662&&bytes[o+4]===101){v${index}[row]=0;o+=5;}else{${exact}}`
    )
  }
  if (type.kind === 'date') {
    // Ten bytes, or whatever else the exact reader makes of it.
    return `x=date(bytes,o,o+10);if(x===x&&o+10<=end){v${index}[row]=x;o+=10;}else{${exact}}`
  }
  const isEmptyNull = nullable && dialect.nulls.includes('')
  const atEnd = isLast ? 'o===end' : `bytes[o]===${dialect.delimiter}`
  const otherwise = isEmptyNull ? `if(${atEnd}){${writeNull(index, false)}}else{${exact}}` : exact
  const number = numberCell({
    index,
    field,
    epochUnit: dialect.epochUnit,
    exact: exactAt('z'),
    otherwise,
    leadingZeros: true,
  })
  // The exact reader also takes what begins like a number and is none, such as `7 ` or `1e3`.
  const checked = number === undefined ? exact : `${number}if(!(${atEnd})){${exactAt('z')}}`
  if (type.kind !== 'timestamp') return number === undefined ? exact : `z=o;${checked}`
  if (type.unit !== 'ms') return `if(bytes[o+4]===45){${exact}}else{z=o;${checked}}`
  // An ISO timestamp has a dash behind its year; a number has none there.
  return (
    `if(bytes[o+4]===45&&bytes[o]!==${dialect.quote}){z=o;${findEnd(plan, at, isLast)}x=instant(bytes,o,e);` +
    `if(x===x){v${index}[row]=x;o=e;}else{${exactAt('z')}}}else{z=o;${checked}}`
  )
}

/** Source text: whether the plain field [o, e) means null. */
function nullTest(dialect: CsvDialect): string {
  const { nulls } = dialect
  if (nulls.length === 0) return 'false'
  const longest = nulls.reduce((most, text) => Math.max(most, text.length), 0)
  return longest === 0 ? 'e===o' : `e-o<=${longest}&&state.isNull(bytes,o,e)`
}
