/** `process` steps: user functions against a model that keeps everything in maps. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import { isMillraceError } from '../../src/errors.ts'
import type { ProcessContext, ProcessFunction } from '../../src/engine/process/process-function.ts'
import { createProcess } from '../../src/engine/process/process.ts'
import type { ProcessNode, StateDeclaration } from '../../src/plan/logical.ts'
import type { Harness, InRow } from './operator-harness.ts'
import { Dictionary, advance, batchOf, harness, withDictionary } from './operator-harness.ts'

const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })
const text: DataType = { kind: 'string' }
const texts: DataType = { kind: 'list', element: { type: text, nullable: false } }
const float: DataType = { kind: 'float64' }
const schema: Schema = {
  fields: [field('user', text, true), field('n', { kind: 'int32' }), field('note', text)],
}
const output: Schema = { fields: [field('line', text)] }

const declare = (
  name: string,
  kind: StateDeclaration['kind'],
  type: DataType,
  keyType?: DataType,
): StateDeclaration => ({
  name,
  kind,
  type,
  keyType,
})

function processNode(state: readonly StateDeclaration[], keys: readonly string[] = ['user']): ProcessNode {
  return {
    kind: 'process',
    step: 'step',
    inputs: [],
    schema: output,
    sidePorts: { other: output },
    keys,
    state,
    functionId: 'f',
  }
}

function make(
  functions: ProcessFunction,
  state: readonly StateDeclaration[] = [],
  options?: { batchRows?: number; keys?: readonly string[] },
) {
  const h = harness({ batchRows: options?.batchRows ?? 3 })
  const operator = createProcess(processNode(state, options?.keys), schema, h.context, {
    functions: new Map([['f', { onTimer: () => undefined, ...functions }]]),
  })
  const push = (rows: readonly InRow[]): void => operator.push(batchOf(schema, rows), 0)
  return { h, operator, push, lines: () => linesOf(h) }
}

const linesOf = (h: Harness, port = 'main'): unknown[] =>
  h.out.filter((o) => o.port === port).map((o) => o.row['line'])
const row = (user: string | null, n: number, time: number, note = ''): InRow => ({
  row: { user, n, note },
  time,
})

interface Value {
  get(): unknown
  set(value: unknown): void
  clear(): void
}
interface List extends Iterable<unknown> {
  add(value: unknown): void
  readonly length: number
  clear(): void
}
interface MapOf extends Iterable<readonly [unknown, unknown]> {
  get(key: unknown): unknown
  has(key: unknown): boolean
  set(key: unknown, value: unknown): void
  delete(key: unknown): void
  readonly size: number
  clear(): void
}
const state = <T>(context: ProcessContext, name: string): T => context.state[name] as unknown as T

type Operation =
  | { kind: 'set' | 'add'; value: unknown }
  | { kind: 'put'; key: string; value: unknown }
  | { kind: 'drop'; key: string }
  | { kind: 'clear'; what: 'value' | 'list' | 'map' }

/** Some begin with the mark that pasted files have: `\ufeffa` is not `a`. */
const marked = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('', '\ufeff'), texts).map(([mark, rest]) => mark + rest)

const mapKeys = ['a', 'b', 'c', '\ufeffa']

const kinds: { name: string; type: DataType; value: fc.Arbitrary<unknown> }[] = [
  { name: 'float', type: float, value: fc.double() },
  { name: 'integer', type: { kind: 'int64', rows: 'number' }, value: fc.maxSafeInteger() },
  { name: 'boolean', type: { kind: 'boolean' }, value: fc.boolean() },
  {
    name: 'bigint',
    type: { kind: 'int64', rows: 'bigint' },
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  },
  { name: 'text', type: text, value: marked(fc.string({ unit: 'binary', maxLength: 40 })) },
  {
    name: 'struct',
    type: { kind: 'struct', fields: [field('a', float), field('b', texts)] },
    // Nested values are held canonically: −0 comes back as 0.
    value: fc.record({
      a: fc.double({ noNaN: true }).map((number) => number + 0),
      b: fc.array(marked(fc.string()), { maxLength: 3 }),
    }),
  },
]

