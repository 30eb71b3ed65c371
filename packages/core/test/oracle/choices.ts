/** What pipelines are drawn from, as fast-check draws and shrinks it. */
import fc from 'fast-check'
import type { Choices } from '../../src/testing/pipelines/generate.ts'

const numbers = (most: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(9999), { maxLength: most, size: 'max' })

const row = numbers(60)

const source = fc.record({ shape: numbers(60), rows: fc.array(row, { maxLength: 24, size: 'max' }) })

const whole = fc.record({
  shape: numbers(20),
  sources: fc.array(source, { minLength: 1, maxLength: 3, size: 'max' }),
  steps: fc.array(numbers(120), { maxLength: 8, size: 'max' }),
  ways: numbers(90),
})

/** Choices of a whole pipeline, and those of the ways to run it: mostly of a good size, else as small as fast-check likes. */
export const choicesArbitrary: fc.Arbitrary<Choices & { readonly ways: readonly number[] }> = fc.oneof(
  { weight: 4, arbitrary: fc.noBias(whole) },
  { weight: 1, arbitrary: whole },
)
