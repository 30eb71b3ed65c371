/**
 * Codecs: gzip and brotli by node:zlib, zstd by node:zlib where this Node has it (22.15, 23.8 and later) and by
 * WebAssembly and JavaScript libraries where not, snappy and LZ4 blocks by libraries.
 */
import type { Compression } from '../host.ts'
import { compressBlock, decompressBlock } from './block-codecs.ts'
import { gzipCompressor, gzipDecompressor, nativeZstd } from './zlib-streams.ts'
import { frameCompressor, frameDecompressor } from './zstd-frames.ts'

/** The codecs of this process. Damaged input is reported as input/truncated or input/corrupt, without place. */
export const nodeCompression: Compression = {
  compressor: (codec) =>
    codec === 'gzip' ? gzipCompressor() : (nativeZstd?.compressor() ?? frameCompressor()),
  decompressor: (codec) =>
    codec === 'gzip' ? gzipDecompressor() : (nativeZstd?.decompressor() ?? frameDecompressor()),
  decompressBlock,
  compressBlock,
}
