// User functions that throw or give what does not fit: the step and the row are told, or the row is rejected whole.
import { describe, expect, test, vi } from 'vitest'
import { pipeline, schema, state, t, tumbling } from '../../src/index.ts'
import type { MillraceError, RejectingStream, Stream, Timestamp } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { hostWith, outcomeOf } from './copying.ts'
import type { Written } from './copying.ts'

vi.setConfig({ testTimeout: 10_000 })

const In = schema({ id: t.int32(), at: t.timestamp(), s: t.string() })
const Out = schema({ a: t.int32(), b: t.string() })
const Loose = schema({ a: t.int32().nullable() })
type InRow = { id: number; at: Timestamp; s: string }
const rows = Array.from({ length: 50 }, (_, id) => ({ id, at: id * 1000, s: `s${id}` }))
const bad = 37

/** What JavaScript, or an `as any`, can give where the types say otherwise. */
const loose = <Value>(value: unknown): Value => value as Value

function boom(row: { id: number }): void {
  if (row.id === bad) throw new TypeError('boom')
}

type Options = { readonly onError?: 'reject' }

async function run(
  shape: (input: Stream<InRow>, options: Options) => Written,
  options: { readonly reject?: boolean; readonly batchRows?: number } = {},
): Promise<{ error: MillraceError | undefined; rows: readonly object[]; rejected: readonly object[] }> {
  const host = hostWith({})
  const [out, dead] = [memorySink(), memorySink()]
  const built = pipeline('functions', (p) => {
    const input = p.read('in', memoryRows(In, rows), { eventTime: 'at' })
    const result = shape(input, options.reject === true ? { onError: 'reject' } : {})
    result.write('out', out)
    if (options.reject === true) (result as RejectingStream<object>).rejected.write('dead', dead)
  }).build()
  const { error } = await outcomeOf(host, new Job(built, { host, batchRows: options.batchRows ?? 8 }).run())
  return { error, rows: out.rows, rejected: dead.rows }
}

const throwing: { readonly [name: string]: (input: Stream<InRow>, options: Options) => Written } = {
  filter: (input, options) =>
    input.filter('fn', (row) => (boom(row), true), options), // prettier-ignore
  map: (input, options) => input.map('fn', Out, (row) => (boom(row), { a: row.id, b: row.s }), options), // prettier-ignore
  flatMap: (input, options) =>
    input.flatMap(
      'fn',
      Out,
      function* (row) {
        yield { a: row.id, b: row.s }
        boom(row)
        yield { a: -row.id, b: row.s }
      },
      options,
    ),
  with: (input, options) => input.with('fn', { c: t.int32() }, (row) => (boom(row), { c: row.id }), options), // prettier-ignore
}

