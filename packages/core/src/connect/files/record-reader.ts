/**
 * Reads one split of a record format (NDJSON, CSV, JSON): bytes from a feed, rows from a decoder.
 *
 * Positions are `{ v: 1, byte, line, resume }`: offset and line in the decompressed stream, and what the decoder must
 * know to go on there.
 */
import { assert, isMillraceError, MillraceError } from '../../errors.ts'
import type { Json } from '../../data/type.ts'
import type { Host, Timer } from '../../host/host.ts'
import type { RecordDecoder, RecordFormat } from '../format.ts'
import type { Horizon, HorizonWish, ReadResult, RowPlace, SplitReader } from '../source.ts'
import type { ByteStream } from './byte-stream.ts'
import { ChunkFeed } from './chunk-feed.ts'
import type { BatchShaper } from './constant-columns.ts'
import { changedError, inputError } from './file-errors.ts'
import { findLineEnd } from './line-horizon.ts'
import type { LineHorizon } from './line-horizon.ts'

/** Where a reader of records stands. */
export interface RecordPosition {
  readonly [name: string]: Json
  readonly v: 1
  readonly byte: number
  readonly line: number
  readonly resume: Json
  /** Of a followed file: by what it is known again (followed-stream.ts). */
  readonly marks?: readonly [head: number, tail: number, seen: number, identity: string, path: string]
}

/** What a record reader is made with. */
export interface RecordReaderOptions {
  readonly host: Host
  readonly file: string
  readonly format: RecordFormat
  readonly stream: ByteStream
  /** Makes the decoder of what begins at this byte; another one, that only tells where its rows are, `from` a place in between. */
  readonly decoder: (byte: number, from?: ReplayPlace) => RecordDecoder
  readonly start: { readonly byte: number; readonly line: number }
  /** Bytes in front of the start, of a file that is followed. */
  readonly before?: Uint8Array
  /** Records that begin at or behind this byte belong to the next split; undefined: read to the end. */
  readonly stopByte: number | undefined
  /** False in a part of a file that does not begin it: its lines cannot be counted. */
  readonly knowsLine: boolean
  /** The stream is decompressed: what was read of the file is another number than what was decoded. */
  readonly isCompressed: boolean
  /** Bytes of the split in front of the start: an earlier run has read them. */
  readonly bytesBefore: number
  /** Wait so long before looking again at a file that is followed; undefined: it is not followed. */
  readonly pollMs: number | undefined
  readonly chunkBytes: number
  readonly expectedBytes: number
  readonly shape: BatchShaper
}

/** Where a decoder stood, and what takes the places of the rows behind it. */
export interface ReplayPlace {
  readonly line: number
  readonly resume: Json
  readonly located: (line: number, byte: number) => void
}

/** What the last batch was decoded from: indices of the chunk, and the position of the first. */
interface LastRead {
  readonly start: number
  readonly end: number
  readonly final: boolean
  readonly byte: number
  readonly line: number
  readonly resume: Json
  /** Line and byte of each of its rows, once they were asked for. */
  places: readonly (readonly [line: number, byte: number])[] | undefined
}

const END: ReadResult = { kind: 'end' }
const AT_HORIZON: ReadResult = { kind: 'idle', atHorizon: true }
const LINE_FEED = 10

/** A reader of records. */
export class RecordReader implements SplitReader<RecordPosition> {
  readonly #options: RecordReaderOptions
  readonly #feed: ChunkFeed
  #decoder: RecordDecoder
  /** The decoder has seen all it can make of the chunk. */
  #needsMore = true
  #finished = false
  #verified = false
  #closed = false
  #last: LastRead | undefined
  /** The first record begins here. */
  #firstByte: number
  /** Bytes from this one on are not to be read yet. */
  #horizon = Infinity
  #waiting: { readonly timer: Timer; readonly wake: () => void } | undefined

  constructor(options: RecordReaderOptions) {
    this.#options = options
    this.#decoder = options.decoder(options.start.byte)
    const { chunkBytes, expectedBytes, before = new Uint8Array(0) } = options
    const offset = options.start.byte
    this.#firstByte = offset
    this.#feed = new ChunkFeed(options.stream, { offset, chunkBytes, expectedBytes, before })
  }