describe('keyed state', () => {
  for (const { name, type, value } of kinds) {
    it(`holds ${name} values, lists and maps apart per key`, () => {
      const operation: fc.Arbitrary<Operation> = fc.oneof(
        fc.record({ kind: fc.constantFrom('set' as const, 'add' as const), value }),
        fc.record({ kind: fc.constant('put' as const), key: fc.constantFrom(...mapKeys), value }),
        fc.record({ kind: fc.constant('drop' as const), key: fc.constantFrom(...mapKeys) }),
        fc.record({
          kind: fc.constant('clear' as const),
          what: fc.constantFrom('value' as const, 'list' as const, 'map' as const),
        }),
      )
      const step = fc.record({
        user: fc.option(fc.constantFrom('', 'x', 'y', 'zz'), { nil: null }),
        operation,
      })
      fc.assert(
        fc.property(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 8 }), (batches) => {
          const model = new Map<
            string | null,
            { value: unknown; list: unknown[]; map: Map<string, unknown> }
          >()
          const operations = batches.flat().map((one) => one.operation)
          const { h, operator, push } = make(
            {
              onRow(raw, context) {
                const { user, n } = raw as { user: string | null; n: number }
                let m = model.get(user)
                if (m === undefined) model.set(user, (m = { value: undefined, list: [], map: new Map() }))
                const s = {
                  value: state<Value>(context, 'value'),
                  list: state<List>(context, 'list'),
                  map: state<MapOf>(context, 'map'),
                }
                expect(s.value.get()).toEqual(m.value)
                expect([...s.list]).toEqual(m.list)
                expect(s.list.length).toBe(m.list.length)
                expect([...s.map]).toEqual([...m.map])
                expect(s.map.size).toBe(m.map.size)
                apply(operations[n] as Operation, s, m)
                for (const key of mapKeys) {
                  expect(s.map.has(key)).toBe(m.map.has(key))
                  expect(s.map.get(key)).toEqual(m.map.get(key))
                }
              },
            },
            [
              declare('value', 'value', type),
              declare('list', 'list', type),
              declare('map', 'map', type, text),
            ],
          )
          let n = 0
          for (const batch of batches) {
            push(batch.map(({ user }) => row(user, n++, n)))
            advance(operator, n)
          }
          const held = [...model.values()].filter(
            (m) => m.value !== undefined || m.list.length > 0 || m.map.size > 0,
          )
          const entries = held.length + held.reduce((sum, m) => sum + m.map.size, 0)
          expect(h.counters.stateEntries).toBe(entries)
        }),
        { numRuns: 60 },
      )
    })
  }

  it('refuses a value of another type and names the state', () => {
    const { push } = make({ onRow: (_, context) => state<Value>(context, 'v').set('text') }, [
      declare('v', 'value', float),
    ])
    expect(() => push([row('a', 1, 0)])).toThrow(/state "v"/)
  })

  it('refuses what would come back as something else, with step, state and the path of it', () => {
    const { push } = make(
      { onRow: (_, context) => state<List>(context, 'seen').add({ items: [1, { when: new Date(0) }] }) },
      [declare('seen', 'list', { kind: 'json' })],
    )
    let thrown: unknown
    try {
      push([row('a', 1, 0)])
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({
      code: 'value/invalid',
      step: 'step',
      what: 'state "seen" cannot hold this value',
      detail: 'seen.items[1].when is an object of class Date, and json was expected: what JSON can hold',
    })
  })

  it('takes no memory for a key that holds nothing any more', () => {
    const { h, operator, push } = make(
      {
        onRow(raw, context) {
          const v = state<Value>(context, 'v')
          if ((raw as { n: number }).n === 1) v.set('kept')
          else v.clear()
        },
      },
      [declare('v', 'value', text)],
    )
    for (let i = 0; i < 5000; i++) push([row(`user-${i}`, 1, i), row(`user-${i}`, 0, i)])
    advance(operator, 1)
    expect(h.counters.stateEntries).toBe(0)
    expect(h.counters.stateBytes).toBeLessThan(400_000)
  })
})

function apply(
  operation: Operation,
  s: { value: Value; list: List; map: MapOf },
  m: { value: unknown; list: unknown[]; map: Map<string, unknown> },
): void {
  switch (operation.kind) {
    case 'set':
      s.value.set(operation.value)
      m.value = operation.value
      break
    case 'add':
      s.list.add(operation.value)
      m.list.push(operation.value)
      break
    case 'put':
      s.map.set(operation.key, operation.value)
      m.map.set(operation.key, operation.value)
      break
    case 'drop':
      s.map.delete(operation.key)
      m.map.delete(operation.key)
      break
    case 'clear':
      s[operation.what].clear()
      if (operation.what === 'value') m.value = undefined
      else if (operation.what === 'list') m.list.length = 0
      else m.map.clear()
  }
}

