/**
 * Reads every byte of every checkpoint that is kept, and says which epochs are whole: before somebody needs them, and when
 * a start has found damage.
 */
import { countingPart, filesOf, salvagedManifests, salvageLog, StateFileReader } from '../checkpoint/index.ts'
import type { CheckpointStore, DamagedEntry, FinishedStateFile, Manifest } from '../checkpoint/index.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'

/** One epoch. */
export interface VerifiedEpoch {
  readonly manifest: Manifest
  /** The number of its entry in the log. */
  readonly number: number
  /** Undefined: every file of it is whole. */
  readonly fault: MillraceError | undefined
  /** Bytes of state that were read for it, without those that another epoch names too. */
  readonly bytes: number
}

/** All that a place keeps. */
export interface VerifiedCheckpoints {
  /** Oldest first. */
  readonly epochs: readonly VerifiedEpoch[]
  /** Files of the log that are no entries. */
  readonly damaged: readonly DamagedEntry[]
}

/**
 * Reads all of it.
 *
 * @throws MillraceError `checkpoint/newer-format`, `checkpoint/store-failed`.
 */
export async function verifyCheckpoints(
  store: CheckpointStore,
  checks: ByteChecks,
): Promise<VerifiedCheckpoints> {
  const log = await salvageLog(store, checks)
  const faults = new Map<string, MillraceError | undefined>()
  const epochs: VerifiedEpoch[] = []
  for (const { number, entry: manifest } of salvagedManifests(log)) {
    let fault: MillraceError | undefined
    let bytes = 0
    for (const file of filesOf(manifest)) {
      const id = `${file.name} ${file.checksum}`
      if (!faults.has(id)) {
        faults.set(id, await faultOf(store, file, checks))
        bytes += file.bytes
      }
      fault ??= faults.get(id)
    }
    // A job that runs removes old epochs meanwhile: their files go after their entries.
    if (fault !== undefined && (await isGone(store, number))) continue
    epochs.push({ manifest, number, fault, bytes })
  }
  return { epochs, damaged: countingPart(log).damaged }
}

/**
 * What is damaged of the files of an epoch, of which every byte is read; undefined: nothing.
 *
 * @param whole - places of files and their checksums that were read a moment ago and are not read again; gains those that
 *   are found whole
 * @throws MillraceError `checkpoint/newer-format`, `checkpoint/store-failed`.
 */
export async function faultOfEpoch(
  store: CheckpointStore,
  manifest: Manifest,
  checks: ByteChecks,
  whole: Set<string> = new Set(),
): Promise<MillraceError | undefined> {
  for (const file of filesOf(manifest)) {
    const id = `${store.place} ${file.name} ${file.checksum}`
    if (whole.has(id)) continue
    const fault = await faultOf(store, file, checks)
    if (fault !== undefined) return fault
    whole.add(id)
  }
  return undefined
}

async function isGone(store: CheckpointStore, number: number): Promise<boolean> {
  return (await store.names('log/')).every((name) => Number(name.slice('log/'.length)) !== number)
}

async function faultOf(
  store: CheckpointStore,
  file: FinishedStateFile,
  checks: ByteChecks,
): Promise<MillraceError | undefined> {
  try {
    const reader = await StateFileReader.open(store, file, checks)
    for await (const rows of reader.read()) void rows
    return undefined
  } catch (error) {
    if (isMillraceError(error) && error.code === 'checkpoint/damaged') return error
    throw error
  }
}

/** An error of a start that found damage, with the epochs that one can go back to, and what that repeats. */
export async function explainDamage(
  error: MillraceError,
  store: CheckpointStore,
  checks: ByteChecks,
): Promise<MillraceError> {
  const { epochs, damaged } = await verifyCheckpoints(store, checks)
  const whole = epochs.filter(({ fault }) => fault === undefined).map(({ manifest }) => manifest.epoch)
  const back = whole.at(-1)
  const { what, detail, place, step } = error
  return new MillraceError(error.code, {
    what,
    detail: [...(detail === undefined ? [] : [detail]), wholeText(whole)].join('; '),
    hint: `restore the file from a copy; or ${waysBack(back, epochs.at(-1), damaged)}`,
    ...(place === undefined ? {} : { place }),
    ...(step === undefined ? {} : { step }),
    cause: error,
  })
}

function waysBack(
  back: number | undefined,
  newest: VerifiedEpoch | undefined,
  damaged: readonly DamagedEntry[],
): string {
  const { border, epoch } = newest?.manifest ?? {}
  const misplaced = damaged.flatMap(({ entry }) => (entry?.kind === 'manifest' ? [entry.epoch] : []))
  if (border === undefined) return epochHint(back, Math.max(epoch ?? 0, ...misplaced))
  const unread = damaged.filter(({ number }) => number > (newest?.number ?? 0)).length
  // Each may have been the end of a phase; only that of the last one shows anything.
  return phaseHint(back, border.done + unread >= border.of)
}

function epochHint(back: number | undefined, newest: number | undefined): string {
  if (back === undefined) return 'begin anew in an empty state directory'
  return `go back with --from ${back}: ${repeatText(back, newest)}`
}

/** A batch in phases has put nothing out before its last epoch. */
function phaseHint(back: number | undefined, mayHaveEnded: boolean): string {
  const shown = mayHaveEnded
    ? 'if the entry that cannot be read is that of its end, its output stands already'
    : 'nothing was put out yet'
  if (back === undefined)
    return `begin anew in an empty state directory: all phases are computed again, and ${shown}`
  return `go back with --from ${back}: what comes behind phase ${back} is computed again, and ${shown}`
}

function wholeText(whole: readonly number[]): string {
  if (whole.length === 0) return 'no epoch is whole'
  return `whole ${whole.length === 1 ? 'is epoch' : 'are epochs'} ${whole.join(', ')}`
}

function repeatText(back: number, newest: number | undefined): string {
  const known = newest !== undefined && newest > back
  const epochs = known
    ? newest === back + 1
      ? `epoch ${newest}`
      : `epochs ${back + 1} to ${newest}`
    : undefined
  return `the output behind epoch ${back}${epochs === undefined ? '' : `, of ${epochs} and of what cannot be read,`} is put out again`
}

/** Whether an error says that a file of a checkpoint is damaged. */
export function isDamage(error: unknown): error is MillraceError {
  return isMillraceError(error) && error.code === 'checkpoint/damaged'
}
