// The decision whether kept state fits a program, by itself: every pair of types, every kind of change, every wish.
import { describe, expect, it } from 'vitest'
import { t, typeToString, widensTo } from '../../src/data/index.ts'
import type { ColumnType, DataType } from '../../src/data/index.ts'
import { pipeline, schema, state } from '../../src/index.ts'
import type { StateTypes } from '../../src/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { optimize } from '../../src/plan/optimize.ts'
import { planPhysical } from '../../src/plan/plan-physical.ts'
import { programSteps } from '../../src/runtime/program-state.ts'
import { misfitText } from '../../src/runtime/refuse-start.ts'
import { decideStateFit } from '../../src/runtime/state-fit.ts'
import type { KeptTables, ProgramStep, StateFit } from '../../src/runtime/state-fit.ts'

const Row = schema({ key: t.string(), n: t.int32() })

/** The steps of a program whose step "keep" declares some state; none: there is no such step. */
function program(states: StateTypes | undefined): ReadonlyMap<string, ProgramStep> {
  const built = pipeline('job', (p) => {
    const rows = p.read('rows', memoryRows(Row, []))
    if (states === undefined) rows.write('out', memorySink() as never)
    else {
      rows
        .keyBy('by-key', 'key')
        .process('keep', { state: states, output: Row, onRow: () => undefined })
        .write('out', memorySink() as never)
    }
  }).build()
  const plan = optimize(built)
  return programSteps(plan, planPhysical(plan.plan, { parallelism: 1, preAggregate: true }))
}

/** What a program of these steps would have written. */
function keptBy(steps: ReadonlyMap<string, ProgramStep>): readonly KeptTables[] {
  return Array.from(steps, ([step, { about, parts }]) => ({ step, about, parts }))
}

function fit(
  before: StateTypes | undefined,
  after: StateTypes | undefined,
  drop: readonly string[] = [],
): StateFit {
  return decideStateFit(keptBy(program(before)), program(after), new Set(drop))
}

const types: readonly ColumnType<unknown>[] = [
  t.boolean(),
  t.int8(),
  t.int32(),
  t.int64(),
  t.int64().bigint(),
  t.uint32(),
  t.float32(),
  t.float64(),
  t.string(),
  t.bytes(),
  t.date(),
  t.timestamp('ms'),
  t.timestamp('us'),
  t.decimal(10, 2),
  t.decimal(12, 2),
  t.decimal(12, 4),
  t.list(t.int32()),
  t.list(t.int64()),
  t.struct({ a: t.int32() }),
  t.struct({ a: t.int32(), b: t.string().nullable() }),
  t.struct({ a: t.int32(), b: t.string() }),
  t.map(t.string(), t.int32()),
]
const text = (type: DataType): string => typeToString(type)

describe('whether state fits', () => {
  const pairs = types.flatMap((from) =>
    types.map((to): [ColumnType<unknown>, ColumnType<unknown>] => [from, to]),
  )
  it.each(['value', 'list', 'map'] as const)(
    'FT2: of every pair of types a %s goes on exactly where the one is the other or wider',
    (kind) => {
      const declare = (type: ColumnType<unknown>): StateTypes => ({
        it: kind === 'map' ? state.map(t.string(), type) : state[kind](type),
      })
      for (const [from, to] of pairs) {
        const found = fit(declare(from), declare(to))
        const isSame = text(from.type) === text(to.type)
        const expected = isSame ? 'keeps' : widensTo(from.type, to.type) ? 'converts' : 'misfits'
        const verdict = found.steps.find(({ step }) => step === 'keep')?.verdict
        expect([text(from.type), text(to.type), verdict]).toEqual([text(from.type), text(to.type), expected])
        // FT1: whatever does not fit can be given up, and then nothing is left to say.
        expect(fit(declare(from), declare(to), ['keep']).misfits).toEqual([])
      }
    },
  )

  it('FT3: the order of declarations means nothing, and no column is touched', () => {
    const one = { a: state.value(t.int32()), b: state.value(t.string()), c: state.list(t.int32()) }
    const other = { c: one.c, b: one.b, a: one.a }
    const found = fit(one, other)
    expect([found.misfits, found.steps.map(({ verdict }) => verdict)]).toEqual([[], ['keeps', 'keeps']])
    const taken = found.files[1]?.get('values')?.columns
    expect(taken?.map((column) => column.kind)).toEqual(['take', 'take', 'take', 'take'])
  })

  it('FT1: of any set of states, those that are gone are misfits, and only those are dropped', () => {
    const all = { a: state.value(t.int32()), b: state.list(t.int32()), c: state.map(t.int32(), t.int32()) }
    const names = ['a', 'b', 'c'] as const
    const sets = Array.from({ length: 8 }, (_, bits) => names.filter((__, at) => (bits & (1 << at)) > 0))
    const only = (set: readonly (typeof names)[number][]): StateTypes =>
      Object.fromEntries(set.map((name) => [name, all[name]]))
    for (const before of sets) {
      for (const after of sets) {
        const gone = before.filter((name) => !after.includes(name))
        const gained = after.filter((name) => !before.includes(name))
        expect(fit(only(before), only(after)).misfits.map((misfit) => misfit.state)).toEqual(gone)
        const { misfits, steps } = fit(only(before), only(after), ['keep'])
        const changes = steps.find(({ step }) => step === 'keep')?.changes ?? []
        const of = (kind: string): string[] =>
          changes.flatMap((change) => (change.kind === kind ? [change.state] : []))
        expect([misfits, of('drops').toSorted(), of('gains').toSorted()]).toEqual([[], gone, gained])
      }
    }
  })

  it('steps that are gone are misfits unless they may be dropped; new ones begin', () => {
    const one = { a: state.value(t.int32()) }
    expect(fit(one, undefined).misfits.map(misfitText)).toEqual([
      'the pipeline has no such step that keeps state',
    ])
    const dropped = fit(one, undefined, ['keep'])
    expect([dropped.misfits, dropped.steps[1]?.verdict, dropped.files[1]?.size]).toEqual([[], 'drops', 0])
    expect(fit(undefined, one).steps).toContainEqual({ step: 'keep', verdict: 'begins', changes: [] })
  })

  it('goes by names where a file does not say what its state means', () => {
    const one = program({ a: state.value(t.int32()), b: state.value(t.string()) })
    const silent = keptBy(one).map((file) => ({ ...file, about: undefined }))
    expect(decideStateFit(silent, one, new Set()).misfits).toEqual([])
    const without = program({ b: state.value(t.string()) })
    expect(decideStateFit(silent, without, new Set()).misfits.map(misfitText)).toEqual([
      'column "a" of its table "values" has no place any more',
    ])
  })
})
