/**
 * The beginning of an attempt: reads the log of the job, decides how to go on, and takes it over.
 *
 * The decision is checkpoint/recovery.ts; here is who may take it: one process at a time runs a job, and one that may
 * still be alive is not pushed aside without a word.
 */
import {
  beginWithSavepoint,
  CheckpointLog,
  decideGoingBack,
  decideStart,
  readSavepoint,
  refuseSavepoint,
  salvageLog,
} from '../checkpoint/index.ts'
import type {
  CheckpointStore,
  Manifest,
  NumberedEntry,
  StartDecision,
  StartWishes,
  Takeover,
} from '../checkpoint/index.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import type { Host, ProcessIdentity } from '../host/host.ts'
import { branchedAgain } from './branch-again.ts'
import { beginAttempt, isAtWork } from './live-attempts.ts'

/** What whoever starts a job may ask for. */
export interface TakeOverWishes extends StartWishes {
  /** Begin with this savepoint, in a state that has no history. */
  readonly savepoint?: CheckpointStore
  /** Take the job over also from a process that may still run it: it is fenced then. */
  readonly takeOver?: boolean
  /**
   * Throws when what would be gone on with does not fit; called before anything is written. `files`: where those of the
   * manifest lie.
   */
  readonly admit?: (manifest: Manifest, isOver: boolean, files: CheckpointStore) => Promise<void>
  /** Throws when a beginning is not what was wished; called before anything is written. */
  readonly begin?: () => void
  /** Files of state that were found whole a moment ago, as `faultOfEpoch` has it. */
  readonly whole?: Set<string> | undefined
}

/** Decisions that can be carried out. */
export type Start = Extract<StartDecision, { readonly kind: 'begin' | 'resume' | 'ended' }>

/** An attempt that owns the job. */
export interface TakenOver {
  readonly start: Start
  readonly lineage: string
  readonly log: CheckpointLog
  /** All entries that count, this attempt's takeover last. */
  readonly entries: readonly NumberedEntry[]
  /** To be called when the attempt has ended, however it did: until then no other job of this process may begin. */
  readonly ended: () => void
}

/** How often another start may be faster before this gives up: two supervisors that start one job in turns. */
const RACES_MAX = 10
/** How often whoever is at work may be faster: it writes every few milliseconds, and is to be taken over all the same. */
const TRIES_MAX = 500

/**
 * Takes a job over.
 *
 * @throws MillraceError `checkpoint/owned`, `checkpoint/no-such-epoch`, `checkpoint/damaged`, `checkpoint/store-failed`,
 *   `checkpoint/newer-format`.
 */
export async function takeOver(
  store: CheckpointStore,
  host: Host,
  wishes: TakeOverWishes,
): Promise<TakenOver> {
  await store.check?.()
  await refuseSavepoint(store)
  await beginAsWished(store, host, wishes)
  const log = new CheckpointLog(store, host.bytes)
  const owner = await host.processes.self()
  let { entries, back } = await readLog(log, store, { host, from: wishes.from })
  let admitted: Manifest | undefined
  for (let races = 0, tries = 0; races < RACES_MAX && tries < TRIES_MAX; tries++) {
    let start = possible(back ?? decideStart(entries, wishes), store.place)
    if (wishes.takeOver !== true) await refuseOwned(entries, { host, owner, place: store.place })
    if (back === undefined && !(start.kind !== 'begin' && isLike(start.manifest, admitted)))
      start = possible(
        await branchedAgain(start, { entries, wishes, store, checks: host.bytes, whole: wishes.whole }),
        store.place,
      )
    if (start.kind === 'begin') wishes.begin?.()
    // Opening a checkpoint takes long: whoever is still at work would write the next one meanwhile, again and again.
    if (start.kind !== 'begin' && !isLike(start.manifest, admitted)) {
      await wishes.admit?.(start.manifest, start.kind === 'ended', store)
      admitted = start.manifest
    }
    const lineage = start.lineage ?? host.random.hex(8)
    const parent = start.kind === 'begin' ? undefined : start.parent
    const takeover: Takeover = {
      kind: 'takeover',
      attempt: start.attempt,
      lineage,
      ...(parent === undefined ? {} : { parent }),
      owner,
      token: host.random.hex(8),
      atMs: host.clock.now(),
      ...(start.kind === 'ended' ? { ended: true } : {}),
    }
    // Others of this process see the attempt as soon as they can see its entry.
    const ended = beginAttempt(host.processes, takeover, takeover.token)
    const answer = await unlessItFails(ended, () => log.append(takeover))
    if (answer.kind === 'behind') {
      ended()
      // Only what is new: whoever is still at work would else be faster again and again.
      if (answer.entries.some(({ entry }) => entry.kind === 'takeover')) races++
      entries = [...entries, ...answer.entries]
      back = undefined
      continue
    }
    await unlessItFails(ended, async () => {
      if (start.kind !== 'begin' && start.manifest !== admitted)
        await wishes.admit?.(start.manifest, start.kind === 'ended', store)
      await store.sweep()
    })
    const counting = back === undefined ? entries : []
    return { start, lineage, log, entries: [...counting, { number: answer.number, entry: takeover }], ended }
  }
  throw new MillraceError('checkpoint/owned', {
    what: 'others took this job over at the same moment, again and again',
    hint: 'start it once',
    place: { file: store.place },
  })
}

