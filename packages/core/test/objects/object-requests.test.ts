// Requests to an object store that do not succeed: waited for with patience, until somebody waits for the end.
import { describe, expect, it } from 'vitest'
import { ObjectRequests } from '../../src/objects/object-requests.ts'
import type { ObjectAnswer } from '../../src/objects/object-client.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'

const doing = { what: 'creating a file', file: 's3://bucket/file' }
const unreachable: ObjectAnswer<never> = { failure: { kind: 'unreachable', message: 'no route' } }
const silent = new Promise<never>(() => undefined)

/** How long it takes until it is given up, from `from` on. */
async function givenUp(host: ManualHost, work: Promise<unknown>, from: number): Promise<number> {
  let failure: unknown
  work.catch((error: unknown) => (failure = error))
  while (failure === undefined) await host.advance(100)
  expect(failure).toMatchObject({ code: 'checkpoint/store-failed', place: { file: doing.file } })
  return host.clock.now() - from
}

describe('requests that do not succeed', () => {
  it.each([
    ['that fail', async () => unreachable],
    ['that get no answer', async () => silent],
  ] as const)('%s are given up soon when somebody waits for the end', async (_, send) => {
    const host = createManualHost()
    const requests = new ObjectRequests(host, { requests: 1000 })
    expect(await givenUp(host, requests.until(doing, send), host.clock.now())).toBeGreaterThan(100_000)
    const waiting = requests.until(doing, send)
    await host.advance(2000)
    const end = requests.hurry()
    expect(await givenUp(host, waiting, host.clock.now())).toBeLessThan(11_000)
    expect(await givenUp(host, requests.until(doing, send), host.clock.now())).toBeLessThan(11_000)
    end()
    end()
    expect(await givenUp(host, requests.until(doing, send), host.clock.now())).toBeGreaterThan(100_000)
    expect(host.timersSet).toBe(0)
  })

  it('that carry much have the time that a slow line takes for it', async () => {
    const host = createManualHost()
    const requests = new ObjectRequests(host, { timeoutMs: 60_000 })
    requests.hurry()
    const slow = (): Promise<ObjectAnswer<string>> =>
      new Promise((resolve) => host.timers.set(30_000, () => resolve({ value: 'there' })))
    const part = requests.until({ ...doing, bytes: 8 * 2 ** 20 }, slow)
    await host.advance(30_000)
    expect(await part).toMatchObject({ value: 'there' })
    const small = requests.until({ ...doing, bytes: 100 }, slow)
    expect(await givenUp(host, small, host.clock.now())).toBeLessThan(6_000)
  })
})
