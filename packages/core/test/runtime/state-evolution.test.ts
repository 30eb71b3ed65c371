// L7: a pipeline that has changed goes on with the state that the one before has kept, or is refused with what does not fit.
// Every test runs a real job, stops it, and starts another one on what it has left.
import { describe, expect, test } from 'vitest'
import { memoryRows, memorySink, memoryStream } from '../../src/connect/index.ts'
import type { MemorySink } from '../../src/connect/index.ts'
import { pipeline, schema, session, sql, state, t, tumbling } from '../../src/index.ts'
import type { ColumnType } from '../../src/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { refusal, Row, Scene, Told } from './evolving-job.ts'

/** Counts, and says the count. */
const counting = (scene: Scene): Promise<JobResult> =>
  scene.keep({ count: state.value(t.int32()) }, ({ count }) => {
    count.set((count.get() ?? 0) + 1)
    return count.get()
  })

describe('declared state that has changed', () => {
  test('goes on as it is when nothing has, and says so', async () => {
    const scene = new Scene()
    scene.push(['a', 1], ['a', 1])
    await counting(scene)
    scene.push(['a', 1])
    expect((await counting(scene)).start).toMatchObject({ kind: 'resume', changes: [] })
    expect(scene.said).toEqual([3])
  })

  test('FT3: new state begins empty, in any order beside what is there', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await scene.keep({ low: state.value(t.int32()), texts: state.list(t.string()) }, ({ low, texts }) => {
      low.set(5)
      texts.add('x')
    })
    scene.push(['a', 2])
    const { start } = await scene.keep(
      {
        seen: state.map(t.string(), t.int32()),
        texts: state.list(t.string()),
        fresh: state.value(t.string()),
        low: state.value(t.int32()),
      },
      ({ low, texts, fresh, seen }) => [low.get(), [...texts], fresh.get() ?? null, seen.size],
    )
    expect(scene.said).toEqual([[5, ['x'], null, 0]])
    expect(start?.changes).toEqual([
      {
        step: 'keep',
        verdict: 'converts',
        changes: [
          { kind: 'gains', state: 'seen' },
          { kind: 'gains', state: 'fresh' },
        ],
      },
    ])
  })

  test('numbers become wider: whole ones, floats, decimals, keys of maps, members of structs', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await scene.keep(
      {
        whole: state.value(t.int32()),
        exact: state.value(t.int32()),
        float: state.value(t.int32()),
        wider: state.value(t.float32()),
        price: state.value(t.decimal(8, 2)),
        all: state.list(t.int16()),
        by: state.map(t.int32(), t.int32()),
        pair: state.value(t.struct({ a: t.int32(), b: t.string() })),
      },
      (kept) => {
        kept.whole.set(-7)
        kept.exact.set(8)
        kept.float.set(9)
        kept.wider.set(1.5)
        kept.price.set('12.30')
        kept.all.add(1)
        kept.all.add(2)
        kept.by.set(3, 4)
        kept.pair.set({ a: 1, b: 'b' })
      },
    )
    scene.push(['a', 1])
    await scene.keep(
      {
        pair: state.value(t.struct({ b: t.string(), a: t.int64(), c: t.string().nullable() })),
        by: state.map(t.int64().bigint(), t.float64()),
        all: state.list(t.int64()),
        price: state.value(t.decimal(12, 3)),
        wider: state.value(t.float64()),
        float: state.value(t.float64()),
        exact: state.value(t.int64().bigint()),
        whole: state.value(t.int64()),
      },
      (kept) => [
        [kept.whole.get(), String(kept.exact.get()), typeof kept.exact.get(), kept.float.get()],
        [kept.wider.get(), kept.price.get(), [...kept.all]],
        [kept.by.get(3n), kept.pair.get()],
      ],
    )
    expect(scene.said).toEqual([
      [
        [-7, '8', 'bigint', 9],
        [1.5, '12.300', [1, 2]],
        [4, { b: 'b', a: 1, c: null }],
      ],
    ])
  })

  test('may have the name of a key, or of a column of the engine', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    const run = (type: 'int32' | 'int64') => {
      const number = (): ColumnType<number> => (type === 'int32' ? t.int32() : t.int64())
      return scene.keep(
        { key: state.value(number()), removed: state.value(number()), value: state.map(number(), number()) },
        ({ key, removed, value }) => {
          const before = [key.get() ?? null, removed.get() ?? null, [...value]]
          key.set(1)
          removed.set(2)
          value.set(3, 4)
          return before
        },
      )
    }
    await run('int32')
    scene.push(['a', 1])
    await run('int64')
    expect(scene.said).toEqual([[1, 2, [[3, 4]]]])
  })

  test('becomes something else by a migration, once', async () => {
    const scene = new Scene()
    scene.push(['a', 1], ['b', 2])
    await scene.keep(
      { cents: state.value(t.int32()), names: state.list(t.int32()), by: state.map(t.string(), t.int32()) },
      ({ cents, names, by }, { n }) => {
        cents.set(n * 150)
        names.add(n)
        by.set('k', n)
      },
    )
    const migrating = (): Promise<JobResult> =>
      scene.keep(
        {
          cents: state.value(t.string(), { migrate: { from: t.int32(), with: (old) => `${old} ct` } }),
          names: state.list(t.struct({ n: t.int32() }), {
            migrate: { from: t.int32(), with: (n) => ({ n }) },
          }),
          by: state.map(t.string(), t.string(), { migrate: { from: t.int32(), with: String } }),
        },
        ({ cents, names, by }) => [cents.get(), [...names], by.get('k')],
      )
    scene.push(['a', 0], ['b', 0])
    const { start } = await migrating()
    expect(scene.said).toEqual([
      ['150 ct', [{ n: 1 }], '1'],
      ['300 ct', [{ n: 2 }], '2'],
    ])
    expect(start?.changes[0]?.changes[0]).toEqual({
      kind: 'migrates',
      state: 'cents',
      before: 'int32',
      after: 'string',
    })
    scene.push(['b', 0])
    expect((await migrating()).start).toMatchObject({ changes: [] })
    expect(scene.said).toEqual([['300 ct', [{ n: 2 }], '2']])
  })

  test('a migration that throws stops the start, names the state, and leaves everything as it was', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await counting(scene)
    const failing = {
      count: state.value(t.string(), {
        migrate: {
          from: t.int32(),
          with: (): string => {
            throw new Error('not today')
          },
        },
      }),
    }
    const error = await refusal(scene.keep(failing, () => undefined))
    expect(error).toMatchObject({ code: 'step/function-failed', step: 'keep' })
    expect(error.message).toContain('the migration of state "count" threw')
    scene.push(['a', 1])
    await counting(scene)
    expect(scene.said).toEqual([2])
  })

  test('FT2: is refused with what it was, what it is and the ways on', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await counting(scene)
    const error = await refusal(scene.keep({ count: state.value(t.string()) }, () => undefined))
    expect(error).toMatchObject({ code: 'checkpoint/incompatible', step: 'keep' })
    expect(error.detail).toBe('its state "count" changed: it was int32 and is string')
    expect(error.hint).toMatch(
      /keep the old definition; .*migrate.*; or give up what does not fit with --drop-state keep$/,
    )
    const otherFrom = { migrate: { from: t.boolean(), with: String } }
    const wrong = await refusal(scene.keep({ count: state.value(t.string(), otherFrom) }, () => undefined))
    expect(wrong.detail).toContain('its migration is from boolean')
    const kind = await refusal(scene.keep({ count: state.list(t.int32()) }, () => undefined))
    expect(kind.detail).toBe('its state "count" changed: it was value(int32) and is list(int32)')
    const narrower = await refusal(scene.keep({ count: state.value(t.int16()) }, () => undefined))
    expect(narrower.detail).toBe('its state "count" changed: it was int32 and is int16')
  })

  test('FT1: is left out only where that was said, and only what does not fit', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await scene.keep({ count: state.value(t.int32()), list: state.list(t.int32()) }, ({ count, list }) => {
      count.set(41)
      list.add(1)
    })
    const without = (options?: Partial<JobOptions>): Promise<JobResult> =>
      scene.keep(
        { count: state.value(t.int32()) },
        ({ count }) => {
          count.set((count.get() ?? 0) + 1)
          return count.get()
        },
        options,
      )
    expect((await refusal(without())).detail).toBe('its state "list" is not there any more')
    for (const expected of [42, 43]) {
      // The same wish with every start, as a supervisor gives it.
      scene.push(['a', 1])
      await without({ dropState: ['keep'] })
      expect(scene.said).toEqual([expected])
    }
  })
})

