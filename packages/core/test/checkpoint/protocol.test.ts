// The epoch protocol in every order of its steps: no row is lost or repeated, and broken protocols are caught.
import { describe, expect, it } from 'vitest'
import { explore } from './protocol-world.ts'
import type { Defect } from './protocol-world.ts'

const bounds = { attempts: 3, crashes: 2, rows: 2 }

describe('the epoch protocol', () => {
  it('loses and repeats nothing, however attempts die, sleep and wake up', () => {
    const found = explore(bounds)
    expect(found.violation).toBeUndefined()
    // It went somewhere: worlds in which all input came out, among very many.
    expect(found.complete).toBeGreaterThan(1000)
    expect(found.worlds).toBeGreaterThan(10_000)
  })

  it.each<Defect>([
    'commit before the manifest',
    'append without looking',
    'forget what is owed',
    'sweep before the takeover',
    'sweep what a manifest names',
    'read an epoch again',
    'tell before committing',
  ])('is broken by: %s', (defect) => {
    expect(() => {
      const { violation } = explore(bounds, defect)
      if (violation !== undefined) throw new Error(violation)
    }).toThrow(/lost|repeated|gone|impossible/)
  })
})