  /** Passes over the rest of a record that began before this split. Called once, before reading. */
  async alignToLine(): Promise<void> {
    const feed = this.#feed
    for (;;) {
      const index = feed.chunk.subarray(0, feed.end).indexOf(LINE_FEED, feed.start)
      if (index >= 0) {
        feed.start = index + 1
        this.#firstByte = feed.byte
        this.#decoder = this.#options.decoder(feed.byte)
        this.#needsMore = false
        this.#clip()
        feed.prefetch()
        return
      }
      feed.start = feed.end
      this.#firstByte = feed.byte
      if ((await feed.more()) !== 'more') {
        this.#finished = true
        return
      }
    }
  }

  read(rowsMax: number): ReadResult | Promise<ReadResult> {
    try {
      return this.#read(rowsMax)
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** A fault in a file that was written to meanwhile is told as that. */
  async #fail(error: unknown): Promise<never> {
    try {
      if (!isMillraceError(error) || error.code !== 'input/changed') await this.#options.stream.verify()
    } catch (change) {
      throw this.#explained(isMillraceError(change) ? change : error)
    }
    throw this.#explained(error)
  }

  /** The end, when the file is still what was read: a part of one ends before the stream has looked. */
  async #verifiedEnd(): Promise<ReadResult> {
    this.#verified = true
    try {
      await this.#options.stream.verify()
      return END
    } catch (error) {
      throw this.#explained(error)
    }
  }

  #read(rowsMax: number): ReadResult | Promise<ReadResult> {
    const feed = this.#feed
    while (!this.#finished) {
      if (!this.#needsMore) {
        const result = this.#decode(rowsMax)
        if (result !== undefined) return result
        continue
      }
      if (feed.byte + (feed.end - feed.start) >= this.#horizon) return AT_HORIZON
      const more = feed.more()
      if (typeof more !== 'string') {
        return more
          .then((outcome) => this.#moved(outcome) ?? this.#read(rowsMax))
          .catch((error: unknown) => this.#fail(error))
      }
      const result = this.#moved(more)
      if (result !== undefined) return result
    }
    const { stream } = this.#options
    return this.#verified || this.#closed || stream.ended ? END : this.#verifiedEnd()
  }

  /** Takes note of what the feed came to; a result when reading has to wait. */
  #moved(outcome: 'more' | 'nothing' | 'ended'): ReadResult | undefined {
    if (this.#closed) {
      this.#finished = true
      return END
    }
    if (outcome === 'nothing') return this.#idle()
    this.#needsMore = false
    if (outcome === 'more') {
      this.#clip()
      this.#feed.prefetch()
    }
    return undefined
  }

  /** Ends the feed behind the last record of the split, once it is in the chunk. */
  #clip(): void {
    const { stopByte } = this.#options
    const feed = this.#feed
    if (stopByte === undefined) return
    if (feed.byte >= stopByte) {
      feed.endAt(feed.start)
      return
    }
    // The record that holds the byte before `stopByte` is the last one that begins before it.
    const from = feed.start + (stopByte - 1 - feed.byte)
    if (from >= feed.end) return
    const index = feed.chunk.subarray(0, feed.end).indexOf(LINE_FEED, from)
    if (index >= 0) feed.endAt(index + 1)
  }

