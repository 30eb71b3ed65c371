/**
 * Savepoints: one checkpoint in a place of its own, that can be moved and kept, and that jobs start from.
 *
 * A savepoint holds the manifest under the name `savepoint`, as entry 1 of a log would be, and the state files that it
 * names. Nothing is ever added to it. A job that starts from one gets copies of the files and a log that begins with the
 * manifest, under a lineage of its own: what it puts out is another history. Invariants (tests quote them):
 *  SP1  A savepoint is whole or is not there: its manifest is written last, and everything is checked while it is copied.
 *  SP2  It stands for itself: no output is owed, and none is held back anywhere else.
 *  SP3  Starting is done once: the same wish again, after a crash at any moment, goes on with what it began.
 */
import { isMillraceError, MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'
import { decodeEntry, encodeEntry, expectEntry } from './entry.ts'
import type { Manifest, NumberedEntry, StateFileReference } from './entry.ts'
import { historyOf } from './lineage.ts'
import { CheckpointLog } from './log.ts'
import { chooseSavepointEpoch } from './savepoint-epoch.ts'
import { StateFileReader } from './state-file.ts'
import type { CheckpointStore } from './store.ts'

/** The name of the manifest in a savepoint. */
const SAVEPOINT = 'savepoint'

/** Bytes that are copied at a time. */
const PIECE_BYTES = 4 * 1024 * 1024

/** How often an epoch may be given up by the job while it is copied. */
const COPIES_MAX = 10

/**
 * Writes a savepoint of the newest epoch of a job of which all rows are out, or of `epoch`. The job may be running: then
 * that is an epoch shortly before its newest one, unless an output holds rows back for later epochs.
 *
 * @returns the manifest that was written
 * @throws MillraceError `checkpoint/no-such-epoch`, `checkpoint/incompatible` when rows of the epoch are not all put out
 *   (SP2), `checkpoint/damaged`.
 */
export async function writeSavepoint(
  from: CheckpointStore,
  to: CheckpointStore,
  options: { readonly checks: ByteChecks; readonly epoch?: number | undefined },
): Promise<Manifest> {
  const { checks, epoch } = options
  await to.check?.()
  if ((await to.read(SAVEPOINT)) !== undefined) throw taken(to.place)
  const choose = async (): Promise<Manifest> =>
    chooseSavepointEpoch(await new CheckpointLog(from, checks).read(), from.place, epoch)
  const copied = new Set<string>()
  let chosen = await choose()
  for (let copies = 1; ; copies++) {
    try {
      for (const file of chosen.state) {
        if (!copied.has(file.name)) await copyWhole(file, { from, to, checks })
        copied.add(file.name)
      }
      break
    } catch (error) {
      // The job that runs has given the epoch up meanwhile: its newest one is there. What is still named is damaged.
      if (!isMillraceError(error) || error.code !== 'checkpoint/damaged') throw error
      const next = await choose()
      if (next.epoch === chosen.epoch || copies >= COPIES_MAX) throw error
      chosen = next
    }
  }
  const named = new Set(chosen.state.map(({ name }) => name))
  for (const name of copied) if (!named.has(name)) await to.remove(name)
  const manifest: Manifest = { ...chosen, base: 1 }
  const created = await to.create(SAVEPOINT, encodeEntry(manifest, 1, checks))
  if (created === 'exists') throw taken(to.place)
  return manifest
}

/**
 * Lets a place for checkpoints begin with a savepoint, unless it has begun with it before (SP3).
 *
 * @throws MillraceError `checkpoint/incompatible` when the place has another history, or is not where a savepoint is;
 *   `checkpoint/damaged`.
 */
export async function beginWithSavepoint(
  savepoint: CheckpointStore,
  state: CheckpointStore,
  options: { readonly checks: ByteChecks; readonly lineage: string },
): Promise<void> {
  const { checks, lineage } = options
  const log = new CheckpointLog(state, checks)
  const entries = await log.read()
  const entry = await readSavepoint(savepoint, { checks, entries, place: state.place })
  if (entries.length > 0) return
  const parent = { lineage: entry.lineage, epoch: entry.epoch }
  for (const file of entry.state) await copyWhole(file, { from: savepoint, to: state, checks })
  const { end, savepoint: _, owner: __, ...rest } = entry
  // Names of state files say which attempt wrote them: those of the new history must differ.
  const first: Manifest = {
    ...rest,
    attempt: entry.attempt + 1,
    lineage,
    parent,
    base: 1,
    pending: [],
    delivered: entry.epoch,
    savepoint: true,
    ...(end === 'drained' || end === 'finished' ? { drained: true } : {}),
  }
  const answer = await log.append(first)
  if (answer.kind === 'behind' && !beganFrom(answer.entries, parent)) throw hasHistory(state.place)
}

/**
 * The manifest of a savepoint that a place with these entries can begin with, or has begun with. Writes nothing.
 *
 * @throws MillraceError as `beginWithSavepoint` does.
 */
export async function readSavepoint(
  savepoint: CheckpointStore,
  state: {
    readonly checks: Pick<ByteChecks, 'sha256'>
    readonly entries: readonly NumberedEntry[]
    readonly place: string
  },
): Promise<Manifest> {
  const bytes = await savepoint.read(SAVEPOINT)
  if (bytes === undefined) throw noSavepoint(savepoint.place)
  const entry = expectEntry(decodeEntry(bytes, 1, state.checks), {
    file: `${savepoint.place}/${SAVEPOINT}`,
  })
  if (entry.kind !== 'manifest') throw noSavepoint(savepoint.place)
  if (state.entries.length > 0) {
    if (beganFrom(state.entries, entry)) return entry
    throw hasHistory(state.place)
  }
  const isOwed = entry.pending.length > 0 && entry.delivered < entry.epoch
  // The last epoch of a run is delivered by whoever runs it, before anyone can know of it here.
  if (isOwed && entry.end === undefined) throw owesOutput(savepoint.place, entry.epoch)
  return entry
}

/**
 * Refuses a place that is a savepoint: it stays as it is.
 *
 * @throws MillraceError `checkpoint/incompatible`.
 */
export async function refuseSavepoint(state: CheckpointStore): Promise<void> {
  if ((await state.read(SAVEPOINT)) === undefined) return
  throw new MillraceError('checkpoint/incompatible', {
    what: 'a savepoint is no state directory: jobs start from it, and leave it as it is',
    hint: 'name a new state directory, and the savepoint with --from-savepoint',
    place: { file: state.place },
  })
}

function beganFrom(
  entries: readonly NumberedEntry[],
  parent: { readonly lineage: string; readonly epoch: number },
): boolean {
  const begun = historyOf(entries).current?.parent
  return begun?.lineage === parent.lineage && begun.epoch === parent.epoch
}

/** Copies a state file under the same name, and checks every byte of the copy. */
async function copyWhole(
  file: StateFileReference,
  {
    from,
    to,
    checks,
  }: { readonly from: CheckpointStore; readonly to: CheckpointStore; readonly checks: ByteChecks },
): Promise<void> {
  const writer = await to.write(file.name)
  try {
    for (let start = 0; start < file.bytes; start += PIECE_BYTES) {
      const end = Math.min(file.bytes, start + PIECE_BYTES)
      const piece = await from.read(file.name, { start, end })
      // A file that is missing or short is told of by the reader, with all that there is to say.
      if (piece === undefined || piece.length < end - start) break
      await writer.append(piece)
    }
    await writer.finish()
  } catch (error) {
    await writer.abort().catch(() => undefined)
    throw error
  }
  try {
    await readThrough(from, file, checks)
    await readThrough(to, file, checks)
  } catch (error) {
    await to.remove(file.name)
    throw error
  }
}

async function readThrough(
  store: CheckpointStore,
  file: StateFileReference,
  checks: ByteChecks,
): Promise<void> {
  const reader = await StateFileReader.open(store, file, checks)
  for await (const rows of reader.read()) void rows
}

function owesOutput(place: string, epoch: number): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: `the savepoint, of epoch ${epoch}, owes output`,
    detail: 'a savepoint stands for itself: such rows would be in neither history, or in both',
    hint: 'make another one: millrace savepoint refuses such epochs',
    place: { file: place },
  })
}

function taken(place: string): MillraceError {
  return new MillraceError('output/exists', {
    what: 'there is a savepoint already',
    hint: 'name another directory',
    place: { file: place },
  })
}

function noSavepoint(place: string): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: 'there is no savepoint',
    hint: 'make one with millrace savepoint --state DIR --to DIR; a state directory is gone on with by --state',
    place: { file: place },
  })
}

function hasHistory(place: string): MillraceError {
  return new MillraceError('checkpoint/incompatible', {
    what: 'the state directory has a history of its own',
    detail: 'a job that starts from a savepoint begins with nothing else',
    hint: 'name a new state directory; or leave out --from-savepoint to go on with this one',
    place: { file: place },
  })
}
