// Rows sent over HTTP: keys and bodies that never change, what is tried again and when, and what is said otherwise.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../../src/checkpoint/index.ts'
import { toHttp } from '../../../src/connect/index.ts'
import type { HttpCommittable, HttpOptions, OpenSink, SinkContext } from '../../../src/connect/index.ts'
import { batchOfRows, schema, t } from '../../../src/data/index.ts'
import type { Host } from '../../../src/host/index.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { TestService } from './test-service.ts'
import type { Fate } from './test-service.ts'

const Row = schema({ id: t.int32(), text: t.string() })
const real = createNodeHost()
let service: TestService
let folder: string
/** Pauses that the sink asked for; none of them is waited for. */
let pauses: number[]
let nowMs: number
let host: Host

beforeEach(async () => {
  service = await TestService.start()
  folder = mkdtempSync(join(tmpdir(), 'millrace-http-'))
  pauses = []
  nowMs = Date.UTC(2026, 10, 23, 12)
  host = {
    ...real,
    clock: { now: () => nowMs, monotonic: () => nowMs, cpu: () => 0 },
    timers: {
      ...real.timers,
      set: (delayMs, callback) => {
        pauses.push(delayMs)
        nowMs += delayMs
        return real.timers.set(0, callback)
      },
    },
    environment: { get: (name) => ({ API_TOKEN: 'Bearer geheim' })[name] },
  }
})
afterEach(async () => {
  await service.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
})

function open(
  options: HttpOptions = {},
  more: Partial<SinkContext> = {},
): Promise<OpenSink<HttpCommittable>> {
  return toHttp(service.url, options).open({
    host,
    schema: Row,
    step: 'send them: é',
    outputMode: 'append',
    lineage: 'aaaa',
    attempt: 1,
    bounded: false,
    resumable: true,
    store: new DirectoryStore(real, folder),
    ...more,
  })
}

const rowsOf = (from: number, count: number, text = 'x') =>
  Array.from({ length: count }, (_, n) => ({ id: from + n, text }))

async function prepare(
  run: OpenSink<HttpCommittable>,
  batches: readonly (readonly { id: number; text: string }[])[],
  { task = 0, epoch = 1 } = {},
): Promise<HttpCommittable> {
  const writer = await run.writer(task)
  for (const rows of batches) await writer.write(batchOfRows(Row, rows))
  writer.seal(epoch, { final: false })
  const committable = await writer.prepare(epoch)
  await writer.close()
  return JSON.parse(JSON.stringify(committable)) as HttpCommittable
}

const kinds = async (run: OpenSink<HttpCommittable>, all: readonly HttpCommittable[]) =>
  (await run.commit(all)).map(({ kind }) => kind)
const status = (code: number, more: Partial<Fate> = {}): Fate =>
  ({ kind: 'answer', status: code, ...more }) as Fate

