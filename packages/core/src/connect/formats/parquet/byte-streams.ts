/**
 * Reads BYTE_STREAM_SPLIT: byte k of every value stands in stream k (Encodings.md, "BYTE_STREAM_SPLIT = 9").
 */
import { damaged } from './damage.ts'

/** A cursor that puts values together again. */
export class ByteStreams {
  private bytes: Uint8Array = new Uint8Array(0)
  private start = 0
  private size = 1
  private count = 0
  private index = 0

  /** Starts at `bytes[start … end)` with values of `size` bytes. */
  open(bytes: Uint8Array, start: number, end: number, size: number): void {
    if ((end - start) % size !== 0) throw damaged('byte streams of different lengths')
    this.bytes = bytes
    this.start = start
    this.size = size
    this.count = (end - start) / size
    this.index = 0
  }

  /** Writes the bytes of the next `count` values, value after value, to the front of `out`. */
  read(out: Uint8Array, count: number): void {
    if (this.index + count > this.count) throw damaged('byte streams have fewer values than the page')
    const { bytes, size } = this
    for (let stream = 0; stream < size; stream++) {
      const from = this.start + stream * this.count + this.index
      for (let value = 0, to = stream; value < count; value++, to += size)
        out[to] = bytes[from + value] as number
    }
    this.index += count
  }
}
