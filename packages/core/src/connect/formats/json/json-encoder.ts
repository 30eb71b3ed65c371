/**
 * Columns as JSON text: one object per line (NDJSON), or the elements of one array. Generated per schema and layout.
 */
import type { Batch } from '../../../data/batch.ts'
import { rowCount } from '../../../data/batch.ts'
import type { Column } from '../../../data/column.ts'
import type { Schema } from '../../../data/type.ts'
import type { RecordEncoder } from '../../format.ts'
import type { BatchWriter, EncoderState, RowSyntax } from '../text/encoder-source.ts'
import { layoutKey, makeBatchWriter, textViews } from '../text/encoder-source.ts'
import { warmUp, writeLiteral } from '../text/generated-function.ts'
import type { TimeText } from './json-text.ts'
import { jsonTextOf } from './json-text.ts'
import { TextOutput } from '../text/text-output.ts'
import { writers } from '../text/value-writers.ts'

/** What a JSON encoder is made with, checked. */
export interface JsonEncoderSettings extends TimeText {
  readonly framing: 'lines' | 'array'
}

const NOTHING = new Uint8Array(0)

/** Encodes batches of one schema. */
export class JsonEncoder implements RecordEncoder {
  readonly #output = new TextOutput()
  readonly #syntax: RowSyntax
  readonly #state: EncoderState
  readonly #writers = new Map<string, BatchWriter>()
  readonly #framing: 'lines' | 'array'
  #rows = 0

  constructor(schema: Schema, settings: JsonEncoderSettings) {
    this.#framing = settings.framing
    this.#syntax = jsonSyntax(schema, settings)
    this.#state = makeState(this.#output, settings)
  }

  begin(): Uint8Array | undefined {
    return this.#framing === 'array' ? Buffer.from('[') : undefined
  }

  encode(batch: Batch): Uint8Array {
    const count = rowCount(batch)
    if (count === 0) return NOTHING
    const key = layoutKey(batch)
    let write = this.#writers.get(key)
    if (write === undefined) {
      const made = makeBatchWriter(this.#syntax, batch)
      warmUp(() => made(this.#state, batch.columns, textViews(batch), batch.selection, 0, 0))
      write = made
      this.#writers.set(key, write)
    }
    const used = write(this.#state, batch.columns, textViews(batch), batch.selection, count, 0)
    // Every record of an array begins with a comma and a line feed; the first one has nothing to be apart from.
    const from = this.#framing === 'array' && this.#rows === 0 ? 1 : 0
    this.#rows += count
    return this.#output.bytes.subarray(from, used)
  }

  end(): Uint8Array | undefined {
    return this.#framing === 'array' ? Buffer.from('\n]\n') : undefined
  }

  estimatedBytes(): number {
    return 0
  }
}

function jsonSyntax(schema: Schema, settings: JsonEncoderSettings): RowSyntax {
  const open = settings.framing === 'array' ? ',\n{' : '{'
  const keys = schema.fields.map((field, k) =>
    Buffer.from(`${k === 0 ? open : ','}${JSON.stringify(field.name)}:`, 'utf8'),
  )
  const tail = Buffer.from(settings.framing === 'array' ? '}' : '}\n')
  return {
    times: settings,
    json: true,
    guardsScalars: false,
    nullBytesMax: 0,
    before: (k) => writeLiteral(keys[k] as Uint8Array),
    behind: writeLiteral(tail),
    nullValue: writeLiteral(Buffer.from('null')),
    // A backslash in the word, or a quote or a byte below 0x20: bit 1 turned over, these are the bytes up to 0x20.
    special: 'x=y^0x02020202;e=y^0x5c5c5c5c;m|=((x-0x21212121)&~x)|((e-0x01010101)&~e);',
    specialText: 'false',
    literalBytes: keys.reduce((sum, key) => sum + key.length, 0) + 16,
  }
}

function makeState(output: TextOutput, times: TimeText): EncoderState {
  return {
    output,
    writers,
    text: (w, need, source, start, length) => {
      output.reserve(w, need + 6 * length + 2)
      return writeJsonText(output.bytes, w, source, start, length)
    },
    cell: (w, need, column: Column, row) => {
      const text = jsonTextOf(column, row, times)
      output.reserve(w, need + 3 * text.length)
      return w + output.bytes.write(text, w, 'utf8')
    },
  }
}

const shortEscapes: { readonly [byte: number]: number } = {
  8: 98,
  9: 116,
  10: 110,
  12: 102,
  13: 114,
  34: 34,
  92: 92,
}
const hexDigits = Buffer.from('0123456789abcdef', 'latin1')

/** A range of UTF-8 as a JSON string in quotes. */
function writeJsonText(
  out: Uint8Array,
  w: number,
  source: Uint8Array,
  start: number,
  length: number,
): number {
  let at = w
  out[at++] = 34
  for (let p = start; p < start + length; p++) {
    const byte = source[p] as number
    if (byte >= 32 && byte !== 34 && byte !== 92) {
      out[at++] = byte
      continue
    }
    out[at++] = 92
    const letter = shortEscapes[byte]
    if (letter !== undefined) {
      out[at++] = letter
      continue
    }
    out.set([117, 48, 48, hexDigits[byte >> 4] as number, hexDigits[byte & 15] as number], at)
    at += 5
  }
  out[at++] = 34
  return at
}
