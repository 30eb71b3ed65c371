/**
 * Source text of generated encoders, shared by JSON and CSV: how each column layout is written.
 *
 * A piece writes the cell of row `i` at `w` of `out`. The loop has made room for VALUE_BYTES_MAX per value and for the
 * bytes of all text of the row; pieces that may need more call into `state`, which makes room for the rest of the row
 * (`need`) too, and read `out` and `view` again.
 */
import type { Batch } from '../../../data/batch.ts'
import type { Column } from '../../../data/column.ts'
import { DAY_MS, UNITS_PER_MS } from '../../../time/index.ts'
import { compileFunction } from './generated-function.ts'
import type { TimeText } from '../json/json-text.ts'
import { isQuoted } from '../json/json-text.ts'
import type { TextOutput } from './text-output.ts'
import { VALUE_BYTES_MAX } from './value-writers.ts'
import type { writers } from './value-writers.ts'

/** What generated encoders reach. */
export interface EncoderState {
  readonly output: TextOutput
  readonly writers: typeof writers
  /** Writes the text of a range with whatever quoting and escaping it needs; gives the position behind. */
  text(w: number, need: number, source: Uint8Array, start: number, length: number): number
  /** Writes a cell by way of a string. */
  cell(w: number, need: number, column: Column, row: number): number
}

/** Writes the live rows of a batch behind the first `w` bytes of the output; gives the bytes then used. */
export type BatchWriter = (
  state: EncoderState,
  columns: readonly Column[],
  views: readonly (DataView | undefined)[],
  selection: Int32Array | undefined,
  count: number,
  w: number,
) => number

/** How a format writes rows. */
export interface RowSyntax {
  readonly times: TimeText
  /** JSON quotes text and named floats; CSV only where it must. */
  readonly json: boolean
  /** CSV: special characters may stand in times and base64, which therefore go by way of strings. */
  readonly guardsScalars: boolean
  /** CSV: bytes of the longest text that means null, which a value must not look like. */
  readonly nullBytesMax: number
  /** Statements before and behind the values of a row, and before each value. */
  readonly before: (column: number) => string
  readonly behind: string
  readonly nullValue: string
  /** Source text of a test: true when word `y` has a byte that plain copying must not write. */
  readonly special: string
  /** Source text of a test on the whole text (CSV: empty text may have to be quoted), or 'false'. */
  readonly specialText: string
  /** Bytes per row besides values. */
  readonly literalBytes: number
}

/** Generates (or finds) the writer for batches laid out like this one. */
export function makeBatchWriter(syntax: RowSyntax, batch: Batch): BatchWriter {
  const { columns } = batch
  const texts = columns.flatMap((column, k) => (textColumn(column) ? [k] : []))
  const hoisted = columns.map((column, k) => hoist(column, k)).join('')
  const room = syntax.literalBytes + columns.length * (VALUE_BYTES_MAX + 8)
  const lengths = texts.map((k) => `+(${lengthSource(columns[k] as Column, k)}<<1)`).join('')
  const body = columns.map((column, k) => syntax.before(k) + cellSource(syntax, column, k)).join('')
  return compileFunction<BatchWriter>(
    ['state', 'columns', 'views', 'selection', 'count', 'w'],
    `const {output,writers}=state;const {writeInteger,writeFloat,writeScaled,writeDate,writeTime,writeInstant,` +
      `writeFineInstant,writeBase64}=writers;let out=output.bytes,view=output.view,capacity=out.length;` +
      `let a=0,n=0,m=0,y=0,z=0,x=0,e=0;${hoisted}` +
      `for(let r=0;r<count;r++){const i=${batch.selection === undefined ? 'r' : 'selection[r]'};` +
      `const need=${room}${lengths};` +
      `if(w+need>capacity){output.reserve(w,need);out=output.bytes;view=output.view;capacity=out.length;}` +
      `${body}${syntax.behind}}return w;`,
  )
}

/** A key that tells layouts apart which need different code. */
export function layoutKey(batch: Batch): string {
  const parts = batch.columns.map((column) => `${column.layout}${column.validity === undefined ? '' : '?'}`)
  return `${batch.selection === undefined ? '' : 'selected,'}${parts.join(',')}`
}

/** The views over the text of a batch's columns, for word-wise copying. */
export function textViews(batch: Batch): readonly (DataView | undefined)[] {
  return batch.columns.map((column) => {
    const ranges = column.layout === 'dictionary' ? column.dictionary : column
    if (ranges.layout !== 'utf8') return undefined
    return new DataView(ranges.bytes.buffer, ranges.bytes.byteOffset, ranges.bytes.byteLength)
  })
}

/** The JavaScript that `out`, `view` and `capacity` are read again with. */
const REFRESH = 'out=output.bytes;view=output.view;capacity=out.length;'

function textColumn(column: Column): boolean {
  return column.layout === 'utf8' || column.layout === 'dictionary'
}