describe('rows over HTTP', () => {
  it('are sent when their epoch stands, with keys that say what they are', async () => {
    const run = await open({
      maxRows: 2,
      headers: { 'X-Of': 'test' },
      headersFrom: { Authorization: 'API_TOKEN' },
    })
    const committable = await prepare(run, [rowsOf(0, 3), rowsOf(3, 2)], { task: 7, epoch: 12 })
    expect(service.arrivals).toEqual([])
    expect(await run.commit([committable])).toEqual([{ kind: 'committed', rows: 5 }])
    expect(service.arrivals.map(({ key, body }) => [key, body])).toEqual([
      ['aaaa.send%20them%3A%20%C3%A9.12.7.0', '{"id":0,"text":"x"}\n{"id":1,"text":"x"}\n'],
      ['aaaa.send%20them%3A%20%C3%A9.12.7.1', '{"id":2,"text":"x"}\n'],
      ['aaaa.send%20them%3A%20%C3%A9.12.7.2', '{"id":3,"text":"x"}\n{"id":4,"text":"x"}\n'],
    ])
    expect(service.arrivals[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'x-of': 'test', 'authorization': 'Bearer geheim' },
    }) // prettier-ignore
    expect(await kinds(run, [committable])).toEqual(['already-committed'])
  })

  it('are arrays when they are asked for', async () => {
    const run = await open({ format: 'json', method: 'PUT' })
    await run.commit([await prepare(run, [rowsOf(0, 1, 'a\nb,'), rowsOf(1, 1)])])
    expect(service.arrivals).toMatchObject([
      { method: 'PUT', body: '[{"id":0,"text":"a\\nb,"},{"id":1,"text":"x"}]' },
    ])
  })

  it('keep to the bounds of a request, unless one row is longer', async () => {
    const run = await open({ maxRows: 100, maxBytes: 1000 })
    const batches = [rowsOf(0, 250, 'y'.repeat(50)), rowsOf(250, 1, 'z'.repeat(3000)), rowsOf(251, 40)]
    await run.commit([await prepare(run, batches)])
    const sizes = service.arrivals.map(({ body }) => body.length)
    expect(sizes.filter((size) => size > 1000)).toEqual([3021])
    expect(service.rows()).toEqual(batches.flat())
    expect(sizes.length).toBeLessThan(35)
  })

  it('have the same keys and bodies in any attempt, whatever its options are', async () => {
    const first = await open({ maxRows: 3 })
    const committable = await prepare(first, [rowsOf(0, 5), rowsOf(5, 5)])
    service.fates = [status(200), { kind: 'take-and-hang-up' }]
    service.fate = () => (service.arrivals.length > 2 ? status(503) : undefined)
    expect(await kinds(first, [committable])).toEqual(['retry'])
    service.fate = undefined
    const sentBefore = service.arrivals.length
    const second = await open({ maxRows: 50, format: 'json' }, { attempt: 2 })
    await second.sweep([committable])
    expect(await kinds(second, [committable])).toEqual(['committed'])
    expect(service.conflicts).toEqual([])
    expect(service.arrivals).toHaveLength(sentBefore + 4)
    expect(service.rows()).toEqual(rowsOf(0, 10))
    const third = await open({}, { attempt: 3 })
    expect(await kinds(third, [committable])).toEqual(['already-committed'])
    expect(service.arrivals).toHaveLength(sentBefore + 4)
  })

  it('are lost, and said to be, when what was staged is gone or damaged', async () => {
    const run = await open()
    const committable = await prepare(run, [rowsOf(0, 5)])
    const damaged = { ...committable, kept: { ...committable.kept, checksum: 1 } }
    expect(await run.commit([damaged])).toMatchObject([{ kind: 'lost' }])
    const next = await open({}, { attempt: 2 })
    await next.sweep([])
    expect(await next.commit([committable])).toMatchObject([
      {
        kind: 'lost',
        reason: expect.stringMatching(/it is gone/),
        hint: expect.stringMatching(/back from a copy.*--from, which sends/),
      },
    ])
  })

  it('are delivered, whichever of two attempts has done it while both were sending', async () => {
    const first = await open({ maxRows: 2000 })
    // More than is read at a time, so that the second comes to read again.
    const batches = [0, 1, 2].map((n) => rowsOf(n * 2000, 2000, 'x'.repeat(400)))
    const committable = await prepare(first, batches)
    expect(committable.kept.bytes).toBeGreaterThan(2 * 1024 * 1024)
    let answers: Promise<unknown> | undefined
    const requests = real.http
    host = {
      ...host,
      http: {
        request: async (request) => {
          // The first attempt is through while the second waits for its first answer.
          answers ??= first.commit([committable])
          await answers
          return requests.request(request)
        },
      },
    }
    const late = await open({}, { attempt: 2 })
    expect(await kinds(late, [committable])).toEqual(['already-committed'])
    expect(await answers).toEqual([{ kind: 'committed', rows: 6000 }])
    expect(service.rows()).toHaveLength(6000)
    expect(service.conflicts).toEqual([])
  })

  it('leave nothing behind that no checkpoint names', async () => {
    const store = new DirectoryStore(real, folder)
    const run = await open()
    const committables = []
    for (const epoch of [1, 2, 3]) {
      const committable = await prepare(run, [rowsOf(epoch, 1)], { epoch })
      committables.push(committable)
      await run.commit([committable])
    }
    await run.sweep(committables.slice(2))
    expect((await store.list('sinks/')).map(({ name }) => name)).toEqual([
      `${committables[2]?.kept.name ?? ''}.delivered`,
    ])
    // A later start finds the place as one of ours.
    await expect(store.check()).resolves.toBeUndefined()
    const unsent = await prepare(run, [rowsOf(4, 1)], { epoch: 4 })
    const next = await open({}, { attempt: 2 })
    await next.sweep([unsent])
    expect((await store.list('sinks/')).map(({ name }) => name)).toEqual([unsent.kept.name])
  })

  it('keep their order within a task, and are no more at once than allowed', async () => {
    service.delayMs = 5
    const run = await open({ maxRows: 1, inFlight: 3 })
    const committables = await Promise.all(
      [0, 1, 2, 3, 4].map((task) => prepare(run, [rowsOf(task * 10, 6)], { task })),
    )
    await run.commit(committables)
    expect(service.atOnceMost).toBe(3)
    for (let task = 0; task < 5; task++) {
      const numbers = service.arrivals
        .map(({ key }) => key.split('.').map(Number).slice(-2))
        .filter(([of]) => of === task)
      expect(numbers.map(([, number]) => number)).toEqual([0, 1, 2, 3, 4, 5])
    }
  })

  it('HS2: wait in memory without a state directory, and no more of them than is bounded', async () => {
    const run = await toHttp(service.url).open({
      host,
      schema: Row,
      step: 's',
      outputMode: 'refuse',
      lineage: 'bbbb',
      attempt: 1,
      bounded: true,
    })
    expect(await kinds(run, [await prepare(run, [rowsOf(0, 3)])])).toEqual(['committed'])
    const long = 'l'.repeat(100_000)
    await expect(
      prepare(
        run,
        Array.from({ length: 100 }, (_, n) => rowsOf(n * 10, 10, long)),
      ),
    ).rejects.toMatchObject({
      code: 'plan/unsupported',
      hint: 'run with --state DIR, which keeps them on the disk',
    })
  })
})

