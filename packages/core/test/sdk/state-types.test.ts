// Declarations of state: what is given beside a type, or instead of one, is refused and not passed over.
import { describe, expect, expectTypeOf, it } from 'vitest'
import { isMillraceError, pipeline, schema, state, t } from '../../src/index.ts'
import type { MapState, StateBuilders, StateType, ValueState } from '../../src/index.ts'
import { flights, plannedSink } from './planned-ends.ts'

/** What JavaScript, or an `as any`, can give where the types say otherwise. */
const loose = state as unknown as Record<keyof StateBuilders, (...given: unknown[]) => unknown>

function refusal(make: () => unknown): { code: string; message: string; step: string | undefined } {
  try {
    make()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('state', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'value with a default',
      () => loose.value(t.int32(), 0),
      /state\.value takes 1 argument: it was given 2[^]*get\(\) \?\? /,
    ],
    [
      'value with options',
      () => loose.value(t.int32(), { ttl: '1 h' }),
      /state\.value takes 1 argument: it was given 2/,
    ],
    ['value of nothing', () => loose.value(), /state\.value takes 1 argument: it was given 0/],
    ['list', () => loose.list(t.int32(), 10), /state\.list takes 1 argument: it was given 2/],
    ['map of one type', () => loose.map(t.int32()), /state\.map takes 2 arguments: it was given 1/],
    [
      'map of three',
      () => loose.map(t.int32(), t.int32(), t.int32()),
      /state\.map takes 2 arguments: it was given 3/,
    ],
    [
      'value of a text',
      () => loose.value('int32'),
      /state\.value was given a value of type string[^]*state\.value\(t\.int32\(\)\)/,
    ],
    [
      'value of a builder that was not called',
      () => loose.value(t.int32),
      /of type function[^]*state\.value\(t\.int32\(\)\)/,
    ],
    ['map with a key of null', () => loose.map(null, t.int32()), /state\.map was given null/],
  ])('refuses %s', (_, make, message) => {
    const error = refusal(make)
    expect(error.code).toBe('plan/invalid-argument')
    expect(error.message).toMatch(message)
  })

  it('of a step is declared by it, and nothing else is', () => {
    const error = refusal(() =>
      pipeline('test', (p) => {
        p.read('flights', flights)
          .keyBy('key', 'origin')
          .process('x', {
            state: { seen: t.int32() as never },
            output: schema({ n: t.int32() }),
            onRow: () => undefined,
          })
          .write('out', plannedSink('out'))
      }).build(),
    )
    expect(error).toMatchObject({ code: 'plan/invalid-argument', step: 'x' })
    expect(error.message).toContain('state "seen" is not declared as state')
    expect(error.message).toContain('seen: state.value(')
  })

  it('is refused by the compiler too', () => {
    // @ts-expect-error there is no default
    expect(() => state.value(t.int32(), 0)).toThrow('takes 1 argument')
    // @ts-expect-error a map has a key and a value
    expect(() => state.map(t.int32())).toThrow('takes 2 arguments')
    expectTypeOf(state.value(t.int32()).kind).toEqualTypeOf<'value' | 'list' | 'map'>()
  })

  it('knows both types in a migration', () => {
    const value = state.value(t.string(), {
      migrate: {
        from: t.int32(),
        with: (old) => {
          expectTypeOf(old).toEqualTypeOf<number>()
          return String(old)
        },
      },
    })
    expectTypeOf(value).toEqualTypeOf<StateType<ValueState<string>>>()
    expect(value.migrations[0]?.with(5)).toBe('5')
    const map = state.map(t.string(), t.struct({ n: t.int64().bigint() }), {
      migrate: { from: t.list(t.string()), with: (old) => ({ n: BigInt(old.length) }) },
    })
    expectTypeOf(map).toEqualTypeOf<StateType<MapState<string, { readonly n: bigint }>>>()
    // @ts-expect-error a migration gives values of the new type
    state.list(t.string(), { migrate: { from: t.int32(), with: (old) => old } })
    expect(() => loose.value(t.int32(), { migrate: { from: 'int32', with: String } })).toThrow(
      'takes 1 argument',
    )
    expect(() => loose.value(t.int32(), { migrate: { from: t.int32() } })).toThrow('takes 1 argument')
  })

  it('knows all types in a chain of migrations', () => {
    const value = state.value(t.string(), {
      migrate: [
        {
          from: t.int32(),
          with: (old) => {
            expectTypeOf(old).toEqualTypeOf<number>()
            return [old]
          },
        },
        {
          from: t.list(t.int32()),
          with: (old) => {
            expectTypeOf(old).toEqualTypeOf<readonly number[]>()
            return old.length > 0
          },
        },
        { from: t.boolean(), with: (old) => (old ? 'x' : 'y') },
      ],
    })
    expectTypeOf(value).toEqualTypeOf<StateType<ValueState<string>>>()
    expect(value.migrations.length).toBe(3)
    const boolean = { from: t.boolean(), with: (old: boolean) => (old ? 'x' : 'y') }
    const number = { from: t.int32(), with: (old: number) => old }
    // @ts-expect-error the first gives a number, and the next one takes a boolean
    state.list(t.string(), { migrate: [number, boolean] })
    // @ts-expect-error the last gives a number, and the state holds texts
    state.map(t.string(), t.string(), { migrate: [boolean, number] })
    const twice = [
      { from: t.int32(), with: (old: number) => old },
      { from: t.int32(), with: String },
    ] as const
    expect(() => state.value(t.string(), { migrate: twice })).toThrow(
      'two migrations of a state are from int32',
    )
    expect(() => loose.value(t.int32(), { migrate: [{ from: t.int32() }] })).toThrow('takes 1 argument')
  })

  it('has members with defaults of their types, and no default itself', () => {
    const type = t.struct({ amount: t.int32(), currency: t.string().default('EUR') })
    expectTypeOf(state.value(type)).toEqualTypeOf<
      StateType<ValueState<{ readonly amount: number; readonly currency: string }>>
    >()
    // @ts-expect-error a default is a value of its type
    expect(() => t.string().default(1)).toThrow('not a value of it')
    // @ts-expect-error null is no value of a type that is not nullable
    expect(() => t.string().default(null)).toThrow('not a value of it')
    expect(refusal(() => state.value(t.int32().default(0))).message).toContain('get() ?? 0')
  })
})