describe('keys that have changed', () => {
  test('are refused, and begin anew where that was said', async () => {
    const scene = new Scene()
    const count = { count: state.value(t.int32()) }
    const add = ({ count }: { count: { get(): number | undefined; set(n: number): void } }): unknown => {
      count.set((count.get() ?? 0) + 1)
      return count.get()
    }
    scene.push(['a', 1])
    await scene.keep(count, add)
    const error = await refusal(scene.keep(count, add, { keys: ['n'] }))
    expect(error.detail).toBe('its key changed: it was key and is n')
    scene.push(['a', 1])
    await scene.keep(count, add, { keys: ['n'], dropState: ['keep'] })
    expect(scene.said).toEqual([1])
  })

  test('are refused when they are computed from something else', async () => {
    const scene = new Scene()
    const bucketed = (size: number) =>
      scene.run(
        (rows) =>
          rows
            .extend('bucketed', { bucket: sql.number`n % ${size}` })
            .keyBy('by-bucket', 'bucket')
            .process('keep', {
              state: { seen: state.value(t.int32()) },
              output: Told,
              onRow: (_, { state: { seen } }) => seen.set(1),
            }) as never,
      )
    scene.push(['a', 1])
    await bucketed(10)
    await expect(bucketed(10)).resolves.toMatchObject({ start: { changes: [] } })
    expect((await refusal(bucketed(20))).detail).toBe(
      'its key "bucket" is computed from something else than before',
    )
  })

  test('may be wider: the same values are the same keys', async () => {
    const scene = new Scene()
    const wide = schema({ id: t.int64() })
    const narrow = schema({ id: t.int32() })
    const out = schema({ id: t.int64(), count: t.int32() })
    const sinks: MemorySink<{ id: number; count: number }>[] = []
    const run = (of: typeof wide, rows: readonly number[]): Promise<JobResult> => {
      const stream = memoryStream(of)
      for (const id of rows) stream.push({ id })
      const sink = memorySink<{ id: number; count: number }>()
      sinks.push(sink)
      const built = pipeline('job', (p) => {
        p.read('ids', stream)
          .keyBy('by-id', 'id')
          .process('count', {
            state: { count: state.value(t.int32()) },
            output: out,
            onRow({ id }, { state: { count }, emit }) {
              count.set((count.get() ?? 0) + 1)
              emit({ id, count: count.get() ?? 0 })
            },
          })
          .write('out', sink)
      }).build()
      return scene.start(built, { parallelism: 3 })
    }
    await run(narrow as never, [1, -5, 70_000, 1])
    // The stream goes on behind what was read.
    await run(wide, [0, 0, 0, 0, 1, -5, 2 ** 40])
    expect(sinks[1]?.rows.toSorted((a, b) => a.id - b.id)).toEqual([
      { id: -5, count: 2 },
      { id: 1, count: 3 },
      { id: 2 ** 40, count: 1 },
    ])
  })
})

