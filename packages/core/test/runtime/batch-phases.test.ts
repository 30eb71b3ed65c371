// Batches in phases: rows are those of a run in one go, nothing shows before the last epoch, and each phase is sealed.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, tumbling } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import type { Manifest } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { runHere, sorted } from './run-here.ts'
import { scriptedSink } from './scripted-connectors.ts'
import { Row, rows, inPhases, STATE, real, starting, kept, answerOf, live } from './phased-batch.ts'

describe('a batch in phases', () => {
  it.each([1, 2, 3])('Q3: shows the rows of a run in one go, with parallelism %i', async (parallelism) => {
    const answer = await answerOf(parallelism)
    expect(answer.length).toBeGreaterThan(30)
    const { shown, trouble } = await live(starting({ parallelism }), parallelism, [])
    expect({ shown, trouble }).toEqual({ shown: answer, trouble: [] })
  })

  it('Q3: finds the same rows late, whatever the tasks and batches', async () => {
    const row = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      n: fc.integer({ min: -100, max: 100 }),
      at: fc.integer({ min: -20_000, max: 20_000 }),
    })
    const way = fc.record({ parallelism: fc.constantFrom(1, 2, 3), batchRows: fc.constantFrom(1, 3, 4096) })
    let late = 0
    const property = fc.asyncProperty(fc.array(row, { maxLength: 60 }), way, async (input, options) => {
      const shown = async (inPhases: boolean): Promise<readonly string[]> => {
        const [windows, left] = [memorySink(), memorySink()]
        const made = pipeline('late', (p) => {
          const counted = p
            .read('rows', memoryRows(Row, input, { splits: 3 }), {
              eventTime: { column: 'at', disorder: '100 ms' },
            })
            .keyBy('by-key', 'key')
            .window(tumbling('1 s'))
            .aggregate('count', (a) => ({ n: a.count(), last: a.last('n') }))
          counted.write('windows', windows)
          counted.late.write('left', left)
        })
        await runHere(made, { ...options, inPhases })
        late += left.rows.length
        return [...sorted(windows.rows), ...sorted(left.rows)]
      }
      expect(await shown(true)).toEqual(await shown(false))
    })
    await fc.assert(property, { numRuns: 60 })
    expect(late).toBeGreaterThan(20)
  })

  it('seals and prepares each sink once, and commits all of them at the end', async () => {
    const host = createManualHost()
    const calls: string[] = []
    const telling = (name: string): ReturnType<typeof scriptedSink> =>
      scriptedSink({
        seal: (epoch) => void calls.push(`${name} seal ${epoch}`),
        prepare: (epoch) => void calls.push(`${name} prepare ${epoch}`),
        commit: () => void calls.push(`${name} commit`),
        finish: () => void calls.push(`${name} finish`),
      })
    const two = pipeline('two', (p) => {
      const input = p.read('rows', memoryRows(Row, rows))
      input.write('first', telling('first'))
      input
        .keyBy('by-key', 'key')
        .window(globalWindow())
        .aggregate('count', (a) => ({ n: a.count() }))
        .write('last', telling('last'))
    })
    await new Job(two.build(), { host: real, state: new DirectoryStore(host, '/state') }).run()
    expect(calls).toEqual([
      'first seal 1',
      'first prepare 1',
      'last seal 2',
      'last prepare 2',
      'first commit',
      'last commit',
      'first finish',
      'last finish',
    ])
  })

  it('seals three phases, and keeps the border before the newest', async () => {
    const machine = new SimulatedMachine(3)
    const manifests: (Manifest | undefined)[] = []
    const look = async (): Promise<void> => void manifests.push((await kept(machine)).manifest)
    const seen: Promise<void>[] = []
    const once = (calls: number[]) => (): void => {
      if (calls.length === 0) seen.push(look())
      calls.push(1)
    }
    const changes = { inSecond: once([]), inLast: once([]) }
    const result = await machine.run(starting({}, changes)(machine.boot(), [0, 0, 0]))
    await Promise.all(seen)
    expect(result.progress).toMatchObject({ epoch: 3, phase: { number: 3, of: 3 } })
    expect(manifests.map((manifest) => manifest?.border)).toMatchObject([
      { done: 1, of: 3 },
      { done: 2, of: 3 },
    ])
    expect(manifests[1]?.pending.map(({ step, epoch }) => `${step} ${epoch}`)).toEqual([
      'rows-out 1',
      'windows-out 2',
    ])
  })

  it('is not one in phases without a state directory, or without rows that are dealt out', async () => {
    const machine = new SimulatedMachine(2)
    const host = machine.boot()
    const { progress } = await machine.run(new Job(inPhases([0, 0, 0]).build(), { host }).run())
    expect(progress.epoch).toBe(1)
    const plain = pipeline('plain', (p) =>
      p.read('rows', memoryRows(Row, rows)).write('out', ndjson('/data/plain')),
    )
    const state = new DirectoryStore(host, STATE)
    expect((await machine.run(new Job(plain.build(), { host, state }).run())).progress.epoch).toBe(1)
  })
})
