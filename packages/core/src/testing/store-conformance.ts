/**
 * What every checkpoint store has to hold: the invariants ST1 to ST4 of `checkpoint/store.ts`.
 */
import type { CheckpointStore } from '../checkpoint/index.ts'
import { declareSuite } from './conformance.ts'
import type { ConformanceOptions, TestTools } from './conformance.ts'

/** A place under test. */
export interface StoreSubject {
  /** A store over the place, as another process would open it. The place is empty when the test begins. */
  open(): CheckpointStore
  close(): Promise<void>
}

/** What the suite is given. */
export interface StoreConformanceOptions extends ConformanceOptions {
  /** Makes an empty place. */
  readonly make: () => Promise<StoreSubject>
  /** Callers that race for one name; default 8. */
  readonly racers?: number
}

/** Declares the suite. */
export function storeConformance(tools: TestTools, options: StoreConformanceOptions): void {
  const { expect } = tools
  declareSuite(tools, options, (declare) => {
    const test = (name: string, run: (subject: StoreSubject) => Promise<void>): void =>
      declare(name, async () => {
        const subject = await options.make()
        try {
          await run(subject)
        } finally {
          await subject.close()
        }
      })
    declareCreate(test, expect, options.racers ?? 8)
    declareWrite(test, expect)
    declareNames(test, expect)
  })
}

type Test = (name: string, run: (subject: StoreSubject) => Promise<void>) => void
type Expect = TestTools['expect']

function declareCreate(test: Test, expect: Expect, racers: number): void {
  test('ST1: creates a name once', async (subject) => {
    const store = subject.open()
    expect(await store.create('log/1', bytesOf('first'))).toEqual('created')
    expect(await store.create('log/1', bytesOf('second'))).toEqual('exists')
    expect(textOf(await subject.open().read('log/1'))).toEqual('first')
  })

  test('ST1: one of many racing callers is told that it created the name', async (subject) => {
    for (let round = 0; round < 10; round++) {
      const name = `log/${round}`
      const answers = await Promise.all(
        Array.from({ length: racers }, (_, racer) => subject.open().create(name, bytesOf(`racer ${racer}`))),
      )
      const winners = answers.flatMap((answer, racer) => (answer === 'created' ? [racer] : []))
      expect(winners.length).toEqual(1)
      expect(textOf(await subject.open().read(name))).toEqual(`racer ${winners[0]}`)
    }
  })

  test('ST2: a created file is there for another reader', async (subject) => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, k) => k % 251)
    await subject.open().create('log/large', bytes)
    expect(Buffer.compare((await subject.open().read('log/large')) ?? bytes.subarray(1), bytes)).toEqual(0)
    await subject.open().create('log/empty', new Uint8Array(0))
    expect(textOf(await subject.open().read('log/empty'))).toEqual('')
  })
}

function declareWrite(test: Test, expect: Expect): void {
  test('ST2: a finished file is there with all that was appended', async (subject) => {
    const store = subject.open()
    const writer = await store.write('state/a-1')
    const reused = new Uint8Array(100_000)
    for (let k = 0; k < 10; k++) {
      reused.fill(k)
      await writer.append(reused)
    }
    await writer.append(new Uint8Array(0))
    await writer.finish()
    await writer.abort()
    const read = (await subject.open().read('state/a-1')) ?? new Uint8Array(0)
    expect(read.length).toEqual(1_000_000)
    expect(read.every((byte, at) => byte === Math.floor(at / 100_000))).toEqual(true)
  })

  test('ST3: an unfinished file has no name', async (subject) => {
    const store = subject.open()
    const writer = await store.write('state/b')
    await writer.append(new Uint8Array(1_000_000))
    expect(await subject.open().read('state/b')).toEqual(undefined)
    expect(await subject.open().list('')).toEqual([])
    await writer.abort()
    expect(await subject.open().read('state/b')).toEqual(undefined)
    expect(await subject.open().list('')).toEqual([])
  })

  test('ST3: sweep leaves what is finished', async (subject) => {
    const store = subject.open()
    const abandoned = await store.write('state/lost')
    await abandoned.append(bytesOf('never finished'))
    await store.create('log/1', bytesOf('x'))
    await subject.open().sweep()
    expect(await store.list('')).toEqual([{ name: 'log/1', bytes: 1 }])
    await abandoned.abort()
  })

  test('reads a range, also one that reaches beyond the end', async (subject) => {
    const store = subject.open()
    await store.create('state/r', bytesOf('0123456789'))
    expect(textOf(await store.read('state/r', { start: 2, end: 5 }))).toEqual('234')
    expect(textOf(await store.read('state/r', { start: 8, end: 50 }))).toEqual('89')
    expect(textOf(await store.read('state/r', { start: 50, end: 60 }))).toEqual('')
    expect(textOf(await store.read('state/r', { start: 3, end: 3 }))).toEqual('')
  })
}

function declareNames(test: Test, expect: Expect): void {
  test('ST4: lists names by prefix, sorted', async (subject) => {
    const store = subject.open()
    for (const name of ['log/10', 'log/09', 'state/a/x', 'state/a.b', 'top'])
      await store.create(name, bytesOf(name))
    expect(await store.list('log/')).toEqual([
      { name: 'log/09', bytes: 6 },
      { name: 'log/10', bytes: 6 },
    ])
    expect(await store.names('log/')).toEqual(['log/09', 'log/10'])
    expect(await store.names('')).toEqual(['log/09', 'log/10', 'state/a.b', 'state/a/x', 'top'])
    expect(await store.list('none/')).toEqual([])
    expect(await store.names('none/')).toEqual([])
  })

  test('an empty place lists nothing and reads nothing', async (subject) => {
    expect(await subject.open().list('')).toEqual([])
    expect(await subject.open().read('log/1')).toEqual(undefined)
    await subject.open().sweep()
  })

  test('removes a file, and again', async (subject) => {
    const store = subject.open()
    await store.create('log/1', bytesOf('x'))
    await store.remove('log/1')
    await store.remove('log/1')
    expect(await store.list('')).toEqual([])
    expect(await store.create('log/1', bytesOf('y'))).toEqual('created')
  })
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}
