// The store on object storage: what every store holds, and what a network does to it.
import { describe, expect, it, test } from 'vitest'
import { ObjectStore } from '../../src/checkpoint/index.ts'
import type { ObjectStoreOptions } from '../../src/checkpoint/index.ts'
import type { Host } from '../../src/host/host.ts'
import { createManualHost, storeConformance } from '../../src/testing/index.ts'
import { SimulatedObjects } from '../../src/testing/simulated-objects.ts'
import type { SimulatedObjectsOptions } from '../../src/testing/simulated-objects.ts'
import { createEagerHost } from '../testing/eager-host.ts'

const PART_BYTES = 1000
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes)

function setUp(options: SimulatedObjectsOptions = {}): {
  host: Host
  objects: SimulatedObjects
  open: (options?: ObjectStoreOptions) => ObjectStore
  store: ObjectStore
} {
  const host = createEagerHost()
  const objects = new SimulatedObjects(options)
  const open = (more: ObjectStoreOptions = {}): ObjectStore =>
    new ObjectStore(host, objects.client(), { prefix: 'jobs/bids', partBytes: PART_BYTES, ...more })
  return { host, objects, open, store: open() }
}

describe('a store on object storage', () => {
  storeConformance(
    { describe, test, expect },
    {
      name: 'objects in memory',
      racers: 20,
      make: () => {
        const { open } = setUp()
        return Promise.resolve({ open, close: () => Promise.resolve() })
      },
    },
  )

  it('keeps to its prefix', async () => {
    const { objects, store, open } = setUp()
    objects.put('other/log/1', bytesOf('x'))
    objects.put('jobs/bids-2/log/1', bytesOf('x'))
    await store.create('log/1', bytesOf('y'))
    expect(await store.list('')).toEqual([{ name: 'log/1', bytes: 1 }])
    expect(store.place).toBe('simulated://bucket/jobs/bids')
    const whole = open({ prefix: '' })
    expect(whole.place).toBe('simulated://bucket')
    expect(textOf(await whole.read('jobs/bids/log/1'))).toBe('y')
    expect(open({ prefix: '/jobs/bids/' }).place).toBe(store.place)
  })

  it('overlooks what consoles make to show folders', async () => {
    const { objects, store } = setUp()
    objects.put('jobs/bids/log/', new Uint8Array(0))
    await store.create('log/1', bytesOf('x'))
    expect(await store.list('log/')).toEqual([{ name: 'log/1', bytes: 1 }])
  })

  it('L10: refuses a store that does not look at conditions', async () => {
    const { store } = setUp({ ignoresConditions: true })
    await expect(store.create('log/1', bytesOf('x'))).rejects.toMatchObject({
      code: 'checkpoint/store-failed',
      what: 'this object store cannot keep checkpoints',
    })
    expect(await store.read('log/1')).toBeUndefined()
  })

  it('tries conditions out once: two requests for a new place, one for one that was used', async () => {
    const { objects, store, open } = setUp()
    await store.create('log/1', bytesOf('x'))
    await store.create('log/2', bytesOf('x'))
    expect(objects.log.filter((line) => line.endsWith('.trial'))).toHaveLength(2)
    await open().create('log/3', bytesOf('x'))
    expect(objects.log.filter((line) => line.endsWith('.trial'))).toHaveLength(3)
  })
})

