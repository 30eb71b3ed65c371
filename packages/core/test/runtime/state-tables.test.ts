// The state of a checkpoint as rows is what the steps hold, whatever changes and removals lie in its files.
import { describe, expect, it } from 'vitest'
import { DirectoryStore, StateFileWriter } from '../../src/checkpoint/index.ts'
import type { Manifest, StateFileReference } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink, memoryStream } from '../../src/connect/index.ts'
import type { Json } from '../../src/data/index.ts'
import { sourceParts, sourceRows } from '../../src/engine/source/source-state.ts'
import type { SourceNotes } from '../../src/engine/source/source-state.ts'
import type { Host } from '../../src/host/host.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { pipeline, schema, session, sliding, state, t, tumbling } from '../../src/index.ts'
import { Job, readCheckpoints, readStateTables } from '../../src/runtime/index.ts'
import type { StateTable } from '../../src/runtime/index.ts'
import { drive } from '../../src/testing/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'

const Row = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
type Row = { readonly key: string; readonly n: number; readonly at: number }

/** A step of every kind that keeps something. */
const keeping = pipeline('job', (p) => {
  const rows = p.read('rows', memoryRows(Row, []), { eventTime: 'at' })
  const keyed = rows.keyBy('by-key', 'key')
  keyed
    .process('keep', {
      state: {
        last: state.value(t.int32()),
        big: state.value(t.int64().bigint()),
        due: state.value(t.date()),
        all: state.list(t.struct({ n: t.int32() })),
        by: state.map(t.int32(), t.string()),
      },
      output: Row,
      // Below zero: all of the key goes, but for one entry of the map.
      onRow({ key, n, at }, { state: kept, setTimer, deleteTimer }) {
        if (n < 0) {
          kept.last.clear()
          kept.big.clear()
          kept.due.clear()
          kept.all.clear()
          kept.by.delete(-n)
          deleteTimer('t')
          return
        }
        kept.last.set(n)
        kept.big.set(2n ** 60n + BigInt(n))
        kept.due.set('2024-05-01')
        kept.all.add({ n })
        kept.by.set(n, key)
        setTimer('t', at + 1_000_000)
      },
      onTimer: () => undefined,
    })
    .write('out', memorySink())
  for (const [name, window] of [
    ['tumbled', tumbling('1 s')],
    ['slid', sliding('2 s', '1 s')],
    ['sessions', session('1 s')],
  ] as const)
    keyed
      .window(window as never)
      .aggregate(name, (a) => ({ rows: a.count() }))
      .write(`out-${name}`, memorySink())
})

/** Sends some rows, an epoch for each lot; gives the tables of the last one. */
async function tablesAfter(...lots: readonly (readonly Row[])[]): Promise<readonly StateTable[]> {
  const run = await drive(keeping, { parallelism: 2 })
  for (const lot of lots) {
    run.source('rows', Row).send(...lot)
    await run.epoch()
  }
  const steps = ['keep', 'tumbled', 'slid', 'sessions']
  return (await Promise.all(steps.map((step) => run.step(step).tables()))).flat()
}

