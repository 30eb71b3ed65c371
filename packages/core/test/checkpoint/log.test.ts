// The log: one order for everyone, nothing behind a takeover of somebody else, damage is told.
import { describe, expect, it } from 'vitest'
import { CheckpointLog } from '../../src/checkpoint/index.ts'
import type { Appended, CheckpointStore, Entry, Manifest, Takeover } from '../../src/checkpoint/index.ts'
import { places } from './places.ts'
import type { Place } from './places.ts'

const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
const takeover = (attempt: number): Takeover => ({
  kind: 'takeover',
  attempt,
  lineage: 'l',
  owner,
  token: 't',
  atMs: 0,
})
const manifest = (attempt: number, epoch: number, base = 1): Manifest => ({
  kind: 'manifest',
  attempt,
  lineage: 'l',
  epoch,
  base,
  planHash: 'p',
  stateHash: 's',
  atMs: 0,
  watermarks: { bids: '-inf' },
  state: [],
  pending: [],
  delivered: 0,
})

function opener(place: Place): () => Promise<CheckpointLog> {
  return async () => {
    const log = new CheckpointLog(place.open(), place.host.bytes)
    await log.read()
    return log
  }
}

/** A store that lets others do something around its next listing. */
class HeldStore {
  beforeList: (() => Promise<void>) | undefined
  afterList: (() => Promise<void>) | undefined
  readonly store: CheckpointStore

  constructor(inner: CheckpointStore) {
    const names = async (prefix: string): ReturnType<CheckpointStore['names']> => {
      const { beforeList, afterList } = this
      this.beforeList = undefined
      this.afterList = undefined
      await beforeList?.()
      const found = await inner.names(prefix)
      await afterList?.()
      return found
    }
    this.store = {
      place: inner.place,
      create: (...call) => inner.create(...call),
      write: (name) => inner.write(name),
      read: (...call) => inner.read(...call),
      names,
      list: (prefix) => inner.list(prefix),
      remove: (name) => inner.remove(name),
      sweep: () => inner.sweep(),
    }
  }
}

/** A log whose first two entries are removed, and an attempt that slept since the first. */
async function trimmed(
  open: () => Promise<CheckpointLog>,
  openOld = open,
): Promise<{ old: CheckpointLog; kept: readonly Entry[] }> {
  const old = await openOld()
  await old.append(takeover(1))
  const log = await open()
  const kept = [manifest(2, 1), manifest(2, 2, 3)]
  for (const entry of [takeover(2), ...kept]) await log.append(entry)
  await log.trim()
  return { old, kept }
}

async function entriesOf(log: CheckpointLog): Promise<readonly Entry[]> {
  return (await log.read()).map(({ entry }) => entry)
}

