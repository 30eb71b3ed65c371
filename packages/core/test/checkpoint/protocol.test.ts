// The epoch protocol in every order of its steps: no row is lost or repeated, and broken protocols are caught.
import { describe, expect, it } from 'vitest'
import { explore } from './protocol-world.ts'
import type { Defect } from './protocol-world.ts'

/** Exploring waits for nothing; a machine with much else to do is slow. */
const TEST_MS = 300_000

const bounds = { attempts: 3, rows: 2, trims: true, goesBack: true, ends: false }
/** The input may end; then logs that are cut, or starts that go back, make too many worlds. */
const ending = { ...bounds, ends: true, goesBack: false }

describe('the epoch protocol', () => {
  it(
    'loses and repeats nothing, however attempts die, sleep and wake up',
    () => {
      const found = explore(bounds)
      expect(found.violation).toBeUndefined()
      // It went somewhere: worlds in which all input came out, among very many, also with a log that was cut and after
      // going back.
      expect(found.worlds).toBeGreaterThan(100_000)
      expect(found.complete).toBeGreaterThan(10_000)
      expect(found.trimmed).toBeGreaterThan(10_000)
      expect(found.branched).toBeGreaterThan(10_000)
    },
    TEST_MS,
  )

  it(
    'loses and repeats nothing where the input ends, in logs that are cut and by starts that go back',
    () => {
      for (const limits of [ending, { ...ending, trims: false, goesBack: true }]) {
        const found = explore(limits)
        expect(found.violation).toBeUndefined()
        expect(found.complete).toBeGreaterThan(1000)
        expect(found.ended).toBeGreaterThan(1000)
      }
    },
    TEST_MS,
  )

  it('is broken by an end that is believed to be delivered', () => {
    expect(explore(ending, 'believe that an end was delivered').violation).toMatch(/lost/)
  })

  it.each<Defect>([
    'commit before the manifest',
    'append without looking',
    'forget what is owed',
    'sweep before the takeover',
    'sweep what a manifest names',
    'read an epoch again',
    'tell before committing',
    'remove an entry that others wrote behind',
    'count back to the first gap',
    'trust the neighbour below',
    'believe what another lineage delivered',
    'resume a history that was left',
    'go back with every start',
  ])('is broken by: %s', (defect) => {
    expect(() => {
      const { violation } = explore(bounds, defect)
      if (violation !== undefined) throw new Error(violation)
    }).toThrow(/lost|repeated|gone|impossible/)
  })
})