describe('windows that have changed', () => {
  const counted = (
    scene: Scene,
    version: 'first' | 'more' | 'other' | 'less' | 'hours' | 'sessions',
    options: Partial<JobOptions> = {},
  ): Promise<JobResult> =>
    scene.run((rows) => {
      const keyed = rows.keyBy('by-key', 'key')
      const windows =
        version === 'sessions'
          ? keyed.window(session('1 s'))
          : keyed.window(tumbling(version === 'hours' ? '1 h' : '1 s'))
      return windows.aggregate('sums', (a) =>
        version === 'more'
          ? {
              least: a.min('n'),
              names: a.collect('key'),
              rows: a.count(),
              total: a.sum('n'),
              mean: a.mean('n'),
            }
          : version === 'other'
            ? { total: a.max('n'), rows: a.count() }
            : version === 'less'
              ? { rows: a.count() }
              : { total: a.sum('n'), rows: a.count() },
      ) as never
    }, options)

  test('gain aggregates, which count from then on', async () => {
    const scene = new Scene()
    scene.push(['a', 1, 100], ['a', 2, 200], ['b', 5, 300])
    await counted(scene, 'first')
    scene.push(['a', 4, 400])
    const { start } = await counted(scene, 'more', { drain: true })
    expect(start?.changes[0]?.changes.map(({ kind, state: name }) => [kind, name])).toEqual([
      ['gains', 'least'],
      ['gains', 'names'],
      ['gains', 'mean'],
    ])
    expect(scene.sink.rows).toMatchObject([
      { key: 'a', rows: 3, total: 7, least: 4, names: ['a'], mean: 4 },
      { key: 'b', rows: 1, total: 5, least: null, names: [], mean: null },
    ])
  })

  test.each([
    ['other', 'its aggregate "total" computes something else: it was sum(n) and is max(n)'],
    ['less', 'its aggregate "total" is not there any more'],
    ['hours', /^its windows changed: it was in windows of 1s and is in windows of 1h/],
    ['sessions', /^its windows changed: .* is in sessions/],
  ] as const)('FT2: are refused as %s: what it was and is', async (version, detail) => {
    const scene = new Scene()
    scene.push(['a', 1, 100])
    await counted(scene, 'first')
    const error = await refusal(counted(scene, version))
    expect(error).toMatchObject({ code: 'checkpoint/incompatible', step: 'sums' })
    expect(error.detail).toMatch(detail)
  })

  test('FT1: drop an aggregate where that was said, and keep the others', async () => {
    const scene = new Scene()
    scene.push(['a', 1, 100])
    await counted(scene, 'first')
    scene.push(['a', 1, 200])
    await counted(scene, 'less', { dropState: ['sums'], drain: true })
    expect(scene.sink.rows).toMatchObject([{ key: 'a', rows: 2 }])
  })

  test('sums and extremes go on over a column that has become wider', async () => {
    const scene = new Scene()
    const run = (type: 'int32' | 'int64', rows: readonly number[], options: Partial<JobOptions> = {}) => {
      const of = schema({ at: t.timestamp('ms'), n: type === 'int32' ? t.int32() : t.int64() })
      const stream = memoryStream(of)
      for (const n of rows) stream.push({ at: 10, n })
      const sink = memorySink<object>()
      const built = pipeline('job', (p) => {
        p.read('rows', stream, { eventTime: 'at' })
          .window(tumbling('1 s'))
          .aggregate('sums', (a) => ({ total: a.sum('n'), most: a.max('n'), least: a.min('n') }))
          .write('out', sink as never)
      }).build()
      return scene.start(built, options).then(() => sink.rows)
    }
    await run('int32', [5, -7])
    expect(await run('int64', [0, 0, 2 ** 40], { drain: true })).toMatchObject([
      { total: 2 ** 40 - 2, most: 2 ** 40, least: -7 },
    ])
  })
})