/** Begins with a savepoint, if that is wished; one that does not fit leaves the place as it is. */
async function beginAsWished(
  store: CheckpointStore,
  host: Host,
  { savepoint, admit }: TakeOverWishes,
): Promise<void> {
  if (savepoint === undefined) return
  const checks = host.bytes
  const entries = await new CheckpointLog(store, checks).read()
  const manifest = await readSavepoint(savepoint, { checks, entries, place: store.place })
  if (entries.length > 0) return
  await admit?.(manifest, false, savepoint)
  await beginWithSavepoint(savepoint, store, { checks, lineage: host.random.hex(8) })
}

/** Of the same run: what is said of one holds of the other, but for damage. */
function isLike(manifest: Manifest, earlier: Manifest | undefined): boolean {
  if (earlier === undefined) return false
  return manifest.attempt === earlier.attempt && manifest.end === undefined && earlier.end === undefined
}

async function unlessItFails<Value>(ended: () => void, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run()
  } catch (error) {
    ended()
    throw error
  }
}

interface ReadLog {
  readonly entries: readonly NumberedEntry[]
  /** Something is damaged, and somebody has said where to go back to. */
  readonly back: StartDecision | undefined
}

/** Reads the log; where it is damaged, or in no order, only for who names the epoch to go back to. */
async function readLog(
  log: CheckpointLog,
  store: CheckpointStore,
  { host, from }: { readonly host: Host; readonly from: number | undefined },
): Promise<ReadLog> {
  const entries = await readOrdered(log, from)
  if (entries !== undefined) return { entries, back: undefined }
  const salvaged = await salvageLog(store, host.bytes)
  log.goOnBehind(salvaged.last)
  const { damaged } = salvaged
  const misplaced = damaged.flatMap(({ number, entry }) => (entry === undefined ? [] : [{ number, entry }]))
  return { entries: [...salvaged.entries, ...misplaced], back: decideGoingBack(salvaged, from ?? 0) }
}

/**
 * The entries of a log; undefined: it is damaged, or in an order that no run has written, and somebody has said where to go
 * back to.
 */
export async function readOrdered(
  log: CheckpointLog,
  from: number | undefined,
): Promise<readonly NumberedEntry[] | undefined> {
  try {
    const entries = await log.read()
    return from !== undefined && decideStart(entries).kind === 'impossible' ? undefined : entries
  } catch (error) {
    if (from === undefined || !isMillraceError(error) || error.code !== 'checkpoint/damaged') throw error
    return undefined
  }
}