describe('a service that does not take rows', () => {
  it.each([
    [status(408), /answered 408/],
    [status(425), /answered 425/],
    [status(429), /answered 429/],
    [status(500, { body: 'try\nlater' } as Partial<Fate>), /answered 500 "try later"/],
    [status(503), /answered 503/],
    [status(409, { headers: { 'retry-after': '0' } } as Partial<Fate>), /answered 409/],
    [{ kind: 'hang-up' } as const, /gave no answer/],
    [{ kind: 'take-and-hang-up' } as const, /gave no answer/],
  ])('is asked again from where it stopped: %j', async (fate, reason) => {
    const run = await open({ maxRows: 1 })
    const committable = await prepare(run, [rowsOf(0, 3)])
    service.fates = [status(200), fate]
    expect(await kinds(run, [committable])).toEqual(['committed'])
    expect(service.arrivals.map(({ key }) => Number(key.at(-1)))).toEqual([0, 1, 1, 2])
    expect(pauses).toEqual([50])
    // One that stays in trouble is left to the runtime, and the next call goes on where this one stopped.
    const next = await prepare(run, [rowsOf(3, 2)], { epoch: 2 })
    service.fate = ({ key }) => (key.endsWith('.2.0.1') ? fate : undefined)
    expect(await run.commit([next])).toMatchObject([{ kind: 'retry', reason: expect.stringMatching(reason) }])
    expect(pauses).toEqual([50, 50, 100, 200, 400, 800])
    service.fate = undefined
    service.arrivals.length = 0
    expect(await kinds(run, [next])).toEqual(['committed'])
    expect(service.arrivals.map(({ key }) => Number(key.at(-1)))).toEqual([1])
    expect(service.rows()).toEqual(rowsOf(0, 5))
  })

  it('is given up waiting for after the timeout, and asked again', async () => {
    const run = await open({ timeout: '50 ms' })
    const committable = await prepare(run, [rowsOf(0, 1)])
    service.fates = [{ kind: 'silence' }]
    expect(await kinds(run, [committable])).toEqual(['committed'])
    const next = await prepare(run, [rowsOf(1, 1)], { epoch: 2 })
    service.fate = () => ({ kind: 'silence' })
    expect(await run.commit([next])).toMatchObject([
      { kind: 'retry', reason: expect.stringMatching(/timeout/) },
    ])
  })

  it.each([
    ['7', 7000],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['86400', 300_000],
  ])('is left alone as long as it says: Retry-After: %s', async (after, pauseMs) => {
    const run = await open()
    const committable = await prepare(run, [rowsOf(0, 1)])
    service.fates = [status(429, { headers: { 'retry-after': after } } as Partial<Fate>)]
    expect(await kinds(run, [committable])).toEqual(['retry'])
    expect(pauses).toEqual([])
    expect(await kinds(run, [committable])).toEqual(['committed'])
    expect(pauses).toEqual([pauseMs])
  })

  it.each([
    [400, 'output/rejected', /run again: the same rows/],
    [401, 'output/permission', /headersFrom/],
    [404, 'output/rejected', /URL and the method/],
    [409, 'output/rejected', /mend the service/],
    [413, 'output/rejected', /maxRows or maxBytes/],
    [422, 'output/rejected', /mend the service/],
  ])('for good is an error with what it said, and no secret: %i', async (code, error, hint) => {
    const run = await open({ headersFrom: { Authorization: 'API_TOKEN' } })
    const committable = await prepare(run, [rowsOf(0, 2)])
    service.fates = [status(code, { body: `bad\u0000 rows,\n you sent Bearer geheim ${'.'.repeat(1000)}` } as Partial<Fate>)]
    const thrown: Error & Record<string, unknown> = await run.commit([committable]).then(
      () => undefined as never,
      (failure: Error & Record<string, unknown>) => failure,
    )
    expect(thrown).toMatchObject({
      code: error,
      retry: 'no-retry',
      what: expect.stringMatching(new RegExp(`refuses 2 rows of epoch 1 with status ${code}$`)),
      detail: expect.stringMatching(/key aaaa\.send%20them.*; it says "bad rows, you sent … \.{100,300}"$/),
      hint: expect.stringMatching(hint),
    })
    expect(`${thrown.message}${thrown.stack ?? ''}`).not.toMatch(/geheim|in-the-url/)
    // Mended, the same job goes on.
    expect(await kinds(run, [committable])).toEqual(['committed'])
  }) // prettier-ignore

  it('but sends away is an error with where to', async () => {
    const run = await open()
    const committable = await prepare(run, [rowsOf(0, 1)])
    service.fates = [status(308, { headers: { location: 'https://example.org/new?k=1' } } as Partial<Fate>)]
    await expect(run.commit([committable])).rejects.toMatchObject({
      hint: 'redirections are not followed: send to https://example.org/new',
    })
  })

  it('commits what other tasks have sent all the same', async () => {
    const run = await open()
    const [bad, good] = [await prepare(run, [rowsOf(0, 1)]), await prepare(run, [rowsOf(1, 1)], { task: 1 })]
    service.fate = ({ key }) => (key.endsWith('.0.0') ? status(400) : undefined)
    await expect(run.commit([bad, good])).rejects.toMatchObject({ code: 'output/rejected' })
    service.fate = undefined
    expect(await kinds(run, [bad, good])).toEqual(['committed', 'already-committed'])
  })

  it('lacks a secret: the variable is named', async () => {
    const run = await open({ headersFrom: { Authorization: 'NOT_SET' } })
    await expect(run.commit([await prepare(run, [rowsOf(0, 1)])])).rejects.toMatchObject({
      code: 'output/permission',
      what: 'there is nothing in the environment under NOT_SET',
    })
  })
})

