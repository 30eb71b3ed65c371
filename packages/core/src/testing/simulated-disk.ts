/**
 * A disk that loses power: what was not synced may be gone afterwards, in part, and in any order.
 *
 * Every file has a durable image and writes that are on their way, every directory durable entries and changes that are
 * on their way. Processes see everything at once; a loss of power keeps any part of what was on its way. It is as hostile
 * as file systems are known to be (Pillai et al., All File Systems Are Not Created Equal, OSDI 2014; Rebello et al., Can
 * Applications Recover from fsync Failures?, USENIX ATC 2020). Invariants (tests quote them):
 *  SD1  What was synced is there after any loss of power, the content of a file by `sync`, its name by `syncDirectory`.
 *  SD2  Of a write that was not synced any sectors may be there; the file may have grown without its content.
 *  SD3  Of changes to directories that were not synced any may be there; one rename in one directory is one change.
 *  SD4  After a failed sync what it should have written is gone for good, though it can be read until the power fails:
 *       another sync succeeds and changes nothing.
 *  SD5  The same choices give the same disk.
 *  SD6  Once told to, it gives the identity of a file that is gone, nameless and not open, to the next one that is made
 *       in its folder.
 */
import { FileFaults } from './file-faults.ts'
import type { FileFault, FileOperation } from './file-faults.ts'

/** Chooses what happens: a whole number from 0 up to and without `below`. */
export type Choose = (below: number) => number

/** Sectors are written whole or not at all. */
const SECTOR_BYTES = 512

/** A write or truncation that is on its way to the disk. */
export type PendingWrite =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number }

/** A file, whatever its names. */
export interface SimulatedFile {
  readonly kind: 'file'
  readonly identity: string
  /** As processes read it. */
  content: Uint8Array
  durable: Uint8Array
  pending: PendingWrite[]
  modifiedMs: number
}

/** Entries that appear and vanish together; undefined: the name goes. */
export type DirectoryChange = ReadonlyMap<string, SimulatedNode | undefined>

/** A directory. */
export interface SimulatedDirectory {
  readonly kind: 'directory'
  readonly identity: string
  readonly entries: Map<string, SimulatedNode>
  durable: ReadonlyMap<string, SimulatedNode>
  pending: DirectoryChange[]
  modifiedMs: number
}

/** What has a name. */
export type SimulatedNode = SimulatedFile | SimulatedDirectory

/** What operations reject with once the machine has no power. It has no code: no program may take it for a fault. */
export class PowerLost extends Error {}

/** A disk, over all boots of its machine. */
export class SimulatedDisk {
  readonly root: SimulatedDirectory
  readonly now: () => number
  readonly #faults = new FileFaults()
  #boot = 1
  #identities = 0
  #births = 0
  #reuses: { readonly tellsBirth: boolean } | undefined
  /** Identities that are free, by folder, the newest last. */
  readonly #free = new Map<string, string[]>()
  /** How often processes hold files open. */
  #handles = new Map<SimulatedFile, number>()
  #operationsLeft = Infinity
  #operations = 0
  #changes = 0

  /** `now` dates changes; default always 0. */
  constructor(now: () => number = () => 0) {
    this.now = now
    this.root = this.makeDirectory()
  }

  /** Operations that were done, on all boots. */
  get operations(): number {
    return this.#operations
  }

  /** How often something has changed, be it only what a loss of power leaves. */
  get changes(): number {
    return this.#changes
  }

  /** Something changes. */
  change(): void {
    this.#changes++
  }

  /** Counts the times that all processes began anew. */
  get boot(): number {
    return this.#boot
  }

  /** Makes matching operations fail from now on. Returns a function that takes the fault away. */
  inject(fault: FileFault): () => void {
    return this.#faults.inject(fault)
  }

  /** Whether the machine runs: without power nothing does, and nothing is waited for. */
  get hasPower(): boolean {
    return this.#operationsLeft > 0
  }

  /** Lets so many operations happen, and none after them until the machine is started again. */
  losePowerAfter(operations: number): void {
    this.#operationsLeft = operations
  }

  /** Starts the machine again after its power was lost: of what was on its way to the disk, some is there. */
  restart(choose: Choose): void {
    this.#forget()
    const seen = new Set<SimulatedNode>()
    settle(this.root, choose, seen)
  }

  /** All processes were killed and start again: the machine kept its power, so nothing is lost. */
  killAll(): void {
    this.#forget()
  }

