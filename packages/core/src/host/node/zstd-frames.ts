/**
 * zstd for Node versions without it: compression by WebAssembly, one frame per MiB (frames may follow each other, RFC
 * 8878 §3); decompression as a stream by fzstd, in JavaScript.
 *
 * Neither knows the checksum that a frame may carry of its content: it is added and verified here.
 */
import { Decompress } from 'fzstd'
import type { CompressionStream } from '../host.ts'
import { corruptInput, truncatedInput } from './damage.ts'
import { XxHash64 } from './xxhash64.ts'
import { zstdModule } from './zstd-module.ts'
import { FrameScanner } from './zstd-scanner.ts'

const FRAME_BYTES = 1024 * 1024
const LEVEL_DEFAULT = 3
/** Where the flags of a frame stand, behind the magic number, and the one for a checksum (RFC 8878, §3.1.1.1.1). */
const DESCRIPTOR_AT = 4
const CHECKSUM_FLAG = 0x04
/** fzstd's code for input that ends too early. */
const UNEXPECTED_END = 5

/** Compresses one block to one frame. */
export function compressFrame(bytes: Uint8Array): Uint8Array {
  return inModule(bytes, zstdModule()._ZSTD_compressBound(bytes.length), (target, capacity, source) =>
    zstdModule()._ZSTD_compress(target, capacity, source, bytes.length, LEVEL_DEFAULT),
  )
}

/** Decompresses whole frames to at most `size` bytes. */
export function decompressFrames(bytes: Uint8Array, size: number): Uint8Array {
  return inModule(bytes, size, (target, capacity, source) =>
    zstdModule()._ZSTD_decompress(target, capacity, source, bytes.length),
  )
}

function inModule(
  bytes: Uint8Array,
  capacity: number,
  call: (target: number, capacity: number, source: number) => number,
): Uint8Array {
  const module = zstdModule()
  const source = module._malloc(bytes.length)
  const target = module._malloc(capacity)
  try {
    module.HEAPU8.set(bytes, source)
    const size = call(target, capacity, source)
    if (module._ZSTD_isError(size) !== 0) throw corruptInput('zstd', 'the block cannot be decompressed')
    return module.HEAPU8.slice(target, target + size)
  } finally {
    module._free(source)
    module._free(target)
  }
}

/** Compresses a stream to frames of a MiB each. */
export function frameCompressor(): CompressionStream {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  let frames = 0
  const flush = (): Uint8Array => {
    const content = Buffer.concat(pending)
    const frame = withChecksum(compressFrame(content), content)
    pending = []
    pendingBytes = 0
    frames++
    return frame
  }
  return {
    async push(bytes) {
      const output: Uint8Array[] = []
      for (let start = 0; start < bytes.length;) {
        const end = Math.min(bytes.length, start + FRAME_BYTES - pendingBytes)
        // A copy, which `slice` of a Buffer would not be: the caller may use its memory again.
        pending.push(new Uint8Array(bytes.subarray(start, end)))
        pendingBytes += end - start
        start = end
        if (pendingBytes === FRAME_BYTES) output.push(flush())
      }
      return Buffer.concat(output)
    },
    async end() {
      return pendingBytes > 0 || frames === 0 ? flush() : new Uint8Array(0)
    },
  }
}

/** A frame without checksum as one that has it. */
function withChecksum(frame: Uint8Array, content: Uint8Array): Uint8Array {
  const checked = Buffer.alloc(frame.length + 4)
  checked.set(frame)
  checked[DESCRIPTOR_AT] = (frame[DESCRIPTOR_AT] as number) | CHECKSUM_FLAG
  checked.writeUInt32LE(checksumOf(new XxHash64().update(content)), frame.length)
  return checked
}

function checksumOf(hash: XxHash64): number {
  return Number(BigInt.asUintN(32, hash.digest()))
}

/** Decompresses a stream of frames. */
export function frameDecompressor(): CompressionStream {
  const scanner = new FrameScanner()
  let output: Uint8Array[] = []
  let fedBytes = 0
  let frame: OpenFrame | undefined
  const open = (): OpenFrame => {
    const hash = new XxHash64()
    const stream = new Decompress((bytes) => {
      hash.update(bytes)
      output.push(bytes)
    })
    return { stream, hash }
  }
  return {
    async push(bytes) {
      output = []
      fedBytes += bytes.length
      for (const { start, end, last, checksum } of scanner.scan(bytes)) {
        frame ??= open()
        feed(frame.stream, bytes.subarray(start, end), last)
        if (!last) continue
        if (checksum !== undefined && checksum !== checksumOf(frame.hash))
          throw corruptInput('zstd', 'the content of a frame does not match its checksum')
        frame = undefined
      }
      return Buffer.concat(output)
    },
    async end() {
      if (fedBytes === 0 || !scanner.atFrameEnd) throw truncatedInput('zstd')
      return new Uint8Array(0)
    },
  }
}

interface OpenFrame {
  readonly stream: Decompress
  /** Of what came out of it so far. */
  readonly hash: XxHash64
}

function feed(stream: Decompress, bytes: Uint8Array, last: boolean): void {
  try {
    // It keeps what it was given until a block is whole, and the caller may use its memory again.
    stream.push(new Uint8Array(bytes), last)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === UNEXPECTED_END) throw truncatedInput('zstd', cause)
    throw corruptInput('zstd', cause instanceof Error ? cause.message : String(cause), cause)
  }
}
