// L1 and L2 for pipelines that nobody wrote: what the engine puts out is what the oracle says, in every mode, with any
// number of tasks, any size of batches and epochs, and after crashes.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PipelineCheck } from '../../src/testing/pipelines/check.ts'
import type { PipelineCase } from '../../src/testing/pipelines/description.ts'
import { Dice } from '../../src/testing/pipelines/dice.ts'
import { generate } from '../../src/testing/pipelines/generate.ts'
import type { LateCase } from '../../src/testing/pipelines/generate.ts'
import { programOf } from '../../src/testing/pipelines/print.ts'
import { drawWays } from '../../src/testing/pipelines/ways.ts'
import type { PipelineWay } from '../../src/testing/pipelines/ways.ts'
import { choicesArbitrary } from './choices.ts'
import { PipelineReport } from './report.ts'
import { defects } from './sabotage.ts'

/** `npm run pipelines -- --runs n` asks for more. */
const RUNS = Number(process.env['MILLRACE_PIPELINES'] ?? 400)
/** A pipeline is run three ways; each takes some hundredths of a second. */
const RUN_MS_MAX = 2_000

/** A failure that was mended: plain JSON. */
interface KeptCase {
  /** What was wrong, in a sentence. */
  readonly about: string
  readonly late: LateCase
  readonly described: PipelineCase
  readonly ways: readonly PipelineWay[]
}

function story(
  described: PipelineCase,
  { late, way, what }: { readonly late: LateCase; readonly way: PipelineWay; readonly what: string },
): string {
  const kept: KeptCase = { about: '', late, described, ways: [way] }
  return [
    `engine and oracle differ: ${what}`,
    programOf(described),
    `run as ${JSON.stringify(way)}`,
    `to keep it, as a file of test/oracle/kept: ${JSON.stringify(kept)}`,
  ].join('\n\n')
}

describe('engine and oracle agree', () => {
  test(
    'on generated pipelines in all modes, with crashes in between',
    { timeout: RUNS * RUN_MS_MAX },
    async () => {
      const report = new PipelineReport()
      let failures = 0
      const outcome = await fc.check(
        fc.asyncProperty(choicesArbitrary, async (choices) => {
          const { described, late } = generate(choices)
          report.add({ described, late })
          const checked = new PipelineCheck(described, late)
          for (const way of drawWays(new Dice(choices.ways))) {
            const result = await checked.check(way)
            report.addRun(way, result)
            if (result.kind !== 'different') continue
            const told = story(described, { late, way, what: result.what })
            // Making it smaller takes its time: what was found first may be enough.
            if (failures++ === 0) console.log(told)
            throw new Error(told)
          }
          report.addBorders(checked.borders)
        }),
        { numRuns: RUNS },
      )
      console.log(`seed ${outcome.seed}, ${outcome.numRuns} pipelines\n${report.toString()}`)
      if (outcome.failed) throw outcome.errorInstance
      for (const [group, names] of Object.entries(expected))
        for (const name of names)
          expect({ name, drawn: report.of(group, name) > 0 }).toEqual({ name, drawn: true })
    },
  )

  test.each(keptCases())('on what differed once: %s', async (_, { described, late, ways }) => {
    const checked = new PipelineCheck(described, late)
    for (const way of ways) expect(await checked.check(way)).toMatchObject({ kind: 'equal' })
  })
})

/** What a run must have held to say anything. */
const expected: { readonly [group: string]: readonly string[] } = {
  steps: ['where', 'select', 'extend', 'omit', 'not-null', 'rename', 'filter', 'with', 'map', 'flat-map', 'union', 'aggregate', 'process', 'lookup-join', 'interval-join'],
  windows: ['tumbling', 'sliding', 'session', 'global', 'with allowed lateness'],
  aggregates: ['count', 'sum', 'min', 'max', 'mean', 'variance', 'stddev', 'quantile', 'count-distinct', 'approximate-distinct', 'first', 'last', 'top', 'collect', 'user', 'with a filter'],
  outputs: ['main', 'late', 'rejected', 'side'],
  ways: ['batch', 'batch, with state', 'micro-batch', 'micro-batch, with state', 'continuous', 'continuous, with state', 'killed at least once'],
} // prettier-ignore

function keptCases(): readonly (readonly [string, KeptCase])[] {
  const folder = new URL('kept/', import.meta.url)
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as KeptCase)
    .map((kept) => [kept.about, kept] as const)
}

describe('the comparison with the oracle', () => {
  const generated = fc.sample(choicesArbitrary, { seed: 11, numRuns: 400 }).map((choices) => {
    const { described, late } = generate(choices)
    return { checked: new PipelineCheck(described, late), ways: drawWays(new Dice(choices.ways)) }
  })

  test.each(Object.entries(defects))('notices that %s', { timeout: 60_000 }, async (_, sabotage) => {
    for (const { checked, ways } of generated.filter((one) => one.checked.isChangedBy(sabotage)))
      for (const way of ways) if ((await checked.check(way, sabotage)).kind === 'different') return
    expect.fail('no pipeline told')
  })
})
