// What a start that is refused tells to do: each change has its own way on, and giving state up tells what it costs.
import { describe, expect, test } from 'vitest'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import { optimize } from '../../src/plan/optimize.ts'
import { planPhysical } from '../../src/plan/plan-physical.ts'
import { programSteps } from '../../src/runtime/program-state.ts'
import { stateMisfit } from '../../src/runtime/refuse-start.ts'
import { decideStateFit } from '../../src/runtime/state-fit.ts'
import type { ProgramStep, StateFit } from '../../src/runtime/state-fit.ts'

const Row = schema({ key: t.string(), at: t.timestamp('ms') })

interface Names {
  readonly source?: string
  readonly step?: string
  readonly aggregate?: string
  readonly size?: '1 hour' | '2 hours'
}

function program({ source = 'rows', step = 'hours', aggregate = 'n', size = '1 hour' }: Names) {
  const built = pipeline('job', (p) =>
    p
      .read(source, memoryRows(Row, []), { eventTime: 'at' })
      .keyBy('by-key', 'key')
      .window(tumbling(size))
      .aggregate(step, (a) => ({ [aggregate]: a.count() }))
      .write('out', memorySink() as never),
  ).build()
  const plan = optimize(built)
  return programSteps(plan, planPhysical(plan.plan, { parallelism: 1, preAggregate: false }))
}

function fit(after: Names, drop: readonly string[] = []): StateFit {
  const before: ReadonlyMap<string, ProgramStep> = program({})
  const kept = Array.from(before, ([step, { about, parts }]) => ({ step, about, parts }))
  return decideStateFit(kept, program(after), new Set(drop))
}

const hint = (after: Names): string | undefined => stateMisfit(fit(after).misfits, '/state').hint

describe('the hint of a start that is refused', () => {
  test('names the step that another one may have been renamed to', () => {
    expect(hint({ step: 'per-hour' })).toBe(
      'if "per-hour" is what "hours" was, give it that name back, since state belongs to the name of its step; else put "hours" back; or give up what does not fit with --drop-state hours',
    )
  })

  test('keeps a step beside the new one when its windows changed, and an aggregate when that did', () => {
    expect(hint({ size: '2 hours' })).toBe(
      'keep step "hours" as it was, and add the new one beside it under another name, where it begins empty; or give up what does not fit with --drop-state hours',
    )
    expect(hint({ aggregate: 'count' })).toMatch(
      /^keep the aggregate "n" as it was .*, and add the new one beside it, .*; or give up .* --drop-state hours$/,
    )
  })

  test('tells of a source what giving its positions up costs', () => {
    const renamed = hint({ source: 'orders' })
    expect(renamed).toMatch(/^if "orders" is what "rows" was, give it that name back/)
    expect(renamed).toMatch(
      /--drop-state rows --drop-state hours, after which all of the input of "rows" is read from its beginning, and what its rows give is put out a second time$/,
    )
  })
})

test('sources whose positions are given up are named, also under a new name; others are not', () => {
  expect(fit({ source: 'orders' }).readsAgain).toEqual([])
  expect(fit({ source: 'orders' }, ['rows', 'hours']).readsAgain).toEqual(['orders'])
  expect(fit({ step: 'per-hour' }, ['hours']).readsAgain).toEqual([])
  expect(fit({}, ['rows', 'hours']).readsAgain).toEqual([])
})
