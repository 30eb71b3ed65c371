import { describe, expect, test } from 'vitest'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import type { SinkWriter } from '../../src/connect/sink.ts'
import { SinkRunner } from '../../src/engine/sink/sink-runner.ts'
import { StepWaits } from '../../src/engine/sink/sink-waits.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { harness } from './operator-harness.ts'

const Row = schema({ n: t.int32() })

/** A writer that is busy after every write until it is let go, and writes down what it is told. */
class SlowWriter implements SinkWriter {
  readonly log: string[] = []
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []
  #preparing: { resolve: () => void; reject: (error: unknown) => void }[] = []

  write(batch: Parameters<SinkWriter['write']>[0]): Promise<void> {
    this.log.push(`write ${batchToRows(batch).map((row) => (row as { n: number }).n)}`)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  seal(epoch: number, { final }: { readonly final: boolean }): void {
    this.log.push(`seal ${epoch}${final ? ' final' : ''}`)
  }

  async prepare(epoch: number): Promise<{ epoch: number }> {
    this.log.push(`prepare ${epoch}`)
    await new Promise<void>((resolve, reject) => this.#preparing.push({ resolve, reject }))
    return { epoch }
  }

  written(): { rows: number; bytes: number } {
    return { rows: 0, bytes: 0 }
  }

  async close(): Promise<void> {
    this.log.push('close')
    for (const { reject } of this.#preparing.splice(0)) reject(new Error('given up'))
  }

  async letGo(error?: Error): Promise<void> {
    const next = this.#waiting.shift()
    if (error === undefined) next?.resolve()
    else next?.reject(error)
    await turns()
  }

  async prepared(): Promise<void> {
    this.#preparing.shift()?.resolve()
    await turns()
  }
}

/** Chains of promises are longer than one turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function runnerOf(writer: SinkWriter): {
  runner: SinkRunner
  push: (...n: number[]) => void
  failures: unknown[]
} {
  const failures: unknown[] = []
  const runner = new SinkRunner('write', writer, harness().context, {
    failed: (error) => failures.push(error),
    waits: new StepWaits('write', createManualHost()),
  })
  const push = (...numbers: number[]): void =>
    runner.push(
      batchOfRows(
        Row,
        numbers.map((n) => ({ n })),
      ),
    )
  return { runner, push, failures }
}

describe('the end of an epoch at a sink', () => {
  test('SK1: batches that wait belong to the epoch, later ones do not, and keep their order', async () => {
    const writer = new SlowWriter()
    const { runner, push } = runnerOf(writer)
    push(1)
    push(2)
    runner.seal(1, false)
    push(3)
    runner.seal(2, true)
    expect(writer.log).toEqual(['write 1'])
    await writer.letGo()
    expect(writer.log).toEqual(['write 1', 'write 2'])
    await writer.letGo()
    expect(writer.log).toEqual(['write 1', 'write 2', 'seal 1', 'write 3'])
    await writer.letGo()
    expect(writer.log.slice(4)).toEqual(['seal 2 final'])
    expect(runner.busy).toBeUndefined()
  })

  test('SK1: a writer that is free has the seal when the call returns', () => {
    const writer = new SlowWriter()
    runnerOf(writer).runner.seal(4, false)
    expect(writer.log).toEqual(['seal 4'])
  })

  test('SK2: is prepared when the writer has its seal, while rows of later ones are written, one after the other', async () => {
    const writer = new SlowWriter()
    const { runner, push } = runnerOf(writer)
    push(1)
    runner.seal(1, false)
    const first = runner.prepare(1)
    push(2)
    runner.seal(2, false)
    const second = runner.prepare(2)
    await turns()
    expect(writer.log).toEqual(['write 1'])
    await writer.letGo()
    await writer.letGo()
    push(3)
    expect(writer.log).toEqual(['write 1', 'seal 1', 'write 2', 'prepare 1', 'seal 2', 'write 3'])
    await writer.prepared()
    expect(await first).toEqual({ epoch: 1 })
    expect(writer.log.at(-1)).toBe('prepare 2')
    await writer.prepared()
    expect(await second).toEqual({ epoch: 2 })
  })

  test('SK3: a failed write fails the epochs that wait for it, and the run', async () => {
    const writer = new SlowWriter()
    const { runner, push, failures } = runnerOf(writer)
    push(1)
    push(2)
    runner.seal(1, false)
    const answers = Promise.allSettled([runner.prepare(1)])
    await writer.letGo(new Error('the disk is gone'))
    expect(await answers).toMatchObject([{ status: 'rejected', reason: { code: 'output/write-failed' } }])
    expect(failures).toHaveLength(1)
    expect(() => runner.seal(2, false)).toThrow(/writing the output failed/)
  })

  test('SK3: the end of the run answers everyone who waits', async () => {
    const writer = new SlowWriter()
    const { runner, push } = runnerOf(writer)
    runner.seal(1, false)
    const inHand = runner.prepare(1)
    await turns()
    push(1)
    runner.seal(2, false)
    const answers = Promise.allSettled([inHand, runner.prepare(2)])
    runner.close()
    await writer.letGo()
    await runner.closeWriter(async (work) => void (await work))
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(writer.log.at(-1)).toBe('close')
  })
})