describe.each(places)('the log in %s', (_, make) => {
  const setUp = (): { place: Place; open: () => Promise<CheckpointLog>; store: CheckpointStore } => {
    const place = make()
    return { place, open: opener(place), store: place.open() }
  }

  it('gives back what was appended, in order', async () => {
    const { open } = setUp()
    const log = await open()
    const entries = [takeover(1), manifest(1, 1), { kind: 'delivered', attempt: 1, epoch: 1 } as const]
    for (const [at, entry] of entries.entries())
      expect(await log.append(entry)).toEqual({ kind: 'appended', number: at + 1 })
    expect(await entriesOf(await open())).toEqual(entries)
  })

  it('LG1: tells who loses a number what stands there', async () => {
    const { open } = setUp()
    const [first, second] = [await open(), await open()]
    expect(await first.append(takeover(1))).toEqual({ kind: 'appended', number: 1 })
    expect(await second.append(takeover(1))).toEqual({ kind: 'appended', number: 1 })
    // Equal bytes are one entry; the tokens of real takeovers differ.
    expect(await second.append(takeover(2))).toEqual({ kind: 'appended', number: 2 })
    expect(await first.append(manifest(1, 1))).toEqual({
      kind: 'behind',
      entries: [{ number: 2, entry: takeover(2) }],
    })
    expect(await entriesOf(await open())).toEqual([takeover(1), takeover(2)])
  })

  it('LG1: gives each of many racing appends its own number, or none', async () => {
    const { open } = setUp()
    const logs = await Promise.all(Array.from({ length: 6 }, open))
    const answers = await Promise.all(logs.map((log, at) => log.append(takeover(at + 1))))
    const appended = answers.filter(
      (answer): answer is Extract<Appended, { kind: 'appended' }> => answer.kind === 'appended',
    )
    expect(appended).toHaveLength(1)
    expect(await entriesOf(await open())).toHaveLength(1)
  })

  it('takes an entry for its own when only the answer was lost', async () => {
    const { place, open } = setUp()
    const log = await open()
    place.loseNextAnswer()
    await expect(log.append(takeover(1))).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    expect(await log.append(takeover(1))).toEqual({ kind: 'appended', number: 1 })
  })

  it('LG5: an entry counts that a takeover follows before its writer has looked', async () => {
    const { place, open, store } = setUp()
    const slow = new HeldStore(place.open())
    const old = new CheckpointLog(slow.store, place.host.bytes)
    await old.append(takeover(1))
    const seen: (readonly Entry[])[] = []
    slow.beforeList = async () => {
      const successor = await open()
      seen.push(await entriesOf(successor))
      await successor.append(takeover(2))
    }
    expect(await old.append(manifest(1, 1))).toEqual({ kind: 'appended', number: 2 })
    expect(seen).toEqual([[takeover(1), manifest(1, 1)]])
    expect(await entriesOf(await open())).toEqual([takeover(1), manifest(1, 1), takeover(2)])
    // It learns of the takeover with its next entry.
    expect(await old.append(manifest(1, 2))).toEqual({
      kind: 'behind',
      entries: [{ number: 3, entry: takeover(2) }],
    })
    expect(await store.list('log/')).toHaveLength(3)
  })

  it('LG4: an old attempt cannot append into the gap of removed entries', async () => {
    const { open, store } = setUp()
    const { old, kept } = await trimmed(open)
    expect(await old.append(manifest(1, 1))).toEqual({
      kind: 'behind',
      entries: kept.map((entry, at) => ({ number: at + 3, entry })),
    })
    expect((await store.list('log/')).map(({ name }) => name)).toEqual([
      'log/000000000003',
      'log/000000000004',
    ])
  })

  it('LG4: what an old attempt left directly below the border counts for nobody', async () => {
    const { place, open, store } = setUp()
    const slow = new HeldStore(place.open())
    const { old, kept } = await trimmed(open, async () => {
      const log = new CheckpointLog(slow.store, place.host.bytes)
      await log.read()
      return log
    })
    slow.beforeList = async () => Promise.reject(new Error('power lost'))
    await expect(old.append(manifest(1, 1))).rejects.toThrow('power lost')
    expect((await store.list('log/')).map(({ name }) => name)).toContain('log/000000000002')
    const next = await open()
    expect(await entriesOf(next)).toEqual(kept)
    await next.trim()
    expect(await store.list('log/')).toHaveLength(2)
  })

  it('LG4: removes nothing above the base that the newest manifest names', async () => {
    const { open, store } = setUp()
    const log = await open()
    await log.append(takeover(1))
    await log.append(manifest(1, 1))
    await log.trim()
    expect(await store.list('log/')).toHaveLength(2)
    await log.append(manifest(1, 2, 2))
    expect(log.base).toBe(2)
    await log.trim()
    expect(await entriesOf(await open())).toEqual([manifest(1, 1), manifest(1, 2, 2)])
    await expect(log.append(manifest(1, 3, 1))).rejects.toThrow(/base/)
  })

  it('tells an entry that is missing among those that count', async () => {
    const { place, open, store } = setUp()
    const log = await open()
    for (let epoch = 1; epoch <= 4; epoch++) await log.append(manifest(1, epoch))
    await store.remove('log/000000000002')
    await expect(open()).rejects.toMatchObject({
      code: 'checkpoint/damaged',
      place: { file: `${place.path}/log/000000000002` },
    })
  })

  it('reads again when its owner removed entries meanwhile', async () => {
    const { place, open } = setUp()
    const log = await open()
    await log.append(takeover(1))
    await log.append(manifest(1, 1))
    const slow = new HeldStore(place.open())
    slow.afterList = async () => {
      await log.append(manifest(1, 2, 2))
      await log.trim()
    }
    expect(await entriesOf(new CheckpointLog(slow.store, place.host.bytes))).toEqual([
      manifest(1, 1),
      manifest(1, 2, 2),
    ])
  })
})

describe.each(places)('a damaged log in %s', (_kind, make) => {
  const name = 'log/000000000001'
  const setUp = (): { place: Place; open: () => Promise<CheckpointLog>; file: string } => {
    const place = make()
    return { place, open: opener(place), file: `${place.path}/${name}` }
  }

  it.each<readonly [string, (bytes: Buffer) => Uint8Array, RegExp]>([
    ['cut short', (bytes) => bytes.subarray(0, -3), /bytes of text instead of/],
    ['empty', () => new Uint8Array(0), /empty/],
    ['without a header', () => Buffer.from('x'.repeat(500)), /no header/],
    ['of something else', () => Buffer.from('PAR1 1 2 3 4\n'), /header/],
    [
      'with one bit turned',
      (bytes) => Buffer.from(bytes.map((b, k) => (k === bytes.length - 9 ? b ^ 4 : b))),
      /checksum/,
    ],
    ['of another kind', (bytes) => Buffer.from(bytes.toString().replace('takeover', 'manifest')), /checksum/],
  ])('that is %s stops with its place', async (_, damage, reason) => {
    const { place, open, file } = setUp()
    const log = await open()
    await log.append(takeover(1))
    const whole = Buffer.from((await place.open().read(name)) as Uint8Array)
    place.put(name, damage(whole))
    await expect(open()).rejects.toMatchObject({
      code: 'checkpoint/damaged',
      detail: expect.stringMatching(reason),
      place: { file },
    })
  })

  it('tells a whole entry under a wrong number', async () => {
    const { place, open } = setUp()
    const log = await open()
    await log.append(takeover(1))
    const bytes = (await place.open().read(name)) as Uint8Array
    place.put('log/000000000002', bytes)
    await expect(open()).rejects.toMatchObject({
      code: 'checkpoint/damaged',
      detail: 'its checksum does not fit',
    })
  })

  it('names a newer format', async () => {
    const { place, open, file } = setUp()
    place.put(name, 'millrace-log 2 takeover 3 abc\n{}\n')
    await expect(open()).rejects.toMatchObject({ code: 'checkpoint/newer-format', place: { file } })
  })

  it('names a file that is no entry', async () => {
    const { place, open } = setUp()
    place.put('log/notes.txt', 'hello')
    await expect(open()).rejects.toMatchObject({
      code: 'checkpoint/damaged',
      place: { file: `${place.path}/log/notes.txt` },
    })
  })
})
