/**
 * zstd's C code as WebAssembly (@bokuweb/zstd-wasm), loaded synchronously when first needed.
 *
 * Only for Node versions whose node:zlib has no zstd. The package's own `init` is a promise, which single blocks cannot
 * wait for, so this takes the module under it and hands it a ready instance (its documented `instantiateWasm` hook).
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The types of the oldest supported Node have no WebAssembly; this is what is used of it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => WasmInstance
}

interface WasmInstance {
  readonly exports: object
}

/** The part of the module that is used. Addresses are offsets into `HEAPU8`, which moves when memory grows. */
export interface ZstdModule {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _free(address: number): void
  _ZSTD_compressBound(bytes: number): number
  _ZSTD_compress(target: number, capacity: number, source: number, bytes: number, level: number): number
  _ZSTD_decompress(target: number, capacity: number, source: number, bytes: number): number
  _ZSTD_isError(result: number): number
}

interface LoadableModule extends ZstdModule {
  instantiateWasm?: (imports: object, receive: (instance: WasmInstance) => void) => object
  init(bytes: Uint8Array): void
}

let loaded: ZstdModule | undefined

/** The module; about 15 ms the first time. */
export function zstdModule(): ZstdModule {
  loaded ??= load()
  return loaded
}

function load(): ZstdModule {
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('@bokuweb/zstd-wasm'))
  const { Module: module } = require(join(folder, 'zstd.js')) as { Module: LoadableModule }
  const bytes = readFileSync(join(folder, 'zstd.wasm'))
  module.instantiateWasm = (imports, receive) => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
    receive(instance)
    return instance.exports
  }
  module.init(bytes)
  return module
}
