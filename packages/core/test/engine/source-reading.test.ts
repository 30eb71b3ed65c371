import { describe, expect, test } from 'vitest'
import { makeBatch } from '../../src/data/batch.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { pipeline, schema, sql, t, tumbling } from '../../src/index.ts'
import { memorySink } from '../../src/connect/index.ts'
import type { ReadResult, Sink, Source, Split, SplitReader } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { SimulatedMachine } from '../../src/testing/simulated-host.ts'

const Tick = schema({ at: t.timestamp('ms'), mark: t.timestamp('ms').nullable() })
interface Tick {
  readonly at: number
  readonly mark: number | null
}

/** A connector of this test: every split is a list of batches of rows. */
interface Script {
  readonly splits: readonly (readonly (readonly Tick[])[])[]
  /** Splits found by each turn of discovery; later turns find nothing. Default: all by the first. */
  readonly rounds?: readonly (readonly number[])[]
  /** Whether discovery ends. Default true. */
  readonly discoveryEnds?: boolean
  /** Answers reads with promises. */
  readonly slow?: boolean
  /** Ends splits when their batches are read; else they idle. Default true. */
  readonly ends?: boolean
}

interface Seen {
  /** Split numbers in the order of their reads. */
  readonly reads: number[]
  readonly readers: Map<number, { rows: number; reading: number; overlapped: boolean; closed: number }>
}

function scripted(script: Script): { source: Source<Tick>; seen: Seen } {
  const seen: Seen = { reads: [], readers: new Map() }
  const source: Source<Tick> = {
    description: { connector: 'scripted', options: {} },
    schema: Tick,
    supports: ['bounded', 'unbounded'],
    enumerate: async () => {
      const rounds = [...(script.rounds ?? [script.splits.map((_, n) => n)])]
      return {
        next: async () => ({
          splits: (rounds.shift() ?? []).map((n): Split => ({ id: `split-${n}`, detail: n })),
          done: script.discoveryEnds ?? true,
        }),
        close: async () => undefined,
      }
    },
    open: async (split) => reader(script, seen, split.detail as number),
  }
  return { source, seen }
}

function reader(script: Script, seen: Seen, number: number): SplitReader {
  const batches = script.splits[number] ?? []
  const facts = { rows: 0, reading: 0, overlapped: false, closed: 0 }
  seen.readers.set(number, facts)
  let at = 0
  const answer = (): ReadResult => {
    const rows = batches[at]
    if (rows === undefined)
      return script.ends === false ? { kind: 'idle', until: new Promise(() => undefined) } : { kind: 'end' }
    at++
    facts.rows += rows.length
    return { kind: 'batch', batch: batchOf(rows) }
  }
  return {
    read() {
      if (facts.reading > 0) facts.overlapped = true
      seen.reads.push(number)
      if (script.slow !== true) return answer()
      facts.reading++
      return Promise.resolve().then(() => {
        facts.reading--
        return answer()
      })
    },
    position: () => facts.rows,
    bytesRead: () => 0,
    close: async () => {
      facts.closed++
    },
  }
}

function batchOf(rows: readonly Tick[]): ReturnType<typeof makeBatch> {
  const type = { kind: 'timestamp', unit: 'ms', zoned: false } as const
  const validity = new Uint8Array((rows.length + 7) >> 3)
  rows.forEach(({ mark }, i) => {
    if (mark !== null) validity[i >> 3] = (validity[i >> 3] ?? 0) | (1 << (i & 7))
  })
  return makeBatch(
    Tick,
    [
      { layout: 'fixed', type, values: Float64Array.from(rows, ({ at }) => at), validity: undefined },
      { layout: 'fixed', type, values: Float64Array.from(rows, ({ mark }) => mark ?? 0), validity },
    ],
    rows.length,
  )
}

const tick = (at: number, mark: number | null = null): Tick => ({ at, mark })
const run = (from: number, count: number, step = 1000): Tick[] =>
  Array.from({ length: count }, (_, i) => tick(from + i * step))
const host = createNodeHost()