  #decode(rowsMax: number): ReadResult | undefined {
    const feed = this.#feed
    const decoder = this.#decoder
    const available = Math.min(feed.end - feed.start, this.#horizon - feed.byte)
    const { outgrown } = this.#options.stream
    const final = feed.ended && !outgrown && available === feed.end - feed.start
    const [start, end] = [feed.start, feed.start + available]
    const { byte } = feed
    this.#last = { start, end, final, byte, line: decoder.line, resume: decoder.resume(), places: undefined }
    const consumed = decoder.push(feed.chunk, start, end, final, rowsMax)
    assert(consumed >= 0 && consumed <= available, `the decoder consumed ${consumed} of ${available} bytes`)
    feed.start += consumed
    const isFull = decoder.rows >= rowsMax
    if (!isFull) {
      assert(!final || consumed === available, 'the decoder left bytes at the end of the input')
      if (feed.ended && this.#horizon === Infinity) this.#finish()
      else this.#needsMore = true
    }
    const batch = decoder.take()
    return batch === undefined ? undefined : { kind: 'batch', batch: this.#options.shape(batch) }
  }

  #finish(): void {
    this.#finished = true
    if (!this.#options.stream.outgrown) return
    // What was not there when the files were listed is no input of this run, nor is a line that was being written.
    if (this.#options.format.lineRecords) return
    throw changedError(this.#options.file, 'it grew after it was listed')
  }

  #idle(): ReadResult {
    const { host, pollMs } = this.#options
    const until = new Promise<void>((wake) => {
      this.#waiting = { timer: host.timers.set(pollMs ?? 0, wake), wake }
    })
    return { kind: 'idle', until }
  }

  /** Adds the file; takes away a line number that counts from the middle of the file. */
  #explained(error: unknown): unknown {
    const { file, knowsLine } = this.#options
    const explained = inputError(error, file)
    if (knowsLine || !isMillraceError(explained) || explained.place?.line === undefined) return explained
    const { line: _, ...place } = explained.place
    const { what, detail, hint, step, cause } = explained
    return new MillraceError(explained.code, { what, detail, hint, place, step, cause })
  }

  position(): RecordPosition {
    const { byte } = this.#feed
    const { stream } = this.#options
    const position = { v: 1, byte, line: this.#decoder.line, resume: this.#decoder.resume() } as const
    if (stream.marks === undefined) return position
    const { head, tail, seen, identity, path } = stream.marks(byte, this.#feed.before())
    return { ...position, marks: [head, tail, seen, identity, path] }
  }

  async horizon({ bytesMax, within }: HorizonWish): Promise<Horizon | undefined> {
    try {
      return await this.#findHorizon(bytesMax, within as LineHorizon | undefined)
    } catch (error) {
      throw this.#explained(error)
    }
  }

  async #findHorizon(
    bytesMax: number | undefined,
    within: LineHorizon | undefined,
  ): Promise<Horizon | undefined> {
    const { stream } = this.#options
    const { look, peek } = stream
    assert(look !== undefined && peek !== undefined, 'a file that is not followed has no horizon')
    await this.#feed.settle()
    const { bytes, isGone } = await look.call(stream)
    const from = this.#horizon === Infinity ? this.#feed.byte : this.#horizon
    const size = Math.min(bytes, within?.byte ?? Infinity)
    const lineEnd = await findLineEnd(peek.bind(stream), { from, size, bytesMax })
    if (lineEnd !== undefined && (lineEnd < size || !isGone)) return horizonAt(lineEnd, from, false)
    return isGone && within?.end !== false ? horizonAt(size, from, true) : undefined
  }

  readTo(to: Json): void {
    const { byte, end } = to as LineHorizon
    this.#horizon = end ? Infinity : byte
    this.#needsMore = this.#feed.end === this.#feed.start
  }

  bytesRead(): number {
    const { stream, isCompressed } = this.#options
    // Compressed files are measured by what was read of them; the others by what was decoded: more is read ahead.
    const decoded = this.#feed.byte - this.#firstByte
    if (!isCompressed) return decoded
    return this.#finished ? stream.inputBytes() : Math.min(decoded, stream.inputBytes())
  }

  bytesSkipped(): number {
    const { isCompressed, bytesBefore } = this.#options
    return isCompressed ? 0 : bytesBefore
  }

  placeOf(row: number): RowPlace {
    const { file, knowsLine } = this.#options
    const last = this.#last as LastRead
    last.places ??= this.#placesOf(last)
    const [line, byte] = last.places[row] as readonly [number, number]
    return { file, byte, ...(knowsLine ? { line } : {}) }
  }

  /** Decodes the last rows once more, to see where they are. */
  #placesOf({ start, end, final, byte, line, resume }: LastRead): readonly (readonly [number, number])[] {
    const places: [number, number][] = []
    const located = (atLine: number, atByte: number): void => void places.push([atLine, atByte])
    const replay = this.#options.decoder(byte, { line, resume, located })
    replay.push(this.#feed.chunk, start, end, final, this.#decoder.rows)
    return places
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#waiting?.timer.clear()
    this.#waiting?.wake()
    await this.#feed.settle()
    await this.#options.stream.close()
  }
}

function horizonAt(byte: number, from: number, end: boolean): Horizon {
  return { to: { v: 1, byte, end } satisfies LineHorizon, bytes: byte - from }
}
