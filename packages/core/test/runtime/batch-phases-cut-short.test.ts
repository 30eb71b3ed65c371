// A batch in phases that is killed, stopped, or fails: what is sealed is not computed again, and nothing shows before the end.
import { describe, expect, it, vi } from 'vitest'
import { globalWindow, pipeline } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { csv } from '../../src/connect/files/index.ts'
import { MillraceError } from '../../src/errors.ts'
import type { Host } from '../../src/host/host.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobResult } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { suiteSeed } from '../testing/crashes.ts'
import { Row, rows, inPhases, STATE, real, starting, visible, answerOf, live } from './phased-batch.ts'
import type { Calls } from './phased-batch.ts'

// These tests wait for nothing; a machine with much else to do is slow.
vi.setConfig({ testTimeout: 300_000 })

describe('a batch in phases that is cut short', () => {
  it.each([1, 2, 3])(
    'goes on at the last border, killed behind any event, with parallelism %i',
    async (parallelism) => {
      const start = starting({ parallelism })
      const answer = await answerOf(parallelism)
      const { events } = await live(start, 1, [])
      const step = parallelism === 1 ? 7 : 13
      for (let point = 1 + (suiteSeed % step); point < events; point += step) {
        const { shown, trouble } = await live(start, point, [point, (point * 7) % events])
        expect({ point, trouble, shown }).toEqual({ point, trouble: [], shown: answer })
      }
    },
  )

  it('replaces an output at its end, killed behind any event', async () => {
    const start = starting({ parallelism: 2, outputMode: 'overwrite' })
    const answer = await answerOf(2)
    const { events } = await live(start, 1, [], true)
    for (let point = 1 + (suiteSeed % 23); point < events; point += 23) {
      const { shown, trouble } = await live(start, point, [point, (point * 5) % events], true)
      expect({ point, trouble, shown }).toEqual({ point, trouble: [], shown: answer })
    }
  })

  it('makes the files of outputs without rows once, killed behind any event', async () => {
    const built = pipeline('empty', (p) => {
      const none = p.read('rows', memoryRows(Row, rows)).filter('none', () => false)
      none.write('early', csv('/data/early'))
      none
        .keyBy('by-key', 'key')
        .window(globalWindow())
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('late', csv('/data/late'))
    }).build()
    const starts = new Set<string>()
    for (let kill = 1; kill < 400; kill++) {
      const machine = new SimulatedMachine(1)
      const start = (): Promise<JobResult> => {
        const host = machine.boot()
        return machine.run(new Job(built, { host, state: new DirectoryStore(host, STATE) }).run())
      }
      machine.killAfter(kill)
      const killed = await start().catch(() => undefined)
      machine.kill('process')
      if (killed === undefined) starts.add((await start()).start?.kind ?? '')
      const files = new SimulatedFiles(machine.disk)
      for (const folder of ['/data/early', '/data/late']) {
        const names = (await files.list(folder))
          .map(({ name }) => name)
          .filter((name) => !name.startsWith('_'))
        expect({ kill, folder, files: names.length }).toEqual({ kill, folder, files: 1 })
      }
      if (killed !== undefined) break
    }
    expect([...starts].toSorted()).toEqual(['begin', 'ended', 'resume'])
  })

  it('is seen to fail where borders are not synced', async () => {
    const lie = (host: Host): Host => ({
      ...host,
      files: {
        ...host.files,
        open: async (path, mode) => {
          const file = await host.files.open(path, mode)
          return path.startsWith(`${STATE}/state/`)
            ? Object.assign(file, { sync: async () => undefined })
            : file
        },
      },
    })
    const start = starting()
    const answer = await answerOf(1)
    let wrong = 0
    for (let point = 100; point < 700 && wrong === 0; point += 50) {
      const { shown, trouble } = await live((host, calls) => start(lie(host), calls), point, [point])
      if (trouble.length > 0 || shown.join() !== answer.join()) wrong++
    }
    expect(wrong).toBe(1)
  })

  it('ends when it is stopped, and goes on behind the last border', async () => {
    const machine = new SimulatedMachine(8)
    const host = machine.boot()
    const calls: Calls = [0, 0, 0]
    const stop = (): void => job.stop()
    const state = new DirectoryStore(host, STATE)
    const job: Job = new Job(inPhases(calls, { inSecond: stop }).build(), { host, state, batchRows: 5 })
    await expect(machine.run(job.run())).rejects.toMatchObject({
      code: 'run/cancelled',
      hint: expect.stringContaining('behind the last phase that was complete'),
    })
    expect(calls[2]).toBe(0)
    machine.kill('process')
    const result = await machine.run(starting()(machine.boot(), calls))
    expect(result.start).toMatchObject({ kind: 'resume', phases: { done: 1, of: 3, tasks: 1 } })
    expect(calls[0]).toBe(48)
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it('ends on a full disk, and goes on when there is room', async () => {
    const host = createManualHost()
    const sink = memorySink()
    const counting = pipeline('counting', (p) => {
      p.read('rows', memoryRows(Row, rows))
        .keyBy('by-key', 'key')
        .window(globalWindow())
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('out', sink)
    })
    const run = (): Promise<JobResult> =>
      new Job(counting.build(), { host: real, state: new DirectoryStore(host, '/state') }).run()
    host.files.inject({ operation: 'file-write', path: /state\/state/, code: 'ENOSPC', times: 1 })
    await expect(run()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    expect(sink.rows).toEqual([])
    expect(host.files.openFiles).toBe(0)
    await run()
    expect(sink.rows).toHaveLength(5)
  })

  it('goes on at the last border after a failure, when it starts again by itself', async () => {
    const machine = new SimulatedMachine(5)
    const calls: Calls = [0, 0, 0]
    let failures = 2
    const inLast = (): void => {
      if (failures-- > 0) throw new MillraceError('input/read-failed', { what: 'the network is away' })
    }
    const job = starting({ restart: { kind: 'fixed', delay: '1 s', attempts: 3 } }, { inLast })
    const result = await machine.run(job(machine.boot(), calls))
    expect(result.start).toMatchObject({ kind: 'resume', epoch: 2, attempt: 3, committedAgain: 0 })
    expect(calls).toEqual([48, 25, 27])
    expect(await visible(machine)).toEqual(await answerOf(1))
  })
})
