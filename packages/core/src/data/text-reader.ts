/**
 * Reads strings of one column, batch after batch, decoding each row's string once.
 *
 * ASCII is read as Latin-1, which is faster. The first reads of a batch look at their own bytes; after `READS_BEFORE_SCAN`
 * of them all rows of the batch are looked at once. Where all rows are ASCII and so short that V8 copies a substring
 * (12 characters or fewer), the batch is decoded in one piece and cut: 15 to 30 ns instead of 60 to 100 per string.
 * Longer strings are not cut from a piece, because V8 would keep the piece alive as long as the string.
 * Entries of a dictionary are decoded once per dictionary (codes are stable, column.ts).
 */
import type { Column, DictionaryColumn, Utf8Column } from './column.ts'
import { textExtent } from './append-column.ts'
import type { TextBuffer } from './text-bytes.ts'
import { isAscii, textBufferOf } from './text-bytes.ts'

/** Reads of a batch before its text is looked at as a whole: fewer are not worth it. */
const READS_BEFORE_SCAN = 64

/** V8 copies substrings up to this length instead of pointing into the whole (SlicedString::kMinLength is 13). */
const COPIED_LENGTH_MAX = 12

/** Decoded entries of dictionaries, for all readers; lives as long as the dictionary. */
const decodedEntries = new WeakMap<Utf8Column, (string | undefined)[]>()

/** Reads one string column. */
export class TextReader {
  #ranges: Utf8Column | undefined
  #rows = 0
  #buffer: TextBuffer | undefined
  #codes: Int32Array | undefined
  #entries: (string | undefined)[] | undefined
  #reads = 0
  #allAscii = false
  /** The whole batch's text from `#pieceStart` on, when it is decoded in one piece. */
  #piece: string | undefined
  #pieceStart = 0
  #cachedIndex = -1
  #cached = ''

  /** Takes the column of another batch of `rows` rows. */
  bind(column: Column, rows: number): void {
    this.#cachedIndex = -1
    this.#buffer = undefined
    this.#reads = 0
    this.#allAscii = false
    this.#piece = undefined
    this.#rows = rows
    if (column.layout === 'dictionary') {
      this.#ranges = column.dictionary
      this.#codes = column.codes
      this.#entries = entriesOf(column)
    } else {
      this.#ranges = column as Utf8Column
      this.#codes = undefined
      this.#entries = undefined
    }
  }

  /** The string of a row that is not null. */
  read(index: number): string {
    if (this.#cachedIndex === index) return this.#cached
    const text = this.#codes === undefined ? this.#decode(index) : this.#entry(this.#codes[index] as number)
    this.#cachedIndex = index
    this.#cached = text
    return text
  }

  #entry(code: number): string {
    const entries = this.#entries as (string | undefined)[]
    const known = entries[code]
    if (known !== undefined) return known
    const { bytes, starts, lengths } = this.#ranges as Utf8Column
    const start = starts[code] as number
    const text = textBufferOf(bytes).utf8Slice(start, start + (lengths[code] as number))
    entries[code] = text
    return text
  }

  #decode(index: number): string {
    const { bytes, starts, lengths } = this.#ranges as Utf8Column
    const start = starts[index] as number
    const length = lengths[index] as number
    if (length === 0) return ''
    if (this.#piece !== undefined) {
      const at = start - this.#pieceStart
      return this.#piece.substring(at, at + length)
    }
    const buffer = (this.#buffer ??= textBufferOf(bytes))
    if (this.#reads < READS_BEFORE_SCAN && ++this.#reads === READS_BEFORE_SCAN) this.#scan(buffer)
    return this.#allAscii || isAscii(bytes, start, start + length)
      ? buffer.latin1Slice(start, start + length)
      : buffer.utf8Slice(start, start + length)
  }

  /** Looks at the text of all rows. */
  #scan(buffer: TextBuffer): void {
    const ranges = this.#ranges as Utf8Column
    const { total, first, last } = textExtent(ranges, { indices: undefined, count: this.#rows })
    // Rows far apart in a foreign chunk: looking at all that lies between would cost more than it saves.
    if (last - first > total * 8) return
    this.#allAscii = isAscii(ranges.bytes, first, last)
    if (!this.#allAscii || last - first > total * 4 || !this.#allShort(ranges)) return
    this.#piece = buffer.latin1Slice(first, last)
    this.#pieceStart = first
  }

  #allShort({ lengths }: Utf8Column): boolean {
    for (let row = 0; row < this.#rows; row++) if ((lengths[row] as number) > COPIED_LENGTH_MAX) return false
    return true
  }
}

function entriesOf(column: DictionaryColumn): (string | undefined)[] {
  let entries = decodedEntries.get(column.dictionary)
  if (entries === undefined) {
    entries = []
    decodedEntries.set(column.dictionary, entries)
  }
  return entries
}