  /** Every operation begins here. */
  begin(operation: FileOperation, path: string, boot: number): void {
    if (boot !== this.#boot || this.#operationsLeft <= 0) throw new PowerLost(`${operation} ${path}`)
    this.#operationsLeft--
    this.#operations++
    const error = this.#faults.strike(operation, path)
    if (error !== undefined) throw error
  }

  /** Uses identities again from now on (SD6), told apart by when files were made or, as on some file systems, not. */
  reuseIdentities(options: { readonly tellsBirth: boolean }): void {
    this.#reuses = options
  }

  /** A process opens a file, 1, or lets it go, -1. */
  hold(file: SimulatedFile, change: 1 | -1): void {
    this.#handles.set(file, (this.#handles.get(file) ?? 0) + change)
  }

  /** A file has lost a name or a handle: its identity is free when that was the last. */
  letGo(file: SimulatedFile, folder: string, names: number): void {
    if (this.#reuses === undefined || names > 0 || (this.#handles.get(file) ?? 0) > 0) return
    const identity = file.identity.split(':').slice(0, 2).join(':')
    const free = this.#free.get(folder) ?? []
    if (!free.includes(identity)) this.#free.set(folder, [...free, identity])
  }

  makeFile(folder: string): SimulatedFile {
    const identity = this.#free.get(folder)?.pop() ?? `simulated:${++this.#identities}`
    return {
      kind: 'file',
      identity: this.#reuses?.tellsBirth === true ? `${identity}:${++this.#births}` : identity,
      content: new Uint8Array(0),
      durable: new Uint8Array(0),
      pending: [],
      modifiedMs: this.now(),
    }
  }

  makeDirectory(): SimulatedDirectory {
    return {
      kind: 'directory',
      identity: `simulated:${++this.#identities}`,
      entries: new Map(),
      durable: new Map(),
      pending: [],
      modifiedMs: this.now(),
    }
  }

  #forget(): void {
    this.#boot++
    this.#handles = new Map()
    this.#operationsLeft = Infinity
  }
}

/** What a write makes of a content. */
export function applyWrite(content: Uint8Array, write: PendingWrite): Uint8Array {
  if (write.kind === 'truncate') return content.slice(0, write.length)
  const result = new Uint8Array(Math.max(content.length, write.at + write.bytes.length))
  result.set(content)
  result.set(write.bytes, write.at)
  return result
}

/** Makes everything that is on its way durable. */
export function applyAll(file: SimulatedFile): void {
  file.durable = file.pending.reduce(applyWrite, file.durable)
  file.pending = []
}

/** Makes all entries durable. */
export function applyEntries(directory: SimulatedDirectory): void {
  directory.durable = new Map(directory.pending.reduce(applyChange, new Map(directory.durable)))
  directory.pending = []
}

function applyChange(
  entries: Map<string, SimulatedNode>,
  change: DirectoryChange,
): Map<string, SimulatedNode> {
  for (const [name, node] of change) {
    if (node === undefined) entries.delete(name)
    else entries.set(name, node)
  }
  return entries
}

/** Leaves of a node, and of all that it names, what a loss of power leaves. */
function settle(node: SimulatedNode, choose: Choose, seen: Set<SimulatedNode>): void {
  if (seen.has(node)) return
  seen.add(node)
  if (node.kind === 'file') return settleFile(node, choose)
  const kept = node.pending.filter(() => choose(2) === 1)
  node.durable = kept.reduce(applyChange, new Map(node.durable))
  node.pending = []
  node.entries.clear()
  for (const [name, inner] of node.durable) {
    settle(inner, choose, seen)
    node.entries.set(name, inner)
  }
}

/** SD2: each sector of each write by itself; sectors that are missing inside a grown file are zeros. */
function settleFile(file: SimulatedFile, choose: Choose): void {
  let content = file.durable
  for (const write of file.pending) {
    if (write.kind === 'truncate') {
      if (choose(2) === 1) content = applyWrite(content, write)
      continue
    }
    const end = write.at + write.bytes.length
    const grows = end > content.length && choose(2) === 1
    if (grows) content = applyWrite(content, { kind: 'write', at: end, bytes: new Uint8Array(0) })
    for (let at = write.at; at < end;) {
      const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
      const bytes = write.bytes.subarray(at - write.at, next - write.at)
      if (choose(2) === 1) content = applyWrite(content, { kind: 'write', at, bytes })
      at = next
    }
  }
  file.durable = content
  file.content = content
  file.pending = []
}
