/**
 * Two buffers over a byte stream: while one is decoded, the next is being filled.
 *
 * The unread tail of a buffer moves in front of the next one's bytes, so a record that crosses the border is whole.
 * Invariants (tests quote them):
 *  CF1  The bytes of the current chunk stay as they are until `more` is called: batches may refer to them (B1).
 *  CF2  No more than two buffers are held, each no larger than `chunkBytes` or twice the longest record.
 */
import { MillraceError } from '../../errors.ts'
import type { ByteStream } from './byte-stream.ts'
import { MARK_BYTES } from './file-marks.ts'

/** Room in front of a buffer's new bytes for the tail of the one before. */
const HEAD_BYTES = 64 * 1024
/** Bytes in front of the unread ones that stay: by them a file is known again (file-marks.ts). */
const KEPT_BYTES = MARK_BYTES
/** No buffer grows beyond this; decoders bound records before. */
const BUFFER_BYTES_MAX = 2 ** 31 - 1

/** What `more` came to. */
export type More =
  | 'more'
  /** Nothing now; the stream may grow. */
  | 'nothing'
  /** Nothing any more. */
  | 'ended'

interface Filled {
  readonly buffer: Uint8Array
  readonly head: number
  readonly bytes: number
  readonly ended: boolean
}

/** The current chunk of a stream and the way to the next. */
export class ChunkFeed {
  chunk: Uint8Array = new Uint8Array(0)
  /** The unread bytes are `chunk[start … end)`. */
  start = 0
  end = 0
  /** Nothing comes behind `end`. */
  ended = false
  readonly #stream: ByteStream
  readonly #chunkBytes: number
  /** Offset in the stream of `chunk[0]`. */
  #offset: number
  /** Index of the first byte of the chunk that is one of the stream. */
  #first = 0
  #fillBytes: number
  /** Bytes of the chunk that were left over from the one before: many when a record is long. */
  #tailBytes = 0
  #spare: Uint8Array | undefined
  #filling: Promise<void> | undefined
  #filled: Filled | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(
    stream: ByteStream,
    options: {
      /** Where the stream stands. */
      readonly offset: number
      /** Of a buffer at most. */
      readonly chunkBytes: number
      /** What is likely to come. */
      readonly expectedBytes: number
      /** The bytes in front of the first one, for `before`. */
      readonly before: Uint8Array
    },
  ) {
    this.#stream = stream
    this.chunk = options.before
    this.start = this.end = options.before.length
    this.#offset = options.offset - options.before.length
    this.#chunkBytes = options.chunkBytes
    // Many small or followed files are open at a time: no more memory than they need.
    this.#fillBytes = Math.min(options.chunkBytes, Math.max(4096, options.expectedBytes))
  }

  /** Offset in the stream of the next unread byte. */
  get byte(): number {
    return this.#offset + this.start
  }

  /** The last bytes that were read, at most `KEPT_BYTES`. */
  before(): Uint8Array {
    return this.chunk.subarray(Math.max(this.#first, this.start - KEPT_BYTES), this.start)
  }

  /** Ends the feed at an index of the chunk: nothing behind it is wanted. */
  endAt(index: number): void {
    this.end = index
    this.ended = true
  }

  /** Asks for the next bytes, so that they are there when `more` is called. */
  prefetch(): void {
    if (
      this.ended ||
      this.#filling !== undefined ||
      this.#filled !== undefined ||
      this.#failure !== undefined
    )
      return
    const bytes = Math.min(Math.max(this.#fillBytes, this.#tailBytes), BUFFER_BYTES_MAX - HEAD_BYTES)
    const buffer = this.#takeSpare(HEAD_BYTES + bytes)
    this.#filling = this.#stream.fill(buffer, HEAD_BYTES, bytes).then(
      (count) => {
        this.#filling = undefined
        if (count === bytes) this.#fillBytes = Math.min(this.#chunkBytes, this.#fillBytes * 2)
        this.#filled = { buffer, head: HEAD_BYTES, bytes: count, ended: this.#stream.ended }
      },
      (error: unknown) => {
        this.#filling = undefined
        this.#failure = { error }
      },
    )
  }

  /** Moves on to the next bytes, the unread ones before them. Without a promise when they are there. */
  more(): More | Promise<More> {
    if (this.ended) return 'ended'
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#filled === undefined) {
      this.prefetch()
      return (this.#filling as Promise<void>).then(() => this.more())
    }
    const filled = this.#filled
    this.#filled = undefined
    this.ended = filled.ended
    if (filled.bytes === 0) {
      this.#spare = filled.buffer
      return filled.ended ? 'ended' : 'nothing'
    }
    this.#moveTo(filled)
    return 'more'
  }

  /** Waits until no fill is under way, so that the stream can be closed. */
  async settle(): Promise<void> {
    await this.#filling
  }

  #moveTo(filled: Filled): void {
    const tail = this.end - this.start
    const kept = this.before().length
    const streamByte = this.byte
    let { buffer, head } = filled
    if (kept + tail > head) {
      if (kept + tail + filled.bytes > BUFFER_BYTES_MAX) throw endlessRecord(streamByte)
      buffer = new Uint8Array(kept + tail + filled.bytes)
      buffer.set(filled.buffer.subarray(head, head + filled.bytes), kept + tail)
      head = kept + tail
      this.#spare = filled.buffer
    } else {
      this.#spare = this.chunk
    }
    buffer.set(this.chunk.subarray(this.start - kept, this.end), head - tail - kept)
    this.#first = head - tail - kept
    this.#tailBytes = tail
    this.chunk = buffer
    this.start = head - tail
    this.end = head + filled.bytes
    this.#offset = streamByte - this.start
  }

  #takeSpare(bytes: number): Uint8Array {
    const spare = this.#spare
    this.#spare = undefined
    return spare !== undefined && spare.length >= bytes ? spare : new Uint8Array(bytes)
  }
}

function endlessRecord(byte: number): MillraceError {
  return new MillraceError('input/undecodable', {
    what: 'a record is longer than 2 GiB',
    detail: 'no end of it was found',
    hint: 'check that the file has the format it is read as',
    place: { byte },
  })
}
