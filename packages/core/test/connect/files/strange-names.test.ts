import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { schema, t } from '../../../src/data/builder.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { ndjson } from '../../../src/connect/files/index.ts'
import type { Source } from '../../../src/connect/source.ts'
import { failure, readSource } from './file-fixtures.ts'

const Row = schema({ n: t.int32() })
const source = (path: string): Source => ndjson(path, { schema: Row }).toSource()

describe('names that stand for no file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-strange-'))
  const host = createNodeHost()
  afterAll(() => rmSync(folder, { recursive: true }))
  const inFolder = (name: string): string => `${folder}/${name}/a.ndjson`
  for (const name of ['dangling', 'loop', 'device']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'b.ndjson'), '{"n":1}\n')
    symlinkSync('nowhere', join(folder, name, 'notes.txt'))
  }
  symlinkSync('nowhere', inFolder('dangling'))
  symlinkSync('a.ndjson', inFolder('loop'))
  symlinkSync('/dev/null', inFolder('device'))

  test.each([
    ['dangling', 'input/not-found', 'is a link to something that does not exist'],
    ['loop', 'input/not-found', 'is a link that leads to no file'],
    ['device', 'input/unsupported', 'is not a regular file'],
  ])('%s: %s in a folder, in a pattern and by itself', async (name, code, words) => {
    for (const path of [`${folder}/${name}`, `${folder}/${name}/*.ndjson`, inFolder(name)]) {
      const found = await failure(readSource(host, source(path)))
      expect(found.code).toBe(code)
      expect(found.text).toContain(`"${inFolder(name)}" ${words}`)
      expect(found.text).not.toContain('did you mean')
    }
  })

  test('are waited for in a run that follows', async () => {
    const context = { host, boundedness: 'unbounded', step: 'read', rejected: undefined } as const
    const enumerator = await source(`${folder}/dangling`).enumerate(context)
    expect((await enumerator.next()).splits.length).toBeLessThan(2)
    await enumerator.close()
  })

  test('a device is called one', async () => {
    expect((await failure(readSource(host, source('/dev/zero')))).text).toContain(
      'input "/dev/zero" is not a regular file',
    )
  })
})
