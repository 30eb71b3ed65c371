/**
 * Files in memory with the errors of a real system, for tests of connectors: what happens when the disk is full, a
 * folder may not be written, or an fsync fails.
 *
 * Every successful operation is durable at once: crashes that lose unsynced writes are the simulated host's.
 */
import type { Files, FileStatus, OpenFile, OpenMode } from '../host/host.ts'
import { FileFaults, systemError } from './file-faults.ts'
import type { FileFault, FileOperation } from './file-faults.ts'
import { absolutePath, parentOf } from './file-path.ts'

interface FileNode {
  readonly kind: 'file'
  readonly identity: string
  bytes: Uint8Array
  size: number
  modifiedMs: number
}

interface DirectoryNode {
  readonly kind: 'directory'
  readonly identity: string
  readonly modifiedMs: number
}

type Node = FileNode | DirectoryNode

/** A file system in memory. Paths are absolute or relative to `/`. */
export class MemoryFiles implements Files {
  /** Completed operations in order, as `operation path`. */
  readonly log: string[] = []
  readonly #nodes = new Map<string, Node>([['/', { kind: 'directory', identity: '0', modifiedMs: 0 }]])
  readonly #faults = new FileFaults()
  readonly #now: () => number
  #identities = 1
  #open = 0

  /** `now` dates changes; default always 0. */
  constructor(now: () => number = () => 0) {
    this.#now = now
  }

  /** Files that were opened and not closed. */
  get openFiles(): number {
    return this.#open
  }

  /** Makes matching operations fail from now on. Returns a function that takes the fault away. */
  inject(fault: FileFault): () => void {
    return this.#faults.inject(fault)
  }

  /** Creates or replaces a file with its folders, without faults. */
  put(path: string, content: string | Uint8Array): void {
    const full = this.resolve(path)
    this.#makeFolders(parentOf(full))
    const bytes = Uint8Array.from(typeof content === 'string' ? Buffer.from(content) : content)
    this.#nodes.set(full, { ...this.#newFile(), bytes, size: bytes.length })
  }

  /** Adds to a file that exists, without faults. */
  append(path: string, content: string | Uint8Array): void {
    const node = this.#file(this.resolve(path), 'append')
    this.#writeAt(node, node.size, typeof content === 'string' ? Buffer.from(content) : content)
  }

  /** The content of a file, without faults; undefined when there is none. */
  get(path: string): Uint8Array | undefined {
    const node = this.#nodes.get(this.resolve(path))
    return node?.kind === 'file' ? node.bytes.slice(0, node.size) : undefined
  }