/** @throws MillraceError for what cannot be carried out. */
export function possible(decision: StartDecision, place: string): Start {
  switch (decision.kind) {
    case 'begin':
    case 'resume':
    case 'ended':
      return decision
    case 'no-such-epoch':
      throw new MillraceError('checkpoint/no-such-epoch', {
        what: 'the epoch to start from is not kept',
        detail:
          decision.epochs.length === 0
            ? 'no epoch is complete'
            : `kept are ${decision.epochs.length} epochs, from ${decision.epochs[0]} to ${decision.epochs.at(-1)}`,
        hint: 'choose one of these, or start without',
        place: { file: place },
      })
    case 'impossible':
      throw new MillraceError('checkpoint/damaged', {
        what: `entry ${decision.number} of the checkpoint log cannot be where it is`,
        detail: decision.reason,
        hint: 'restore the directory from a copy, as a whole, or go back with --from to an epoch before that entry',
        place: { file: place },
      })
  }
}

/** The process that took a job over last. */
export interface JobOwner {
  readonly process: ProcessIdentity
  /** `unknown`: it is on another machine. */
  readonly state: 'alive' | 'dead' | 'unknown'
  readonly attempt: number
  readonly lineage: string
  /** When it wrote its last entry that says so. */
  readonly heardAtMs: number
}

/** Who owns a job; undefined: nobody, or it came to its end and has put out all that it promised. */
export async function ownerOf(entries: readonly NumberedEntry[], host: Host): Promise<JobOwner | undefined> {
  const newest = entries.findLast(
    ({ entry }) => entry.kind === 'takeover' || entry.kind === 'manifest',
  )?.entry
  if (newest?.kind !== 'takeover' && newest?.kind !== 'manifest') return undefined
  if (isOver(newest, entries)) return undefined
  const { owner, attempt, lineage, atMs } = newest
  if (owner === undefined) return undefined
  return { process: owner, state: await host.processes.state(owner), attempt, lineage, heardAtMs: atMs }
}

/** Whether whoever wrote the newest of these has nothing left to do. */
function isOver(newest: Manifest | Takeover, entries: readonly NumberedEntry[]): boolean {
  if (newest.kind === 'manifest') return hasEnded(newest, entries)
  const last = entries.findLast(({ entry }) => entry.kind === 'manifest')?.entry
  return newest.ended === true && last?.kind === 'manifest' && hasEnded(last, entries)
}

/** Whether a run has ended with this manifest: before its output is delivered, it is still at work on it. */
export function hasEnded(newest: Manifest, entries: readonly NumberedEntry[]): boolean {
  if (newest.end === undefined) return false
  return entries.some(
    ({ entry }) =>
      entry.kind === 'delivered' && entry.epoch === newest.epoch && entry.attempt >= newest.attempt,
  )
}

/** Who wants a job. */
export interface Claim {
  readonly host: Host
  readonly owner: ProcessIdentity
  readonly place: string
}

/** One process at a time, and one job of it. A job that came to its end is nobody's. */
export async function refuseOwned(
  entries: readonly NumberedEntry[],
  { host, owner, place }: Claim,
): Promise<void> {
  const found = await ownerOf(entries, host)
  if (found === undefined) return
  const { process: other, state } = found
  const isHere = isSame(other, owner)
  // What an attempt of this process has left is for the next one to go on with.
  if (isHere ? !isAtWork(host.processes, found) : state === 'dead') return
  throw new MillraceError('checkpoint/owned', {
    what: isHere
      ? 'another Job of this process runs this job'
      : state === 'alive'
        ? `process ${other.pid} runs this job`
        : `process ${other.pid} on ${other.machine} may still run this job`,
    detail:
      isHere || state === 'alive'
        ? `one ${isHere ? 'Job' : 'process'} at a time goes on with a state directory`
        : 'whether it does cannot be told from here',
    hint: isHere
      ? 'wait until its run() has ended, or take the job over with the option takeOver: what it does from then on does not count'
      : 'end it first, or take the job over with --takeover: what it does from then on does not count',
    place: { file: place },
  })
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.machine === b.machine && a.boot === b.boot && a.pid === b.pid && a.start === b.start
}
