// The physical plan: where stages are cut, and how many tasks each has.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, sql, tumbling } from '../../src/index.ts'
import type { PipelineBuilder } from '../../src/index.ts'
import { planPhysical } from '../../src/plan/index.ts'
import type { PhysicalOptions } from '../../src/plan/index.ts'
import { airports, flights, plannedSink } from '../sdk/planned-ends.ts'

function laidOut(
  make: (p: PipelineBuilder) => unknown,
  options?: PhysicalOptions,
): { stages: string[]; exchanges: string[] } {
  const { plan } = pipeline('p', (p) => void make(p)).build()
  const physical = planPhysical(plan, options)
  return {
    stages: physical.stages.map(({ steps, tasks }) => `${steps.join(' ')} x${tasks}`),
    exchanges: physical.exchanges.map(({ from, to, exchange }) => {
      const keys = exchange.kind === 'key-group' ? ` ${exchange.keys.join(' ')}` : ''
      return `${from.step}.${from.port} -> ${to.step}.${to.input}: ${exchange.kind}${keys}`
    }),
  }
}

describe('stages', () => {
  it('are one for steps that only pass rows on', () => {
    const made = laidOut(
      (p) =>
        p
          .read('a', flights)
          .where('b', sql`delay > 1`)
          .write('c', plannedSink('c')),
      { parallelism: 3 },
    )
    expect(made).toEqual({ stages: ['a b c x3'], exchanges: [] })
  })

  it('are cut in front of a key-by, which is the first step behind', () => {
    const made = laidOut(
      (p) =>
        p
          .read('a', flights)
          .keyBy('k', ['origin', 'delay'])
          .window(globalWindow())
          .aggregate('x', (a) => ({ n: a.count() }))
          .write('o', plannedSink('o')),
      { parallelism: 2 },
    )
    expect(made).toEqual({
      stages: ['a x/partial x2', 'k x/partial/key x o x2'],
      exchanges: [
        'x/partial.raw -> k.0: key-group origin delay',
        'x/partial.main -> x/partial/key.0: key-group origin delay',
      ],
    })
  })

  it('gather into one task for an aggregation without a key', () => {
    const made = laidOut(
      (p) =>
        p
          .read('a', flights)
          .window(globalWindow())
          .aggregate('x', (a) => ({ n: a.count() }))
          .write('o', plannedSink('o')),
      { parallelism: 4 },
    )
    expect(made).toEqual({
      stages: ['a x/partial x4', 'x o x1'],
      exchanges: ['x/partial.raw -> x.0: gather', 'x/partial.main -> x.1: gather'],
    })
  })

  it('send a table, read by one task, to every task of the stream', () => {
    const made = laidOut(
      (p) => {
        const table = p.read('t', airports).where('u', sql`city is not null`)
        return p
          .read('a', flights)
          .lookupJoin('j', table, { on: { origin: 'iata' }, select: {} })
          .write('o', plannedSink('o'))
      },
      { parallelism: 2 },
    )
    expect(made).toEqual({ stages: ['t u x1', 'a j o x2'], exchanges: ['u.main -> j.1: broadcast'] })
  })

  it('of the branches of a union become one', () => {
    const made = laidOut((p) =>
      p.read('a', flights).union('both', p.read('b', flights)).write('o', plannedSink('o')),
    )
    expect(made).toEqual({ stages: ['a b both o x1'], exchanges: [] })
  })

  it('of a union of what comes before and behind an exchange stay apart', () => {
    const made = laidOut((p) => {
      const source = p.read('a', flights, { eventTime: 'date' })
      const counted = source
        .keyBy('k', 'origin')
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
      const firsts = counted.select('s', { origin: 'origin' })
      return source.select('r', { origin: 'origin' }).union('both', firsts).write('o', plannedSink('o'))
    })
    expect(made).toEqual({
      stages: ['a r x1', 'k x s both o x1'],
      exchanges: ['a.main -> k.0: key-group origin', 'r.main -> both.0: forward'],
    })
  })

  it('send side outputs to where they are read', () => {
    const made = laidOut((p) => {
      const counted = p
        .read('a', flights, { eventTime: 'date' })
        .keyBy('k', 'origin')
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
      counted.late
        .keyBy('l', 'destination')
        .window(globalWindow())
        .aggregate('y', (a) => ({ n: a.count() }))
        .write('late', plannedSink('l'))
      return counted.write('o', plannedSink('o'))
    })
    expect(made.stages).toEqual(['a x1', 'k x o x1', 'l y late x1'])
    expect(made.exchanges[1]).toBe('x.late -> l.0: key-group destination')
  })
})

describe('numbers of tasks and key groups', () => {
  it.each([
    { parallelism: 0 },
    { parallelism: 1.5 },
    { parallelism: 129 },
    { keyGroups: 100 },
    { keyGroups: 0 },
    { parallelism: 5, keyGroups: 4 },
  ])('refuse %j', (options) => {
    const { plan } = pipeline('p', (p) => p.read('a', flights).write('b', plannedSink('b'))).build()
    expect(() => planPhysical(plan, options)).toThrow(
      expect.objectContaining({ code: 'plan/invalid-argument' }),
    )
  })
})
