/**
 * zstd for Node versions without it: compression by WebAssembly, one frame per MiB (frames may follow each other, RFC
 * 8878 §3); decompression as a stream by fzstd, in JavaScript.
 *
 * Weaker than node:zlib's: fzstd does not verify the optional content checksum of a frame.
 */
import { Decompress } from 'fzstd'
import type { CompressionStream } from '../host.ts'
import { corruptInput, truncatedInput } from './damage.ts'
import { zstdModule } from './zstd-module.ts'

const FRAME_BYTES = 1024 * 1024
const LEVEL_DEFAULT = 3
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
    const frame = compressFrame(Buffer.concat(pending))
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

/** Decompresses a stream of frames. */
export function frameDecompressor(): CompressionStream {
  let output: Uint8Array[] = []
  let fedBytes = 0
  const stream = new Decompress((bytes) => output.push(bytes))
  const feed = (bytes: Uint8Array, final: boolean): Uint8Array => {
    output = []
    try {
      stream.push(bytes, final)
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
      if (code === UNEXPECTED_END) throw truncatedInput('zstd', cause)
      throw corruptInput('zstd', cause instanceof Error ? cause.message : String(cause), cause)
    }
    return Buffer.concat(output)
  }
  return {
    async push(bytes) {
      if (bytes.length === 0) return bytes
      fedBytes += bytes.length
      return feed(bytes, false)
    },
    async end() {
      if (fedBytes === 0) throw truncatedInput('zstd')
      return feed(new Uint8Array(0), true)
    },
  }
}
