/**
 * Finds input files again and again, for a run that follows.
 *
 * Invariants (tests quote them):
 *  E1  Each file is announced exactly once, also when it is renamed between two polls, and its name given to another one.
 *  E2  A file that is read whole (`follow: 'files'`) is announced only when it has stopped changing for a poll.
 *  E3  A file that was announced and then shrinks, is written over or (when read whole) grows or is replaced is an error,
 *      never read again.
 *  E4  A later run that is given what this one remembered finds no file again that was announced (E1 over runs), and
 *      checks those files as this one would have (E3). What it takes for an earlier file is what the readers do.
 */
import type { FileStatus } from '../../host/host.ts'
import type { Json } from '../../data/type.ts'
import type { FoundSplits, SourceContext, Split, SplitEnumerator, UnfinishedSplit } from '../source.ts'
import type { DeletedFiles } from './deleted-files.ts'
import { isSameIdentity } from './file-identity.ts'
import { checkKnown, rewrittenError } from './check-known.ts'
import { splitsFor, statusOf } from './file-enumerator.ts'
import type { FileSourceOptions } from './file-source-options.ts'
import { detailOfSplit } from './file-split.ts'
import { findAgain, findFiles } from './find-files.ts'
import type { FoundFile } from './find-files.ts'
import { nameInFolder, openFollowed, startOf } from './followed-file.ts'
import type { FollowedFile } from './followed-file.ts'
import { hasMark, isSameContent, knownFromMemory, markOf, mayMarkMore, memoryOf } from './known-files.ts'
import type { KnownFile } from './known-files.ts'
import { MissingFiles } from './same-device.ts'

/** Files that were announced before and are looked at again per poll: a bound, since there may be a million. */
const CHECKS_PER_POLL = 256

/** Files that have lost their names and are known again when they turn up: a bound as well. */
const LOST_MAX = 1024

/** What the names of splits have behind the name of their file. */
const PART_ENDING = /#(bytes|groups)=\d+-\d+$/

type WhereFound = Pick<KnownFile, 'path' | 'status' | 'mark'> & Pick<FollowedFile, 'isBegunAnew'>

interface Candidate {
  readonly found: FoundFile
  readonly status: FileStatus
}

/** Lists the files of a run that follows its input. */
export class FollowingEnumerator implements SplitEnumerator {
  /** False as well while a file is in the making. */
  isSettled = false
  readonly #options: FileSourceOptions
  readonly #context: SourceContext
  readonly #deleted: DeletedFiles
  readonly #known = new Map<string, KnownFile>()
  /** Announced, without a name in the input: the newest last. */
  #lost: KnownFile[] = []
  /** Names of splits that are taken. */
  readonly #ids = new Set<string>()
  /** What an earlier run left to read, until the first look. */
  #unfinished: readonly UnfinishedSplit[] | undefined
  /** The first look of a run that goes on: files may have been put back from copies. */
  #isReturning: boolean
  #polledAt = -Infinity
  #closed = false
  /** Where among the known files the next checks begin. */
  #checkFrom = 0
  /** What is new in memory since the last poll; files that were not announced are not remembered. */
  #news = new Map<string, Json | undefined>()

  constructor(
    options: FileSourceOptions,
    context: SourceContext,
    earlier: {
      readonly deleted: DeletedFiles
      readonly remembered?: ReadonlyMap<string, Json> | undefined
      readonly unfinished?: readonly UnfinishedSplit[] | undefined
    },
  ) {
    this.#options = options
    this.#context = context
    const { deleted, remembered = new Map<string, Json>(), unfinished } = earlier
    this.#deleted = deleted
    this.#unfinished = unfinished
    this.#isReturning = remembered.size > 0 || unfinished !== undefined
    for (const [path, memory] of remembered) this.#keep(knownFromMemory(path, memory))
    for (const { split } of unfinished ?? []) this.#ids.add(split.id)
  }

