/**
 * Finds input files: once for a batch run, again and again for one that follows.
 *
 * Invariants (tests quote them):
 *  E1  Each file is announced exactly once, also when it is renamed between two polls.
 *  E2  A file that is read whole (`follow: 'files'`) is announced only when it has stopped changing for a poll.
 *  E3  A file that was announced and then shrinks, is replaced or (when read whole) grows or is written again is an error, never read again.
 *  E4  A later run that is given what this one remembered finds no file again that was announced (E1 over runs), and
 *      checks those files as this one would have (E3).
 */
import type { FileStatus } from '../../host/host.ts'
import type { Json } from '../../data/type.ts'
import type { FoundSplits, SourceContext, Split, SplitEnumerator } from '../source.ts'
import { changedError, inputError } from './file-errors.ts'
import { emptyInput, findFiles, strangeInput } from './find-files.ts'
import type { FoundFile } from './find-files.ts'
import { compressionFor, splitsOf } from './file-split.ts'
import type { FileSourceOptions } from './file-source-options.ts'

/** Files that were announced before and are looked at again per poll: a bound, since there may be a million. */
const CHECKS_PER_POLL = 256

/** Lists the files of a batch run. */
export function boundedEnumerator(options: FileSourceOptions, context: SourceContext): SplitEnumerator {
  const { files } = context.host
  let done = false
  return {
    async next() {
      if (done) return { splits: [], done }
      const findings = await findFiles(files, options.path, options.formats.isData)
      const [strange] = findings.strange
      if (strange !== undefined) throw await strangeInput(files, strange)
      if (findings.files.length === 0) throw emptyInput(options.path, findings, options.formats.label)
      const splits: Split[] = []
      for (const found of findings.files) {
        const status = await statusOf(context, found.path)
        if (status !== undefined) splits.push(...(await splitsFor(found, status, { options, context })))
      }
      done = true
      return { splits, done }
    },
    async close() {
      done = true
    },
  }
}

interface Known {
  readonly status: FileStatus
  /** False while it may still be in the making. */
  announced: boolean
}

/** Lists the files of a run that follows its input. */
export class FollowingEnumerator implements SplitEnumerator {
  /** False as well while a file is in the making. */
  isSettled = false
  readonly #options: FileSourceOptions
  readonly #context: SourceContext
  readonly #known = new Map<string, Known>()
  #polledAt = -Infinity
  #closed = false
  /** Where among the known files the next checks begin. */
  #checkFrom = 0
  /** What is new in memory since the last poll; files that were not announced are not remembered. */
  #news = new Map<string, Json | undefined>()

  constructor(
    options: FileSourceOptions,
    context: SourceContext,
    remembered: ReadonlyMap<string, Json> = new Map(),
  ) {
    this.#options = options
    this.#context = context
    for (const [path, status] of remembered)
      this.#known.set(path, { status: statusFromMemory(status), announced: true })
  }