describe('timers', () => {
  it('fire in order of time, then of key and name, before the rows that come after the watermark', () => {
    const seen: string[] = []
    const { operator, push } = make({
      onRow(raw, context) {
        const { user, note, n } = raw as { user: string; note: string; n: number }
        context.setTimer(note, n)
        seen.push(`row ${user}`)
      },
      onTimer(context, timer) {
        expect(context.eventTime).toBe(timer.time)
        seen.push(`${timer.time} ${(context.key as { user: string }).user} ${timer.name}`)
      },
    })
    push([row('a', 30, 0, 'late'), row('a', 10, 0, 'b'), row('a', 10, 0, 'a'), row('a', 20, 0, 'c')])
    advance(operator, 9)
    expect(seen.splice(0)).toEqual(['row a', 'row a', 'row a', 'row a'])
    advance(operator, 20)
    expect(seen.splice(0)).toEqual(['10 a a', '10 a b', '20 a c'])
    advance(operator, Infinity)
    expect(seen.splice(0)).toEqual(['30 a late'])
  })

  it('are not set by a step that would not hear of them', () => {
    const deaf = { onTimer: undefined } as unknown as ProcessFunction
    const { push } = make({ ...deaf, onRow: (_, context) => context.setTimer('soon', 10) })
    expect(attempt(() => push([row('a', 1, 0)]))).toMatchObject({
      code: 'plan/invalid-argument',
      what: 'step "step" sets timer "soon" and has no onTimer',
    })
  })

  it('have the names that they were given, however many there are', () => {
    const names = Array.from({ length: 100 }, (_, n) => `\ufeff${n}`)
    const fired: string[] = []
    const { operator, push } = make({
      onRow: (_, context) => names.forEach((name) => context.setTimer(name, 10)),
      onTimer: (_, { name }) => void fired.push(name),
    })
    push([row('a', 1, 0)])
    advance(operator, 10)
    expect(fired.toSorted()).toEqual(names.toSorted())
  })

  it('are not named by texts that UTF-8 has not: two names would be one', () => {
    const { push } = make({
      onRow: (_, context) => context.setTimer('\ud800', 10),
      onTimer: () => undefined,
    })
    expect(attempt(() => push([row('a', 1, 0)]))).toMatchObject({ code: 'value/invalid', step: 'step' })
  })

  it('are counted while they have not fired', () => {
    const { h, operator, push } = make({
      onRow(raw, context) {
        const { note, n } = raw as { note: string; n: number }
        if (n < 0) context.deleteTimer(note)
        else context.setTimer(note, n)
      },
      onTimer() {},
    })
    push([row('a', 10, 0, 'x'), row('a', 20, 0, 'y'), row('b', 30, 0, 'x'), row('b', 40, 0, 'x')])
    expect(h.counters.pendingTimers).toBe(3)
    push([row('b', -1, 0, 'x')])
    expect(h.counters.pendingTimers).toBe(2)
    advance(operator, 10)
    expect(h.counters.pendingTimers).toBe(1)
    advance(operator, Infinity)
    expect(h.counters.pendingTimers).toBe(0)
  })

  it('fire as a model with a sorted list says, whatever is set, moved and deleted', () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant('set' as const),
        user: fc.constantFrom('a', 'b', 'c'),
        name: fc.constantFrom('x', 'y'),
        time: fc.integer({ min: -20, max: 60 }),
      }),
      fc.record({
        kind: fc.constant('delete' as const),
        user: fc.constantFrom('a', 'b', 'c'),
        name: fc.constantFrom('x', 'y'),
        time: fc.constant(0),
      }),
      fc.record({
        kind: fc.constant('watermark' as const),
        user: fc.constant('a'),
        name: fc.constant(''),
        time: fc.integer({ min: -20, max: 60 }),
      }),
    )
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 60 }),
        fc.integer({ min: 1, max: 6 }),
        (actions, batchSize) => {
          const fired: string[] = []
          const expected: string[] = []
          const model = new Map<string, number>()
          let watermark = -Infinity
          const { h, operator, push } = make({
            onRow(raw, context) {
              const { n } = raw as { n: number }
              const one = actions[n] as (typeof actions)[number]
              if (one.kind === 'set') context.setTimer(one.name, one.time)
              else context.deleteTimer(one.name)
            },
            onTimer(context, timer) {
              fired.push(`${timer.time}:${(context.key as { user: string }).user}:${timer.name}`)
            },
          })
          const fireModel = (): void => {
            const due = [...model].filter(([, time]) => time <= watermark)
            for (const [id] of due) model.delete(id)
            expected.push(...due.map(([id, time]) => `${time}:${id}`))
          }
          let rows: InRow[] = []
          const flush = (): void => {
            if (rows.length > 0) push(rows)
            rows = []
          }
          for (const [n, one] of actions.entries()) {
            const id = `${one.user}:${one.name}`
            if (one.kind === 'watermark') {
              if (one.time <= watermark) continue
              flush()
              watermark = one.time
              advance(operator, watermark)
            } else {
              rows.push(row(one.user, n, 0))
              if (one.kind === 'set') model.set(id, one.time)
              else model.delete(id)
              if (rows.length >= batchSize) flush()
            }
            fireModel()
          }
          flush()
          advance(operator, Infinity)
          watermark = Infinity
          fireModel()
          expect([...fired].sort()).toEqual([...expected].sort())
          expect(h.counters.stateEntries).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('that were deleted or moved by another timer of the same time do not fire', () => {
    const seen: string[] = []
    const { operator, push } = make({
      onRow(_, context) {
        for (const name of ['a', 'b', 'c', 'd']) context.setTimer(name, 5)
      },
      onTimer(context, { name, time }) {
        seen.push(`${time} ${name}`)
        if (name === 'a') {
          context.deleteTimer('b')
          context.setTimer('c', 7)
        }
      },
    })
    push([row('u', 0, 0)])
    advance(operator, 10)
    expect(seen).toEqual(['5 a', '5 d', '7 c'])
  })

  it('set for a time that has passed fire right after the row, whatever the batch size', () => {
    for (const size of [1, 3]) {
      const seen: string[] = []
      const { operator, push } = make({
        onRow(raw, context) {
          seen.push(`row ${(raw as { n: number }).n}`)
          context.setTimer('t', (raw as { n: number }).n)
        },
        onTimer: (_, timer) => seen.push(`timer ${timer.time}`),
      })
      advance(operator, 100)
      const rows = [row('a', 1, 100), row('a', 200, 100), row('a', 2, 100)]
      for (let i = 0; i < rows.length; i += size) push(rows.slice(i, i + size))
      expect(seen).toEqual(['row 1', 'timer 1', 'row 200', 'row 2', 'timer 2'])
    }
  })

  it.each([
    ['NaN', Number.NaN, 'was set for NaN'],
    ['Infinity', Infinity, 'Number.MAX_SAFE_INTEGER: timers that are left when the input ends fire then'],
    ['-Infinity', -Infinity, 'was set for -Infinity'],
    ['2^60', 2 ** 60, 'within 2^53'],
    ['text', '5' as never, 'was set for 5'],
    ['a date', new Date(5) as never, 'was set for an object'],
    ['nothing', undefined as never, 'was set for undefined'],
  ])('are refused by name for %s', (_, time, message) => {
    const { operator, push } = make({ onRow: (_row, context) => context.setTimer('later', time) })
    expect(() => push([row('a', 0, 0)])).toThrow(
      expect.objectContaining({
        code: 'value/invalid',
        what: expect.stringContaining('timer "later" was set for'),
        message: expect.stringContaining(message),
      }),
    )
    operator.close()
  })

  it('set for the last time there is fire at the end of the input', () => {
    const seen: number[] = []
    const { operator, push } = make({
      onRow: (_row, context) => context.setTimer('end', Number.MAX_SAFE_INTEGER),
      onTimer: (_context, { time }) => seen.push(time),
    })
    push([row('a', 0, 0)])
    advance(operator, 8.64e15)
    expect(seen).toEqual([])
    advance(operator, Infinity)
    expect(seen).toEqual([Number.MAX_SAFE_INTEGER])
  })

  it('that set themselves for ever after the end of the input end in an error', () => {
    const { operator, push } = make({
      onRow: (_, context) => context.setTimer('tick', 0),
      onTimer: (context, { time }) => context.setTimer('tick', time + 1000),
    })
    push([row('a', 0, 0)])
    advance(operator, 10_000_000)
    expect(() => advance(operator, Infinity)).toThrow(/without end/)
  })

  it('fire in order when there are very many', () => {
    let last = -Infinity
    let fired = 0
    let disorder = 0
    const { operator, push } = make(
      {
        onRow: (raw, context) => context.setTimer('t', ((raw as { n: number }).n * 7919) % 100_003),
        onTimer(_, { time }) {
          if (time < last) disorder++
          last = time
          fired++
        },
      },
      [],
      { keys: ['n'] },
    )
    for (let n = 0; n < 200_000; n += 1000) push(Array.from({ length: 1000 }, (_, i) => row('', n + i, 0)))
    advance(operator, Infinity)
    expect({ fired, disorder }).toEqual({ fired: 200_000, disorder: 0 })
  })
})