describe('options of toHttp', () => {
  it.each([
    ['ftp://a/b', {}, /no URL/],
    ['nonsense', {}, /no URL/],
    ['http://user:geheim@host/', {}, /holds no keys/],
    ['http://a/', { headers: { 'Idempotency-Key': 'x' } }, /the sink's own/],
    ['http://a/', { headers: { A: 'x' }, headersFrom: { a: 'B' } }, /given twice/],
    ['http://a/', { headersFrom: { A: 'Bearer geheim' } }, /does not name an environment variable/],
    ['http://a/', { headers: { 'A b': 'x' } }, /no name of a header/],
    ['http://a/', { maxRows: 0 }, /maxRows is 0/],
    ['http://a/', { format: 'xml' }, /format/],
    ['http://a/', { retries: 3 }, /retries/],
  ])('that fit no service are refused: %s %j', (url, options, message) => {
    let thrown: unknown
    try {
      toHttp(url, options as HttpOptions)
    } catch (error) {
      thrown = error
    }
    expect(String(thrown)).toMatch(message)
    expect(String(thrown)).not.toContain('geheim')
  })

  it('stand in the plan without secrets', () => {
    const { description } = toHttp('https://a/b?token=geheim', {
      headers: { X: 'geheim' },
      headersFrom: { A: 'B' },
    })
    expect(description.options).toEqual({
      url: 'https://a/b',
      method: 'POST',
      format: 'ndjson',
      headersFrom: { A: 'B' },
      maxRows: 500,
      maxBytes: 1_048_576,
    })
  })
})
