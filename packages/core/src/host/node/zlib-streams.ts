/**
 * Streaming gzip and zstd by node:zlib, behind push and end.
 *
 * Node's stream does the work on its thread pool, so the next chunk inflates while the engine decodes this one.
 */
import * as zlib from 'node:zlib'
import type { Transform } from 'node:stream'
import type { CompressionStream } from '../host.ts'
import { corruptInput, truncatedInput } from './damage.ts'
import { FrameScanner } from './zstd-scanner.ts'

/** Output chunks of the streams: large, since each one costs a turn of the event loop. */
const CHUNK_BYTES = 256 * 1024

type ZlibTransform = Transform & { readonly bytesWritten: number }

interface StreamPair {
  compressor(): CompressionStream
  decompressor(): CompressionStream
}

/** What newer versions of node:zlib add; the types of the oldest supported Node lack it. */
interface ZstdPart {
  createZstdCompress(options: { chunkSize: number; params: { [parameter: number]: number } }): ZlibTransform
  createZstdDecompress(options: { chunkSize: number }): ZlibTransform
}

/** Compresses to one gzip member. */
export function gzipCompressor(): CompressionStream {
  return drive(zlib.createGzip({ chunkSize: CHUNK_BYTES }), toError)
}

/** Decompresses one or more gzip members. */
export function gzipDecompressor(): CompressionStream {
  return strictGunzip()
}

/** ZSTD_c_checksumFlag of zstd's API (and of node:zlib's constants): frames carry a checksum of their content. */
const zstdParams = { 201: 1 }

/** zstd by node:zlib; undefined where this Node lacks it. */
export const nativeZstd: StreamPair | undefined = hasZstd(zlib)
  ? (({ createZstdCompress, createZstdDecompress }) => ({
      compressor: () => drive(createZstdCompress({ chunkSize: CHUNK_BYTES, params: zstdParams }), toError),
      decompressor: () => byFrame(() => createZstdDecompress({ chunkSize: CHUNK_BYTES })),
    }))(zlib)
  : undefined

function hasZstd(module: object): module is ZstdPart {
  return 'createZstdCompress' in module && 'createZstdDecompress' in module
}

/** One stream of node:zlib per zstd frame; skippable frames come out empty. */
function byFrame(make: () => ZlibTransform): CompressionStream {
  const scanner = new FrameScanner()
  let frame: CompressionStream | undefined
  let fedBytes = 0
  return {
    async push(bytes) {
      fedBytes += bytes.length
      const output: Uint8Array[] = []
      for (const piece of scanner.scan(bytes)) {
        frame ??= drive(make(), (cause) => damage('zstd', cause))
        output.push(await frame.push(bytes.subarray(piece.start, piece.end)))
        if (!piece.last) continue
        output.push(await frame.end())
        frame = undefined
      }
      const [only] = output
      return output.length === 1 && only !== undefined ? only : Buffer.concat(output)
    },
    async end() {
      if (fedBytes === 0 || !scanner.atFrameEnd) throw truncatedInput('zstd')
      return new Uint8Array(0)
    },
  }
}

/** gzip that also refuses what zlib lets pass: no input at all, and bytes behind the last member. */
function strictGunzip(): CompressionStream {
  let fedBytes = 0
  const stream = zlib.createGunzip({ chunkSize: CHUNK_BYTES })
  const inner = drive(stream, (cause) => damage('gzip', cause))
  return {
    push(bytes) {
      fedBytes += bytes.length
      return inner.push(bytes)
    },
    async end() {
      if (fedBytes === 0) throw truncatedInput('gzip')
      const rest = await inner.end()
      if (stream.bytesWritten < fedBytes) {
        throw corruptInput('gzip', `${fedBytes - stream.bytesWritten} bytes stand behind its end`)
      }
      return rest
    },
  }
}

function drive(stream: ZlibTransform, explain: (cause: Error) => Error): CompressionStream {
  let output: Buffer[] = []
  let failure: Error | undefined
  let ended = false
  let settle: (() => void) | undefined
  const wake = (): void => {
    settle?.()
    settle = undefined
  }
  stream.on('data', (chunk: Buffer) => output.push(chunk))
  stream.on('end', () => {
    ended = true
    wake()
  })
  stream.on('error', (error: Error) => {
    failure = explain(error)
    wake()
  })
  const taken = (): Uint8Array => {
    if (failure !== undefined) throw failure
    const [only] = output
    const bytes = output.length === 1 && only !== undefined ? only : Buffer.concat(output)
    output = []
    return bytes
  }
  return {
    async push(bytes) {
      if (failure === undefined && !ended && bytes.length > 0) {
        await new Promise<void>((resolve) => {
          settle = resolve
          stream.write(bytes, wake)
        })
      }
      return taken()
    },
    async end() {
      if (failure === undefined && !ended) {
        await new Promise<void>((resolve) => {
          settle = resolve
          stream.end()
        })
      }
      return taken()
    },
  }
}

const toError = (cause: Error): Error => cause

function damage(codec: string, cause: Error): Error {
  const code = 'code' in cause ? String(cause.code) : ''
  if (code === 'Z_BUF_ERROR' || cause.message.includes('unexpected end')) return truncatedInput(codec, cause)
  return corruptInput(codec, cause.message, cause)
}