describe('creating', () => {
  it.each(['lost', 'late', 'timeout', 'throttled', 'server', 'conflict', 'damaged', 'silent'] as const)(
    'ST1: knows its own object after a request that was %s',
    async (effect) => {
      const { objects, store } = setUp()
      await store.create('log/0', bytesOf('x'))
      objects.inject({ effect, operation: 'create', times: 2 })
      expect(await store.create('log/1', bytesOf('same'))).toBe('created')
      objects.arrive()
      expect(await store.create('log/1', bytesOf('same'))).toBe('exists')
      expect(await store.list('log/')).toHaveLength(2)
    },
  )

  it('ST1: takes no object of equal bytes for its own', async () => {
    const { objects, store, open } = setUp()
    const other = open()
    for (const one of [store, other]) await one.create('log/0', bytesOf('x'))
    // The first request is refused, and the second meets what somebody else wrote meanwhile.
    objects.inject({ effect: 'server', operation: 'create', times: 1 })
    const mine = store.create('log/1', bytesOf('same'))
    expect(await other.create('log/1', bytesOf('same'))).toBe('created')
    expect(await mine).toBe('exists')
  })

  it('ST1: a request that was given up and arrives late creates nothing twice', async () => {
    const { objects, store, open } = setUp()
    await store.create('log/0', bytesOf('x'))
    const heal = objects.inject({ effect: 'late', operation: 'create' })
    await expect(store.create('log/1', bytesOf('a'))).rejects.toMatchObject({
      code: 'checkpoint/store-failed',
    })
    heal()
    // Nobody knows: here it has not arrived yet, so that the next caller is first.
    const next = open()
    expect(await next.create('log/1', bytesOf('b'))).toBe('created')
    objects.arrive()
    expect(textOf(await next.read('log/1'))).toBe('b')
  })

  it('begins anew when the name became free while it looked', async () => {
    const { host, objects } = setUp()
    const client = objects.client()
    const key = 'log/1'
    let looked = 0
    const store = new ObjectStore(host, {
      ...client,
      get: async (...request) => {
        // Somebody removes the object between the refusal and the look at it.
        if (looked++ === 0) await client.remove(key, request[2])
        return client.get(...request)
      },
    })
    await store.create('log/0', bytesOf('x'))
    objects.inject({ effect: 'lost', operation: 'create', times: 1 })
    expect(await store.create(key, bytesOf('a'))).toBe('created')
    expect(textOf(await store.read(key))).toBe('a')
    expect(objects.log.filter((line) => line === `create ${key}`)).toHaveLength(3)
  })
})