  async next(): Promise<FoundSplits> {
    const now = this.#context.host.clock.monotonic()
    this.isSettled = false
    if (this.#closed || now - this.#polledAt < this.#options.pollMs) return { splits: [], done: this.#closed }
    this.#polledAt = now
    const { path, formats } = this.#options
    const isNew = this.#known.size === 0 && this.#lost.length === 0 && (this.#unfinished ?? []).length === 0
    const find = isNew ? findFiles : findAgain
    const { files } = await find(this.#context.host.files, path, formats.isData)
    const present = new Set(files.map((found) => found.path))
    if (this.#unfinished !== undefined && this.#byLines) await this.#findAgain(this.#unfinished, files)
    else for (const { split } of this.#unfinished ?? []) this.#knowAgain(split)
    this.#unfinished = undefined
    await this.#loseMissing(present)
    await this.#checkSome()
    this.#isReturning = false
    const splits: Split[] = []
    for (const candidate of await this.#unknown(files)) splits.push(...(await this.#announce(candidate)))
    this.isSettled = [...this.#known.values()].every(({ announced }) => announced)
    const remember = this.#news
    this.#news = new Map()
    const coming = !this.isSettled
    return { splits, done: false, coming, ...(remember.size === 0 ? {} : { remember }) }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  get #byLines(): boolean {
    return this.#options.follow === 'lines'
  }

  #keep(known: KnownFile): void {
    this.#known.set(known.path, known)
    this.#ids.add(known.id)
  }

  /** Announced, or known under this name from now on. */
  #remember(known: KnownFile): void {
    this.#keep(known)
    this.#news.set(known.path, memoryOf(known))
  }

  async #loseMissing(present: ReadonlySet<string>): Promise<void> {
    const missing = new MissingFiles(this.#context.host)
    // Of files that lines are read of, their readers have said it.
    const isChecked = !this.#byLines && this.#options.lostRows === 'fail'
    for (const known of this.#known.values()) {
      // One that has its name again with its inode is another one (E1).
      if (present.has(known.path) && !this.#deleted.has(known.id)) continue
      const { path, status, announced } = known
      if (isChecked && announced) await missing.refuseUnmounted({ path, identity: status.identity })
      this.#lose(known)
    }
  }

  /** A file has not its name any more; it may turn up under another. */
  #lose(known: KnownFile): void {
    this.#known.delete(known.path)
    if (!known.announced) return
    this.#news.set(known.path, undefined)
    this.#lost.push(known)
    const [oldest] = this.#lost
    if (this.#lost.length <= LOST_MAX || oldest === undefined) return
    this.#lost.shift()
    this.#ids.delete(oldest.id)
    this.#deleted.delete(oldest.id)
  }

  /** A file that was away when the run before looked last: what was left to read of it will be read by its splits. */
  #knowAgain(split: Split): void {
    const { path, size, modifiedMs, identity, mark } = detailOfSplit(split)
    if (this.#known.has(path)) return
    const status: FileStatus = { kind: 'file', size, modifiedMs, identity }
    const id = split.id.replace(PART_ENDING, '')
    this.#remember({ path, status, announced: true, id, mark: mark ?? undefined })
  }

  /** Files that lines are read of, where their readers will find them: renamed, copied, or not any more. */
  async #findAgain(unfinished: readonly UnfinishedSplit[], files: readonly FoundFile[]): Promise<void> {
    const present = new Set(files.map(({ path }) => path))
    const open = new Map(unfinished.map((one) => [one.split.id, one]))
    const moved: KnownFile[] = []
    for (const known of this.#known.values()) {
      const own = open.get(known.id)
      // What grows ends only when it was deleted. Whole files that were read earlier end, and stay known.
      if (own === undefined) {
        if (typeof known.mark === 'object') this.#forget(known)
        continue
      }
      open.delete(known.id)
      // The lines of a file that was to be read whole are read on as they come.
      if (typeof known.mark === 'number') this.#keep({ ...known, mark: undefined })
      const status = await statusOf(this.#context, known.path)
      const { lostRows } = this.#options
      const isThere = status !== undefined && isSameIdentity(status.identity, known.status.identity)
      if (isThere && lostRows === 'fail') continue
      const found = await this.#whereIs(own, present)
      if (found !== undefined && isUnmoved(known, found)) continue
      this.#forget(known)
      if (found !== undefined) moved.push({ ...known, ...found })
    }
    // Those that had left the input when the run before ended may be in it again.
    for (const own of open.values()) {
      const found = await this.#whereIs(own, present)
      if (found !== undefined) moved.push({ ...found, id: own.split.id, announced: true })
    }
    // Names go round in a rotation: each is free before it is given.
    for (const known of moved) {
      if (present.has(known.path)) this.#remember(known)
      else this.#lost.push(known)
    }
  }

  /** Where the reader of a split will find its file. */
  async #whereIs(
    { split, position }: UnfinishedSplit,
    present: ReadonlySet<string>,
  ): Promise<WhereFound | undefined> {
    const detail = detailOfSplit(split)
    if (detail.range !== null) return undefined
    const { host } = this.#context
    const start = startOf(detail, position, this.#options.lostRows)
    const found = await openFollowed(host, start, async () => [...present])
    await found?.file.close()
    if (found === undefined) return undefined
    const { path, status, head, isBegunAnew } = found
    return { path, status, mark: [head.length, host.bytes.crc32(head)], isBegunAnew }
  }

  #forget(known: KnownFile): void {
    this.#known.delete(known.path)
    this.#news.set(known.path, undefined)
  }

  /** The files whose names are new, and which are no earlier files under other names. */
  async #unknown(files: readonly FoundFile[]): Promise<readonly Candidate[]> {
    const unknown: Candidate[] = []
    for (const found of files) {
      if (this.#known.get(found.path)?.announced === true) continue
      const status = await statusOf(this.#context, found.path)
      if (status === undefined || (await this.#isRenamed(found.path, status))) continue
      unknown.push({ found, status })
    }
    return unknown
  }

  async #isRenamed(path: string, status: FileStatus): Promise<boolean> {
    const lost = this.#lost.findLast((known) => this.#mayBe(known, status))
    if (lost !== undefined) {
      if (lost.mark !== undefined) {
        const is = await hasMark(this.#context.host, { path, status }, lost)
        // Undefined: in the middle of a rotation; the next look tells.
        if (is !== true) return is === undefined
      }
      this.#lost = this.#lost.filter((other) => other !== lost)
      this.#remember({ ...lost, path, status: this.#byLines ? lost.status : status })
      return true
    }
    if (!this.#byLines) return false
    // A second name of a file that has its first one still; or the first has just gone to another file.
    const named = this.#nameOf(status.identity)
    if (named === undefined) return false
    const now = await statusOf(this.#context, named.path)
    if (now !== undefined && isSameIdentity(now.identity, status.identity)) return true
    this.#lose(named)
    return this.#isRenamed(path, status)
  }

  #mayBe({ status: before, id }: KnownFile, status: FileStatus): boolean {
    if (!this.#byLines) return isSameContent(before, status)
    return isSameIdentity(before.identity, status.identity) && !this.#deleted.has(id)
  }

  #nameOf(identity: string): KnownFile | undefined {
    for (const known of this.#known.values())
      if (known.announced && isSameIdentity(known.status.identity, identity) && !this.#deleted.has(known.id))
        return known
    return undefined
  }

  async #announce({ found, status }: Candidate): Promise<Split[]> {
    const { path } = found
    const before = this.#known.get(path)
    if (!this.#hasSettled(status, before?.status)) {
      this.#known.set(path, { path, status, announced: false, id: path, mark: undefined })
      return []
    }
    if (!(await this.#isOther(path, status))) return []
    const { host } = this.#context
    const { follow } = this.#options
    const mark = await markOf(host, { path, status }, follow)
    if (mark === undefined) return []
    const id = this.#freeId(path)
    this.#remember({ path, status, announced: true, id, mark })
    const named = { ...(id === path ? {} : { id }), ...(typeof mark === 'number' ? { mark } : {}) }
    return splitsFor(found, status, { options: this.#options, context: this.#context, named })
  }

  /** A name for splits: that of the file, unless an earlier file of the same name may still be read. */
  #freeId(path: string): string {
    let id = path
    for (let number = 2; this.#ids.has(id); number++) id = `${path}#${number}`
    return id
  }

  /**
   * Lines that are written again to a new file of the same name cannot be told from new ones (E3). False: its name leads
   * elsewhere by now.
   */
  async #isOther(path: string, status: FileStatus): Promise<boolean> {
    const { host } = this.#context
    const earlier = this.#lost.findLast((known) => known.path === path)
    if (!this.#byLines || typeof earlier?.mark !== 'object') return true
    const [bytes] = earlier.mark
    if (bytes === 0 || status.size < bytes) return true
    const isRewritten = await hasMark(host, { path, status }, earlier)
    if (isRewritten !== true) return isRewritten === false
    const { identity } = earlier.status
    if ((await nameInFolder(host, { path, identity })) !== undefined) return true
    throw rewrittenError(path)
  }

  /** Whether a file may be read to its end: its writer seems done with it. */
  #hasSettled(status: FileStatus, before: FileStatus | undefined): boolean {
    if (this.#byLines) return true
    if (before !== undefined) return isSameContent(before, status)
    return status.modifiedMs <= this.#context.host.clock.now() - this.#options.pollMs
  }

  async #checkSome(): Promise<void> {
    const announced = [...this.#known.values()].filter((known) => known.announced)
    const count = Math.min(CHECKS_PER_POLL, announced.length)
    for (let checked = 0; checked < count; checked++)
      await this.#check(announced[(this.#checkFrom + checked) % announced.length] as KnownFile)
    this.#checkFrom = announced.length === 0 ? 0 : (this.#checkFrom + count) % announced.length
  }

  async #check(known: KnownFile): Promise<void> {
    const { host } = this.#context
    const { follow } = this.#options
    const { path } = known
    const status = await statusOf(this.#context, path)
    if (status === undefined) return
    const isOther = !isSameIdentity(status.identity, known.status.identity) || this.#deleted.has(known.id)
    if (this.#byLines && isOther) return this.#lose(known)
    const checked = { status, follow, isReturning: this.#isReturning }
    if (await checkKnown(host, known, checked)) this.#remember({ ...known, status })
    if (!this.#byLines || !mayMarkMore(known, status.size)) return
    const has = await hasMark(host, { path, status }, known)
    if (this.#deleted.has(known.id)) return this.#lose(known)
    if (has === false) throw rewrittenError(path)
    const mark = await markOf(host, { path, status }, follow)
    if (mark !== undefined) this.#remember({ ...known, mark })
  }
}

/** Whether a file is where it was, and has all that it had. */
function isUnmoved({ path, status }: KnownFile, found: WhereFound): boolean {
  return path === found.path && isSameIdentity(status.identity, found.status.identity) && !found.isBegunAnew
}
