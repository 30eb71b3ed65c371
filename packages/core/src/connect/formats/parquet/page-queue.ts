/**
 * The pages of one column chunk in order, read from the file in windows.
 *
 * Small chunks come in one read that the row group shares out (chunk-ranges.ts); large ones are read a few megabytes
 * at a time, so that memory does not grow with the size of row groups. `prepare` is the only place that waits.
 */
import type { RandomAccessFile } from '../../format.ts'
import { damaged } from './damage.ts'
import { chunkStart } from './footer.ts'
import type { ColumnChunk } from './metadata.ts'
import { readPageHeader } from './page-header.ts'
import type { PageHeader } from './page-header.ts'
import { pageType } from './vocabulary.ts'

/** A page whose bytes are in memory. */
export interface Page {
  readonly header: PageHeader
  readonly body: Uint8Array
}

/** Bytes read at a time of chunks that are read in windows. */
const WINDOW_BYTES: number = 4 << 20

/** Longer headers than this are taken for damage. */
const HEADER_BYTES_MAX = 16 << 20

/** Pages of one column chunk. */
export class PageQueue {
  private readonly file: RandomAccessFile
  private pages: Page[] = []
  private head = 0
  /** Entries in the pages that wait. */
  private queuedValues = 0
  private window: Uint8Array = new Uint8Array(0)
  private windowStart = 0
  /** The next page's header, in the file. */
  private position = 0
  private end = 0
  private valuesLeft = 0
  private anyPage = false

  constructor(file: RandomAccessFile) {
    this.file = file
  }

  /** Starts a chunk; `bytes` of it from its start on are known already (possibly all, or none). */
  open(chunk: ColumnChunk, bytes: Uint8Array | undefined): void {
    this.pages = []
    this.head = 0
    this.queuedValues = 0
    this.position = chunkStart(chunk)
    this.end = this.position + chunk.compressedBytes
    this.valuesLeft = chunk.values
    this.windowStart = this.position
    this.window = bytes ?? new Uint8Array(0)
    this.anyPage = false
  }

  /** Makes sure that pages with `values` entries (or all that are left) are in memory. */
  prepare(values: number): Promise<void> | undefined {
    while (this.queuedValues < values && this.valuesLeft > 0) {
      const missing = this.takeNext()
      if (missing > 0) return this.fetch(missing).then(() => this.prepare(values))
    }
    return undefined
  }

  /** The next page; `prepare` must have been asked for it. */
  next(): Page {
    if (this.head === this.pages.length && this.prepare(1) !== undefined)
      throw damaged('the pages of a column hold fewer rows than the row group')
    const page = this.pages[this.head]
    if (page === undefined) throw damaged('the pages of a column hold fewer rows than the row group')
    this.pages[this.head] = undefined as unknown as Page
    this.head++
    if (this.head === this.pages.length) {
      this.pages.length = 0
      this.head = 0
    }
    if (isData(page.header)) this.queuedValues -= page.header.values
    return page
  }

  /** Queues the next page, or returns how many bytes from `position` on are needed for that. */
  private takeNext(): number {
    const left = this.end - this.position
    if (left <= 0) throw damaged('the pages of a column hold fewer rows than the footer says')
    const offset = this.position - this.windowStart
    const available = this.window.length - offset
    if (available <= 0) return Math.min(left, WINDOW_BYTES)
    const found = this.tryHeader(offset, available, left)
    if (typeof found === 'number') return found
    const { header, end } = found
    const total = end - offset + header.compressedBytes
    if (total > left) throw damaged('a page is longer than its column')
    if (total > available) return total
    this.position += total
    this.admit(header, this.window.subarray(end, end + header.compressedBytes))
    return 0
  }

  private tryHeader(
    offset: number,
    available: number,
    left: number,
  ): { readonly header: PageHeader; readonly end: number } | number {
    try {
      return readPageHeader(this.window.subarray(0, Math.min(this.window.length, offset + left)), offset)
    } catch (error) {
      // A header that the window cuts looks like a damaged one; with more bytes it is read again.
      if (available >= left || available >= HEADER_BYTES_MAX) throw error
      return Math.min(left, Math.max(WINDOW_BYTES, available * 2))
    }
  }

  private admit(header: PageHeader, body: Uint8Array): void {
    if (header.type === pageType.dictionary) {
      if (this.anyPage) throw damaged('a dictionary stands behind the first page')
    } else if (!isData(header)) return
    else {
      if (header.values > this.valuesLeft)
        throw damaged('the pages of a column hold more rows than the footer says')
      this.valuesLeft -= header.values
      this.queuedValues += header.values
    }
    this.anyPage = true
    this.pages.push({ header, body })
  }

  private async fetch(byteCount: number): Promise<void> {
    const length = Math.min(this.end - this.position, Math.max(byteCount, WINDOW_BYTES))
    this.window = await this.file.read(this.position, length)
    this.windowStart = this.position
    if (this.window.length < length) throw damaged('the file became shorter while it was read')
  }
}

function isData(header: PageHeader): boolean {
  return header.type === pageType.data || header.type === pageType.dataV2
}
