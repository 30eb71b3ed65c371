// Every benchmark that needs no input files still runs, and does its work: at a thousandth of its size.
import { describe, expect, it } from 'vitest'
import { allCases } from '../../bench/src/all-cases.ts'

/** Cases whose size is a time by the clock take a second here. */
const scaleOf = (name: string): number => (name.includes('latency') ? 0.1 : 0.001)

const cases = allCases.filter(
  ({ name, needs, long }) =>
    needs === undefined && long !== true && !name.startsWith('quickstart') && !name.startsWith('naive'),
)

describe('the benchmarks', () => {
  it.each(cases.map((bench) => [bench.name, bench] as const))(
    '%s',
    async (name, bench) => {
      const run = await bench.run(scaleOf(name))
      expect(run.units).toBeGreaterThan(1000)
      expect(run.rowsOut).toBeGreaterThan(0)
      expect(run.rowsOut).toBeLessThanOrEqual(run.units)
      // Some start processes of their own, which load the sources.
    },
    90_000,
  )
})
