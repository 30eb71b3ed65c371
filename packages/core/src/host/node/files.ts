/**
 * Files by node:fs/promises. Errors are the system's own (`code` ENOENT, EACCES, ENOSPC...): the caller knows what
 * the file means and says so.
 */
import * as fs from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { statSync } from 'node:fs'
import type { BigIntStats, Dirent } from 'node:fs'
import type { Files, FileStatus, OpenFile, OpenMode } from '../host.ts'

const openFlags: Record<OpenMode, string> = { read: 'r', create: 'wx', append: 'a', overwrite: 'w' }

/** The file system of this machine. */
export const nodeFiles: Files = {
  async open(path, mode) {
    return openFile(await fs.open(path, openFlags[mode]))
  },
  async status(path) {
    try {
      return toStatus(await fs.stat(path, { bigint: true }))
    } catch (error) {
      // ENOTDIR: a parent in the path is a file, so nothing has this name.
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
      throw error
    }
  },
  async list(path) {
    const entries = await fs.readdir(path, { withFileTypes: true })
    // No promise for each name: logs are listed with every epoch, and folders may be large.
    const listed = entries.map((entry) => ({ name: entry.name, kind: plainKind(entry) }))
    const links = listed.filter(({ kind }) => kind === undefined)
    const kinds = new Map(
      await Promise.all(links.map(async ({ name }) => [name, await kindOfLink(path, name)] as const)),
    )
    return listed
      .map(({ name, kind }) => ({ name, kind: kind ?? kinds.get(name) ?? 'other' }))
      .sort((left, right) => compareBytes(left.name, right.name))
  },
  makeDirectory,
  real: async (path) => slashed(await realPath(resolve(path))),
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (path) => fs.unlink(path),
  removeDirectory: (path, options) =>
    options?.recursive === true ? fs.rm(path, { recursive: true }) : fs.rmdir(path),
  async syncDirectory(path) {
    // Windows cannot open directories; NTFS journals their entries.
    if (process.platform === 'win32') return
    const handle = await fs.open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  resolve: (path) => slashed(resolve(path)),
}

/**
 * With the folders above it. Not by Node's `recursive`: that one never comes back where a folder exists and no other can
 * be made in it, as in /proc.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await fs.mkdir(path)
  } catch (error) {
    const parent = dirname(path)
    if (!hasCode(error, 'ENOENT') || parent === path) return acceptDirectory(path, error)
    await makeDirectory(parent)
    await fs.mkdir(path).catch((again: unknown) => acceptDirectory(path, again))
  }
}

/** That a folder could not be made is no failure when it is there. */
async function acceptDirectory(path: string, error: unknown): Promise<void> {
  if ((await nodeFiles.status(path))?.kind !== 'directory') throw error
}

/** Follows the links of the part of an absolute path that exists and may be looked at. */
async function realPath(path: string): Promise<string> {
  try {
    return await fs.realpath(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(await realPath(parent), basename(path))
  }
}

function slashed(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/')
}

function openFile(handle: fs.FileHandle): OpenFile {
  return {
    async read(target, offset, length, position) {
      return (await handle.read(target, offset, length, position)).bytesRead
    },
    async write(bytes, position) {
      for (let done = 0; done < bytes.length;) {
        const at = position === undefined ? null : position + done
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at)
        done += bytesWritten
      }
    },
    truncate: (length) => handle.truncate(length),
    status: async () => toStatus(await handle.stat({ bigint: true })),
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

/**
 * Whether births are births. Where the system does not tell them, Node may give the time of the last change instead: on
 * Linux that shows by a file that has none. On Windows names that are used again soon inherit them.
 */
const tellsBirth: boolean =
  process.platform === 'darwin' ||
  (process.platform === 'linux' &&
    statSync('/proc', { bigint: true, throwIfNoEntry: false })?.birthtimeNs === 0n)

function toStatus(stats: BigIntStats): FileStatus {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
    size: Number(stats.size),
    modifiedMs: Number(stats.mtimeNs / 1000n) / 1000,
    identity: `${stats.dev}:${stats.ino}${tellsBirth && stats.birthtimeNs > 0n ? `:${stats.birthtimeNs}` : ''}`,
    links: Number(stats.nlink),
  }
}

/** `undefined`: a symbolic link. */
function plainKind(entry: Dirent): FileStatus['kind'] | undefined {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? undefined : 'other'
}

/** Symbolic links count as what they point to; one that leads nowhere, or where nobody may look, is `other`. */
async function kindOfLink(path: string, name: string): Promise<FileStatus['kind']> {
  const status = await nodeFiles.status(`${path}/${name}`).catch(() => undefined)
  return status?.kind ?? 'other'
}

const surrogate = /[\ud800-\udfff]/

/** In the order of their bytes as UTF-8, which is that of their code units but for surrogates. */
function compareBytes(left: string, right: string): number {
  if (surrogate.test(left) || surrogate.test(right))
    return Buffer.compare(Buffer.from(left), Buffer.from(right))
  return left < right ? -1 : left > right ? 1 : 0
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