describe('steps that have changed', () => {
  const plain = (scene: Scene, options?: Partial<JobOptions>): Promise<JobResult> =>
    scene.run((rows) => rows as never, options)

  test('FT1: one that is gone is refused by its name, or dropped where that was said', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await counting(scene)
    expect(await refusal(plain(scene))).toMatchObject({
      step: 'keep',
      detail: 'the pipeline has no such step that keeps state',
    })
    scene.push(['b', 2])
    await plain(scene, { dropState: ['keep'] })
    expect(scene.sink.rows).toMatchObject([{ key: 'b' }])
    expect(await scene.keptSteps()).toEqual(['rows'])
    await expect(plain(scene)).resolves.toMatchObject({ start: { changes: [] } })
  })

  test('FT3: a new one begins empty', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await plain(scene)
    scene.push(['a', 1])
    expect((await counting(scene)).start?.changes).toEqual([{ step: 'keep', verdict: 'begins', changes: [] }])
    expect(scene.said).toEqual([1])
  })

  test('a source that reads by another connector is refused', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await plain(scene)
    const built = pipeline('job', (p) => {
      p.read('rows', memoryRows(Row, []), { eventTime: 'at' }).write('out', memorySink() as never)
    }).build()
    const error = await refusal(scene.start(built))
    expect(error.detail).toBe('its connector changed: it was memory-stream and is memory-rows')
  })

  test('a refused start has written nothing', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    await counting(scene)
    const before = await scene.state.list('')
    await refusal(plain(scene))
    expect(await scene.state.list('')).toEqual(before)
  })
})

