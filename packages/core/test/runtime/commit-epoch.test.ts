import { describe, expect, test } from 'vitest'
import { memoryRows, pipeline, schema, t } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import type { CommitOutcome, Sink } from '../../src/connect/sink.ts'
import { isMillraceError } from '../../src/errors.ts'
import { Job } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { runHere } from './run-here.ts'

const Row = schema({ id: t.int32() })

type Answer = (count: number) => readonly CommitOutcome[]

const committed: Answer = (count) => Array.from({ length: count }, () => ({ kind: 'committed', rows: 1 }))

/** A sink that writes down what it is told. */
function telling(name: string, log: string[], answer: Answer = committed): Sink {
  return {
    description: { connector: 'telling', options: { name } },
    accepts: 'append',
    open: async () => ({
      writer: async () => ({
        write: () => undefined,
        seal: () => undefined,
        async prepare() {
          log.push(`${name} prepares`)
          return { name }
        },
        written: () => ({ rows: 0, bytes: 0 }),
        close: async () => undefined,
      }),
      async commit(committables) {
        log.push(`${name} commits`)
        return answer(committables.length)
      },
      sweep: async () => undefined,
      async finish() {
        log.push(`${name} finishes`)
      },
      close: async () => undefined,
    }),
  }
}

const writing = (...sinks: readonly Sink[]): Pipeline =>
  pipeline('several-outputs', (p) => {
    const rows = p.read('rows', memoryRows(Row, [{ id: 1 }]))
    sinks.forEach((sink, at) => rows.write(`write-${at}`, sink))
  })

async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run
    return 'no error'
  } catch (error) {
    return isMillraceError(error) ? `${error.code} ${error.step}: ${error.what}` : String(error)
  }
}

describe('the end of an epoch', () => {
  test('all sinks prepare, then all commit, then all finish', async () => {
    const log: string[] = []
    await runHere(writing(telling('a', log), telling('b', log)))
    const order = ['prepares', 'commits', 'finishes'].flatMap((doing) => [`a ${doing}`, `b ${doing}`])
    expect(log).toEqual(order)
  })

  test('no sink finishes when one of them cannot commit', async () => {
    const log: string[] = []
    const lost: Answer = () => [{ kind: 'lost', reason: 'it is gone' }]
    expect(await failureOf(runHere(writing(telling('a', log), telling('b', log, lost))))).toMatch(
      /^output\/lost write-1/,
    )
    expect(log).not.toContain('a finishes')
  })

  test.each([0, 2])('a sink that gives %i outcomes for one committable fails the run', async (count) => {
    const log: string[] = []
    const sink = telling('a', log, () => committed(count))
    expect(await failureOf(runHere(writing(sink)))).toBe(
      `output/lost write-0: a sink was given 1 committables and told what became of ${count}`,
    )
    expect(log).not.toContain('a finishes')
  })
})

describe('a commit that is tried again', () => {
  const away: Answer = (count) =>
    Array.from({ length: count }, () => ({ kind: 'retry', reason: 'it is away' }))

  test('shows in the progress, and a stop ends the wait with one more try', async () => {
    const log: string[] = []
    const host = createManualHost()
    const job = new Job(writing(telling('a', log), telling('b', log, away)).build(), { host })
    const run = failureDetail(job.run())
    await untilRetrying(job, host)
    for (let tries = 1; tries < 12; tries++) {
      expect(job.progress().retrying).toEqual({ step: 'write-1', reason: 'it is away', tries })
      await host.advance(Math.min(10_000, 50 * 2 ** (tries - 1)))
    }
    job.stop()
    expect(await run).toEqual({
      code: 'output/write-failed',
      step: 'write-1',
      detail: 'it is away, 13 times; visible of epoch 1: all 1 rows of "write-0"; the rest is not',
      hint: 'mend the target and run again from the input with --output-mode overwrite, which replaces what is visible',
    })
    expect(job.progress().retrying).toBeUndefined()
    expect(log.filter((line) => line === 'b commits')).toHaveLength(13)
  })

  test('shows in the progress while a further try is under way too, until it has succeeded', async () => {
    let tries = 0
    const seen: unknown[] = []
    const host = createManualHost()
    const later: Answer = (count) => {
      seen.push(job.progress().retrying?.tries)
      return ++tries < 3 ? away(count) : committed(count)
    }
    const job = new Job(writing(telling('a', [], later)).build(), { host })
    const run = job.run()
    await untilRetrying(job, host)
    for (let turn = 0; turn < 5; turn++) await host.advance(10_000)
    await run
    expect(seen).toEqual([undefined, 1, 2])
    expect(job.progress().retrying).toBeUndefined()
  })

  test('is tried a few times more when the stop came before', async () => {
    let tries = 0
    const later: Answer = (count) => (++tries < 4 ? away(count) : committed(count))
    const host = createManualHost()
    const job = new Job(writing(telling('a', [], later)).build(), { host })
    const run = job.run()
    await untilRetrying(job, host)
    job.stop()
    for (let turn = 0; turn < 5; turn++) await host.advance(10_000)
    expect((await run).end).toBe('finished')
    expect(tries).toBe(4)
  })

  test('and never succeeds says that nothing is visible where nothing is', async () => {
    const host = createManualHost()
    const job = new Job(writing(telling('a', [], away), telling('b', [])).build(), { host })
    const run = failureDetail(job.run())
    await untilRetrying(job, host)
    for (let turn = 0; turn < 25; turn++) await host.advance(10_000)
    expect(await run).toMatchObject({
      detail: 'it is away, 21 times; nothing of epoch 1 is visible',
      hint: 'mend the target and run again',
    })
  })
})

async function untilRetrying(job: Job, host: ManualHost): Promise<void> {
  for (let turn = 0; job.progress().retrying === undefined; turn++) {
    if (turn > 1000) throw new Error('no commit was tried again')
    await host.advance(0)
  }
}

async function failureDetail(run: Promise<unknown>): Promise<object> {
  try {
    await run
  } catch (error) {
    if (!isMillraceError(error)) throw error
    const { code, step, detail, hint } = error
    return { code, step, detail, hint }
  }
  return {}
}