describe('a function that throws', () => {
  for (const [name, shape] of Object.entries(throwing)) {
    test(`in ${name} fails the run with the step, what was thrown and the row`, async () => {
      const { error, rows: written } = await run(shape)
      expect(error).toMatchObject({ code: 'step/function-failed', step: 'fn', cause: expect.any(TypeError) })
      expect(error?.detail).toBe('TypeError: boom, for the row {"id":37,"at":37000,"s":"s37"}')
      expect(error?.hint).toContain("{ onError: 'reject' }")
      expect(written).toEqual([])
    })

    test(`in ${name} rejects the row whole, and only that one`, async () => {
      for (const batchRows of [1, 8, 4096]) {
        const { error, rows: written, rejected } = await run(shape, { reject: true, batchRows })
        expect(error).toBeUndefined()
        expect(written).toHaveLength(name === 'flatMap' ? 98 : 49)
        expect(JSON.stringify(written)).not.toContain('s37')
        expect(rejected).toEqual([
          {
            source: 'fn',
            raw: '{"id":37,"at":37000,"s":"s37"}',
            reason: 'TypeError: boom',
            code: 'step/function-failed',
            file: null,
            line: null,
            byte: null,
          },
        ])
      }
    })
  }

  test('may throw anything', async () => {
    for (const thrown of [undefined, null, 'text', 7, Object.create(null) as unknown]) {
      const { error } = await run((input) =>
        input.filter('fn', () => {
          throw thrown
        }),
      )
      expect(error).toMatchObject({ code: 'step/function-failed', step: 'fn' })
    }
  })

  test('in process says the step, the function and the row or timer', async () => {
    const process = (on: 'row' | 'timer') => (input: Stream<InRow>) =>
      input.keyBy('key', 's').process('fn', {
        state: { seen: state.value(t.int32()) },
        output: Out,
        onRow(row, context) {
          if (on === 'row') boom(row)
          if (on === 'timer') context.setTimer('later', row.at + 1)
        },
        onTimer() {
          throw new Error('timer')
        },
      })
    expect((await run(process('row'))).error?.message).toMatch(
      /onRow of step "fn" threw: TypeError: boom, for the row .*"id":37[^]*hint: mend it, or keep such rows away/,
    )
    expect((await run(process('timer'))).error?.message).toMatch(
      /onTimer of step "fn" threw: Error: timer.*later.* of the key \{[^]*hint: mend it/,
    )
  })

  test('in an aggregate of the user says the step', async () => {
    const { error } = await run((input) =>
      input.window(tumbling('10 s')).aggregate('fn', (a) => ({
        n: a.custom({
          type: t.int32(),
          create: () => 0,
          add: (sum: number, row: InRow) => (boom(row), sum + 1), // prettier-ignore
          merge: (left: number, right: number) => left + right,
          result: (sum: number) => sum,
        }),
      })),
    )
    expect(error).toMatchObject({ code: 'step/function-failed', step: 'fn' })
    expect(error?.message).toMatch(
      /^the function add of aggregate "n" threw: TypeError: boom, for the row [^]*hint: mend it/,
    )
  })
})

describe('a function whose result does not fit', () => {
  const wrong: readonly [string, unknown, RegExp][] = [
    ['a wrong type', { a: 1, b: 7 }, /column "b" does not take the number 7: string was expected/],
    ['a fraction', { a: 0.5, b: 'x' }, /column "a" does not take the number 0\.5: int32 was expected/],
    ['NaN', { a: Number.NaN, b: 'x' }, /column "a" does not take the number NaN/],
    ['a number out of range', { a: 2 ** 31, b: 'x' }, /column "a" does not take the number 2147483648/],
    ['a missing column', { a: 1 }, /column "b" is missing/],
    ['null', null, /a row must be an object, not null/],
    ['nothing', undefined, /a row must be an object, not undefined/],
    ['text', 'hello', /a row must be an object, not "hello"/],
  ]

  for (const [name, value, reason] of wrong) {
    test(`${name} fails the run with the column and the row, or is rejected without a trace`, async () => {
      const shape = (input: Stream<InRow>, options: Options): Written =>
        input.map('fn', Out, (row) => (row.id === bad ? loose(value) : { a: row.id, b: row.s }), options)
      const { error, rows: none } = await run(shape)
      expect(error).toMatchObject({ code: 'step/invalid-row', step: 'fn' })
      expect(error?.detail).toMatch(reason)
      expect(error?.detail).toContain('"id":37')
      expect(none).toEqual([])
      const { rows: written, rejected } = await run(shape, { reject: true })
      expect(written).toEqual(rows.flatMap(({ id, s }) => (id === bad ? [] : [{ a: id, b: s }])))
      expect(rejected).toMatchObject([{ code: 'step/invalid-row', raw: '{"id":37,"at":37000,"s":"s37"}' }])
    })
  }

  test('flatMap that gives no iterable, or one bad row of several, rejects the row whole', async () => {
    for (const value of [
      undefined,
      null,
      5,
      { a: 1 },
      [
        { a: 1, b: 'x' },
        { a: 'x', b: 'x' },
      ],
    ]) {
      const shape = (input: Stream<InRow>, options: Options): Written =>
        input.flatMap(
          'fn',
          Out,
          (row) => (row.id === bad ? loose(value) : [{ a: row.id, b: row.s }]),
          options,
        )
      expect((await run(shape)).error).toMatchObject({ code: 'step/invalid-row', step: 'fn' })
      const { rows: written, rejected } = await run(shape, { reject: true })
      expect([written.length, rejected.length]).toEqual([49, 1])
    }
  })

  test('flatMap may give more rows than a batch holds', async () => {
    for (const reject of [false, true]) {
      const { rows: written } = await run(
        (input, options) =>
          input.flatMap('fn', Out, (row) => Array.from({ length: 30 }, (_, a) => ({ a, b: row.s })), options),
        { reject },
      )
      expect(written).toHaveLength(1500)
    }
  })

  test('asynchronous functions are refused when the pipeline is built', () => {
    const built = (add: (input: Stream<InRow>) => Written) => (): unknown =>
      pipeline('async', (p) => add(p.read('in', memoryRows(In, rows))).write('out', memorySink())).build()
    const refused = expect.objectContaining({ code: 'plan/invalid-argument', step: 'fn' })
    expect(
      built((input) =>
        input.filter(
          'fn',
          loose(async () => false),
        ),
      ),
    ).toThrow(refused)
    expect(
      built((input) =>
        input.map(
          'fn',
          Out,
          loose(async () => ({ a: 1, b: 'x' })),
        ),
      ),
    ).toThrow(refused)
    expect(
      built((input) =>
        input.flatMap(
          'fn',
          Out,
          loose(async function* () {
            yield { a: 1, b: 'x' }
          }),
        ),
      ),
    ).toThrow(refused)
  })

  test.each([
    [
      'filter',
      (input: Stream<InRow>, options: Options) =>
        input.filter(
          'fn',
          loose(() => Promise.resolve(false)),
          options,
        ),
    ],
    [
      'map',
      (input: Stream<InRow>, options: Options) =>
        input.map(
          'fn',
          Loose,
          loose(() => Promise.resolve({ a: 1 })),
          options,
        ),
    ],
    [
      'map to a thenable',
      (input: Stream<InRow>, options: Options) =>
        input.map(
          'fn',
          Loose,
          loose(() => ({ then() {} })),
          options,
        ),
    ],
    [
      'flatMap',
      (input: Stream<InRow>, options: Options) =>
        input.flatMap(
          'fn',
          Loose,
          loose(() => Promise.resolve([{ a: 1 }])),
          options,
        ),
    ],
    [
      'flatMap of promises',
      (input: Stream<InRow>, options: Options) =>
        input.flatMap(
          'fn',
          Loose,
          loose(() => [Promise.resolve({})]),
          options,
        ),
    ],
    [
      'flatMap over an asynchronous iterable',
      (input: Stream<InRow>, options: Options) =>
        input.flatMap(
          'fn',
          Loose,
          loose(() => (async function* () {})()),
          options,
        ),
    ],
    ...(['create', 'add', 'merge', 'result'] as const).map(
      (name): [string, (input: Stream<InRow>) => Written] => [
        `${name} of a custom aggregate`,
        (input) =>
          input
            .keyBy('by-key', 's')
            .window(tumbling('10 seconds'))
            .aggregate('fn', (a) => ({
              a: a.custom({
                create: () => ({}),
                add: (accumulator: object) => accumulator,
                merge: (first: object) => first,
                result: () => 1,
                ...loose<object>({ [name]: () => Promise.resolve(1) }),
                type: t.int32().nullable(),
              }),
            })),
      ],
    ),
    [
      'onRow',
      (input: Stream<InRow>) =>
        input.keyBy('by-key', 's').process('fn', {
          output: Loose,
          onRow: (row, context) => loose(Promise.resolve().then(() => context.emit({ a: row.id }))),
        }),
    ],
    [
      'onTimer',
      (input: Stream<InRow>) =>
        input.keyBy('by-key', 's').process('fn', {
          output: Loose,
          onRow: (row, context) => context.setTimer('t', row.at),
          onTimer: (context) =>
            loose(Promise.resolve().then(() => context.emit({ a: context.key.s.length }))),
        }),
    ],
  ] as [string, (input: Stream<InRow>, options: Options) => Written][])(
    'a promise that a plain function gives is refused: %s',
    async (name, shape) => {
      const { error, rows: written } = await run(shape)
      // The accumulators of one task are never merged.
      if (name.startsWith('merge')) return
      expect(error).toMatchObject({ code: 'plan/invalid-argument', step: 'fn' })
      expect(error?.message).toMatch(/is asynchronous/)
      expect(written).toEqual([])
      const rejecting = name.startsWith('map') || name.startsWith('filter') || name.startsWith('flat')
      if (!rejecting) return
      // No row is to blame, and none is rejected.
      const again = await run(shape, { reject: true })
      expect(again.error).toMatchObject({ code: 'plan/invalid-argument', step: 'fn' })
    },
  )

  test('a promise that fails later does not end the process', async () => {
    const { error } = await run((input) =>
      input.map(
        'fn',
        Loose,
        loose(() => Promise.reject(new Error('later'))),
      ),
    )
    expect(error).toMatchObject({ code: 'plan/invalid-argument' })
  })

  test('a row that is read after its call throws', async () => {
    const kept: InRow[] = []
    const { rows: written } = await run((input) =>
      input.map('fn', Out, (row) => {
        kept.push(row)
        return { a: row.id, b: row.s }
      }),
    )
    expect(written).toHaveLength(50)
    for (const name of ['id', 'at', 's'] as const)
      expect(() => kept[0]?.[name]).toThrow(expect.objectContaining({ code: 'step/kept-view' }))
  })

  test('what is emitted, read or set after the call throws, and changes nothing', async () => {
    const late: (() => unknown)[] = []
    const outcomes: unknown[] = []
    const begun: Iterator<unknown>[] = []
    const { rows: written, error } = await run((input) =>
      input.keyBy('by-key', 's').process('fn', {
        state: {
          value: state.value(t.int32()),
          list: state.list(t.int32()),
          map: state.map(t.string(), t.int32()),
        },
        output: Loose,
        sideOutputs: { side: Loose },
        onRow(row, context) {
          const { value, list, map } = context.state
          list.add(row.id)
          begun.push(list[Symbol.iterator]())
          context.setTimer('t', row.at + 5)
          late.push(
            () => context.emit({ a: 1 }),
            () => context.emitTo('side', { a: 1 }),
            () => value.get(),
            () => value.set(1),
            () => value.clear(),
            () => list.add(1),
            () => list.length,
            () => [...list],
            () => list.clear(),
            () => map.get('a'),
            () => map.has('a'),
            () => map.set('a', 1),
            () => map.delete('a'),
            () => map.size,
            () => [...map],
            () => map.clear(),
            () => context.setTimer('t', 1),
            () => context.deleteTimer('t'),
            () => context.key,
          )
          if (row.id === 49) void Promise.resolve().then(tryAll)
        },
        onTimer(context) {
          context.emit({ a: context.state.list.length })
        },
      }),
    )
    function tryAll(): void {
      for (const use of late) {
        try {
          outcomes.push(use())
        } catch (thrown) {
          outcomes.push((thrown as MillraceError).code)
        }
      }
    }
    tryAll()
    for (const one of begun)
      expect(() => one.next()).toThrow(expect.objectContaining({ code: 'step/kept-context' }))
    expect(error).toBeUndefined()
    expect(outcomes).toHaveLength(2 * 19 * 50)
    expect(new Set(outcomes)).toEqual(new Set(['step/kept-context']))
    expect(written).toEqual(rows.map(() => ({ a: 1 })))
  })

  test('a row that was written to throws, and the input stays as it was', async () => {
    const { error } = await run((input) =>
      input.map('fn', Out, (row) => {
        loose<InRow>(row).id = 5
        return { a: row.id, b: row.s }
      }),
    )
    expect(error).toMatchObject({ code: 'step/function-failed', step: 'fn' })
  })
})

describe('rows in memory that do not fit their schema', () => {
  test.each([
    ['a wrong type', { id: 'x', at: 1, s: 'a' }, /column "id" does not take the string "x"/],
    ['a missing column', { id: 1, at: 1 }, /column "s" is missing/],
    ['no object', null, /a row must be an object, not null/],
  ])('%s: the error says which row', async (_, row, message) => {
    const host = hostWith({})
    const sink = memorySink()
    const built = pipeline('rows', (p) =>
      p.read('in', memoryRows(In, [...rows, loose(row)])).write('out', sink),
    ).build()
    const { error } = await outcomeOf(host, new Job(built, { host }).run())
    expect(error).toMatchObject({ code: 'value/invalid', step: 'in', place: { row: 51 } })
    expect(error?.message).toMatch(message)
    expect(error?.hint).toBeDefined()
    expect(sink.rows).toEqual([])
  })
})