  async next(): Promise<FoundSplits> {
    const now = this.#context.host.clock.monotonic()
    this.isSettled = false
    if (this.#closed || now - this.#polledAt < this.#options.pollMs) return { splits: [], done: this.#closed }
    this.#polledAt = now
    const findings = await findFiles(
      this.#context.host.files,
      this.#options.path,
      this.#options.formats.isData,
    )
    const present = new Set(findings.files.map(({ path }) => path))
    const gone = this.#forgetGone(present)
    await this.#checkSome()
    const splits: Split[] = []
    for (const found of findings.files) {
      if (this.#known.get(found.path)?.announced === true) continue
      splits.push(...(await this.#look(found, gone)))
    }
    this.isSettled = [...this.#known.values()].every(({ announced }) => announced)
    const remember = this.#news
    this.#news = new Map()
    return { splits, done: false, ...(remember.size === 0 ? {} : { remember }) }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  async #look(found: FoundFile, gone: readonly Known[]): Promise<Split[]> {
    const status = await statusOf(this.#context, found.path)
    if (status === undefined) return []
    const before = this.#known.get(found.path)
    const known = { status, announced: true }
    this.#known.set(found.path, known)
    this.#news.set(found.path, memoryOf(status))
    if (gone.some((other) => other.announced && isSameContent(other.status, status))) return []
    if (!this.#hasSettled(status, before?.status)) {
      known.announced = false
      this.#news.delete(found.path)
      return []
    }
    return splitsFor(found, status, { options: this.#options, context: this.#context })
  }

  /** Whether a file may be read to its end: its writer seems done with it. */
  #hasSettled(status: FileStatus, before: FileStatus | undefined): boolean {
    if (this.#options.follow === 'lines') return true
    if (before !== undefined) return isSameContent(before, status)
    return status.modifiedMs <= this.#context.host.clock.now() - this.#options.pollMs
  }

  /** Drops files that are not there any more, and gives them back: one of them may turn up under a new name. */
  #forgetGone(present: ReadonlySet<string>): Known[] {
    const gone: Known[] = []
    for (const [path, known] of this.#known) {
      if (present.has(path)) continue
      gone.push(known)
      this.#known.delete(path)
      if (known.announced) this.#news.set(path, undefined)
    }
    return gone
  }

  async #checkSome(): Promise<void> {
    const announced = [...this.#known].filter(([, known]) => known.announced)
    const count = Math.min(CHECKS_PER_POLL, announced.length)
    for (let checked = 0; checked < count; checked++) {
      const [path, known] = announced[(this.#checkFrom + checked) % announced.length] as [string, Known]
      const status = await statusOf(this.#context, path)
      if (status !== undefined) checkUnchanged(path, known.status, { status, follow: this.#options.follow })
    }
    this.#checkFrom = announced.length === 0 ? 0 : (this.#checkFrom + count) % announced.length
  }
}

function memoryOf({ size, modifiedMs, identity }: FileStatus): Json {
  return [size, modifiedMs, identity]
}

function statusFromMemory(memory: Json): FileStatus {
  const [size, modifiedMs, identity] = memory as [number, number, string]
  return { kind: 'file', size, modifiedMs, identity }
}

function checkUnchanged(
  path: string,
  before: FileStatus,
  now: { readonly status: FileStatus; readonly follow: 'files' | 'lines' },
): void {
  const { status, follow } = now
  if (status.identity !== before.identity) throw changedError(path, 'another file has taken its name')
  if (status.size < before.size || (follow === 'files' && status.size > before.size)) {
    const hint =
      status.size > before.size
        ? "read lines as they are added with { follow: 'lines' }, or write new data to new files"
        : undefined
    throw changedError(path, `it had ${before.size} bytes when it was found and now has ${status.size}`, hint)
  }
  if (follow === 'files' && status.modifiedMs !== before.modifiedMs)
    throw changedError(path, `it was written again after it was found, to the same ${status.size} bytes`)
}

/** The same file with the same bytes, as far as a status can tell. An identity alone may be used again by the system. */
function isSameContent(left: FileStatus, right: FileStatus): boolean {
  return left.identity === right.identity && left.size === right.size && left.modifiedMs === right.modifiedMs
}

/** The status of a listed file; undefined when it has gone meanwhile in a run that follows. */
async function statusOf(context: SourceContext, path: string): Promise<FileStatus | undefined> {
  try {
    const status = await context.host.files.status(path)
    if (status === undefined && context.boundedness === 'bounded') {
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    }
    return status
  } catch (error) {
    throw inputError(error, path)
  }
}

async function splitsFor(
  found: FoundFile,
  status: FileStatus,
  { options, context }: { readonly options: FileSourceOptions; readonly context: SourceContext },
): Promise<Split[]> {
  const follows = context.boundedness === 'unbounded' && options.follow === 'lines'
  const format = options.formats.of(found.path)
  return splitsOf(
    {
      path: found.path,
      partition: found.partition,
      size: status.size,
      identity: status.identity,
      modifiedMs: status.modifiedMs,
    },
    {
      host: context.host,
      format,
      compression: compressionFor(found.path, options.compression),
      splitBytes: follows ? undefined : options.splitBytes,
      grows: follows && format.kind === 'records',
    },
  )
}
