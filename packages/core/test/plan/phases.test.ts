// Phases: which stages run side by side, and what crosses the borders between them.
import { describe, expect, it } from 'vitest'
import { globalWindow, pipeline, sql, tumbling } from '../../src/index.ts'
import type { PipelineBuilder } from '../../src/index.ts'
import { planPhysical } from '../../src/plan/index.ts'
import { phasesHash, phasesOf } from '../../src/plan/phases.ts'
import { airports, flights, plannedSink } from '../sdk/planned-ends.ts'

function phased(
  make: (p: PipelineBuilder) => unknown,
  parallelism = 1,
): { phases: string[]; borders: string[] } {
  const { plan } = pipeline('p', (p) => void make(p)).build()
  const { phases, borders } = phasesOf(planPhysical(plan, { parallelism }))
  return {
    phases: phases.map(({ stages }) => stages.map(({ steps }) => steps.join(' ')).join(' | ')),
    borders: borders.map(({ from, to, forTable, exchanges }) => {
      const edges = exchanges.map(
        (one) => `${one.from.step}.${one.from.port} -> ${one.to.step}.${one.to.input}`,
      )
      return `${from} to ${to}${forTable ? ' for a table' : ''}: ${edges.join(', ')}`
    }),
  }
}

describe('phases', () => {
  it('are one where rows are never dealt out', () => {
    const made = phased((p) => {
      const table = p.read('airports', airports)
      p.read('a', flights)
        .where('b', sql`delay > 1`)
        .lookupJoin('j', table, { on: { origin: 'iata' }, select: { city: 'city' } })
        .write('c', plannedSink('c'))
    }, 2)
    expect(made.phases).toHaveLength(1)
    expect(made.borders).toEqual([])
  })

  it('end where rows are dealt out by key, and where they are gathered', () => {
    const made = phased((p) =>
      p
        .read('a', flights)
        .keyBy('k', 'origin')
        .window(globalWindow())
        .aggregate('x', (a) => ({ n: a.count() }))
        .window(globalWindow())
        .aggregate('y', (a) => ({ n: a.count() }))
        .write('o', plannedSink('o')),
    )
    expect(made).toEqual({
      phases: ['a', 'k x', 'y o'],
      borders: ['0 to 1: a.main -> k.0', '1 to 2: x.main -> y.0'],
    })
  })

  it('keep tables apart from the streams that look them up', () => {
    const made = phased((p) => {
      const table = p.read('airports', airports)
      p.read('a', flights)
        .keyBy('k', 'origin')
        .window(globalWindow())
        .aggregate('x', (a) => ({ n: a.count() }))
        .lookupJoin('j', table, { on: { origin: 'iata' }, select: { city: 'city' } })
        .write('o', plannedSink('o'))
    })
    expect(made).toEqual({
      phases: ['airports | a', 'k x j o'],
      borders: ['0 to 1 for a table: airports.main -> j.1', '0 to 1: a.main -> k.0'],
    })
  })

  it('let rows wait for the last of several ways', () => {
    const made = phased((p) => {
      const input = p.read('a', flights, { eventTime: 'date' })
      const counted = input
        .keyBy('k', 'origin')
        .window(tumbling('1 h'))
        .aggregate('x', (a) => ({ n: a.count() }))
        .select('n', { origin: 'origin' })
      input
        .select('o', { origin: 'origin' })
        .union('both', counted)
        .keyBy('again', 'origin')
        .window(globalWindow())
        .aggregate('y', (a) => ({ n: a.count() }))
        .write('out', plannedSink('out'))
    })
    expect(made.phases).toHaveLength(3)
    expect(made.borders.map((border) => border.slice(0, 6))).toEqual(['0 to 1', '1 to 2'])
  })

  it('are known by what they compute, not by what comes later', () => {
    const hashOf = (first: number, last: number, done: number): string => {
      const built = pipeline('p', (p) =>
        p
          .read('a', flights)
          .filter('f', first === 1 ? (row) => row.distance > 1 : (row) => row.distance > 2)
          .keyBy('k', 'origin')
          .window(globalWindow())
          .aggregate('x', (a) => ({ n: a.count() }))
          .where('w', sql`n > ${last}`)
          .write('o', plannedSink('o')),
      ).build()
      const physical = planPhysical(built.plan)
      return phasesHash(physical, phasesOf(physical), { functions: built.bindings.functions, done })
    }
    expect(hashOf(1, 1, 1)).toBe(hashOf(1, 2, 1))
    expect(hashOf(1, 1, 1)).not.toBe(hashOf(2, 1, 1))
    expect(hashOf(1, 1, 2)).not.toBe(hashOf(1, 2, 2))
  })
})