function rowsOf(tables: readonly StateTable[], step: string, table: string): readonly unknown[] {
  const found = tables.find((one) => one.step === step && one.table === table)
  return (found?.rows ?? []).toSorted((a, b) => (JSON.stringify(a, text) < JSON.stringify(b, text) ? -1 : 1))
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

describe('the state of a checkpoint as rows', () => {
  it('has typed keys and values, and what several epochs have changed', async () => {
    const tables = await tablesAfter(
      [
        { key: 'a', n: 1, at: 0 },
        { key: 'b', n: 5, at: 10 },
      ],
      [{ key: 'a', n: 2, at: 20 }],
    )
    const date = '2024-05-01'
    expect(rowsOf(tables, 'keep', 'values')).toEqual([
      { key: 'a', last: 2, big: 2n ** 60n + 2n, due: date },
      { key: 'b', last: 5, big: 2n ** 60n + 5n, due: date },
    ])
    expect(rowsOf(tables, 'keep', 'list:all')).toEqual([
      { key: 'a', '/at': 0, '/value': { n: 1 } },
      { key: 'a', '/at': 1, '/value': { n: 2 } },
      { key: 'b', '/at': 0, '/value': { n: 5 } },
    ])
    expect(rowsOf(tables, 'keep', 'map:by')).toEqual([
      { key: 'a', '/key': 1, '/value': 'a' },
      { key: 'a', '/key': 2, '/value': 'a' },
      { key: 'b', '/key': 5, '/value': 'b' },
    ])
    expect(rowsOf(tables, 'keep', 'timers')).toEqual([
      { key: 'a', '/name': 't', '/time': 1_000_020 },
      { key: 'b', '/name': 't', '/time': 1_000_010 },
    ])
    expect(tables.find(({ table }) => table === 'values')?.keys).toEqual(['key'])
  })

  it('lacks what is gone: cleared values and lists, entries of maps, timers', async () => {
    const tables = await tablesAfter(
      [
        { key: 'a', n: 1, at: 0 },
        { key: 'a', n: 2, at: 1 },
        { key: 'b', n: 3, at: 2 },
      ],
      [{ key: 'a', n: -1, at: 3 }],
      [{ key: 'b', n: 4, at: 4 }],
    )
    expect(rowsOf(tables, 'keep', 'values')).toMatchObject([{ key: 'b', last: 4 }])
    expect(rowsOf(tables, 'keep', 'list:all')).toMatchObject([{ key: 'b' }, { key: 'b' }])
    expect(rowsOf(tables, 'keep', 'map:by')).toEqual([
      { key: 'a', '/key': 2, '/value': 'a' },
      { key: 'b', '/key': 3, '/value': 'b' },
      { key: 'b', '/key': 4, '/value': 'b' },
    ])
    expect(rowsOf(tables, 'keep', 'timers')).toMatchObject([{ key: 'b' }])
  })

  it('has the timers that wait, and not those that have fired', async () => {
    const tables = await tablesAfter(
      [
        { key: 'a', n: 1, at: 0 },
        { key: 'b', n: 1, at: 10 },
      ],
      [{ key: 'c', n: 1, at: 1_500_000 }],
      [{ key: 'd', n: 1, at: 1_500_001 }],
    )
    expect(rowsOf(tables, 'keep', 'timers')).toMatchObject([
      { key: 'c', '/time': 2_500_000 },
      { key: 'd', '/time': 2_500_001 },
    ])
  })

  it('hides nothing for what a key or a state is called', async () => {
    const names = ['gone', '/removed', '/order', '/name'] as const
    const Named = schema({
      gone: t.boolean(),
      '/removed': t.boolean(),
      '/order': t.int32(),
      '/name': t.int32(),
      at: t.timestamp('ms'),
    })
    const host: Host = { ...createNodeHost(), files: new SimulatedFiles(new SimulatedDisk()) }
    const store = new DirectoryStore(host, '/state')
    const key = { gone: true, '/removed': true, '/order': 1, '/name': 2 }
    const stream = memoryStream(Named)
    stream.push({ ...key, at: 1 })
    const built = pipeline('job', (p) => {
      p.read('rows', stream, { eventTime: 'at' })
        .keyBy('by', names)
        .process('keep', {
          state: { gone: state.value(t.boolean()), by: state.map(t.int32(), t.boolean()) },
          output: Named,
          onRow(_, { state: kept, setTimer, deleteTimer }) {
            kept.gone.set(true)
            kept.by.set(1, true)
            kept.by.set(2, true)
            for (const name of ['x', 'y', 'z']) setTimer(name, 10)
            deleteTimer('z')
          },
          onTimer: () => undefined,
        })
        .write('out', memorySink())
    }).build()
    const times = { epochIntervalMs: 60_000, stopWhenIdleMs: 1 }
    await new Job(built, { host, mode: 'continuous', state: store, ...times }).run()
    const { epochs } = await readCheckpoints(store, host.bytes)
    const { manifest } = epochs.at(-1) as (typeof epochs)[number]
    const tables = await readStateTables(manifest, { store, checks: host.bytes })
    expect(tables.find(({ table }) => table === 'values')).toMatchObject({ keys: names, rows: [key] })
    expect(rowsOf(tables, 'keep', 'map:by')).toMatchObject([
      { ...key, '/key': 1, '/value': true },
      { ...key, '/key': 2, '/value': true },
    ])
    expect(rowsOf(tables, 'keep', 'timers')).toMatchObject([
      { ...key, '//name': 'x' },
      { ...key, '//name': 'y' },
    ])
  })

  it('has every row of the table of a lookup join, whatever its columns are called', async () => {
    const Named = schema({ key: t.string(), gone: t.boolean(), '/removed': t.boolean() })
    const rows = ['a', 'b', 'b'].map((key) => ({ key, gone: true, '/removed': true }))
    const host: Host = { ...createNodeHost(), files: new SimulatedFiles(new SimulatedDisk()) }
    const store = new DirectoryStore(host, '/state')
    const built = pipeline('job', (p) => {
      const table = p.read('table', memoryRows(Named, rows))
      p.read('rows', memoryRows(Row, [{ key: 'a', n: 1, at: 0 }]))
        .lookupJoin('joined', table, { on: 'key', select: { found: 'gone', taken: '/removed' } })
        .write('out', memorySink())
    }).build()
    await new Job(built, {
      host,
      mode: 'micro-batch',
      trigger: { kind: 'available-now' },
      state: store,
    }).run()
    const { epochs } = await readCheckpoints(store, host.bytes)
    const { manifest } = epochs.at(-1) as (typeof epochs)[number]
    const tables = await readStateTables(manifest, { store, checks: host.bytes })
    expect(rowsOf(tables, 'joined', 'table')).toEqual(rows)
  })

  it('has the windows that are open, and not those that have fired', async () => {
    const tables = await tablesAfter(
      [{ key: 'a', n: 1, at: 100 }],
      [{ key: 'a', n: 1, at: 1500 }],
      [{ key: 'a', n: 1, at: 5200 }],
    )
    expect(rowsOf(tables, 'tumbled', 'panes')).toMatchObject([{ key: 'a', '/pane': 5000, 'rows/rows': 1 }])
    expect(rowsOf(tables, 'slid', 'panes')).toMatchObject([{ key: 'a', '/pane': 5000, 'rows/rows': 1 }])
    expect(rowsOf(tables, 'sessions', 'sessions')).toMatchObject([{ key: 'a', 'rows/rows': 1 }])
  })
})

describe('the tables of a source', () => {
  it('have no entries that are forgotten, and no tasks that are no more', async () => {
    const host: Host = { ...createNodeHost(), files: new SimulatedFiles(new SimulatedDisk()) }
    const store = new DirectoryStore(host, '/state')
    const groups: [number, number] = [0, 128]
    const standing = (tasks: number): SourceNotes['standing'] => ({
      marks: Array.from({ length: tasks }, (_, task) => ({ current: task, highestEnded: task })),
      discovered: 0,
      discoveryDone: false,
    })
    const write = async (
      name: string,
      remembered: SourceNotes['remembered'],
      tasks: number,
    ): Promise<StateFileReference> => {
      const writer = await StateFileWriter.begin(store, name, {
        checks: host.bytes,
        parts: sourceParts,
        about: { kind: 'source', connector: 'own' } as never,
      })
      const notes = { splits: [], gone: [], remembered, standing: standing(tasks) }
      for (const rows of sourceRows(notes, groups)) await writer.append(rows)
      return { ...(await writer.finish()), step: 'rows', groups, epoch: 1, full: false }
    }
    const files = [
      await write('state/a1-e1-0', new Map<string, Json>([['stays', 1], ['goes', { a: 2 }], ['null', null]]), 3), // prettier-ignore
      await write('state/a1-e2-0', new Map([['goes', undefined]]), 2),
    ]
    const tables = await readStateTables({ state: files } as unknown as Manifest, {
      store,
      checks: host.bytes,
    })
    const rowsOf = (table: string): readonly object[] | undefined =>
      tables.find((one) => one.table === table)?.rows
    expect(rowsOf('remembered')).toEqual([
      { key: 'stays', value: [1] },
      { key: 'null', value: [null] },
    ])
    expect(rowsOf('tasks')).toMatchObject([{ task: 0 }, { task: 1 }])
  })
})