describe('reading the splits of a source', () => {
  test('SO1: a reader is never asked twice at a time, and is closed once', async () => {
    const { source, seen } = scripted({ slow: true, splits: [[run(0, 3), run(3000, 3)], [run(0, 5)]] })
    const sink = memorySink()
    await new Job(pipeline('p', (p) => p.read('ticks', source).write('out', sink)).build(), { host }).run()
    expect(sink.rows).toHaveLength(11)
    for (const facts of seen.readers.values()) expect(facts).toMatchObject({ overlapped: false, closed: 1 })
  })

  test('splits that always have rows take turns', async () => {
    const many = Array.from({ length: 20 }, (_, n) => run(n * 1000, 1))
    const { source, seen } = scripted({ splits: [many, many] })
    await new Job(pipeline('p', (p) => p.read('ticks', source).write('out', memorySink())).build(), {
      host,
    }).run()
    expect(seen.reads.slice(0, 10)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
  })

  test('SO3: a sequential source reads one split after the other', async () => {
    const { source, seen } = scripted({ splits: [[run(0, 2), run(2000, 2)], [run(0, 2)]] })
    const sequential: Source<Tick> = { ...source, splitOrder: 'sequential' }
    await new Job(pipeline('p', (p) => p.read('ticks', sequential).write('out', memorySink())).build(), {
      host,
    }).run()
    expect(seen.reads).toEqual([0, 0, 0, 1, 1])
  })

  test('SO4: a task without splits does not hold the windows of the others', async () => {
    const { source } = scripted({ splits: [[run(0, 95)]], discoveryEnds: false, ends: false })
    const sink = memorySink()
    const built = pipeline('p', (p) =>
      p
        .read('ticks', source, { eventTime: 'at' })
        .window(tumbling('10 s'))
        .aggregate('agg', (a) => ({ n: a.count() }))
        .write('out', sink),
    ).build()
    await new Job(built, {
      host,
      mode: 'continuous',
      parallelism: 2,
      stopWhenIdleMs: 50,
      epochIntervalMs: 5,
    }).run()
    expect(sink.rows).toHaveLength(9)
  })

  test('SO2: splits that are found while all tasks are idle hold the windows of all of them', async () => {
    const { source } = scripted({
      splits: [[run(0, 1)], [run(500_000, 300)], [run(100_000, 300)], [run(0, 100)]],
      rounds: [[0], [], [], [1, 2, 3]],
      discoveryEnds: false,
    })
    const sink = memorySink<{ n: number }>()
    const built = pipeline('p', (p) =>
      p
        .read('ticks', source, { eventTime: 'at' })
        .window(tumbling('10 s'))
        .aggregate('agg', (a) => ({ n: a.count() }))
        .write('out', sink),
    ).build()
    const machine = new SimulatedMachine(1)
    const job = new Job(built, {
      host: machine.boot(),
      mode: 'continuous',
      parallelism: 3,
      discoverIntervalMs: 1,
      stopWhenIdleMs: 50,
      drain: true,
    })
    const { progress } = await machine.run(job.run())
    expect(progress.rowsLate).toBe(0)
    expect(sink.rows.reduce((sum, { n }) => sum + n, 0)).toBe(701)
  })

  test('SO2: a bounded source that lists its splits in rounds is listed before any is read', async () => {
    const { source } = scripted({
      splits: [[run(100_000, 1)], [run(0, 2, 50_000)]],
      rounds: [[0], [], [1]],
    })
    const rounds: Source<Tick> = {
      ...source,
      enumerate: async (context) => {
        const enumerator = await source.enumerate(context)
        let turns = 0
        return { ...enumerator, next: async () => ({ ...(await enumerator.next()), done: ++turns === 3 }) }
      },
    }
    const sink = memorySink<{ n: number }>()
    const built = pipeline('p', (p) =>
      p
        .read('ticks', rounds, { eventTime: 'at' })
        .window(tumbling('10 s'))
        .aggregate('agg', (a) => ({ n: a.count() }))
        .write('out', sink),
    ).build()
    const { progress } = await new Job(built, { host }).run()
    expect(progress.rowsLate).toBe(0)
    expect(sink.rows).toHaveLength(3)
  })

  test('the order of rows is that of the reader, also of batches with a selection', async () => {
    const { source } = scripted({ splits: [[run(0, 10, 0).map(({ at }, n) => tick(at, n)), [tick(0, 100)]]] })
    const selecting: Source<Tick> = {
      ...source,
      open: async (split, from, context) => {
        const inner = await source.open(split, from, context)
        let isFirst = true
        return {
          ...inner,
          read(rowsMax) {
            const result = inner.read(rowsMax) as ReadResult
            if (result.kind !== 'batch' || !isFirst) return result
            isFirst = false
            return {
              kind: 'batch',
              batch: { ...result.batch, selection: Int32Array.of(9), selectedCount: 1 },
            }
          },
        }
      },
    }
    const sink = memorySink<{ first: number | null; last: number | null }>()
    const built = pipeline('p', (p) =>
      p
        .read('ticks', selecting, { eventTime: 'at' })
        .window(tumbling('10 s'))
        .aggregate('agg', (a) => ({ first: a.first('mark'), last: a.last('mark') }))
        .write('out', sink),
    ).build()
    await new Job(built, { host }).run()
    expect(sink.rows[0]).toMatchObject({ first: 9, last: 100 })
  })

  test('a split is idle only when it brought no rows for as long as it may, counted from its opening', async () => {
    const { source } = scripted({ slow: true, splits: [[run(0, 40)], [run(0, 40)]], ends: false })
    const sink = memorySink()
    const built = pipeline('p', (p) =>
      p
        .read('ticks', source, { eventTime: { column: 'at', idleAfter: '1 hour' } })
        .window(tumbling('10 s'))
        .aggregate('agg', (a) => ({ n: a.count() }))
        .write('out', sink),
    ).build()
    const job = new Job(built, {
      host,
      mode: 'continuous',
      discoverIntervalMs: 1,
      stopWhenIdleMs: 50,
      drain: true,
    })
    const { progress } = await job.run()
    expect(progress.rowsLate).toBe(0)
  })

  test('punctuated watermarks work when nothing else reads their column', async () => {
    const rows = [tick(1000), tick(2000, 2000), tick(15_000, 10_000), tick(9000), tick(31_000, 30_000)]
    const { source } = scripted({ splits: [[rows]] })
    const sink = memorySink<{ n: number }>()
    const built = pipeline('p', (p) =>
      p
        .read('ticks', source, { eventTime: { column: 'at', watermark: { from: 'mark' } } })
        .window(tumbling('10 s'))
        .aggregate('agg', (a) => ({ n: a.count() }))
        .write('out', sink),
    ).build()
    const { progress } = await new Job(built, { host }).run()
    expect(sink.rows.map(({ n }) => n)).toEqual([2, 1, 1])
    expect(progress.rowsLate).toBe(1)
  })
})

describe('epochs and reader positions', () => {
  test('a split that was found and not begun is not told of: without a position it would be one at its end', async () => {
    const machine = new SimulatedMachine(3)
    const host = machine.boot()
    const { source } = scripted({ splits: [run(0, 4).map((row) => [row]), []], ends: false })
    const told: unknown[] = []
    const silent: Source<Tick> = {
      ...source,
      async open(split, from, context) {
        if (split.id === 'split-1') await new Promise<void>((resolve) => host.timers.set(50, resolve))
        return source.open(split, from, context)
      },
      enumerate: async (context) => ({
        ...(await source.enumerate(context)),
        acknowledge: async (progress) => void told.push(...progress),
      }),
    }
    const built = pipeline('p', (p) => p.read('ticks', silent).write('out', memorySink())).build()
    const job = new Job(built, { host, mode: 'continuous', epochIntervalMs: 5 })
    host.timers.set(100, () => job.stop())
    await machine.run(job.run())
    expect(told).toContainEqual({ split: 'split-0', position: 4 })
    expect(told.filter((progress) => (progress as { position?: unknown }).position === undefined)).toEqual([])
  })

  test('TL2: at the cut of an epoch, every row that was taken was pushed, and no other', async () => {
    // Rows in disorder: batches are pushed in pieces, between which an epoch must not be cut.
    const batches = Array.from({ length: 5000 }, (_, n) => [
      tick(n * 10),
      tick(n * 10 - 5),
      tick(n * 10 - 3),
      tick(n * 10 + 1),
    ])
    for (const slow of [false, true]) {
      const { source } = scripted({ splits: [batches, batches], slow })
      const positions = new Map<string, number>()
      /** Rows before the positions of each epoch in which something was read. */
      const acknowledged: number[] = []
      const told: Source<Tick> = {
        ...source,
        enumerate: async (context) => ({
          ...(await source.enumerate(context)),
          acknowledge: async (progress) => {
            for (const { split, position } of progress)
              positions.set(split, position === undefined ? batches.length * 4 : Number(position))
            acknowledged.push([...positions.values()].reduce((sum, rows) => sum + rows, 0))
          },
        }),
      }
      const written: number[] = []
      const built = pipeline('p', (p) =>
        p
          .read('ticks', told, { eventTime: 'at' })
          .where('all', sql`true`)
          .write('out', cutting(written)),
      ).build()
      await new Job(built, { host, mode: 'continuous', epochIntervalMs: 0 }).run()
      expect(written.length).toBeGreaterThan(5)
      // An epoch may have no rows, and tell of nothing but the beginning or the end of a split.
      const distinct = (rows: readonly number[]): readonly number[] => [...new Set(rows)].filter((n) => n > 0)
      expect(distinct(acknowledged)).toEqual(distinct(written))
      expect(acknowledged.at(-1)).toBe(batches.length * 4 * 2)
    }
  })
})

/** A sink that notes how many rows it has had at the cut of each epoch. */
function cutting(cuts: number[]): Sink {
  let written = 0
  return {
    description: { connector: 'cuts', options: {} },
    accepts: 'append',
    open: async () => ({
      writer: async () => ({
        write(batch) {
          written += batch.selection === undefined ? batch.length : batch.selectedCount
        },
        seal: () => void cuts.push(written),
        prepare: async () => undefined,
        written: () => ({ rows: written, bytes: 0 }),
        close: async () => undefined,
      }),
      commit: async () => [],
      sweep: async () => undefined,
      finish: async () => undefined,
      close: async () => undefined,
    }),
  }
}