describe('aggregates over a column that became wider', () => {
  const run = (scene: Scene, type: ColumnType<number>, kept: 'numbers' | 'values') => {
    const stream = memoryStream(schema({ key: t.string(), n: type, at: t.timestamp('ms') }))
    stream.push({ key: 'a', n: 1, at: 0 })
    return scene.start(
      pipeline('job', (p) => {
        p.read('rows', stream, { eventTime: 'at' })
          .keyBy('by-key', 'key')
          .window(tumbling('10 s'))
          .aggregate('count', (a) =>
            kept === 'numbers'
              ? { sum: a.sum('n'), most: a.max('n') }
              : { sum: a.sum('n'), last: a.last('n') },
          )
          .write('out', memorySink() as never)
      }).build(),
    )
  }

  test('go on when they keep numbers', async () => {
    const scene = new Scene()
    await run(scene, t.int32(), 'numbers')
    expect((await run(scene, t.int64(), 'numbers')).start).toMatchObject({ kind: 'resume' })
  })

  test('FT2: are refused when they keep values of it, with the aggregate and both types', async () => {
    const scene = new Scene()
    await run(scene, t.int32(), 'values')
    const { detail, hint } = await refusal(run(scene, t.int64(), 'values'))
    expect(detail).toMatch(
      /^its aggregate "last" keeps values of other types: it was .* of int32 and is .* of int64$/,
    )
    expect(hint).not.toContain('.default(')
  })
})

describe('the table of a lookup join', () => {
  const run = async (scene: Scene, columns: 'few' | 'more' | 'other'): Promise<readonly object[]> => {
    const fields = {
      few: { key: t.string(), size: t.int32(), gone: t.string() },
      more: { size: t.int64(), key: t.string(), extra: t.string().nullable() },
      other: { key: t.string(), size: t.string() },
    }[columns]
    const rows = columns === 'few' ? [{ key: 'a', size: 7, gone: 'x' }] : []
    const sink = memorySink<object>()
    const built = pipeline('job', (p) => {
      const table = p.read('table', memoryRows(schema(fields as never), rows as never))
      p.read('rows', scene.stream, { eventTime: 'at' })
        .lookupJoin('joined', table as never, { on: 'key' as never, select: { size: 'size' } as never })
        .write('out', sink as never)
    }).build()
    await scene.start(built)
    return sink.rows
  }

  test('goes on with more columns, wider ones and fewer: it is read only once', async () => {
    const scene = new Scene()
    scene.push(['a', 1])
    expect(await run(scene, 'few')).toMatchObject([{ key: 'a', size: 7 }])
    expect((await refusal(run(scene, 'other'))).detail).toBe(
      'its column "size" changed: it was int32 and is string',
    )
    scene.push(['a', 2], ['b', 3])
    expect(await run(scene, 'more')).toMatchObject([
      { key: 'a', n: 2, size: 7 },
      { key: 'b', n: 3, size: null },
    ])
  })
})

describe('another mode', () => {
  const source = schema({ key: t.string() })
  const built = () =>
    pipeline('job', (p) => {
      p.read('rows', memoryStreamOrRows()).write('out', memorySink() as never)
    }).build()
  const memoryStreamOrRows = () => {
    const stream = memoryStream(source)
    stream.push({ key: 'a' })
    stream.end()
    return stream
  }

  test('does not go on with the state of a batch run, nor a batch run with that of a continuous one', async () => {
    const batch = new Scene()
    await batch.start(built(), { mode: 'batch' })
    const continuous = await refusal(batch.start(built(), { mode: 'continuous' }))
    expect(continuous.what).toBe('a continuous run cannot go on with the state of a batch run')
    await expect(batch.start(built(), { mode: 'batch' })).resolves.toMatchObject({ start: { kind: 'ended' } })
    const running = new Scene()
    await running.start(built())
    const error = await refusal(running.start(built(), { mode: 'batch' }))
    expect(error.what).toBe('a batch run cannot go on with the state of a continuous run')
    expect(error.hint).toContain('--mode continuous')
  })
})
