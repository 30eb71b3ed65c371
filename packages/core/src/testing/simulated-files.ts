/**
 * The files of a simulated disk, as processes see them between two losses of power.
 */
import type { Files, FileStatus, OpenFile, OpenMode } from '../host/host.ts'
import { systemError } from './file-faults.ts'
import type { FileOperation } from './file-faults.ts'
import { absolutePath, parentOf } from './file-path.ts'
import { applyAll, applyEntries, applyWrite, PowerLost } from './simulated-disk.ts'
import type {
  DirectoryChange,
  PendingWrite,
  SimulatedDirectory,
  SimulatedDisk,
  SimulatedFile,
  SimulatedNode,
} from './simulated-disk.ts'

/** Files until the next restart; then everything rejects. */
export class SimulatedFiles implements Files {
  readonly #disk: SimulatedDisk
  readonly #boot: number

  constructor(disk: SimulatedDisk) {
    this.#disk = disk
    this.#boot = disk.boot
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const full = this.#begin('open', path)
    const present = this.#find(full)
    if (present?.kind === 'directory') throw systemError('EISDIR', 'open', full)
    if (mode === 'create' && present !== undefined) throw systemError('EEXIST', 'open', full)
    if (mode === 'read' && present === undefined) throw systemError('ENOENT', 'open', full)
    if (present === undefined) {
      const made = this.#disk.makeFile(parentOf(full))
      this.#change(parentOf(full), 'open', new Map([[nameOf(full), made]]))
      return this.#handle(full, made)
    }
    if (mode === 'overwrite') this.#write(present, { kind: 'truncate', length: 0 })
    return this.#handle(full, present)
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const node = this.#find(this.#begin('status', path))
    return node === undefined ? undefined : statusOf(node)
  }

  async list(path: string): Promise<readonly { readonly name: string; readonly kind: FileStatus['kind'] }[]> {
    const { entries } = this.#directory(this.#begin('list', path), 'list')
    return Array.from(entries, ([name, { kind }]) => ({ name, kind })).toSorted((a, b) =>
      Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
    )
  }

