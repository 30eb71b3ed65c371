// A disk that loses power: what is promised after it, and how little else is.
import { describe, expect, it } from 'vitest'
import type { Files } from '../../src/host/host.ts'
import { PowerLost, SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import type { Choose } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { randomOf } from './crashes.ts'

const nothing: Choose = () => 0
const everything: Choose = (below) => below - 1
const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes)

async function write(files: Files, path: string, content: string, sync: boolean): Promise<void> {
  const file = await files.open(path, 'overwrite')
  await file.write(text(content))
  if (sync) await file.sync()
  await file.close()
}

async function read(files: Files, path: string): Promise<string | undefined> {
  const status = await files.status(path)
  if (status === undefined) return undefined
  const file = await files.open(path, 'read')
  const bytes = new Uint8Array(status.size)
  await file.read(bytes, 0, bytes.length, 0)
  return new TextDecoder().decode(bytes)
}

describe('a loss of power', () => {
  it('SD1: keeps what was synced', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    await files.makeDirectory('/a')
    await write(files, '/a/x', 'kept', true)
    await files.syncDirectory('/a')
    await files.syncDirectory('/')
    disk.restart(nothing)
    expect(await read(new SimulatedFiles(disk), '/a/x')).toBe('kept')
  })

  it('SD1: a name without its directory synced, and a content without its file synced, may be gone', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    await write(files, '/content', 'x', true)
    await write(files, '/name', 'x', false)
    await files.syncDirectory('/')
    await write(files, '/neither', 'x', false)
    disk.restart(nothing)
    const after = new SimulatedFiles(disk)
    expect(await read(after, '/content')).toBe('x')
    expect(await read(after, '/name')).toBe('')
    expect(await read(after, '/neither')).toBeUndefined()
  })

  it('keeps all of it when all was on the disk by chance', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    await files.makeDirectory('/a/b')
    await write(files, '/a/b/x', 'lucky', false)
    disk.restart(everything)
    expect(await read(new SimulatedFiles(disk), '/a/b/x')).toBe('lucky')
  })

  it('SD2: leaves any sectors of a write, and a length without content', async () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const disk = new SimulatedDisk()
      const files = new SimulatedFiles(disk)
      await write(files, '/x', '', true)
      await files.syncDirectory('/')
      await write(files, '/x', `${'a'.repeat(512)}${'b'.repeat(512)}`, false)
      disk.restart(randomOf(seed))
      const content = (await read(new SimulatedFiles(disk), '/x')) ?? ''
      found.add(content.replaceAll('\0', '0').replaceAll(/(.)\1*/g, '$1'))
    }
    expect([...found].toSorted()).toEqual(['', '0', '0b', 'a', 'a0', 'ab'])
  })

  it('SD3: keeps or forgets each change of a directory, a rename as one', async () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 100; seed++) {
      const disk = new SimulatedDisk()
      const files = new SimulatedFiles(disk)
      await write(files, '/old', 'x', true)
      await files.syncDirectory('/')
      await files.rename('/old', '/new')
      await write(files, '/other', 'y', true)
      disk.restart(randomOf(seed))
      const names = await new SimulatedFiles(disk).list('/')
      found.add(names.map(({ name }) => name).join(' '))
    }
    expect([...found].toSorted()).toEqual(['new', 'new other', 'old', 'old other'])
  })

  it('SD4: a failed sync loses for good what a later one seems to write', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    const file = await files.open('/x', 'create')
    await files.syncDirectory('/')
    await file.write(text('gone'))
    disk.inject({ operation: 'file-sync', code: 'EIO', times: 1 })
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    await file.sync()
    expect(await read(files, '/x')).toBe('gone')
    disk.restart(everything)
    expect(await read(new SimulatedFiles(disk), '/x')).toBe('')
  })

  it('SD5: the same choices give the same disk', async () => {
    const run = async (): Promise<unknown> => {
      const disk = new SimulatedDisk()
      const files = new SimulatedFiles(disk)
      for (let k = 0; k < 20; k++) await write(files, `/f${k}`, 'x'.repeat(k * 100), k % 3 === 0)
      disk.restart(randomOf(7))
      const after = new SimulatedFiles(disk)
      const names = await after.list('/')
      return Promise.all(names.map(async ({ name }) => [name, (await read(after, `/${name}`))?.length]))
    }
    expect(await run()).toEqual(await run())
  })

  it('ends everything that runs, at the chosen operation', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    disk.losePowerAfter(2)
    await write(files, '/x', 'a', false)
    await expect(files.status('/x')).rejects.toThrow(PowerLost)
    disk.restart(everything)
    await expect(files.status('/x')).rejects.toThrow(PowerLost)
    expect(await read(new SimulatedFiles(disk), '/x')).toBe('a')
  })
})

describe('processes that are killed', () => {
  it('lose nothing that they wrote', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    await write(files, '/x', 'written', false)
    disk.killAll()
    await expect(files.status('/x')).rejects.toThrow(PowerLost)
    expect(await read(new SimulatedFiles(disk), '/x')).toBe('written')
  })
})

describe('files of a simulated disk', () => {
  it('behave as files do', async () => {
    const files = new SimulatedFiles(new SimulatedDisk())
    await files.makeDirectory('/a')
    await write(files, '/a/x', '0123', false)
    await expect(files.open('/a/x', 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.open('/a/y', 'read')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.open('/b/y', 'create')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.removeDirectory('/a')).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    await files.link('/a/x', '/a/z')
    await expect(files.link('/a/x', '/a/z')).rejects.toMatchObject({ code: 'EEXIST' })
    const file = await files.open('/a/z', 'append')
    await file.write(text('45'))
    await file.write(text('X'), 1)
    await file.truncate(5)
    expect(await read(files, '/a/x')).toBe('0X234')
    expect(await files.list('/a')).toEqual([
      { name: 'x', kind: 'file' },
      { name: 'z', kind: 'file' },
    ])
    await files.remove('/a/x')
    await files.removeDirectory('/a', { recursive: true })
    expect(await files.status('/a')).toBeUndefined()
  })

  it.each([true, false])(
    'SD6: have the identities of files that are gone, when told to (births: %s)',
    async (tellsBirth) => {
      const disk = new SimulatedDisk()
      disk.reuseIdentities({ tellsBirth })
      const files = new SimulatedFiles(disk)
      const make = async (path: string): Promise<string> => {
        await write(files, path, 'x', false)
        return (await files.status(path))!.identity
      }
      const inode = (identity: string): string => identity.split(':').slice(0, 2).join(':')
      const first = await make('/a')
      await files.link('/a', '/b')
      const held = await files.open('/a', 'read')
      await files.remove('/a')
      expect(inode(await make('/c'))).not.toBe(inode(first))
      await files.remove('/b')
      expect(inode(await make('/d'))).not.toBe(inode(first))
      await held.close()
      const again = await make('/e')
      expect(inode(again)).toBe(inode(first))
      expect(again === first).toBe(!tellsBirth)
    },
  )
})
