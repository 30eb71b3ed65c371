/**
 * What the conformance suites share: the test runner they are given, and listed expected failures.
 *
 * The suites import no test framework: vitest, jest and node:test (with a small `expect`) all fit.
 */

/** The parts of a test framework that a suite uses. */
export interface TestTools {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  expect(actual: unknown): { toEqual(expected: unknown): void }
}

/** What every suite is given about its subject. */
export interface ConformanceOptions {
  /** Names the subject in the report. */
  readonly name: string
  /** Tests that the subject is known to fail, by name. One that passes is reported, so the list can only shrink. */
  readonly expectedFailures?: readonly string[]
}

/** Declares one test; an expected failure must fail. */
export type Declare = (name: string, body: () => Promise<void>) => void

/** Runs the body of a suite with a `declare` that minds the expected failures. */
export function declareSuite(
  tools: TestTools,
  options: ConformanceOptions,
  body: (declare: Declare) => void,
): void {
  const expected = new Set(options.expectedFailures)
  tools.describe(options.name, () => {
    const declared = new Set<string>()
    body((name, run) => {
      declared.add(name)
      if (!expected.has(name)) return tools.test(name, run)
      tools.test(`${name} (expected to fail)`, async () => {
        try {
          await run()
        } catch {
          return
        }
        throw new Error(`"${name}" passes: take it off the list of expected failures`)
      })
    })
    for (const name of expected) {
      if (!declared.has(name)) {
        tools.test(`lists "${name}"`, () =>
          Promise.reject(new Error(`no test of the suite is named "${name}"`)),
        )
      }
    }
  })
}
