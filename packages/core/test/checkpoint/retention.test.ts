// What may be removed from a store: never what a checkpoint that is kept needs.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideRemoval } from '../../src/checkpoint/index.ts'
import type { Manifest, NumberedEntry, RetentionFacts } from '../../src/checkpoint/index.ts'

const attemptOf = (file: string): number | undefined => {
  const digits = /^state\/(\d+)-/.exec(file)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function manifestEntry(number: number, epoch: number, files: readonly string[], attempt = 1): NumberedEntry {
  const state = files.map((name) => ({
    name,
    bytes: 1,
    checksum: '',
    step: 'count',
    groups: [0, 128] as const,
    epoch,
    full: true,
  }))
  const entry: Manifest = {
    kind: 'manifest',
    attempt,
    lineage: 'l',
    epoch,
    base: 1,
    planHash: '',
    stateHash: '',
    atMs: 0,
    watermarks: {},
    state,
    pending: [],
    delivered: 0,
  }
  return { number, entry }
}

const four = [
  manifestEntry(1, 1, ['state/1-a']),
  manifestEntry(2, 2, ['state/1-a', 'state/1-b']),
  manifestEntry(3, 3, ['state/1-c']),
  manifestEntry(4, 4, ['state/1-c']),
]

function facts(more: Partial<RetentionFacts>): RetentionFacts {
  return {
    entries: four,
    files: ['state/1-a', 'state/1-b', 'state/1-c'],
    verified: new Set([1, 2, 3, 4]),
    attemptOf,
    attempt: 1,
    ...more,
  }
}

describe('removal', () => {
  it('RT1: keeps everything until three checkpoints were read back', () => {
    for (const verified of [[], [3], [2, 4]])
      expect(decideRemoval(facts({ verified: new Set(verified) }))).toEqual({
        trimBefore: undefined,
        files: [],
      })
  })

  it('RT1: counts only checkpoints that were read back', () => {
    expect(decideRemoval(facts({ verified: new Set([1, 3, 4]) }))).toEqual({
      trimBefore: undefined,
      files: [],
    })
    expect(decideRemoval(facts({}))).toMatchObject({ trimBefore: 2 })
  })

  it('RT1: counts no checkpoint of a history that was left', () => {
    const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
    const branch = { lineage: 'm', parent: { lineage: 'l', epoch: 1 } }
    const began = { kind: 'takeover', attempt: 2, owner, token: '', atMs: 0, ...branch } as const
    const second = manifestEntry(6, 2, ['state/2-a'], 2)
    const entries = [
      ...four,
      { number: 5, entry: began },
      { number: 6, entry: { ...second.entry, ...branch } as Manifest },
    ]
    const verified = new Set([1, 2, 3, 4, 6])
    expect(decideRemoval(facts({ entries, verified, attempt: 2 })).trimBefore).toBeUndefined()
    expect(decideRemoval(facts({ entries: entries.slice(1), verified })).trimBefore).toBeUndefined()
  })

  it('RT2: keeps what later phases of a batch read', () => {
    const file = { name: 'state/1-b', bytes: 1, checksum: '', from: 0, to: 1, forTable: false }
    const entry = {
      ...four[2]?.entry,
      state: [],
      border: { done: 1, of: 2, hash: '', tasks: 1, files: [file] },
    }
    const entries = [...four.slice(0, 2), { number: 3, entry: entry as Manifest }]
    const { files } = decideRemoval(facts({ entries, verified: new Set([3]), attempt: 2 }))
    expect(files).toEqual(['state/1-c'])
  })

  it('RT2: keeps a base that a kept increment builds on', () => {
    expect(decideRemoval(facts({})).files).toEqual([])
    const later = [...four, manifestEntry(5, 5, ['state/1-c', 'state/1-d'])]
    expect(decideRemoval(facts({ entries: later, verified: new Set([3, 4, 5]) }))).toEqual({
      trimBefore: 3,
      files: ['state/1-a', 'state/1-b'],
    })
  })

  it('RT3: leaves files of this attempt that no manifest ever named, and of later ones', () => {
    const files = ['state/1-new', 'state/2-new', 'notes.txt']
    expect(decideRemoval(facts({ files })).files).toEqual([])
  })

  it('removes what earlier attempts left and no manifest names', () => {
    const files = ['state/1-left', 'state/1-c']
    expect(decideRemoval(facts({ files, attempt: 2 })).files).toEqual(['state/1-left'])
  })

  it('RT2: never removes what a kept checkpoint names, whatever the facts', () => {
    const file = fc.integer({ min: 0, max: 9 }).map((k) => `state/${(k % 3) + 1}-${k}`)
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(file, { maxLength: 4 }), { minLength: 1, maxLength: 8 }),
        fc.uniqueArray(file),
        fc.uniqueArray(fc.integer({ min: 5, max: 12 })),
        (manifests, files, verified) => {
          const entries = manifests.map((names, at) => manifestEntry(at + 5, at + 1, names))
          const { trimBefore, files: gone } = decideRemoval(
            facts({ entries, files, verified: new Set(verified), attempt: 3 }),
          )
          const kept = entries.filter(({ number }) => number >= (trimBefore ?? 0))
          const needed = new Set(
            kept.flatMap(({ entry }) =>
              entry.kind === 'manifest' ? entry.state.map(({ name }) => name) : [],
            ),
          )
          expect(gone.filter((name) => needed.has(name))).toEqual([])
          if (trimBefore === undefined) return
          const readBack = kept.filter(({ number }) => verified.includes(number))
          expect(readBack.length).toBeGreaterThanOrEqual(3)
        },
      ),
    )
  })
})
