/** State of `process` steps: cut anywhere, written, read into other tasks, it goes on as if nothing had been. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataType, Field, Schema } from '../../src/data/type.ts'
import type { ProcessContext, ProcessFunction } from '../../src/engine/process/process-function.ts'
import { createProcess } from '../../src/engine/process/process.ts'
import type { ProcessNode, StateDeclaration } from '../../src/plan/logical.ts'
import { cutsArbitrary, isRemoved, runStep, without } from './state-harness.ts'
import type { Cut, StepEvent, StepOptions, StepRun } from './state-harness.ts'

const text: DataType = { kind: 'string' }
const float: DataType = { kind: 'float64' }
const field = (name: string, type: DataType, nullable = false): Field => ({ name, type, nullable })
const texts: DataType = { kind: 'list', element: { type: text, nullable: false } }
const schema: Schema = { fields: [field('user', text, true), field('n', { kind: 'int32' })] }
const output: Schema = { fields: [field('line', text)] }

interface State {
  readonly v: { get(): unknown; set(value: unknown): void; clear(): void }
  readonly w: State['v']
  readonly list: Iterable<unknown> & { add(value: unknown): void; clear(): void; readonly length: number }
  readonly map: Iterable<readonly [unknown, unknown]> & {
    set(key: unknown, value: unknown): void
    delete(key: unknown): void
    clear(): void
    readonly size: number
  }
}

type Action =
  | { readonly kind: 'set' | 'other' | 'add'; readonly value: unknown }
  | { readonly kind: 'put'; readonly key: unknown; readonly value: unknown }
  | { readonly kind: 'drop'; readonly key: unknown }
  | { readonly kind: 'clear'; readonly what: 'v' | 'w' | 'list' | 'map' }
  | { readonly kind: 'timer'; readonly name: string; readonly time: number }
  | { readonly kind: 'cancel'; readonly name: string }
  | { readonly kind: 'nothing' }

/** Some begin with the mark that pasted files have: `\ufeffa` is not `a`. */
const marked = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('', '\ufeff'), texts).map(([mark, rest]) => mark + rest)

interface Kind {
  readonly name: string
  readonly type: DataType
  readonly value: fc.Arbitrary<unknown>
  readonly key: fc.Arbitrary<unknown>
}

const kinds: readonly Kind[] = [
  { name: 'float', type: float, value: fc.double(), key: fc.constantFrom(0, 1.5, -2, Number.NaN) },
  {
    name: 'integer',
    type: { kind: 'int64', rows: 'number' },
    value: fc.maxSafeInteger(),
    key: fc.constantFrom(0, 1, -(2 ** 40)),
  },
  { name: 'boolean', type: { kind: 'boolean' }, value: fc.boolean(), key: fc.boolean() },
  {
    name: 'bigint',
    type: { kind: 'int64', rows: 'bigint' },
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    key: fc.constantFrom(0n, 2n ** 62n),
  },
  {
    name: 'text',
    type: text,
    value: marked(fc.string({ unit: 'binary', maxLength: 40 })),
    key: fc.constantFrom('', 'a', 'ä', '\ufeffa', '\ufeff'),
  },
  {
    name: 'struct',
    type: { kind: 'struct', fields: [field('a', float), field('b', texts)] },
    value: fc.record({ a: fc.integer(), b: fc.array(marked(fc.string()), { maxLength: 3 }) }),
    key: fc.constantFrom('x', 'y', 'z'),
  },
]

function actionArbitrary({ value, key }: Kind): fc.Arbitrary<Action> {
  const name = fc.constantFrom('x', 'y', '\ufeffx')
  return fc.oneof(
    fc.record({ kind: fc.constantFrom('set' as const, 'other' as const, 'add' as const), value }),
    fc.record({ kind: fc.constant('put' as const), key, value }),
    fc.record({ kind: fc.constant('drop' as const), key }),
    fc.record({ kind: fc.constant('clear' as const), what: fc.constantFrom('v', 'w', 'list', 'map') }),
    fc.record({ kind: fc.constant('timer' as const), name, time: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ kind: fc.constant('cancel' as const), name }),
    fc.constant({ kind: 'nothing' as const }),
  ) as fc.Arbitrary<Action>
}

type Event =
  | { readonly kind: 'row'; readonly user: string | null; readonly action: Action }
  | { readonly kind: 'watermark'; readonly time: number }

const eventsArbitrary = (
  kind: Kind,
  users: readonly string[] = ['', 'a', 'b', 'c', 'dd'],
): fc.Arbitrary<readonly Event[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('row' as const),
          user: fc.option(fc.constantFrom(...users), { nil: null, freq: 8 }),
          action: actionArbitrary(kind),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('watermark' as const),
          time: fc.integer({ min: 0, max: 60 }),
        }),
      },
    ),
    { minLength: 5, maxLength: 60 },
  )

const shown = (value: unknown): unknown =>
  typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : value !== value ? 'NaN' : value

/** Does the action of each row, and says all that the key has before it. */
function functionsOf(events: readonly Event[]): ProcessFunction {
  const describeState = (context: ProcessContext): unknown => {
    const { v, w, list, map } = context.state as unknown as State
    return [v.get(), w.get(), [...list], [...map], list.length, map.size]
  }
  const emit = (context: ProcessContext, what: string): void => {
    const { user } = context.key as { user: string | null }
    const line = JSON.stringify([what, user, context.watermark, describeState(context)], (_, one) =>
      shown(one),
    )
    context.emit({ line })
  }
  return {
    onRow(row, context) {
      const { n } = row as { n: number }
      emit(context, `row ${n}`)
      const event = events[n] as Event & { readonly kind: 'row' }
      act(event.action, context)
    },
    onTimer(context, { name, time }) {
      emit(context, `timer ${name} ${time}`)
      if (time < 10) context.setTimer(name, time + 25)
    },
  }
}

