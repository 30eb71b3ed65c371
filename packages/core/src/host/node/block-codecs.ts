/**
 * Codecs of single blocks, synchronous: the pages of Parquet.
 */
import * as zlib from 'node:zlib'
import { snappyCompressor, snappyUncompressor } from 'hysnappy'
import type { Compression } from '../host.ts'
import { isMillraceError } from '../../errors.ts'
import { corruptInput } from './damage.ts'
import { decompressLz4Block } from './lz4-block.ts'
import { compressFrame, decompressFrames } from './zstd-frames.ts'

interface ZstdBlocks {
  zstdCompressSync(bytes: Uint8Array): Uint8Array
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array
}

const native: ZstdBlocks | undefined = hasZstd(zlib) ? zlib : undefined

function hasZstd(module: object): module is ZstdBlocks {
  return 'zstdCompressSync' in module && 'zstdDecompressSync' in module
}

// A WebAssembly instance each, made once: making one costs more than a page.
let snappyIn: ((bytes: Uint8Array, size: number) => Uint8Array) | undefined
let snappyOut: ((bytes: Uint8Array) => Uint8Array) | undefined

/** Compresses one block. */
export const compressBlock: Compression['compressBlock'] = (codec, bytes) => {
  switch (codec) {
    case 'gzip':
      return zlib.gzipSync(bytes)
    case 'zstd':
      return native === undefined ? compressFrame(bytes) : native.zstdCompressSync(bytes)
    case 'snappy':
      snappyOut ??= snappyCompressor()
      return snappyOut(bytes)
  }
}

/** Decompresses one block of `size` bytes; any other size is damage. */
export const decompressBlock: Compression['decompressBlock'] = (codec, bytes, size) => {
  let output: Uint8Array
  try {
    output = decompress(codec, bytes, size)
  } catch (cause) {
    if (isMillraceError(cause)) throw cause
    throw corruptInput(codec, cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (output.length !== size) {
    throw corruptInput(codec, `the block holds ${output.length} bytes and should hold ${size}`)
  }
  return output
}

function decompress(
  codec: Parameters<Compression['decompressBlock']>[0],
  bytes: Uint8Array,
  size: number,
): Uint8Array {
  // Node takes no limit of 0; an output that is larger than it should be ends in an error here or above.
  const limit = { maxOutputLength: Math.max(1, size) }
  switch (codec) {
    case 'gzip':
      return zlib.gunzipSync(bytes, limit)
    case 'brotli':
      return zlib.brotliDecompressSync(bytes, limit)
    case 'zstd':
      return native === undefined ? decompressFrames(bytes, size) : native.zstdDecompressSync(bytes, limit)
    case 'lz4':
      return decompressLz4Block(bytes, size)
    case 'snappy':
      return decompressSnappy(bytes, size)
  }
}

function decompressSnappy(bytes: Uint8Array, size: number): Uint8Array {
  // The library writes what the block announces, whatever size it was told.
  const announced = snappyLength(bytes)
  if (announced !== size)
    throw corruptInput('snappy', `the block announces ${announced} bytes and should hold ${size}`)
  snappyIn ??= snappyUncompressor()
  try {
    return snappyIn(bytes, size)
  } catch (cause) {
    // An instance that trapped may have broken memory.
    snappyIn = undefined
    throw cause
  }
}

/** The length before a snappy block: a little-endian base-128 number of at most five bytes. */
function snappyLength(bytes: Uint8Array): number {
  let length = 0
  for (let index = 0; index < 5; index++) {
    const byte = bytes[index]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return length
  }
  throw corruptInput('snappy', 'the length before the block is incomplete')
}
