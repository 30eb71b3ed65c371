import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNodeHost } from '../../../src/host/node/index.ts'

const host = createNodeHost()
const { files } = host
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-files-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function put(name: string, text: string): Promise<string> {
  const path = `${folder}/${name}`
  const file = await files.open(path, 'overwrite')
  await file.write(Buffer.from(text))
  await file.close()
  return path
}

async function text(path: string): Promise<string> {
  const file = await files.open(path, 'read')
  const bytes = Buffer.alloc(1000)
  const length = await file.read(bytes, 0, 1000, 0)
  await file.close()
  return bytes.toString('utf8', 0, length)
}

describe('files of this machine', () => {
  it('writes, appends, truncates and reads at a position', async () => {
    const path = await put('a.txt', 'hello')
    const more = await files.open(path, 'append')
    await more.write(Buffer.from(' world'))
    await more.truncate(8)
    await more.sync()
    expect((await more.status()).size).toBe(8)
    await more.close()
    expect(await text(path)).toBe('hello wo')
    const file = await files.open(path, 'read')
    const target = new Uint8Array(10)
    expect(await file.read(target, 2, 4, 6)).toBe(2)
    expect(Buffer.from(target).toString('utf8', 2, 4)).toBe('wo')
    expect(await file.read(target, 0, 4, 8)).toBe(0)
    await file.close()
  })

  it('refuses to create over what exists, and to link over what exists', async () => {
    const path = await put('a.txt', 'a')
    await expect(files.open(path, 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    const other = await put('b.txt', 'b')
    await expect(files.link(path, other)).rejects.toMatchObject({ code: 'EEXIST' })
    await files.link(path, `${folder}/c.txt`)
    expect((await files.status(`${folder}/c.txt`))?.identity).toBe((await files.status(path))?.identity)
  })

  it('lists bytewise, follows links to files and says other for dead links', async () => {
    await put('b', '')
    await put('\u{1f600}', '')
    await put('\uff5e', '')
    await put('B', '')
    await files.makeDirectory(`${folder}/a/deep`)
    await symlink(`${folder}/b`, `${folder}/link`)
    await symlink(`${folder}/nowhere`, `${folder}/dead`)
    expect(await files.list(folder)).toEqual([
      { name: 'B', kind: 'file' },
      { name: 'a', kind: 'directory' },
      { name: 'b', kind: 'file' },
      { name: 'dead', kind: 'other' },
      { name: 'link', kind: 'file' },
      // By UTF-16 units these two would be the other way round.
      { name: '\uff5e', kind: 'file' },
      { name: '\u{1f600}', kind: 'file' },
    ])
  })

  it('has no status for what is not there, also below a file', async () => {
    const path = await put('a', '')
    expect(await files.status(`${folder}/b`)).toBeUndefined()
    expect(await files.status(`${path}/b`)).toBeUndefined()
  })

  it('gives an identity that writes and renames leave as it is, the birth in it as well', async () => {
    const { identity } = (await files.status(await put('first.txt', '')))!
    expect(identity).toMatch(/^\d+:\d+(:[1-9]\d*)?$/)
    await put('first.txt', 'more')
    await files.rename(`${folder}/first.txt`, `${folder}/second.txt`)
    await (await files.open(`${folder}/second.txt`, 'append')).close()
    expect((await files.status(`${folder}/second.txt`))?.identity).toBe(identity)
  })

  it('tells a replaced file from a grown one by its identity', async () => {
    const path = await put('a', 'one')
    const before = await files.status(path)
    const more = await files.open(path, 'append')
    await more.write(Buffer.from('two'))
    await more.close()
    expect((await files.status(path))?.identity).toBe(before?.identity)
    const fresh = await put('b', 'one')
    await files.rename(fresh, path)
    expect((await files.status(path))?.identity).not.toBe(before?.identity)
  })

  it('syncs directories and removes files and trees', async () => {
    const path = await put('a', '')
    await files.syncDirectory(folder)
    await files.remove(path)
    await files.makeDirectory(`${folder}/x/y`)
    await expect(files.removeDirectory(`${folder}/x`)).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    await files.removeDirectory(`${folder}/x`, { recursive: true })
    expect(await files.list(folder)).toEqual([])
  })

  it('makes folders that are there already, and says where none can be made', async () => {
    await Promise.all(
      ['a/b/c', 'a/b/c', 'a/b', 'a/d'].map((path) => files.makeDirectory(`${folder}/${path}`)),
    )
    expect((await files.status(`${folder}/a/b/c`))?.kind).toBe('directory')
    await files.makeDirectory('/')
    const path = await put('file', '')
    await expect(files.makeDirectory(path)).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.makeDirectory(`${path}/x/y`)).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  it.runIf(process.platform === 'linux')('comes back from folders that take no others', async () => {
    for (const path of ['/proc/x', '/proc/self/x/y', '/dev/fd/x', '/proc/sys/x'])
      await expect(files.makeDirectory(path)).rejects.toMatchObject({
        code: expect.stringMatching(/^(ENOENT|EACCES|EPERM)$/),
      })
  })

  it('follows the links of a path as far as it exists', async () => {
    const real = await files.real(folder)
    await files.makeDirectory(`${folder}/to`)
    await symlink(`${folder}/to`, `${folder}/link`)
    expect(await files.real(`${folder}/link`)).toBe(`${real}/to`)
    expect(await files.real(`${folder}/link/not/there`)).toBe(`${real}/to/not/there`)
    expect(await files.real('/dev/null/x')).toBe('/dev/null/x')
  })

  it('makes paths absolute', () => {
    expect(files.resolve(`${folder}/a/../b/./c`)).toBe(`${folder}/b/c`)
  })
})

describe('time and random bits of this process', () => {
  it('fires a timer once, and not after it was cleared', async () => {
    const fired: string[] = []
    const cleared = host.timers.set(0, () => fired.push('cleared'))
    cleared.clear()
    await new Promise<void>((resolve) => host.timers.set(1, () => (fired.push('kept'), resolve())))
    await host.timers.yield()
    cleared.clear()
    expect(fired).toEqual(['kept'])
  })

  it('has clocks that do not run backwards and random names that differ', () => {
    const first = host.clock.monotonic()
    expect(host.clock.monotonic()).toBeGreaterThanOrEqual(first)
    expect(host.clock.now()).toBeGreaterThan(Date.UTC(2020, 0))
    expect(host.clock.cpu()).toBeGreaterThan(0)
    expect(host.random.hex(8)).toMatch(/^[0-9a-f]{16}$/)
    expect(host.random.hex(8)).not.toBe(host.random.hex(8))
    expect(host.random.next()).toBeLessThan(1)
  })
})