  /** The paths of all files below a folder, sorted bytewise. */
  paths(under = '/'): string[] {
    const prefix = this.resolve(under)
    return [...this.#nodes]
      .filter(([path, node]) => node.kind === 'file' && (prefix === '/' || path.startsWith(`${prefix}/`)))
      .map(([path]) => path)
      .sort(bytewise)
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const full = await this.#begin('open', path)
    const present = this.#nodes.get(full)
    if (present?.kind === 'directory' && mode !== 'read') throw systemError('EISDIR', 'open', full)
    if (mode === 'create' && present !== undefined) throw systemError('EEXIST', 'open', full)
    if (mode === 'read' && present === undefined) throw systemError('ENOENT', 'open', full)
    let node = present
    if (node === undefined) {
      this.#directory(parentOf(full), 'open')
      node = this.#newFile()
      this.#nodes.set(full, node)
    } else if (mode === 'overwrite' && node.kind === 'file') {
      node.size = 0
    }
    if (node.kind === 'directory') throw systemError('EISDIR', 'open', full)
    this.#open++
    return this.#handle(full, node)
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const full = await this.#begin('status', path)
    const node = this.#nodes.get(full)
    return node === undefined ? undefined : statusOf(node)
  }

  async list(path: string): Promise<readonly { readonly name: string; readonly kind: FileStatus['kind'] }[]> {
    const full = await this.#begin('list', path)
    this.#directory(full, 'list')
    const prefix = full === '/' ? '/' : `${full}/`
    return [...this.#nodes]
      .filter(
        ([other]) => other !== '/' && other.startsWith(prefix) && !other.slice(prefix.length).includes('/'),
      )
      .map(([other, node]) => ({ name: other.slice(prefix.length), kind: node.kind }))
      .sort((left, right) => bytewise(left.name, right.name))
  }

  async makeDirectory(path: string): Promise<void> {
    this.#makeFolders(await this.#begin('makeDirectory', path))
  }

  async rename(from: string, to: string): Promise<void> {
    const source = await this.#begin('rename', from)
    const target = this.resolve(to)
    const node = this.#nodes.get(source)
    if (node === undefined) throw systemError('ENOENT', 'rename', source)
    this.#directory(parentOf(target), 'rename')
    if (this.#nodes.get(target)?.kind === 'directory') throw systemError('EISDIR', 'rename', target)
    const moved = Array.from(this.#nodes).filter(([path]) => path === source || path.startsWith(`${source}/`))
    for (const [path, inner] of moved) {
      this.#nodes.delete(path)
      this.#nodes.set(target + path.slice(source.length), inner)
    }
  }

  async link(from: string, to: string): Promise<void> {
    const node = this.#file(await this.#begin('link', from), 'link')
    const target = this.resolve(to)
    if (this.#nodes.has(target)) throw systemError('EEXIST', 'link', target)
    this.#directory(parentOf(target), 'link')
    this.#nodes.set(target, node)
  }

  async remove(path: string): Promise<void> {
    const full = await this.#begin('remove', path)
    this.#file(full, 'remove')
    this.#nodes.delete(full)
  }

  async removeDirectory(path: string, options?: { readonly recursive?: boolean }): Promise<void> {
    const full = await this.#begin('removeDirectory', path)
    this.#directory(full, 'removeDirectory')
    const inside = [...this.#nodes.keys()].filter((other) => other.startsWith(`${full}/`))
    if (inside.length > 0 && options?.recursive !== true)
      throw systemError('ENOTEMPTY', 'removeDirectory', full)
    for (const other of [full, ...inside]) this.#nodes.delete(other)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#directory(await this.#begin('syncDirectory', path), 'syncDirectory')
  }

  /** There are no links here. */
  async real(path: string): Promise<string> {
    return this.resolve(path)
  }

  resolve(path: string): string {
    return absolutePath(path)
  }

  #handle(path: string, node: FileNode): OpenFile {
    let position = node.size
    let closed = false
    const begin = async (operation: FileOperation): Promise<void> => {
      if (closed) throw systemError('EBADF', operation, path)
      await this.#begin(operation, path)
    }
    return {
      read: async (target, offset, length, at) => {
        await begin('file-read')
        const end = Math.min(at + length, node.size)
        if (at >= end) return 0
        target.set(node.bytes.subarray(at, end), offset)
        return end - at
      },
      write: async (bytes, at) => {
        await begin('file-write')
        this.#writeAt(node, at ?? position, bytes)
        if (at === undefined) position += bytes.length
      },
      truncate: async (length) => {
        await begin('file-truncate')
        node.size = Math.min(node.size, length)
      },
      status: async () => {
        await begin('file-status')
        const links = [...this.#nodes.values()].filter((named) => named === node).length
        return { ...statusOf(node), links }
      },
      sync: () => begin('file-sync'),
      close: async () => {
        if (closed) throw systemError('EBADF', 'close', path)
        closed = true
        this.#open--
      },
    }
  }

  async #begin(operation: FileOperation, path: string): Promise<string> {
    const full = this.resolve(path)
    const error = this.#faults.strike(operation, full)
    if (error !== undefined) throw error
    this.log.push(`${operation} ${full}`)
    return full
  }

  #newFile(): FileNode {
    const identity = `memory:${this.#identities++}`
    return { kind: 'file', identity, bytes: new Uint8Array(0), size: 0, modifiedMs: this.#now() }
  }

  #writeAt(node: FileNode, at: number, bytes: Uint8Array): void {
    const end = at + bytes.length
    if (end > node.bytes.length) {
      const larger = new Uint8Array(Math.max(end, node.bytes.length * 2))
      larger.set(node.bytes.subarray(0, node.size))
      node.bytes = larger
    }
    node.bytes.set(bytes, at)
    node.size = Math.max(node.size, end)
    node.modifiedMs = this.#now()
  }

  #makeFolders(path: string): void {
    const present = this.#nodes.get(path)
    if (present?.kind === 'directory') return
    if (present !== undefined) throw systemError('EEXIST', 'makeDirectory', path)
    this.#makeFolders(parentOf(path))
    this.#nodes.set(path, {
      kind: 'directory',
      identity: `memory:${this.#identities++}`,
      modifiedMs: this.#now(),
    })
  }

  #file(path: string, operation: string): FileNode {
    const node = this.#nodes.get(path)
    if (node === undefined) throw systemError('ENOENT', operation, path)
    if (node.kind === 'directory') throw systemError('EISDIR', operation, path)
    return node
  }

  #directory(path: string, operation: string): void {
    const node = this.#nodes.get(path)
    if (node === undefined) throw systemError('ENOENT', operation, path)
    if (node.kind === 'file') throw systemError('ENOTDIR', operation, path)
  }
}

function statusOf(node: Node): FileStatus {
  return {
    kind: node.kind,
    size: node.kind === 'file' ? node.size : 0,
    modifiedMs: node.modifiedMs,
    identity: node.identity,
  }
}

function bytewise(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
