// Tables of lookup joins over the runs of a state directory: kept as they were read, and read anew when that is asked for.
import { expect, test } from 'vitest'
import { globalWindow, pipeline, schema, state as keep, t } from '../../src/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { memorySink } from '../../src/connect/index.ts'
import type { MemorySink } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { hostWith, untilEnded } from '../bad-input/copying.ts'

const Event = schema({ key: t.string(), at: t.timestamp('ms') })
const line = (at: number): string => `${JSON.stringify({ key: 'a', at })}\n`
const available = { mode: 'micro-batch', trigger: { kind: 'available-now' } } as const

test.each(['micro-batch', 'continuous'] as const)(
  'tables are read anew where that is asked for, with what is computed for them (%s)',
  async (mode) => {
    const line2 = (key: string, name: string): string => `${JSON.stringify({ key, name })}\n`
    const machine = hostWith({ 'in/a.ndjson': line(1), 'names/n.ndjson': line2('a', 'Anna') })
    const state = new DirectoryStore(machine, 'state')
    const Name = schema({ key: t.string(), name: t.string() })
    const sums: unknown[] = []
    const job = (sink: MemorySink<object>, options: Partial<JobOptions> = {}): Job => {
      const built = pipeline('table', (p) => {
        const names = p.read('names', ndjson('names', { schema: Name }))
        const counts = p
          .read('counted', ndjson('names', { schema: Name }))
          .keyBy('by-key', 'key')
          .window(globalWindow())
          .aggregate('count', (a) => ({ names: a.count() }))
        p.read('in', ndjson('in', { schema: Event, eventTime: 'at' }))
          .lookupJoin('named', names, { on: 'key', select: { name: 'name' } })
          .lookupJoin('counts', counts, { on: 'key', select: { names: 'names' } })
          .write('out', sink)
        p.read('in-again', ndjson('in', { schema: Event, eventTime: 'at' }))
          .keyBy('again-by-key', 'key')
          .process('sum', {
            state: { rows: keep.value(t.int32()) },
            output: schema({ rows: t.int32() }),
            onRow(_, context) {
              context.state.rows.set((context.state.rows.get() ?? 0) + 1)
              sums.push(context.state.rows.get())
            },
          })
          .write('sums', memorySink())
      }).build()
      const way = mode === 'micro-batch' ? available : { mode, stopWhenIdleMs: 500, epochIntervalMs: 100 }
      return new Job(built, { host: machine, ...way, state, ...options })
    }
    const run = async (options: Partial<JobOptions> = {}): Promise<readonly unknown[]> => {
      const sink = memorySink<object>()
      machine.restart()
      await machine.advance(60_000)
      const { start } = await untilEnded(machine, job(sink, options).run())
      return [start?.tables, ...sink.rows]
    }
    expect(await run()).toMatchObject([undefined, { at: 1, name: 'Anna', names: 1 }])
    machine.files.put('names/m.ndjson', line2('b', 'Bert') + line2('a', 'Anne'))
    machine.files.put('in/b.ndjson', line(2))
    expect(await run()).toMatchObject([['names', 'counted'], { at: 2, name: 'Anna', names: 1 }])
    expect(await job(memorySink()).check()).toMatchObject({ tables: ['names', 'counted'] })
    machine.files.put('in/c.ndjson', line(3))
    const refreshTables = true
    const check = await job(memorySink(), { refreshTables }).check()
    expect(
      check?.steps
        .filter(({ verdict }) => verdict === 'anew')
        .map(({ step }) => step)
        .toSorted(),
    ).toEqual(['count', 'counted', 'counts', 'named', 'names'])
    const [tables, ...rows] = await run({ refreshTables })
    expect(tables).toEqual([])
    expect(rows).toMatchObject([
      { at: 3, name: 'Anne', names: 2 },
      { at: 3, name: 'Anna', names: 2 },
    ])
    // What was read anew stays.
    await machine.files.remove('names/n.ndjson')
    machine.files.put('in/d.ndjson', line(4))
    expect(await run()).toMatchObject([['names', 'counted'], { at: 4, names: 2 }, { at: 4, names: 2 }])
    expect(sums).toEqual([1, 2, 3, 4])
  },
)

test('an epoch whose plan is carried out again after a failure joins tables that are read anew', async () => {
  const machine = hostWith({
    'in/a.ndjson': line(1),
    'names/n.ndjson': `${JSON.stringify({ key: 'a', name: 'Anna' })}\n`,
  })
  const state = new DirectoryStore(machine, 'state')
  const Name = schema({ key: t.string(), name: t.string() })
  const run = async (fails: boolean, options: Partial<JobOptions> = {}): Promise<readonly object[]> => {
    const sink = memorySink<object>()
    const built = pipeline('table', (p) => {
      const names = p.read('names', ndjson('names', { schema: Name }))
      p.read('in', ndjson('in', { schema: Event }))
        .filter('fails', ({ at }) => {
          if (fails && at > 1) throw new Error('not today')
          return true
        })
        .lookupJoin('named', names, { on: 'key', select: { name: 'name' } })
        .write('out', sink)
    }).build()
    machine.restart()
    await machine.advance(60_000)
    const job = new Job(built, { host: machine, ...available, state, takeOver: true, ...options })
    await untilEnded(machine, job.run())
    return sink.rows
  }
  expect(await run(false)).toMatchObject([{ at: 1, name: 'Anna' }])
  machine.files.put('in/b.ndjson', line(2))
  await expect(run(true)).rejects.toMatchObject({ code: 'step/function-failed' })
  machine.files.put('names/n.ndjson', `${JSON.stringify({ key: 'a', name: 'Anne' })}\n`)
  machine.files.put('in/c.ndjson', line(3))
  expect(await run(false, { refreshTables: true })).toMatchObject([
    { at: 2, name: 'Anne' },
    { at: 3, name: 'Anne' },
  ])
  expect(await run(false)).toEqual([])
})

test('a batch, or a job that keeps nothing, has no tables to read anew', () => {
  const built = pipeline('plain', (p) => {
    p.read('in', ndjson('in', { schema: Event })).write('out', memorySink())
  }).build()
  const host = hostWith({})
  const refreshTables = true
  expect(() => new Job(built, { host, refreshTables, state: new DirectoryStore(host, 'state') })).toThrow(
    'a batch run has no tables to read anew',
  )
  expect(() => new Job(built, { host, refreshTables, mode: 'continuous' })).toThrow('refreshTables')
})
