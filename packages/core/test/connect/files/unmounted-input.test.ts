// Files of a disk that is away: they must not be taken for deleted ones.
import { describe, expect, test } from 'vitest'
import { schema, t } from '../../../src/data/builder.ts'
import { ndjson } from '../../../src/connect/files/index.ts'
import type { Source, Split } from '../../../src/connect/source.ts'
import { createManualHost } from '../../../src/testing/index.ts'
import { contextOf, failure, found, readToEnd } from './file-fixtures.ts'

const Row = schema({ n: t.int32() })
const lines = (...numbers: number[]): string => numbers.map((n) => `{"n":${n}}\n`).join('')
const rows = (...numbers: number[]): object[] => numbers.map((n) => ({ n }))
const source = (path: string): Source => ndjson(path, { schema: Row }).toSource()

describe('files', () => {
  test('whose folder is on another device than before are not taken for deleted ones', async () => {
    const host = createManualHost()
    host.files.put('in/a.ndjson', lines(1))
    await host.advance(10_000)
    const enumerator = await source('in').enumerate(contextOf(host, 'unbounded'))
    await found(host, enumerator)
    await host.files.rename('in', 'away')
    await host.files.makeDirectory('in')
    const { status } = host.files
    host.files.status = async (path) => {
      const now = await status.call(host.files, path)
      return now?.kind === 'directory' ? { ...now, identity: `other:${now.identity}` } : now
    }
    const unmounted = await failure(found(host, enumerator))
    expect(unmounted).toMatchObject({
      code: 'input/not-found',
      text: expect.stringContaining('mount the input'),
    })
  })

  test.each(['mnt', 'mnt/logs', 'mnt/logs/day'])(
    'whose disk was mounted above the input are not, either: at %s',
    async (mounted) => {
      for (const follow of ['files', 'lines'] as const) {
        const host = createManualHost()
        host.files.put('mnt/logs/day/a.ndjson', lines(1))
        await host.advance(10_000)
        const disk = ndjson('mnt/*/*/*.ndjson', { schema: Row, follow, pollInterval: '1 s' }).toSource()
        const context = contextOf(host, 'unbounded')
        const enumerator = await disk.enumerate(context)
        const { splits, remember } = await enumerator.next()
        const [split] = splits as [Split]
        const reader = await disk.open(split, undefined, context)
        expect(await readToEnd(reader)).toEqual(rows(1))
        const position = reader.position()
        await reader.close()
        // Unmounted, the folder that it was mounted at is empty, and on the device of the folder above.
        await host.files.rename('mnt', 'away')
        await host.files.makeDirectory(mounted)
        const { status } = host.files
        host.files.status = async (name) => {
          const now = await status.call(host.files, name)
          return now?.kind === 'directory' ? { ...now, identity: `other:${now.identity}` } : now
        }
        const remembered = new Map([...(remember ?? [])].map(([key, value]) => [key, value ?? null]))
        const unfinished = follow === 'files' ? [] : [{ split, position }]
        const later = await disk.enumerate(context, remembered, unfinished)
        expect(await failure(found(host, later))).toMatchObject({
          code: 'input/not-found',
          text: expect.stringContaining(`folder "${mounted}" is on another device`),
        })
      }
    },
  )
})
