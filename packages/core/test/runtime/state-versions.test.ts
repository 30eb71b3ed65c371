// L7 over several versions: members with defaults, chains of migrations, nested columns of joined tables.
// Every test runs a real job, stops it, and starts another one on what it has left.
import { describe, expect, test } from 'vitest'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { pipeline, schema, state, t } from '../../src/index.ts'
import type { ColumnType, StateTypes } from '../../src/index.ts'
import { refusal, Scene } from './evolving-job.ts'

/** A scene whose step "keep" has kept one thing. */
async function kept<State extends StateTypes>(
  types: State,
  set: Parameters<typeof Scene.prototype.keep<State>>[1],
): Promise<Scene> {
  const scene = new Scene()
  scene.push(['a', 1])
  await scene.keep(types, set)
  scene.push(['a', 2])
  return scene
}

describe('members that are new', () => {
  const price = t.struct({ amount: t.int32() })
  const before = { last: state.value(price), all: state.list(price), by: state.map(t.string(), price) }
  const first = (): Promise<Scene> =>
    kept(before, ({ last, all, by }) => {
      last.set({ amount: 1 })
      all.add({ amount: 2 })
      by.set('k', { amount: 3 })
    })

  test('take their default in values, lists and maps, beside what became wider', async () => {
    const scene = await first()
    const now = t.struct({
      currency: t.string().default('EUR'),
      amount: t.float64(),
      tags: t.list(t.string()).default(['old']),
      note: t.string().nullable().default('none'),
      left: t.string().default('x').nullable(),
    })
    const run = () =>
      scene.keep(
        { last: state.value(now), all: state.list(now), by: state.map(t.string(), now) },
        ({ last, all, by }) => [last.get(), ...all, by.get('k')],
      )
    const { start } = await run()
    const rest = { currency: 'EUR', tags: ['old'], note: 'none', left: 'x' }
    expect(scene.said).toEqual([
      [
        { amount: 1, ...rest },
        { amount: 2, ...rest },
        { amount: 3, ...rest },
      ],
    ])
    expect(start?.changes[0]?.changes.map(({ kind }) => kind)).toEqual(['widens', 'widens', 'widens'])
    scene.push(['a', 3])
    expect((await run()).start).toMatchObject({ changes: [] })
  })

  test('take it in structs of lists of maps, too', async () => {
    const line = <Fields extends Record<string, ColumnType>>(more: Fields) =>
      t.map(t.string(), t.struct({ n: t.int32(), ...more }))
    const scene = await kept({ order: state.value(t.struct({ lines: t.list(line({})) })) }, ({ order }) =>
      order.set({ lines: [new Map([['a', { n: 1 }]])] } as never),
    )
    await scene.keep(
      { order: state.value(t.struct({ lines: t.list(line({ unit: t.string().default('kg') })) })) },
      ({ order }) => order.get()?.lines.map((one) => [...one]),
    )
    expect(scene.said).toEqual([[[['a', { n: 1, unit: 'kg' }]]]])
  })

  test('FT2: are refused without one, with that way on', async () => {
    const scene = await first()
    const error = await refusal(
      scene.keep(
        { ...before, last: state.value(t.struct({ amount: t.int32(), currency: t.string() })) },
        () => undefined,
      ),
    )
    expect(error).toMatchObject({ code: 'checkpoint/incompatible', step: 'keep' })
    expect(error.detail).toBe(
      'its state "last" changed: it was struct<amount: int32> and is struct<amount: int32, currency: string>',
    )
    expect(error.hint).toMatch(/keep the old definition; .*nullable\(\) or give it a \.default\(value\)/)
  })

  test('a default where nothing is new changes nothing', async () => {
    const scene = await first()
    const same = t.struct({ amount: t.int32().default(9) })
    const { start } = await scene.keep(
      { last: state.value(same), all: state.list(same), by: state.map(t.string(), same) },
      ({ last }) => last.get(),
    )
    expect(start).toMatchObject({ changes: [] })
    expect(scene.said).toEqual([{ amount: 1 }])
  })
})