describe('process steps', () => {
  it('emit to the main output and to side outputs with the event time of the row or timer', () => {
    const { h, operator, push } = make({
      onRow(raw, context) {
        context.emit({ line: `row ${(raw as { n: number }).n}` })
        context.setTimer('t', 50)
      },
      onTimer: (context) => context.emitTo('other', { line: JSON.stringify(context.key) }),
    })
    push([row('a', 1, 11), row(null, 2, 12)])
    advance(operator, 60)
    const out = h.out.map(({ port, row: r, eventTime }) => [port, r['line'], eventTime])
    expect(out.slice(0, 2)).toEqual([
      ['main', 'row 1', 11],
      ['main', 'row 2', 12],
    ])
    // Two keys at one time: their key groups decide.
    expect(new Set(out.slice(2).map(String))).toEqual(
      new Set(['other,{"user":null},50', 'other,{"user":"a"},50']),
    )
  })

  it('cut what they emit into batches of the asked size', () => {
    const { h, push } = make({ onRow: (_, c) => [1, 2, 3].forEach((n) => c.emit({ line: `${n}` })) }, [], {
      batchRows: 2,
    })
    push([row('a', 1, 0), row('b', 1, 0)])
    expect(linesOf(h)).toEqual(['1', '2', '3', '1', '2', '3'])
    expect(h.largestBatch).toBe(2)
  })

  it('see dictionary-coded keys as the same keys', () => {
    const counts = new Map<string, number>()
    const { operator, push } = make(
      {
        onRow(raw, context) {
          const v = state<Value>(context, 'v')
          const next = ((v.get() as number | undefined) ?? 0) + 1
          v.set(next)
          counts.set((raw as { user: string }).user, next)
        },
      },
      [declare('v', 'value', float)],
    )
    const dictionary = new Dictionary()
    push([row('a', 1, 0), row('b', 1, 0)])
    operator.push(
      withDictionary(
        batchOf(schema, [row('b', 1, 0), row('a', 1, 0), row('b', 1, 0)], { selected: true }),
        0,
        dictionary,
      ),
      0,
    )
    expect([...counts]).toEqual([
      ['a', 2],
      ['b', 3],
    ])
  })

  it('fail with the step and the row when a function throws', () => {
    const { push } = make({
      onRow() {
        throw new RangeError('too much')
      },
    })
    const failure = attempt(() => push([row('a', 7, 0)]))
    expect(isMillraceError(failure) && failure.code).toBe('step/function-failed')
    expect(String(failure)).toMatch(/too much.*"n":7/s)
    expect(isMillraceError(failure) && failure.step).toBe('step')
  })

  it('refuse rows that do not fit the output, and outputs that were not declared', () => {
    const badRow = attempt(() => make({ onRow: (_, c) => c.emit({ line: 5 }) }).push([row('a', 1, 0)]))
    expect(isMillraceError(badRow) && badRow.code).toBe('step/invalid-row')
    const badPort = attempt(() =>
      make({ onRow: (_, c) => c.emitTo('nowhere', { line: '' }) }).push([row('a', 1, 0)]),
    )
    expect(String(badPort)).toMatch(/"nowhere".*"other"/s)
  })
})

function attempt(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
