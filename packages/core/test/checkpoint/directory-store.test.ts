// What a store in a directory does when the disk fails, and in which order it makes things durable.
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { MemoryFiles } from '../../src/testing/index.ts'

const bytes = new TextEncoder().encode('an entry')

function setUp(): { host: ReturnType<typeof createManualHost>; store: DirectoryStore } {
  const host = createManualHost()
  return { host, store: new DirectoryStore(host, '/jobs/state') }
}

describe('a directory store', () => {
  it('syncs the file before it has its name, and the directory after it', async () => {
    const { host, store } = setUp()
    await store.create('log/1', bytes)
    const from = host.files.log.length
    await store.create('log/2', bytes)
    const steps = host.files.log.slice(from).map((line) => line.split(' ')[0])
    expect(steps.indexOf('file-sync')).toBeGreaterThan(steps.indexOf('file-write'))
    expect(steps.indexOf('link')).toBeGreaterThan(steps.indexOf('file-sync'))
    expect(steps.indexOf('syncDirectory')).toBeGreaterThan(steps.indexOf('link'))
    expect(steps.filter((step) => step === 'file-sync' || step === 'syncDirectory')).toHaveLength(2)
  })

  it('makes the names of its directories durable before anything is in them', async () => {
    const { host, store } = setUp()
    await store.create('log/1', bytes)
    const log = host.files.log
    const link = log.findIndex((line) => line.startsWith('link'))
    for (const folder of ['/jobs', '/jobs/state']) {
      const synced = log.indexOf(`syncDirectory ${folder}`)
      expect(synced).toBeGreaterThanOrEqual(0)
      expect(synced).toBeLessThan(link)
    }
  })

  it.each(['file-write', 'file-sync', 'link', 'syncDirectory'] as const)(
    'answers nothing when %s fails, and says what to do',
    async (operation) => {
      const { host, store } = setUp()
      await store.create('log/1', bytes)
      host.files.inject({ operation, code: 'ENOSPC' })
      await expect(store.create('log/2', bytes)).rejects.toMatchObject({
        code: 'checkpoint/store-failed',
        place: { file: '/jobs/state/log/2' },
        hint: expect.stringMatching(/free some space/),
      })
    },
  )

  it.each(['file-write', 'file-sync', 'link'] as const)(
    'leaves no file under the name when %s fails',
    async (operation) => {
      const { host, store } = setUp()
      const heal = host.files.inject({ operation, code: 'EIO' })
      await expect(store.create('log/1', bytes)).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
      heal()
      expect(await store.list('')).toEqual([])
      expect(host.files.openFiles).toBe(0)
    },
  )

  it('shows no file whose writing failed, and forgets it when swept', async () => {
    const { host, store } = setUp()
    const writer = await store.write('state/a')
    await writer.append(bytes)
    const heal = host.files.inject({ operation: 'file-sync', code: 'EIO' })
    await expect(writer.finish()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
    heal()
    await writer.abort()
    expect(host.files.openFiles).toBe(0)
    await store.sweep()
    expect(await host.files.list('/jobs/state/state')).toEqual([])
  })
})

describe('a directory that is not ours', () => {
  const stranger = async (files: MemoryFiles, path: string): Promise<void> => {
    await files.makeDirectory(path.slice(0, path.lastIndexOf('/')))
    const file = await files.open(path, 'create')
    await file.write(Buffer.from('precious'))
    await file.close()
  }

  it('is refused, and a file too', async () => {
    const host = createManualHost()
    await stranger(host.files, '/project/README.md')
    await expect(new DirectoryStore(host, '/project').check()).rejects.toMatchObject({
      code: 'checkpoint/incompatible',
      detail: 'it holds "README.md", which is not ours',
    })
    await expect(new DirectoryStore(host, '/project/README.md').check()).rejects.toMatchObject({
      detail: 'it is no directory',
    })
    await new DirectoryStore(host, '/nothing').check()
  })

  it.each(['file-write', 'file-sync', 'rename', 'syncDirectory'] as const)(
    'leaves no draft of a file that could not be finished: %s fails',
    async (operation) => {
      const { host, store } = setUp()
      const writer = await store.write('state/a')
      await writer.append(bytes)
      const mend = host.files.inject({ operation, path: /state\/(\.|$)|state$/, code: 'EIO' })
      await expect(writer.finish()).rejects.toMatchObject({ code: 'checkpoint/store-failed' })
      mend()
      await writer.abort()
      const names = (await host.files.list('/jobs/state/state')).map(({ name }) => name)
      expect(names.filter((name) => name.startsWith('.'))).toEqual([])
      expect(host.files.openFiles).toBe(0)
    },
  )

  it('keeps its hidden files when drafts are swept', async () => {
    const host = createManualHost()
    for (const name of ['.env', 'log/.keep', 'state/.gitignore'])
      await stranger(host.files, `/project/${name}`)
    const store = new DirectoryStore(host, '/project')
    await store.check()
    await (await store.write('state/a')).append(new Uint8Array(1_000_000))
    await store.sweep()
    for (const name of ['.env', 'log/.keep', 'state/.gitignore'])
      expect(await host.files.status(`/project/${name}`)).toBeDefined()
    expect((await host.files.list('/project/state')).map(({ name }) => name)).toEqual(['.gitignore'])
  })
})
