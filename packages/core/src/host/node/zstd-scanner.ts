/**
 * Finds where zstd frames end, without decompressing: RFC 8878, §3.1.1 (frame header, block headers) and §3.1.2
 * (skippable frames).
 *
 * node:zlib stops at the end of the first frame, and its first versions with zstd take a frame that was cut off for a
 * whole one. Files hold many frames (ours, and those of parallel compressors), so their ends must be known.
 */
import { corruptInput } from './damage.ts'

const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const CHECKSUM_BYTES = 4
/** Sizes of the content-size field by its flag; flag 0 has one byte when the single-segment flag is set. */
const contentSizeBytes = [0, 2, 4, 8] as const
const dictionaryIdBytes = [0, 1, 2, 4] as const
const BLOCK_RLE = 1
const BLOCK_RESERVED = 3

/** A run of bytes of one frame. */
export interface FramePiece {
  readonly start: number
  readonly end: number
  /** The frame ends with this piece. */
  readonly last: boolean
  /** Of a last piece: the checksum that the frame carries of its content, unsigned; undefined when it has none. */
  readonly checksum: number | undefined
}

type Stage = 'magic' | 'descriptor' | 'header' | 'block-header' | 'block' | 'checksum' | 'skip-size' | 'skip'

/** Follows a byte stream that is cut anywhere. */
export class FrameScanner {
  #stage: Stage = 'magic'
  /** Bytes that the stage needs still. */
  #left = 4
  /** The stage's bytes so far as a little-endian number (stages that are read, not skipped). */
  #value = 0
  #shift = 0
  #isLastBlock = false
  #hasChecksum = false
  #checksum: number | undefined

  /** Whether the bytes so far are whole frames. */
  get atFrameEnd(): boolean {
    return this.#stage === 'magic' && this.#left === 4
  }

  /** Cuts the next bytes of the stream at the ends of frames. Throws input/corrupt where no frame can begin. */
  scan(bytes: Uint8Array): FramePiece[] {
    const pieces: FramePiece[] = []
    let start = 0
    for (let index = 0; index < bytes.length;) {
      if (this.#isSkipped()) {
        const taken = Math.min(this.#left, bytes.length - index)
        this.#left -= taken
        index += taken
      } else {
        this.#value += (bytes[index] as number) * 2 ** this.#shift
        this.#shift += 8
        this.#left--
        index++
      }
      // A stage of no bytes is over at once.
      while (this.#left === 0) {
        this.#next()
        if (this.atFrameEnd) {
          pieces.push({ start, end: index, last: true, checksum: this.#checksum })
          start = index
        }
      }
    }
    if (start < bytes.length) pieces.push({ start, end: bytes.length, last: false, checksum: undefined })
    return pieces
  }

  #isSkipped(): boolean {
    const stage = this.#stage
    return stage === 'header' || stage === 'block' || stage === 'skip'
  }

  #enter(stage: Stage, bytes: number): void {
    this.#stage = stage
    this.#left = bytes
    this.#value = 0
    this.#shift = 0
  }

  #next(): void {
    const value = this.#value
    switch (this.#stage) {
      case 'magic':
        if (value === FRAME_MAGIC) this.#enter('descriptor', 1)
        else if (value >= SKIPPABLE_MAGIC && value < SKIPPABLE_MAGIC + 16) this.#enter('skip-size', 4)
        else throw corruptInput('zstd', 'no frame begins where one should')
        return
      case 'descriptor':
        this.#enter('header', this.#headerBytes(value))
        return
      case 'header':
        this.#enter('block-header', 3)
        return
      case 'block-header':
        this.#beginBlock(value)
        return
      case 'block':
        if (!this.#isLastBlock) this.#enter('block-header', 3)
        else this.#enter('checksum', this.#hasChecksum ? CHECKSUM_BYTES : 0)
        return
      case 'skip-size':
        this.#enter('skip', value)
        return
      case 'checksum':
        this.#checksum = this.#hasChecksum ? value : undefined
        this.#enter('magic', 4)
        return
      case 'skip':
        this.#checksum = undefined
        this.#enter('magic', 4)
    }
  }

  #headerBytes(descriptor: number): number {
    const sizeFlag = descriptor >> 6
    const isSingleSegment = (descriptor & 0x20) !== 0
    this.#hasChecksum = (descriptor & 0x04) !== 0
    const windowBytes = isSingleSegment ? 0 : 1
    const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (contentSizeBytes[sizeFlag] as number)
    return windowBytes + (dictionaryIdBytes[descriptor & 3] as number) + sizeBytes
  }

  #beginBlock(header: number): void {
    const type = (header >> 1) & 3
    if (type === BLOCK_RESERVED) throw corruptInput('zstd', 'a block has a reserved type')
    this.#isLastBlock = (header & 1) !== 0
    this.#enter('block', type === BLOCK_RLE ? 1 : header >> 3)
  }
}
