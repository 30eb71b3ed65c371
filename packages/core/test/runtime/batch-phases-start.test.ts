// The start of a batch behind a border: with other options, another program, and what it says before.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, schema, t } from '../../src/index.ts'
import type { BuiltPipeline } from '../../src/index.ts'
import { DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import { memoryRows } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobResult } from '../../src/runtime/index.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import {
  Row,
  rows,
  inPhases,
  STATE,
  starting,
  visible,
  answerOf,
  breakingInLast,
  stopped,
} from './phased-batch.ts'
import type { Calls } from './phased-batch.ts'

describe('a start behind a border', () => {
  it.each([
    [3, 2],
    [1, 3],
    [2, 1],
  ])('goes on with another number of tasks: %i, then %i', async (before, after) => {
    const machine = await stopped(starting({ parallelism: before }, breakingInLast))
    const calls: Calls = [0, 0, 0]
    await machine.run(starting({ parallelism: after })(machine.boot(), calls))
    expect(calls).toEqual([0, 0, 25])
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it('says before a start what it would go on with', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const host = machine.boot()
    const job = new Job(inPhases([0, 0, 0]).build(), { host, state: new DirectoryStore(host, STATE) })
    const check = await machine.run(job.check())
    expect(check).toMatchObject({ kind: 'resume', epoch: 2, phases: { done: 2, of: 3 }, owes: [], steps: [] })
    expect(check?.refusals).toEqual([])
  })

  it('goes on with phases that have changed, when they are not sealed', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const calls: Calls = [0, 0, 0]
    await machine.run(starting({}, { last: (seen) => seen * 100 })(machine.boot(), calls))
    expect(calls).toEqual([0, 0, 25])
    expect(await visible(machine)).toContain('seen {"name":"name of k0","seen":500}')
  })

  it('L7: refuses another program behind a border, and says so before it starts', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    for (const built of [
      pipeline('in-phases', (p) =>
        p.read('rows', memoryRows(Row, rows)).write('out', ndjson('/data/new')),
      ).build(),
      inPhases([0, 0, 0], { thirds: 4 }).build(),
    ]) {
      const host = machine.boot()
      const job = new Job(built, { host, state: new DirectoryStore(host, STATE) })
      const check = await machine.run(job.check())
      const refused = {
        code: 'checkpoint/incompatible',
        message: expect.stringContaining('phase 2 of 3 of the batch is complete'),
      }
      expect(check?.refusals).toMatchObject([refused])
      await expect(machine.run(job.run())).rejects.toMatchObject(refused)
    }
  })

  it('goes on with the number of tasks that it had where another would change what crosses the border', async () => {
    const built = (inLast: () => void): BuiltPipeline =>
      pipeline('counting', (p) => {
        p.read('rows', memoryRows(Row, rows))
          .keyBy('by-key', 'key')
          .window(globalWindow())
          .aggregate('count', (a) => ({ n: a.count() }))
          .map('last', schema({ n: t.int32() }), ({ n }) => {
            inLast()
            return { n }
          })
          .write('out', ndjson('/data/counted'))
      }).build()
    const machine = new SimulatedMachine(7)
    let place = 0
    const run = (inLast: () => void, parallelism: number): Promise<JobResult> => {
      const host = machine.boot()
      const state = new DirectoryStore(host, `${STATE}-${place}`)
      return machine.run(new Job(built(inLast), { host, state, parallelism, outputMode: 'append' }).run())
    }
    const fail = breakingInLast.inLast as () => void
    for (const [before, after] of [
      [1, 2],
      [3, 1],
    ] as const) {
      await expect(run(fail, before)).rejects.toMatchObject({ code: 'step/function-failed' })
      machine.kill('process')
      const result = await run(() => undefined, after)
      expect(result.start?.phases).toEqual({ done: 1, of: 2, tasks: before })
      expect(result.progress).toMatchObject({ rowsIn: 0, rowsOut: 5 })
      machine.kill('process')
      place++
    }
  })

  it('takes no file that was added since: the input is what was there when its phase began', async () => {
    const machine = new SimulatedMachine(7)
    const put = async (name: string, keys: readonly string[]): Promise<void> => {
      const files = new SimulatedFiles(machine.disk)
      await files.makeDirectory('/data/in')
      const file = await files.open(`/data/in/${name}.ndjson`, 'create')
      await file.write(Buffer.from(keys.map((key) => `${JSON.stringify({ key })}\n`).join('')))
      await file.close()
    }
    const run = (state: string, inLast: () => void): Promise<JobResult> => {
      const host = machine.boot()
      const built = pipeline('counting', (p) => {
        p.read('rows', ndjson('/data/in', { schema: schema({ key: t.string() }) }))
          .keyBy('by-key', 'key')
          .window(globalWindow())
          .aggregate('count', (a) => ({ n: a.count() }))
          .map('last', schema({ n: t.int32() }), ({ n }) => {
            inLast()
            return { n }
          })
          .write('out', ndjson(`${state}-out`))
      }).build()
      return machine.run(new Job(built, { host, state: new DirectoryStore(host, state) }).run())
    }
    await put('a', ['x', 'y'])
    await expect(run('/data/first', breakingInLast.inLast as () => void)).rejects.toMatchObject({
      code: 'step/function-failed',
    })
    machine.kill('process')
    await put('b', ['x', 'z'])
    const result = await run('/data/first', () => undefined)
    expect(result.start?.phases).toMatchObject({ done: 1, of: 2 })
    expect(result.progress).toMatchObject({ rowsIn: 0, rowsOut: 2 })
    machine.kill('process')
    // What begins anew reads both.
    expect((await run('/data/second', () => undefined)).progress).toMatchObject({ rowsIn: 4, rowsOut: 3 })
  })

  it('makes no savepoint of a border', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const host = machine.boot()
    const from = new DirectoryStore(host, STATE)
    const made = writeSavepoint(from, new DirectoryStore(host, '/data/savepoint'), { checks: host.bytes })
    await expect(machine.run(made)).rejects.toMatchObject({ code: 'checkpoint/incompatible' })
  })

  it('says that outputs stay as the first start opened them', async () => {
    const machine = await stopped(starting({ outputMode: 'append' }, breakingInLast))
    await expect(
      machine.run(starting({ outputMode: 'overwrite' }, breakingInLast)(machine.boot(), [0, 0, 0])),
    ).rejects.toMatchObject({ code: 'input/read-failed' })
    machine.kill('process')
    const { start } = await machine.run(starting({ outputMode: 'overwrite' })(machine.boot(), [0, 0, 0]))
    expect(start?.phases).toMatchObject({ done: 2, outputMode: 'append' })
  })
})
