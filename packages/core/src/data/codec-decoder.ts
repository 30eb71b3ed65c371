/**
 * Reads the sections of an encoded batch (codec.ts) as views, checking every length before it is used.
 *
 * Damage that leaves all lengths sound is not noticed here: files and rings carry checksums of their own.
 */
import { MillraceError } from '../errors.ts'
import { KINDS, LAYOUTS } from './codec-format.ts'
import type { Column, DictionaryColumn, FixedArray, ListColumn, Utf8Column } from './column.ts'
import {
  canBeWide,
  fixedArrayKindOf,
  listChildField,
  plainLayoutOf,
  structFields,
  wideWords,
} from './layout.ts'
import type { FixedArrayKind } from './layout.ts'
import type { DataType } from './type.ts'
import { bitmapBytes } from './validity.ts'

const fixedViews = {
  u8: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const satisfies { readonly [Kind in FixedArrayKind]: unknown }

/** Reads sections one after the other. */
export class ColumnDecoder {
  readonly #bytes: Uint8Array
  #at = 0

  /** `bytes` begin at a multiple of 8 in their buffer. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The next `count` unsigned words. */
  header(count: number): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, this.#take(count * 4), count)
  }

  float64(count: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, this.#take(count * 8), count)
  }

  int32(count: number): Int32Array {
    return new Int32Array(this.#bytes.buffer, this.#take(count * 4), count)
  }

  /** Everything must have been read. */
  end(): void {
    if (this.#at !== this.#bytes.length)
      throw this.damaged(`${this.#bytes.length - this.#at} bytes are left over`)
  }

  /** The next column, of a type and a number of rows. */
  column(type: DataType, rows: number): Column {
    const [layout, kind, ownRows, hasValidity] = this.header(4) as unknown as readonly [
      number,
      number,
      number,
      number,
    ]
    const name = LAYOUTS[layout]
    if (KINDS[kind] !== type.kind || name === undefined || !isLayoutOf(name, type)) {
      throw this.damaged(
        `it has a ${name ?? layout} of ${KINDS[kind] ?? kind} where ${type.kind} was expected`,
      )
    }
    if (ownRows !== rows) throw this.damaged(`a column has ${ownRows} rows and the batch ${rows}`)
    const validity = hasValidity === 0 ? undefined : this.#uint8(bitmapBytes(rows))
    switch (name) {
      case 'fixed':
        return { layout: 'fixed', type, values: this.#fixed(fixedArrayKindOf(type), rows), validity }
      case 'wide':
        return { layout: 'wide', type, values: this.#bigint64(rows * wideWords(type)), validity }
      case 'utf8':
        return this.#utf8(type, rows, validity)
      case 'dictionary':
        return this.#dictionary(type, rows, validity)
      case 'list':
        return this.#list(type, rows, validity)
      case 'struct': {
        const children = structFields(type).map((field) => this.column(field.type, rows))
        return { layout: 'struct', type, children, validity }
      }
    }
  }

  /** The error for bytes that are not what they should be. */
  damaged(detail: string): MillraceError {
    return new MillraceError('input/corrupt', {
      what: 'an encoded batch is damaged',
      detail,
      place: { byte: this.#at },
    })
  }

  #utf8(type: DataType, rows: number, validity: Uint8Array | undefined): Utf8Column {
    const [textBytes] = this.header(2) as unknown as readonly [number]
    return { layout: 'utf8', type, ...this.#text(rows, textBytes), validity }
  }

  #dictionary(type: DataType, rows: number, validity: Uint8Array | undefined): DictionaryColumn {
    const [entries, textBytes] = this.header(2) as unknown as readonly [number, number]
    const codes = this.int32(rows)
    for (let row = 0; row < rows; row++) {
      // The code under a null is unspecified (C2), but must not lead anyone astray.
      if ((codes[row] as number) >>> 0 >= Math.max(1, entries))
        throw this.damaged('a code has no dictionary entry')
    }
    const dictionary: Utf8Column = {
      layout: 'utf8',
      type,
      ...this.#text(entries, textBytes),
      validity: undefined,
    }
    return { layout: 'dictionary', type, codes, dictionary, dictionaryLength: entries, validity }
  }

  #list(type: DataType, rows: number, validity: Uint8Array | undefined): ListColumn {
    const [childRows] = this.header(2) as unknown as readonly [number]
    const lengths = this.int32(rows)
    const starts = this.#startsOf(lengths, childRows)
    const child = this.column(listChildField(type).type, childRows)
    return { layout: 'list', type, starts, lengths, child, validity }
  }

  /** Ranges and their text. Every range is looked at: one outside of the text would be read as something else. */
  #text(rows: number, textBytes: number): Pick<Utf8Column, 'bytes' | 'starts' | 'lengths'> {
    const starts = this.int32(rows)
    const lengths = this.int32(rows)
    const bytes = this.#uint8(textBytes)
    for (let row = 0; row < rows; row++) {
      const start = starts[row] as number
      const length = lengths[row] as number
      if (start < 0 || length < 0 || length > textBytes - start)
        throw this.damaged('a text is longer than what is there')
    }
    return { bytes, starts, lengths }
  }

  /** Where each list starts when they lie side by side; they must fill `total` exactly. */
  #startsOf(lengths: Int32Array, total: number): Int32Array {
    const starts = new Int32Array(lengths.length)
    let at = 0
    for (let row = 0; row < lengths.length; row++) {
      const length = lengths[row] as number
      if (length < 0 || length > total - at) throw this.damaged('a list is longer than what is there')
      starts[row] = at
      at += length
    }
    if (at !== total) throw this.damaged(`${total - at} elements belong to no row`)
    return starts
  }

  #uint8(count: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#take(count), count)
  }

  #bigint64(count: number): BigInt64Array {
    return new BigInt64Array(this.#bytes.buffer, this.#take(count * 8), count)
  }

  #fixed(kind: FixedArrayKind, count: number): FixedArray {
    const View = fixedViews[kind]
    return new View(this.#bytes.buffer as ArrayBuffer, this.#take(count * View.BYTES_PER_ELEMENT), count)
  }

  /** Takes a section and its padding; gives its place in the buffer. */
  #take(bytes: number): number {
    const start = this.#at
    const end = start + bytes
    const padded = Math.ceil(end / 8) * 8
    if (padded > this.#bytes.length) {
      throw this.damaged(`${bytes} bytes were expected and ${this.#bytes.length - start} are left`)
    }
    this.#at = padded
    return this.#bytes.byteOffset + start
  }
}

function isLayoutOf(layout: Column['layout'], type: DataType): boolean {
  if (layout === 'wide') return canBeWide(type)
  if (layout === 'dictionary') return plainLayoutOf(type) === 'utf8'
  return plainLayoutOf(type) === layout
}
