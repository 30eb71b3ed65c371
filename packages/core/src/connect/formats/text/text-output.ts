/**
 * The growing buffer that the text encoders write into, reused from batch to batch (format.ts, F3).
 *
 * Generated code holds `bytes` and `view` in locals, and reads them again after every call that may grow the buffer.
 */

/** Bytes to begin with. */
const START_BYTES = 64 * 1024

/** Output under construction. */
export class TextOutput {
  bytes: Buffer = Buffer.allocUnsafeSlow(START_BYTES)
  view: DataView = new DataView(this.bytes.buffer)

  /** Makes room for `more` bytes behind the first `used`. */
  reserve(used: number, more: number): void {
    if (used + more <= this.bytes.length) return
    const bytes = Buffer.allocUnsafeSlow(Math.max(used + more, this.bytes.length * 2))
    this.bytes.copy(bytes, 0, 0, used)
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }
}