function hoist(column: Column, k: number): string {
  const validity = column.validity === undefined ? '' : `const u${k}=columns[${k}].validity;`
  const base = `const c${k}=columns[${k}];${validity}`
  switch (column.layout) {
    case 'fixed':
      return `${base}const v${k}=c${k}.values;`
    case 'utf8':
      return `${base}const s${k}=c${k}.starts,l${k}=c${k}.lengths,b${k}=c${k}.bytes,t${k}=views[${k}];`
    case 'dictionary':
      return (
        `${base}const d${k}=c${k}.codes,s${k}=c${k}.dictionary.starts,l${k}=c${k}.dictionary.lengths,` +
        `b${k}=c${k}.dictionary.bytes,t${k}=views[${k}];`
      )
    default:
      return base
  }
}

/** The length of a text cell; 0 under a null, where a dictionary's code may be anything. */
function lengthSource(column: Column, k: number): string {
  if (column.layout !== 'dictionary') return `l${k}[i]`
  return column.validity === undefined ? `l${k}[d${k}[i]]` : `(u${k}[i>>3]>>(i&7)&1?l${k}[d${k}[i]]:0)`
}

function cellSource(syntax: RowSyntax, column: Column, k: number): string {
  const value = valueSource(syntax, column, k)
  if (column.validity === undefined) return value
  return `if((u${k}[i>>3]>>(i&7)&1)===0){${syntax.nullValue}}else{${value}}`
}

function valueSource(syntax: RowSyntax, column: Column, k: number): string {
  const { type } = column
  const { times, json } = syntax
  const byString = `w=state.cell(w,need,c${k},i);${REFRESH}`
  if (textColumn(column)) return textSource(syntax, column, k)
  if (column.layout !== 'fixed') return byString
  const quoted = (source: string): string =>
    json && isQuoted(type, times) ? `out[w++]=34;${source}out[w++]=34;` : source
  const value = `v${k}[i]`
  if (syntax.guardsScalars && (type.kind === 'date' || type.kind === 'time' || type.kind === 'timestamp')) {
    return byString
  }
  switch (type.kind) {
    case 'boolean':
      return (
        `if(${value}!==0){view.setInt32(w,1702195828,true);w+=4;}` +
        `else{view.setInt32(w,1936482662,true);out[w+4]=101;w+=5;}`
      )
    case 'float32':
    case 'float64':
      return `x=${value};if(x-x===0)w=writeFloat(out,view,w,x);else{${byString}}`
    case 'decimal':
      return type.scale > 15 ? byString : `w=writeScaled(out,view,w,${value},${type.scale});`
    case 'date':
      return quoted(`w=writeDate(out,view,w,${value});`)
    case 'time':
      return quoted(`w=writeTime(out,view,w,${value},${UNITS_PER_MS[type.unit]});`)
    case 'timestamp':
      if (times.timestamps === 'iso') {
        return quoted(
          type.unit === 'ms'
            ? `x=${value};e=Math.floor(x/${DAY_MS});w=writeInstant(out,view,w,e,x-e*${DAY_MS},${type.zoned});`
            : `w=writeFineInstant(out,view,w,${value},${UNITS_PER_MS[type.unit]},${type.zoned});`,
        )
      }
      return times.epochUnit === type.unit ? `w=writeInteger(out,view,w,${value});` : byString
    default:
      return `w=writeInteger(out,view,w,${value});`
  }
}

function textSource(syntax: RowSyntax, column: Column, k: number): string {
  const entry = column.layout === 'dictionary' ? `d${k}[i]` : 'i'
  const range = `a=s${k}[${entry}];n=l${k}[${entry}];`
  const quote = syntax.json ? 'out[w++]=34;' : ''
  switch (column.type.kind) {
    case 'bytes':
      if (syntax.json) return `${range}${quote}w=writeBase64(out,w,b${k},a,n);${quote}`
      return (
        `${range}if(${syntax.guardsScalars}||n<=${syntax.nullBytesMax}){w=state.cell(w,need,c${k},i);${REFRESH}}` +
        `else w=writeBase64(out,w,b${k},a,n);`
      )
    case 'json':
      // JSON in JSON stays as it is, but for line ends between its tokens.
      if (syntax.json) {
        return (
          `${range}${copySource(k, 'm|=(y-0x20202020)&~y;')}` +
          `if((m&-2139062144)!==0){w=state.cell(w,need,c${k},i);${REFRESH}}else w+=n;`
        )
      }
      break
    default:
  }
  return (
    `${range}${quote}${copySource(k, syntax.special)}` +
    `if((m&-2139062144)!==0||${syntax.specialText}){` +
    `w=state.text(w${syntax.json ? '-1' : ''},need,b${k},a,n);${REFRESH}}` +
    `else{w+=n;${quote}}`
  )
}

/** Copies `n` bytes from `a` in words and checks each on the way; the last word overlaps the one before. */
function copySource(k: number, check: string): string {
  return (
    `m=0;` +
    `if(n>=4){for(z=0;z<=n-4;z+=4){y=t${k}.getInt32(a+z,true);view.setInt32(w+z,y,true);${check}}` +
    `if(z<n){y=t${k}.getInt32(a+n-4,true);view.setInt32(w+n-4,y,true);${check}}}` +
    `else for(z=0;z<n;z++){y=b${k}[a+z];out[w+z]=y;y|=0x61616100;${check}}`
  )
}