  async makeDirectory(path: string): Promise<void> {
    this.#makeFolders(this.#begin('makeDirectory', path))
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#begin('rename', from)
    const target = this.resolve(to)
    const node = this.#find(source)
    if (node === undefined) throw systemError('ENOENT', 'rename', source)
    if (this.#find(target)?.kind === 'directory') throw systemError('EISDIR', 'rename', target)
    const [left, entered] = [parentOf(source), parentOf(target)]
    const entering = new Map([[nameOf(target), node]])
    if (left === entered)
      return this.#change(left, 'rename', new Map([[nameOf(source), undefined], ...entering]))
    this.#change(entered, 'rename', entering)
    this.#change(left, 'rename', new Map([[nameOf(source), undefined]]))
  }

  async link(from: string, to: string): Promise<void> {
    const file = this.#file(this.#begin('link', from), 'link')
    const target = this.resolve(to)
    if (this.#find(target) !== undefined) throw systemError('EEXIST', 'link', target)
    this.#change(parentOf(target), 'link', new Map([[nameOf(target), file]]))
  }

  async remove(path: string): Promise<void> {
    const full = this.#begin('remove', path)
    this.#file(full, 'remove')
    this.#change(parentOf(full), 'remove', new Map([[nameOf(full), undefined]]))
  }

  async removeDirectory(path: string, options?: { readonly recursive?: boolean }): Promise<void> {
    const full = this.#begin('removeDirectory', path)
    const { entries } = this.#directory(full, 'removeDirectory')
    if (entries.size > 0 && options?.recursive !== true)
      throw systemError('ENOTEMPTY', 'removeDirectory', full)
    this.#change(parentOf(full), 'removeDirectory', new Map([[nameOf(full), undefined]]))
  }

  async syncDirectory(path: string): Promise<void> {
    const full = this.resolve(path)
    try {
      this.#begin('syncDirectory', full)
    } catch (error) {
      const node = this.#find(full)
      // SD4
      if (node?.kind === 'directory' && !(error instanceof PowerLost)) node.pending = []
      throw error
    }
    const directory = this.#directory(full, 'syncDirectory')
    if (directory.pending.length > 0) this.#disk.change()
    applyEntries(directory)
  }

  /** There are no links here. */
  async real(path: string): Promise<string> {
    return this.resolve(path)
  }

  resolve(path: string): string {
    return absolutePath(path)
  }

  #handle(path: string, file: SimulatedFile): OpenFile {
    const boot = this.#boot
    let position = file.content.length
    let isClosed = false
    this.#disk.hold(file, 1)
    const begin = (operation: FileOperation): void => {
      if (isClosed) throw systemError('EBADF', operation, path)
      this.#begin(operation, path)
    }
    return {
      read: async (target, offset, length, at) => {
        begin('file-read')
        const bytes = file.content.subarray(at, at + length)
        target.set(bytes, offset)
        return bytes.length
      },
      write: async (bytes, at) => {
        begin('file-write')
        this.#write(file, { kind: 'write', at: at ?? position, bytes: bytes.slice() })
        if (at === undefined) position += bytes.length
      },
      truncate: async (length) => {
        begin('file-truncate')
        this.#write(file, { kind: 'truncate', length })
      },
      status: async () => {
        begin('file-status')
        return { ...statusOf(file), links: namesOf(file, this.#disk.root) }
      },
      sync: async () => {
        try {
          begin('file-sync')
        } catch (error) {
          // SD4: the system forgets that these pages were to be written.
          if (!(error instanceof PowerLost)) file.pending = []
          throw error
        }
        if (file.pending.length > 0) this.#disk.change()
        applyAll(file)
      },
      close: async () => {
        const isOpen = !isClosed && boot === this.#disk.boot
        isClosed = true
        if (!isOpen) return
        this.#disk.hold(file, -1)
        this.#disk.letGo(file, parentOf(path), namesOf(file, this.#disk.root))
      },
    }
  }

  #begin(operation: FileOperation, path: string): string {
    const full = this.resolve(path)
    this.#disk.begin(operation, full, this.#boot)
    return full
  }

  #write(file: SimulatedFile, write: PendingWrite): void {
    this.#disk.change()
    file.content = applyWrite(file.content, write)
    file.pending.push(write)
    file.modifiedMs = this.#disk.now()
  }

  #change(folder: string, operation: string, change: DirectoryChange): void {
    const directory = this.#directory(folder, operation)
    this.#disk.change()
    const gone: SimulatedFile[] = []
    for (const [name, node] of change) {
      const before = directory.entries.get(name)
      if (before?.kind === 'file' && before !== node) gone.push(before)
      if (node === undefined) directory.entries.delete(name)
      else directory.entries.set(name, node)
    }
    directory.pending.push(change)
    directory.modifiedMs = this.#disk.now()
    for (const file of gone) this.#disk.letGo(file, folder, namesOf(file, this.#disk.root))
  }

  #makeFolders(path: string): void {
    const present = this.#find(path)
    if (present?.kind === 'directory') return
    if (present !== undefined) throw systemError('EEXIST', 'makeDirectory', path)
    this.#makeFolders(parentOf(path))
    const made = this.#disk.makeDirectory()
    this.#change(parentOf(path), 'makeDirectory', new Map([[nameOf(path), made]]))
  }

  #find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.#disk.root
    for (const name of path.split('/')) {
      if (name === '') continue
      node = node?.kind === 'directory' ? node.entries.get(name) : undefined
    }
    return node
  }

  #file(path: string, operation: string): SimulatedFile {
    const node = this.#find(path)
    if (node === undefined) throw systemError('ENOENT', operation, path)
    if (node.kind === 'directory') throw systemError('EISDIR', operation, path)
    return node
  }

  #directory(path: string, operation: string): SimulatedDirectory {
    const node = this.#find(path)
    if (node === undefined) throw systemError('ENOENT', operation, path)
    if (node.kind === 'file') throw systemError('ENOTDIR', operation, path)
    return node
  }
}

function statusOf(node: SimulatedNode): FileStatus {
  const { kind, modifiedMs, identity } = node
  return { kind, modifiedMs, identity, size: node.kind === 'file' ? node.content.length : 0 }
}

/** Names that lead to a file, as processes see them. */
function namesOf(file: SimulatedFile, { entries }: SimulatedDirectory): number {
  let names = 0
  for (const node of entries.values()) {
    if (node === file) names++
    else if (node.kind === 'directory') names += namesOf(file, node)
  }
  return names
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