describe('migrations of several versions', () => {
  const v1 = t.string()
  const v2 = t.int32()
  const v3 = t.struct({ cents: t.int32(), currency: t.string() })
  const chain = state.value(v3, {
    migrate: [
      { from: v1, with: (euros) => Math.round(Number(euros) * 100) },
      { from: v2, with: (cents) => ({ cents, currency: 'EUR' }) },
    ],
  })

  test.each<[string, () => Promise<Scene>, object]>([
    [
      'the oldest',
      () => kept({ price: state.value(v1) }, ({ price }) => price.set('1.5')),
      { cents: 150, currency: 'EUR' },
    ],
    [
      'one between',
      () => kept({ price: state.value(v2) }, ({ price }) => price.set(7)),
      { cents: 7, currency: 'EUR' },
    ],
    [
      'one that only has to become wider to be one between',
      () => kept({ price: state.value(t.int16()) }, ({ price }) => price.set(8)),
      { cents: 8, currency: 'EUR' },
    ],
    [
      'that of today',
      () => kept({ price: state.value(v3) }, ({ price }) => price.set({ cents: 1, currency: 'USD' })),
      { cents: 1, currency: 'USD' },
    ],
  ])('go on from %s', async (_, first, value) => {
    const scene = await first()
    await scene.keep({ price: chain }, ({ price }) => price.get())
    expect(scene.said).toEqual([value])
  })

  test('FT2: are refused where none begins with what was kept, naming where they begin', async () => {
    const scene = await kept({ price: state.value(t.boolean()) }, ({ price }) => price.set(true))
    const error = await refusal(scene.keep({ price: chain }, () => undefined))
    expect(error).toMatchObject({ code: 'checkpoint/incompatible', step: 'keep' })
    expect(error.detail).toBe(
      'its state "price" changed (its migrations are from string, from int32, and none from what it was): it was boolean and is struct<cents: int32, currency: string>',
    )
  })

  test('what one gives and the next does not take is refused before the next sees it', async () => {
    const scene = await kept({ price: state.value(v1) }, ({ price }) => price.set('1.555'))
    const wrong = state.value(v3, {
      migrate: [
        { from: v1, with: (euros) => Number(euros) * 100 },
        { from: v2, with: (cents) => ({ cents, currency: 'EUR' }) },
      ],
    })
    const error = await refusal(scene.keep({ price: wrong }, () => undefined))
    expect(error).toMatchObject({ code: 'value/invalid', step: 'keep' })
    expect(error.what).toContain('the migration of state "price" from string gave')
    expect(error.detail).toContain('price is the number 155.5, and int32 was expected')
  })
})

describe('nested columns of a joined table', () => {
  const old = schema({
    key: t.string(),
    place: t.struct({ size: t.int32(), heights: t.list(t.float32()), at: t.timestamp('us') }),
    by: t.map(t.string(), t.int8()),
    id: t.int64(),
  })
  const row = {
    key: 'a',
    place: { size: 7, heights: [1.5, 2.5], at: 1_000_000_000_001_123n as never },
    by: new Map([['x', 5]]),
    id: (2n ** 60n + 1n) as never,
  }
  const run = async (scene: Scene, columns: ReturnType<typeof schema>, rows: readonly object[]) => {
    const sink = memorySink<object>()
    const built = pipeline('job', (p) => {
      const table = p.read('table', memoryRows(columns, rows as never))
      p.read('rows', scene.stream, { eventTime: 'at' })
        .lookupJoin('joined', table as never, {
          on: 'key' as never,
          select: Object.fromEntries(
            columns.fields.filter(({ name }) => name !== 'key').map(({ name }) => [name, name]),
          ) as never,
        })
        .write('out', sink as never)
    }).build()
    await scene.start(built)
    return sink.rows
  }
  const first = async (): Promise<Scene> => {
    const scene = new Scene()
    await run(scene, old, [row])
    scene.push(['a', 2])
    return scene
  }

  test('become wider and gain members at any depth, and lose nothing that rows do not show', async () => {
    const scene = await first()
    const now = schema({
      key: t.string(),
      by: t.map(t.string(), t.int64()),
      id: t.int64().bigint(),
      rank: t.int32().default(1),
      place: t.struct({
        heights: t.list(t.float64()),
        at: t.timestamp('us'),
        size: t.int64().bigint(),
        zone: t.string().nullable(),
        country: t.string().default('DE'),
      }),
    })
    expect(await run(scene, now, [])).toMatchObject([
      {
        key: 'a',
        rank: 1,
        id: 2n ** 60n + 1n,
        by: new Map([['x', 5]]),
        place: { size: 7n, heights: [1.5, 2.5], at: 1_000_000_000_001, zone: null, country: 'DE' },
      },
    ])
  })

  test('FT2: are refused when they become something else, or lack a default', async () => {
    const scene = await first()
    const place = (fields: Record<string, ColumnType>) =>
      schema({ key: t.string(), by: t.map(t.string(), t.int8()), place: t.struct(fields) })
    const narrower = await refusal(
      run(scene, place({ size: t.int16(), heights: t.list(t.float32()), at: t.timestamp('us') }), []),
    )
    expect(narrower.detail).toContain('its column "place" changed: it was struct<size: int32')
    const lacking = await refusal(
      run(
        scene,
        place({ size: t.int32(), heights: t.list(t.float32()), at: t.timestamp('us'), zone: t.string() }),
        [],
      ),
    )
    expect(lacking.hint).toContain('make what is new .nullable() or give it a .default(value)')
  })
})
