// For how long a split has been silent: only its reader's silence counts, never that the engine had no time for it.
import { describe, expect, it } from 'vitest'
import { SplitRun } from '../../src/engine/split-run.ts'
import { SplitWatermark } from '../../src/engine/split-watermark.ts'
import { batchOfRows, schema, t } from '../../src/data/index.ts'
import type { ReadResult, Source, SourceContext, SplitReader } from '../../src/connect/source.ts'

const Row = schema({ n: t.int32() })
const rows: ReadResult = { kind: 'batch', batch: batchOfRows(Row, [{ n: 1 }]) }

interface Scene {
  readonly run: SplitRun
  /** The clock. */
  at: number
  answer: ReadResult | Promise<ReadResult>
  readonly later: (() => void)[]
}

async function open(): Promise<Scene> {
  const later: (() => void)[] = []
  const watermark = new SplitWatermark({ kind: 'at-end' }, { punctuation: undefined, cutsAtAdvance: false })
  const scene: Scene = {
    at: 0,
    answer: rows,
    later,
    run: new SplitRun({ id: 'split', detail: null }, 0, watermark, {
      wake: () => undefined,
      failed: (error) => expect.unreachable(String(error)),
      later: (callback) => later.push(callback),
      now: () => scene.at,
    }),
  }
  const reader: SplitReader = {
    read: () => scene.answer,
    position: () => 0,
    bytesRead: () => 0,
    close: async () => undefined,
  }
  scene.run.open({ open: async () => reader } as unknown as Source, {} as SourceContext)
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
