/**
 * Decompresses pages, never believing their sizes: a size that the codec cannot reach from the bytes at hand is damage
 * and is refused before anything is allocated.
 */
import type { Compression } from '../../../host/host.ts'
import { damaged, unsupported } from './damage.ts'
import { codec, nameOf } from './vocabulary.ts'

/** Pages larger than this are refused. */
const PAGE_BYTES_MAX = 1 << 30

interface BlockCodec {
  readonly name: 'gzip' | 'zstd' | 'snappy' | 'brotli' | 'lz4'
  /** Output bytes per input byte, at most, and what a few bytes may become. */
  readonly ratioMax: number
}

/** Ratios: snappy copies 64 bytes with 3; LZ4 adds 255 per byte; deflate 1032; zstd's and brotli's runs know no bound worth the name. */
const codecs: { readonly [number: number]: BlockCodec } = {
  [codec.snappy]: { name: 'snappy', ratioMax: 24 },
  [codec.gzip]: { name: 'gzip', ratioMax: 1040 },
  [codec.brotli]: { name: 'brotli', ratioMax: 50_000 },
  [codec.lz4]: { name: 'lz4', ratioMax: 260 },
  [codec.lz4Raw]: { name: 'lz4', ratioMax: 260 },
  [codec.zstd]: { name: 'zstd', ratioMax: 50_000 },
}

/** Throws input/unsupported unless pages of the codec can be read. */
export function checkCodec(number: number): void {
  if (number !== codec.uncompressed && codecs[number] === undefined)
    throw unsupported(`compression with ${nameOf(codec, number)}`)
}

/** The page's bytes, `size` of them. */
export function decompressPage(
  compression: Compression,
  number: number,
  bytes: Uint8Array,
  size: number,
): Uint8Array {
  if (size === 0) return new Uint8Array(0)
  if (number === codec.uncompressed) {
    if (bytes.length !== size) throw damaged(`an uncompressed page has ${bytes.length} bytes and not ${size}`)
    return bytes
  }
  const block = codecs[number]
  if (block === undefined) throw unsupported(`compression with ${nameOf(codec, number)}`)
  if (size > PAGE_BYTES_MAX) throw unsupported(`a page of ${size} bytes`)
  if (size > 1024 + bytes.length * block.ratioMax)
    throw damaged(`a page of ${bytes.length} bytes cannot hold ${size} after decompression`)
  const framed = number === codec.lz4 ? hadoopBlocks(compression, bytes, size) : undefined
  const output = framed ?? compression.decompressBlock(block.name, bytes, size)
  if (output.length !== size) throw damaged(`a page has ${output.length} bytes and not ${size}`)
  return output
}

/**
 * The old LZ4 codec: blocks behind their big-endian sizes, as Hadoop writes them. Undefined when the bytes are not of
 * that form; some writers put a raw block there.
 */
function hadoopBlocks(compression: Compression, bytes: Uint8Array, size: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks: { readonly start: number; readonly end: number; readonly size: number }[] = []
  let total = 0
  for (let at = 0; at < bytes.length;) {
    if (at + 8 > bytes.length) return undefined
    const blockSize = view.getUint32(at)
    const end = at + 8 + view.getUint32(at + 4)
    total += blockSize
    if (end > bytes.length || total > size) return undefined
    blocks.push({ start: at + 8, end, size: blockSize })
    at = end
  }
  if (total !== size) return undefined
  const output = new Uint8Array(size)
  let to = 0
  for (const block of blocks) {
    output.set(compression.decompressBlock('lz4', bytes.subarray(block.start, block.end), block.size), to)
    to += block.size
  }
  return output
}
