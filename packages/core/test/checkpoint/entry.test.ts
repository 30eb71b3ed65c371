// The bytes of an entry are frozen: a log written today is read for ever. docs/internals/checkpoints.md shows the same.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeEntry, encodeEntry } from '../../src/checkpoint/index.ts'
import type { Entry } from '../../src/checkpoint/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'

const checks = createNodeHost().bytes

const vectors: readonly (readonly [number, Entry, string])[] = [
  [
    12,
    { kind: 'delivered', attempt: 1, epoch: 7 },
    'millrace-log 1 delivered 43 675ef860191ff2780f5a41ab1413af3f8a689f711393177ce00ff19981c8ac8e\n{"kind":"delivered","attempt":1,"epoch":7}\n',
  ],
  [
    3,
    { kind: 'plan', attempt: 2, epoch: 5, ranges: { süd: { to: 10 } }, clockMs: 0.5 },
    'millrace-log 1 plan 80 b6a3e92fb6f12b032363d8e929414e73fd1751b8b8cb01dbdb240c117d950e09\n{"kind":"plan","attempt":2,"epoch":5,"ranges":{"süd":{"to":10}},"clockMs":0.5}\n',
  ],
]

describe('the bytes of an entry', () => {
  it.each(vectors)('are as they were at number %i', (number, entry, text) => {
    const bytes = encodeEntry(entry, number, checks)
    expect(Buffer.from(bytes).toString('utf8')).toBe(text)
    expect(decodeEntry(bytes, number, checks)).toEqual({ kind: 'entry', entry })
  })

  it('are what the documentation shows', () => {
    const page = readFileSync(new URL('../../../../docs/internals/checkpoints.md', import.meta.url), 'utf8')
    expect(page).toContain(vectors[0]?.[2])
  })

  it('are read when members were added to the JSON', () => {
    const entry = { ...(vectors[0]?.[1] as Entry), unknown: true }
    expect(decodeEntry(encodeEntry(entry, 1, checks), 1, checks)).toEqual({ kind: 'entry', entry })
  })
})
