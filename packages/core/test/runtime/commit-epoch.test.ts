import { describe, expect, test } from 'vitest'
import { memoryRows, pipeline, schema, t } from '../../src/index.ts'
import type { Pipeline } from '../../src/index.ts'
import type { CommitOutcome, Sink } from '../../src/connect/sink.ts'
import { isMillraceError } from '../../src/errors.ts'
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
