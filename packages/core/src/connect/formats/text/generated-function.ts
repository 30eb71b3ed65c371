/**
 * Compiling generated source text, with a bounded cache: the decoders of a thousand files of one schema share one
 * function, which V8 then optimises once.
 *
 * Callers keep names of users out of the source: keys and literals enter as numbers (byte values), columns as indices.
 */
import { generate } from '../../../data/generate.ts'

/** Functions that are kept for reuse. */
const CACHE_MAX = 256

const cache = new Map<string, unknown>()

/** The function with these parameters and this body. State reaches it through its arguments only. */
export function compileFunction<F>(parameters: readonly string[], body: string): F {
  const key = `${parameters.join(',')}\n${body}`
  const known = cache.get(key)
  if (known !== undefined) {
    // Most recently used last, so that the first key is the one to drop.
    cache.delete(key)
    cache.set(key, known)
    return known as F
  }
  const made = generate<F>(parameters, body)
  if (cache.size >= CACHE_MAX) cache.delete(cache.keys().next().value as string)
  cache.set(key, made)
  return made
}

/** Calls after which V8 keeps notes of what it sees in a function. */
const CALLS_BEFORE_NOTES = 16

/**
 * Calls a new function without rows a few times. Its first real call runs for thousands of rows: optimised in the
 * middle of it, code before and behind the loop would count as never run, and be thrown away at the next call.
 */
export function warmUp(callWithoutRows: () => void): void {
  for (let call = 0; call < CALLS_BEFORE_NOTES; call++) callWithoutRows()
}

/**
 * Source text that is true when `bytes` at offset expression `at` differ from `literal`: compared as 32-bit words of
 * the little-endian `view`, then single bytes.
 */
export function literalDiffers(literal: Uint8Array, at: string): string {
  const tests: string[] = []
  let i = 0
  for (; i + 4 <= literal.length; i += 4) tests.push(`view.getInt32(${at}+${i},true)!==${wordAt(literal, i)}`)
  for (; i < literal.length; i++) tests.push(`bytes[${at}+${i}]!==${literal[i] as number}`)
  return tests.length === 0 ? 'false' : tests.join('||')
}

/** Source text that writes `literal` at offset `w` of `out` and moves `w` behind it; at most 3 bytes of slack follow. */
export function writeLiteral(literal: Uint8Array): string {
  let source = ''
  let i = 0
  for (; i + 4 <= literal.length; i += 4) source += `view.setInt32(w+${i},${wordAt(literal, i)},true);`
  for (; i < literal.length; i++) source += `out[w+${i}]=${literal[i] as number};`
  return `${source}w+=${literal.length};`
}

function wordAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(at, true)
}