describe('writing', () => {
  const content = (length: number): Uint8Array => Uint8Array.from({ length }, (_, k) => (k * 7) % 251)

  it.each([0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 5 * PART_BYTES + 17])(
    'gives back %i bytes, however they come and are read',
    async (length) => {
      const { objects, store } = setUp()
      const bytes = content(length)
      for (const step of [1 << 20, 333, PART_BYTES]) {
        const name = `state/${length}-${step}`
        const writer = await store.write(name)
        for (let at = 0; at < length; at += step) await writer.append(bytes.subarray(at, at + step))
        await writer.finish()
        expect(await store.read(name)).toEqual(bytes)
        expect(await store.read(name, { start: 3, end: PART_BYTES + 9 })).toEqual(
          bytes.slice(3, PART_BYTES + 9),
        )
      }
      expect(objects.openUploads).toBe(0)
      expect(objects.log.some((line) => line.startsWith('put'))).toBe(length <= PART_BYTES)
    },
  )

  it.each(['beginUpload', 'uploadPart', 'finishUpload'] as const)(
    'goes on after lost answers, late and refused requests of %s',
    async (operation) => {
      const { objects, store } = setUp()
      for (const effect of ['lost', 'late', 'server', 'throttled', 'silent'] as const)
        objects.inject({ effect, operation, times: 1 })
      const writer = await store.write('state/a')
      await writer.append(content(3 * PART_BYTES))
      await writer.finish()
      objects.arrive()
      expect(await store.read('state/a')).toEqual(content(3 * PART_BYTES))
      // A begin whose answer was lost leaves an upload that nobody knows.
      await store.sweep()
      expect(objects.openUploads).toBe(0)
      expect(await store.list('')).toHaveLength(1)
    },
  )

  it('ST3: shows nothing of a writer that died between its parts, and sweep forgets them', async () => {
    const { objects, store, open } = setUp()
    for (let k = 0; k < 7; k++) {
      const writer = await store.write(`state/${k}`)
      await writer.append(content(3 * PART_BYTES))
    }
    expect(objects.openUploads).toBe(7)
    expect(await store.list('')).toEqual([])
    await open().sweep()
    expect(objects.openUploads).toBe(0)
  })

  it('leaves the uploads of jobs alone whose places lie below its own', async () => {
    const { objects, open } = setUp()
    const outer = await open({ prefix: 'jobs' }).write('state/mine')
    await outer.append(content(3 * PART_BYTES))
    const inner = await open().write('state/theirs')
    await inner.append(content(3 * PART_BYTES))
    await open({ prefix: 'jobs' }).sweep()
    expect(objects.openUploads).toBe(1)
    await inner.append(content(2 * PART_BYTES))
    await inner.finish()
    expect((await open().read('state/theirs'))?.length).toBe(5 * PART_BYTES)
  })

  it('is refused where something else lies, or another place', async () => {
    const { objects, store, open } = setUp()
    await store.check()
    await store.create('log/1', bytesOf('x'))
    objects.put('jobs/bids/state/', new Uint8Array(0))
    objects.put('jobs/bids-2/data.csv', bytesOf('x'))
    await store.check()
    await expect(open({ prefix: 'jobs' }).check()).rejects.toMatchObject({
      code: 'checkpoint/incompatible',
      detail: 'it holds "bids-2/data.csv", which is not ours',
    })
    for (let k = 0; k < 20; k++) objects.put(`jobs/bids/log/${k}`, bytesOf('x'))
    objects.put('jobs/bids/notes.txt', bytesOf('x'))
    await expect(store.check()).rejects.toMatchObject({ detail: 'it holds "notes.txt", which is not ours' })
  })

  it('says so when its upload was swept by a successor', async () => {
    const { store, open } = setUp()
    const writer = await store.write('state/a')
    await writer.append(content(3 * PART_BYTES))
    // The part that is on its way arrives before it is swept.
    await open().list('')
    await open().sweep()
    await expect(writer.finish()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    await writer.abort()
    expect(await open().list('')).toEqual([])
  })

  it('L6: holds no more than two parts in memory', async () => {
    const { objects } = setUp()
    const host = createManualHost()
    const client = objects.client()
    let release = (): void => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    let sent = 0
    const slow = new ObjectStore(
      host,
      {
        ...client,
        uploadPart: async (...request) => {
          sent++
          await gate
          return client.uploadPart(...request)
        },
      },
      { partBytes: PART_BYTES },
    )
    const writer = await slow.write('state/a')
    // One on its way, one full: the caller goes on. A third has to wait.
    await writer.append(content(2 * PART_BYTES))
    let isTaken = false
    const third = writer.append(content(PART_BYTES + 1)).then(() => (isTaken = true))
    await host.timers.yield()
    expect({ isTaken, sent }).toEqual({ isTaken: false, sent: 1 })
    release()
    await third
    await writer.finish()
    expect((await slow.read('state/a'))?.length).toBe(3 * PART_BYTES + 1)
  })

  it('is given up with one request when the store is away', async () => {
    const { objects, store } = setUp()
    const writer = await store.write('state/a')
    await writer.append(content(3 * PART_BYTES))
    await store.list('')
    objects.inject({ effect: 'server', operation: 'abortUpload', times: 1 })
    await writer.abort()
    expect(objects.openUploads).toBe(1)
    await store.sweep()
    expect(objects.openUploads).toBe(0)
  })

  it('forgets its parts when it is given up, also when they cannot be sent', async () => {
    const { objects, store } = setUp()
    const writer = await store.write('state/a')
    await writer.append(content(2 * PART_BYTES))
    const heal = objects.inject({ effect: 'denied', operation: 'uploadPart' })
    await expect(writer.append(content(2 * PART_BYTES))).rejects.toMatchObject({
      code: 'checkpoint/store-failed',
    })
    await expect(writer.finish()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    heal()
    await writer.abort()
    expect(objects.openUploads).toBe(0)
  })
})

describe('a store that fails', () => {
  it.each([
    ['credentials', /renew the keys/],
    ['denied', /get, put, list and delete/],
    ['clock', /clock/],
    ['region', /region/],
    ['no-bucket', /create the bucket/],
    ['unsupported', /look after the object store/],
  ] as const)('for good is asked once, and says what to do: %s', async (effect, hint) => {
    const { objects, store } = setUp()
    await store.create('log/0', bytesOf('x'))
    objects.inject({ effect })
    const refusal = (name: string): object => ({
      code: 'checkpoint/store-failed',
      hint: expect.stringMatching(hint),
      detail: expect.not.stringMatching(/requests in/),
      place: { file: `simulated://bucket/jobs/bids/${name}` },
    })
    await expect(store.create('log/1', bytesOf('x'))).rejects.toMatchObject(refusal('log/1'))
    await expect(store.read('log/1')).rejects.toMatchObject(refusal('log/1'))
    await expect(store.list('log/')).rejects.toMatchObject(refusal('log/'))
    await expect(store.remove('log/1')).rejects.toMatchObject(refusal('log/1'))
    await expect(store.sweep()).rejects.toMatchObject(refusal(''))
  })

  it('L6: is asked a bounded number of times, in a bounded time, with growing waits', async () => {
    const { host, objects, open } = setUp()
    const store = open({ limits: { requests: 6, timeoutMs: 1000 } })
    await store.create('log/0', bytesOf('x'))
    objects.inject({ effect: 'silent' })
    const began = host.clock.monotonic()
    await expect(store.read('log/0')).rejects.toMatchObject({
      detail: expect.stringMatching(/^no answer in 1000 ms, and 6 requests in \d+\.\d s did no better$/),
    })
    const passed = host.clock.monotonic() - began
    expect(passed).toBeGreaterThanOrEqual(6000)
    expect(passed).toBeLessThanOrEqual(6000 + 100 + 200 + 400 + 800 + 1600)
  })

  it('L6: is not asked again when its patience has ended', async () => {
    const { host, objects, open } = setUp()
    const store = open({ limits: { requests: 1e9, timeoutMs: 1000, patienceMs: 60_000 } })
    objects.inject({ effect: 'silent' })
    const began = host.clock.monotonic()
    await expect(store.list('')).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    expect(host.clock.monotonic() - began).toBeLessThanOrEqual(60_000 + 5_000 + 1_000)
  })

  it('is heard when it says how long to wait', async () => {
    const { host, objects } = setUp()
    const client = objects.client()
    let asked = 0
    const store = new ObjectStore(host, {
      ...client,
      list: async (prefix, from, signal) =>
        asked++ === 0
          ? { failure: { kind: 'throttled', message: 'slow down', retryAfterMs: 3000 } }
          : client.list(prefix, from, signal),
    })
    const began = host.clock.monotonic()
    expect(await store.list('')).toEqual([])
    expect(host.clock.monotonic() - began).toBeGreaterThanOrEqual(3000)
  })

  it('reads anew when somebody replaced the object between two parts of it', async () => {
    const { objects, store } = setUp()
    const [first, second] = [new Uint8Array(3000).fill(1), new Uint8Array(2500).fill(2)]
    objects.put('jobs/bids/state/a', first)
    const reading = store.read('state/a')
    while (objects.log.length === 0) await Promise.resolve()
    objects.put('jobs/bids/state/a', second)
    expect(await reading).toEqual(second)
  })

  it('tells a list without an end', async () => {
    const { host, objects } = setUp()
    const client = objects.client()
    const store = new ObjectStore(host, {
      ...client,
      list: async () => ({ value: { objects: [], next: 'again' } }),
    })
    await expect(store.list('')).rejects.toMatchObject({ detail: 'the list of the object store has no end' })
  })

  it('tells a client that throws from a store that fails', async () => {
    const { host, objects } = setUp()
    const client = { ...objects.client(), list: () => Promise.reject(new TypeError('no such method')) }
    await expect(new ObjectStore(host, client).list('')).rejects.toMatchObject({
      code: 'checkpoint/store-failed',
      detail: 'no such method',
      hint: expect.stringMatching(/defect of the client/),
    })
  })
})
