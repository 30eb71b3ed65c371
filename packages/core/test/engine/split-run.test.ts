// For how long a split has been silent: only its reader's silence counts, never that the engine had no time for it.
import { describe, expect, it } from 'vitest'
import { SplitRun } from '../../src/engine/source/split-run.ts'
import { SplitWatermark } from '../../src/engine/source/split-watermark.ts'
import { batchOfRows, schema, t } from '../../src/data/index.ts'
import type { ReadResult, RejectedRow, Source, SourceContext, SplitReader } from '../../src/connect/source.ts'

const Row = schema({ n: t.int32() })
const rows: ReadResult = { kind: 'batch', batch: batchOfRows(Row, [{ n: 1 }]) }

interface Scene {
  readonly run: SplitRun
  /** The clock. */
  at: number
  answer: ReadResult | Promise<ReadResult>
  position: number
  /** As the reader does. */
  reject: (raw: string) => void
  /** What has arrived of it. */
  readonly rejected: string[]
  readonly later: (() => void)[]
}

async function open(): Promise<Scene> {
  const later: (() => void)[] = []
  const watermark = new SplitWatermark({ kind: 'at-end' }, { punctuation: undefined, cutsAtAdvance: false })
  const scene: Scene = {
    at: 0,
    answer: rows,
    position: 0,
    reject: () => undefined,
    rejected: [],
    later,
    run: new SplitRun({ id: 'split', detail: null }, 0, {
      watermark,
      events: {
        wake: () => undefined,
        failed: (error) => expect.unreachable(String(error)),
        later: (callback) => later.push(callback),
        now: () => scene.at,
      },
    }),
  }
  const reader: SplitReader = {
    read: () => scene.answer,
    position: () => scene.position,
    bytesRead: () => 0,
    close: async () => undefined,
  }
  const source = {
    open: async (_: unknown, __: unknown, context: SourceContext) => {
      scene.reject = (raw) => context.rejected?.({ raw } as RejectedRow)
      return reader
    },
  }
  const context = { rejected: ({ raw }: RejectedRow) => void scene.rejected.push(raw) }
  scene.run.open(source as unknown as Source, context as unknown as SourceContext)
  await Promise.resolve()
  expect(scene.run.state).toBe('due')
  return scene
}

describe('the silence of a split', () => {
  it('is none while it has rows, however long nobody takes them', async () => {
    const scene = await open()
    scene.run.ask(10)
    scene.at = 1000
    expect(scene.run.silentMs(scene.at)).toBe(0)
    scene.run.skip()
    expect(scene.run.state).toBe('due')
    expect(scene.run.silentMs(2000)).toBe(0)
  })

  it('is counted from when the reader first had nothing, over all its tries', async () => {
    const scene = await open()
    scene.answer = { kind: 'idle' }
    scene.at = 100
    scene.run.ask(10)
    scene.at = 150
    expect(scene.run.silentMs(scene.at)).toBe(50)
    for (const callback of scene.later.splice(0)) callback()
    expect(scene.run.silentMs(scene.at)).toBe(0)
    scene.run.ask(10)
    expect(scene.run.silentMs(180)).toBe(80)
  })

  it('is counted while an answer is awaited, and ends with rows', async () => {
    const scene = await open()
    let give: (result: ReadResult) => void = () => undefined
    scene.answer = new Promise((resolve) => (give = resolve))
    scene.run.ask(10)
    expect(scene.run.silentMs(70)).toBe(70)
    give(rows)
    await scene.answer
    await Promise.resolve()
    expect(scene.run.state).toBe('answered')
    expect(scene.run.silentMs(70)).toBe(0)
    expect(scene.run.take()).toBeDefined()
    expect(scene.run.state).toBe('ready')
    expect(scene.run.silentMs(70)).toBe(0)
  })

  it('ends when what the reader waited for has come, though nobody has asked yet', async () => {
    const scene = await open()
    let come: () => void = () => undefined
    scene.answer = { kind: 'idle', until: new Promise((resolve) => (come = resolve)) }
    scene.run.ask(10)
    expect(scene.run.silentMs(500)).toBe(500)
    come()
    await Promise.resolve()
    await Promise.resolve()
    expect(scene.run.state).toBe('due')
    scene.answer = { kind: 'idle' }
    scene.at = 5000
    scene.run.ask(10)
    expect(scene.run.silentMs(5010)).toBe(10)
  })
})

// SO5: an epoch that is cut while a read is under way has nothing of it.
describe('the position of a split', () => {
  it('stays what it was before a read until the answer is taken', async () => {
    const scene = await open()
    scene.position = 5
    expect(scene.run.position).toBe(5)
    let give: (result: ReadResult) => void = () => undefined
    scene.answer = new Promise((resolve) => (give = resolve))
    scene.run.ask(10)
    scene.position = 9
    expect(scene.run.position).toBe(5)
    give(rows)
    await scene.answer
    await Promise.resolve()
    expect(scene.run.position).toBe(5)
    scene.run.take()
    expect(scene.run.position).toBe(9)
  })

  it('has rejected rows behind it only when the answer is taken that passed them', async () => {
    const scene = await open()
    let give: (result: ReadResult) => void = () => undefined
    scene.answer = new Promise((resolve) => (give = resolve))
    scene.reject('while opening')
    scene.run.ask(10)
    scene.reject('while asked')
    scene.position = 3
    expect(scene.rejected).toEqual([])
    give({ kind: 'idle' })
    await scene.answer
    await Promise.resolve()
    expect([scene.rejected, scene.run.position]).toEqual([[], 0])
    scene.run.take()
    expect([scene.rejected, scene.run.position]).toEqual([['while opening', 'while asked'], 3])
  })

  it('is kept when the reader is closed, also in the middle of a read', async () => {
    const scene = await open()
    scene.position = 5
    scene.answer = new Promise(() => undefined)
    scene.run.ask(10)
    scene.position = 9
    await scene.run.close()
    expect(scene.run.position).toBe(5)
  })

  it('is where an earlier run left it until the reader is open', () => {
    const watermark = new SplitWatermark({ kind: 'at-end' }, {})
    const events = { wake: noOp, failed: noOp, later: noOp, now: () => 0 }
    const start = { position: { row: 7 }, rowsRead: 7, watermark: 40, isIdle: true }
    const run = new SplitRun({ id: 'split', detail: null }, 0, { watermark, events, start })
    expect([run.position, run.rowsRead, run.watermark.current]).toEqual([{ row: 7 }, 7, 40])
  })
})

function noOp(): void {
  return undefined
}

describe('a watermark that the source says', () => {
  it('moves that of the split, never back, and the reader is asked again at once', async () => {
    const scene = await open()
    scene.answer = { kind: 'watermark', watermark: 1000 }
    expect(scene.run.ask(10)).toBeUndefined()
    expect(scene.run.state).toBe('due')
    expect(scene.run.watermark.current).toBe(1000)
    expect([scene.run.takeSaid(), scene.run.takeSaid()]).toEqual([true, false])
    scene.answer = { kind: 'watermark', watermark: 500 }
    scene.run.ask(10)
    expect(scene.run.watermark.current).toBe(1000)
  })

  it('ends the silence of the split', async () => {
    const scene = await open()
    scene.answer = { kind: 'idle' }
    scene.run.ask(10)
    scene.at = 100
    scene.later[0]?.()
    scene.answer = { kind: 'watermark', watermark: 1 }
    scene.run.ask(10)
    expect(scene.run.silentMs(100)).toBe(0)
  })
})
