// The bytes of an entry are frozen: a log written today is read for ever. docs/internals/checkpoints.md shows the same.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeEntry, encodeEntry } from '../../src/checkpoint/index.ts'
import type { Entry } from '../../src/checkpoint/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'

const checks = createNodeHost().bytes

const owner = { machine: 'm', boot: 'b', space: 's', pid: 42, start: '7' }
const parent = { lineage: '00112233445566ff', epoch: 4 }
const manifest: Entry = {
  kind: 'manifest',
  attempt: 2,
  lineage: '0123456789abcdef',
  parent,
  owner,
  epoch: 7,
  base: 3,
  planHash: 'p'.repeat(32),
  stateHash: 's'.repeat(32),
  mode: 'continuous',
  atMs: 1_700_000_000_000,
  watermarks: { read: -5, 'süd': '-inf', done: '+inf' },
  state: [
    { name: 'state/a1-e6-0', bytes: 859, checksum: 'c'.repeat(64), step: 'count', groups: [0, 128], epoch: 6, full: true },
  ],
  pending: [
    { step: 'out', epoch: 7, attempt: 2, task: 0, connector: 'files', target: 'out', holds: false, committable: { files: [] } },
  ],
  rows: { out: 12 },
  delivered: 6,
  end: 'drained',
} // prettier-ignore

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
  [
    1,
    {
      kind: 'takeover',
      attempt: 2,
      lineage: '0123456789abcdef',
      parent,
      owner,
      token: 'fedcba9876543210',
      atMs: 1_700_000_000_000,
      ended: true,
    },
    'millrace-log 1 takeover 240 bf92955863f501a7a2635f57af5f360d165f9bddcfcdbdda35a6e44f2f2a920e\n{"kind":"takeover","attempt":2,"lineage":"0123456789abcdef","parent":{"lineage":"00112233445566ff","epoch":4},"owner":{"machine":"m","boot":"b","space":"s","pid":42,"start":"7"},"token":"fedcba9876543210","atMs":1700000000000,"ended":true}\n',
  ],
  [
    8,
    manifest,
    'millrace-log 1 manifest 746 7bf0149c370cf327e5d8323d5cc1b2a3dab481378c756a50877ae4216e41001b\n{"kind":"manifest","attempt":2,"lineage":"0123456789abcdef","parent":{"lineage":"00112233445566ff","epoch":4},"owner":{"machine":"m","boot":"b","space":"s","pid":42,"start":"7"},"epoch":7,"base":3,"planHash":"pppppppppppppppppppppppppppppppp","stateHash":"ssssssssssssssssssssssssssssssss","mode":"continuous","atMs":1700000000000,"watermarks":{"read":-5,"süd":"-inf","done":"+inf"},"state":[{"name":"state/a1-e6-0","bytes":859,"checksum":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","step":"count","groups":[0,128],"epoch":6,"full":true}],"pending":[{"step":"out","epoch":7,"attempt":2,"task":0,"connector":"files","target":"out","holds":false,"committable":{"files":[]}}],"rows":{"out":12},"delivered":6,"end":"drained"}\n',
  ],
  [
    9,
    {
      kind: 'manifest',
      attempt: 1,
      lineage: '0123456789abcdef',
      epoch: 1,
      base: 1,
      planHash: 'p',
      stateHash: 's',
      mode: 'batch',
      atMs: 1,
      watermarks: {},
      state: [],
      pending: [],
      delivered: 0,
      border: {
        done: 1,
        of: 2,
        hash: 'h',
        tasks: 3,
        outputMode: 'refuse',
        files: [{ name: 'state/a1-e1-0', bytes: 100, checksum: 'c', from: 0, to: 1, forTable: true }],
      },
      savepoint: true,
      drained: true,
    },
    'millrace-log 1 manifest 385 6cf66897ecd0bcca97e3e0d5cb81a253896ba2646c398e0eb31df3108ed9f18b\n{"kind":"manifest","attempt":1,"lineage":"0123456789abcdef","epoch":1,"base":1,"planHash":"p","stateHash":"s","mode":"batch","atMs":1,"watermarks":{},"state":[],"pending":[],"delivered":0,"border":{"done":1,"of":2,"hash":"h","tasks":3,"outputMode":"refuse","files":[{"name":"state/a1-e1-0","bytes":100,"checksum":"c","from":0,"to":1,"forTable":true}]},"savepoint":true,"drained":true}\n',
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

  it('have no member that the documentation does not name', () => {
    const page = readFileSync(new URL('../../../../docs/internals/checkpoints.md', import.meta.url), 'utf8')
    const members = new Set(vectors.flatMap(([, entry]) => namesIn(entry)))
    expect(
      [...members].filter((name) => !page.includes(`\`${name}\``) && !page.includes(`{ ${name}, `)),
    ).toEqual([])
    expect(members.size).toBeGreaterThan(40)
  })

  it('are read when members were added to the JSON', () => {
    const entry = { ...(vectors[0]?.[1] as Entry), unknown: true }
    expect(decodeEntry(encodeEntry(entry, 1, checks), 1, checks)).toEqual({ kind: 'entry', entry })
  })
})

/** Names of members, but for those that steps and connectors choose. */
function namesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, one]) =>
    ['ranges', 'watermarks', 'rows', 'committable'].includes(name) ? [name] : [name, ...namesIn(one)],
  )
}
