// Files of a border: cut by size, read as one, and whole or not there.
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { batchOfRows, batchToRows, schema, t } from '../../src/data/index.ts'
import { BorderFiles, readBorder } from '../../src/runtime/border-files.ts'
import { createManualHost } from '../../src/testing/index.ts'

const Row = schema({ n: t.int32() })

describe('files of a border', () => {
  it('are cut by size, and read as one', async () => {
    const host = createManualHost()
    const store = new DirectoryStore(host, '/state')
    let names = 0
    const files = await BorderFiles.begin({
      store,
      checks: host.bytes,
      parts: [{ name: 'rows 0', schema: Row }],
      about: null,
      newName: () => `state/a1-e1-${names++}`,
      fileBytes: 1000,
    })
    for (let n = 0; n < 40; n++)
      await files.append({ part: 'rows 0', groups: [0, 128], batch: batchOfRows(Row, [{ n }]) })
    const finished = await files.finish()
    await files.abort()
    expect(finished.length).toBeGreaterThan(2)
    const references = finished.map((file) => ({ ...file, from: 0, to: 1, forTable: false }))
    const rows: unknown[] = []
    for await (const { batch } of readBorder(references, { store, checks: host.bytes }))
      rows.push(...batchToRows(batch))
    expect(rows).toEqual(Array.from({ length: 40 }, (_, n) => ({ n })))
  })

  it('are not there when they are given up', async () => {
    const host = createManualHost()
    const store = new DirectoryStore(host, '/state')
    const files = await BorderFiles.begin({
      store,
      checks: host.bytes,
      parts: [{ name: 'rows 0', schema: Row }],
      about: null,
      newName: () => 'state/a1-e1-0',
    })
    await files.append({ part: 'rows 0', groups: [0, 128], batch: batchOfRows(Row, [{ n: 1 }]) })
    await files.abort()
    expect(await store.list('')).toEqual([])
    expect(host.files.openFiles).toBe(0)
  })
})
