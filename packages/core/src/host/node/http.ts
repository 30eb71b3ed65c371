/** Requests over HTTP, by the fetch of Node. */
import type { Http } from '../host.ts'

/** HTTP of this process; connections are kept and used again. */
export const nodeHttp: Http = {
  async request({ method, url, headers, body, timeoutMs, answerBytesMax }) {
    const response = await fetch(url, {
      method,
      headers: { ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    }).catch(plain)
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: await firstBytes(response, answerBytesMax).catch(plain),
    }
  },
}

async function firstBytes(response: Response, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  if (response.body === null) return new Uint8Array(0)
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (bytes < most) pieces.push(value.subarray(0, most - bytes))
    bytes += value.length
    if (bytes < most + ANSWER_BYTES_PASSED) continue
    // A long rest is cut off with the connection; a short one is read, so that the connection can be used again.
    await reader.cancel()
    break
  }
  return Buffer.concat(pieces)
}

const ANSWER_BYTES_PASSED = 64 * 1024

/** `fetch` says "fetch failed"; what failed is in the cause. */
function plain(error: unknown): never {
  throw new Error(reasonOf(error), { cause: error })
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof AggregateError) return error.cause.errors.map(reasonOf).join(', ')
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}
