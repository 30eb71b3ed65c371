// Folders that are there after a loss of power, whoever made them, and what is put up with above them.
import { describe, expect, it } from 'vitest'
import { DurableFolders } from '../../src/host/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { overlay } from '../testing/crashes.ts'

/** Files, and the folders that were synced. */
function watched(disk = new SimulatedDisk()): { files: SimulatedFiles; synced: string[] } {
  const files = new SimulatedFiles(disk)
  const synced: string[] = []
  const syncDirectory = async (path: string): Promise<void> => {
    synced.push(path)
    await files.syncDirectory(path)
  }
  return { files: overlay(files, { syncDirectory }) as SimulatedFiles, synced }
}

const refusing = (files: SimulatedFiles, folder: string, code: string): SimulatedFiles =>
  overlay(files, {
    syncDirectory: async (path) => {
      if (path === folder) throw Object.assign(new Error(code), { code })
      await files.syncDirectory(path)
    },
  }) as SimulatedFiles

describe('folders that have to be durable', () => {
  it('DF1: are, also when they were there already', async () => {
    const disk = new SimulatedDisk()
    const { files, synced } = watched(disk)
    await files.makeDirectory('/a/b/old')
    const folders = new DurableFolders(files, '/a/b')
    const made: string[] = []
    await folders.make(['/a/b/old', '/a/b/new/inner', '/a/b/other'], { made: (path) => made.push(path) })
    disk.restart(() => 0)
    const after = new SimulatedFiles(disk)
    for (const path of ['/a/b/old', '/a/b/new/inner', '/a/b/other'])
      expect(await after.status(path)).toMatchObject({ kind: 'directory' })
    expect(made).toEqual(['/a/b/new', '/a/b/new/inner', '/a/b/other'])
    expect(synced.toSorted()).toEqual(['/', '/a', '/a/b', '/a/b/new'])
  })

  it('cost nothing a second time, until somebody may have removed one', async () => {
    const { files, synced } = watched()
    const folders = new DurableFolders(files, '/a')
    await folders.make(['/a/b'])
    synced.length = 0
    await folders.make(['/a/b'])
    expect(synced).toEqual([])
    await files.removeDirectory('/a/b')
    folders.forget()
    await folders.make(['/a/b'])
    expect(await files.status('/a/b')).toBeDefined()
    expect(synced.toSorted()).toEqual(['/', '/a'])
  })

  it.each(['EACCES', 'EPERM', 'EINVAL', 'EROFS'])('may lie below one that is closed to us: %s', async (code) => {
    const { files } = watched()
    await files.makeDirectory('/a/b')
    await new DurableFolders(refusing(files, '/', code), '/a/b').make(['/a/b/c'])
    // Where we have made something, and in our own place, nothing is put up with.
    const closed = refusing(files, '/a', code)
    await expect(new DurableFolders(closed, '/a/x').make(['/a/x'])).rejects.toMatchObject({ code })
    await expect(new DurableFolders(closed, '/a').make(['/a/b'])).rejects.toMatchObject({ code })
  })

  it('are refused where a file is', async () => {
    const { files } = watched()
    await (await files.open('/file', 'create')).close()
    const refuse = (path: string): Error => new Error(`${path} is in the way`)
    await expect(new DurableFolders(files, '/').make(['/file/a/b'], { refuse })).rejects.toThrow('/file is in the way')
  })
}) // prettier-ignore