function act(action: Action, context: ProcessContext): void {
  const state = context.state as unknown as State
  switch (action.kind) {
    case 'set':
      return state.v.set(action.value)
    case 'other':
      return state.w.set(action.value)
    case 'add':
      return state.list.add(action.value)
    case 'put':
      return state.map.set(action.key, action.value)
    case 'drop':
      return state.map.delete(action.key)
    case 'clear':
      return state[action.what].clear()
    case 'timer':
      return context.setTimer(action.name, action.time)
    case 'cancel':
      return context.deleteTimer(action.name)
    case 'nothing':
  }
}

function nodeOf({ type, key }: { readonly type: DataType; readonly key: DataType }): ProcessNode {
  const declare = (name: string, kind: StateDeclaration['kind']): StateDeclaration => ({
    name,
    kind,
    type,
    keyType: kind === 'map' ? key : undefined,
  })
  return {
    kind: 'process',
    step: 'step',
    inputs: [],
    schema: output,
    sidePorts: {},
    keys: ['user'],
    state: [declare('v', 'value'), declare('w', 'value'), declare('list', 'list'), declare('map', 'map')],
    functionId: 'f',
  }
}

function optionsOf(events: readonly Event[], kind: Kind, tasks: number, batch: number): StepOptions {
  const node = nodeOf({ type: kind.type, key: kind.name === 'struct' ? text : kind.type })
  const functions = new Map([['f', functionsOf(events)]])
  return {
    make: (context) => createProcess(node, schema, context, { functions }),
    schema,
    keys: ['user'],
    batch,
    tasks,
  }
}

const stepEvents = (events: readonly Event[]): readonly StepEvent[] =>
  events.map((event, n) =>
    event.kind === 'row' ? { kind: 'row', row: { user: event.user, n }, time: n } : event,
  )

/** Keys are spread over tasks, so lines come in no order between them. */
const linesOf = (run: StepRun): readonly string[] =>
  run.out.map(({ row }) => row['line'] as string).toSorted((a, b) => (a < b ? -1 : 1))

describe('state of a process step', () => {
  for (const kind of kinds) {
    it(`goes on with ${kind.name} values, lists, maps and timers from any chain of snapshots, at any parallelism`, async () => {
      await fc.assert(
        fc.asyncProperty(
          eventsArbitrary(kind),
          cutsArbitrary,
          fc.integer({ min: 1, max: 9 }),
          async (events, cuts, batch) => {
            const options = optionsOf(events, kind, 1, batch)
            // Batches end where input is cut: within one, timers wait for its end.
            const places = cuts.map((cut) => ({ ...cut, scope: 'changes' as const, restart: undefined }))
            const expected = await runStep(stepEvents(events), options, places)
            const run = await runStep(stepEvents(events), { ...options, tasks: 3 }, cuts)
            expect(linesOf(run)).toEqual(linesOf(expected))
          },
        ),
        { numRuns: 60 },
      )
    })
  }

  it('goes on without what was removed between cuts', async () => {
    const kind = kinds[1] as Kind
    await fc.assert(
      fc.asyncProperty(eventsArbitrary(kind, ['a']), cutsArbitrary, async (events, cuts) => {
        const options = optionsOf(events, kind, 1, 1)
        const expected = await runStep(stepEvents(events), options, [])
        expect(linesOf(await runStep(stepEvents(events), options, cuts))).toEqual(linesOf(expected))
      }),
      { numRuns: 100 },
    )
  })

  const defects: readonly {
    readonly name: string
    readonly isLost: Parameters<typeof without>[0]
  }[] = [
    { name: 'a value', isLost: ({ part, batch }, row) => part === 'values' && row === batch.length - 1 },
    { name: 'a value of a list', isLost: ({ part }, row) => part === 'list:list' && row === 0 },
    { name: 'an entry of a map', isLost: ({ part }, row) => part === 'map:map' && row === 0 },
    { name: 'a timer', isLost: ({ part }, row) => part === 'timers' && row === 0 },
    { name: 'the watermark', isLost: ({ part }) => part === 'progress' },
    ...['values', 'list:list', 'map:map', 'timers'].map((lost) => ({
      name: `that something is gone from ${lost}`,
      isLost: (rows: Parameters<typeof isRemoved>[0], row: number) =>
        rows.part === lost && isRemoved(rows, row),
    })),
  ]
  for (const { name, isLost } of defects) {
    it(`is tested so that losing ${name} is found`, async () => {
      const kind = kinds[1] as Kind
      const cuts: readonly Cut[] = [
        { at: 0.3, scope: 'whole', restart: undefined },
        { at: 0.5, scope: 'changes', restart: undefined },
        { at: 0.7, scope: 'changes', restart: 2 },
      ]
      const property = fc.asyncProperty(eventsArbitrary(kind, ['a']), async (events) => {
        const options = optionsOf(events, kind, 2, 1)
        const expected = await runStep(stepEvents(events), options, [])
        const spoilt = await runStep(stepEvents(events), { ...options, spoil: without(isLost) }, cuts)
        expect(linesOf(spoilt)).toEqual(linesOf(expected))
      })
      const { errorInstance } = await fc.check(property, { numRuns: 300, endOnFailure: true })
      expect(String(errorInstance)).toMatch(/expected|comes back in another place/)
    })
  }
})
