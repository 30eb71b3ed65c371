/**
 * Beside the epochs of a run: reads back what was written, and removes what no checkpoint needs any more.
 *
 * What may go is decided by checkpoint/retention.ts; here it is carried out, in the order that keeps every crash
 * harmless: the next manifest names the new base, then entries below it go, then files that nothing names. It runs at
 * most once at a time. It holds no epoch up, but where runs are so short that a round never comes to its end.
 */
import {
  attemptOfStateFile,
  CHECKPOINTS_KEPT,
  decideRemoval,
  filesOf,
  historyOf,
  STATE_FOLDER,
  StateFileReader,
} from '../checkpoint/index.ts'
import { isMillraceError } from '../errors.ts'
import type { Manifest, NumberedEntry, PendingCommit, Removal } from '../checkpoint/index.ts'
import type { CheckpointsOptions } from './checkpoints.ts'

/** Manifests between two rounds of upkeep, whichever attempts wrote them. */
const MANIFESTS_PER_ROUND = 16

/** Manifests with which a run begins that waits for its first round: runs before it were too short for theirs. */
const MANIFESTS_MAX = 48

/** All output that a checkpoint of the history names, so that a start from it needs it. */
export function outputsNamed(entries: readonly NumberedEntry[]): readonly PendingCommit[] {
  return historyOf(entries).manifests.flatMap(({ entry }) => entry.pending)
}

/** Looks after the store of one attempt. */
export class CheckpointUpkeep {
  readonly #options: CheckpointsOptions
  readonly #damaged: (step: string) => void
  #entries: readonly NumberedEntry[]
  /** Since the last round. */
  #manifests: number
  readonly #isOverdue: boolean
  #isClosing = false
  /** Decided, and waiting for a manifest that names the base. */
  #removal: Removal | undefined
  #round: Promise<void> | undefined
  /** State files that were read back and found as they were written. */
  #intact = new Set<string>()

  /** @param damaged - told of a step of which a file cannot be read back */
  constructor(options: CheckpointsOptions, damaged: (step: string) => void) {
    this.#options = options
    this.#damaged = damaged
    this.#entries = options.entries
    const there = manifestsOf(options.entries).length
    this.#manifests = there - CHECKPOINTS_KEPT
    this.#isOverdue = there >= MANIFESTS_MAX
    if (!options.inPhases) this.#beginWhenDue()
  }

  /** What the next manifest names as its base. */
  get base(): number {
    return this.#removal?.trimBefore ?? this.#options.log.base
  }

  /**
   * As `base`, for a batch in phases: a border keeps the one before it, in case its files are found damaged; behind the end
   * there is nothing to go back to.
   */
  baseInPhases(isEnd: boolean): number {
    const next = Math.max(this.#options.log.base, (this.#entries.at(-1)?.number ?? 0) + 1)
    if (isEnd) return next
    const before = historyOf(this.#entries).manifests.at(-1)?.number
    return Math.max(this.#options.log.base, before ?? 0)
  }

  /**
   * Removes what no entry that counts needs. Only when nothing is being written: files of this attempt that have no
   * manifest go, too.
   */
  async sweepFiles(): Promise<void> {
    const { log, store, attempt, from, gaveUp } = this.#options
    try {
      await log.trim()
      const known = this.#entries.length
      this.#entries = this.#entries.filter(({ number }) => number >= log.base)
      const manifests = historyOf(this.#entries).manifests.map(({ entry }) => entry)
      // That which is gone on from may lie behind damage, and count for nobody else (salvage.ts).
      if (from !== undefined && manifests.every((manifest) => manifest.attempt < attempt))
        manifests.push(from)
      const named = new Set(manifests.flatMap((manifest) => filesOf(manifest).map(({ name }) => name)))
      for (const name of await store.names(STATE_FOLDER)) {
        const writer = attemptOfStateFile(name)
        if (writer !== undefined && writer <= attempt && !named.has(name)) await store.remove(name)
      }
      if (this.#entries.length < known) await gaveUp(manifests.flatMap(({ pending }) => pending))
    } catch {
      // What could not be removed stays, until the next time: a run does not end for it.
    }
  }

  /** To be awaited before a manifest. */
  async ready(): Promise<void> {
    if (this.#isOverdue) await this.#round
  }

  /** An entry of this attempt stands. */
  appended(entry: NumberedEntry): void {
    this.#entries = [...this.#entries, entry]
  }

  /**
   * A manifest stands that names a base: what waited for it may be done, and now and then the next round begins. What was
   * decided while the manifest was on its way waits for the next one: the files of entries that count stay.
   */
  afterManifest(base: number): void {
    this.#manifests++
    const removal = this.#removal
    if (this.#round !== undefined || (removal?.trimBefore ?? 0) > base) return
    this.#removal = undefined
    if (removal === undefined) this.#beginWhenDue()
    else this.#begin(this.#remove(removal))
  }

  /** Waits for what is being removed; reading back ends at once. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#round
  }

  #beginWhenDue(): void {
    if (this.#manifests >= MANIFESTS_PER_ROUND) this.#begin(this.#decide())
  }

  #begin(round: Promise<void>): void {
    this.#round = round
      // What could not be looked at or removed stays, and is tried in the next round: a run does not end for it.
      .catch(() => undefined)
      .finally(() => (this.#round = undefined))
  }

  async #decide(): Promise<void> {
    this.#manifests = 0
    const { store, attempt } = this.#options
    const manifests = manifestsOf(this.#entries)
    const verified = new Set<number>()
    for (const { number, manifest } of manifests.slice(-CHECKPOINTS_KEPT))
      if (await this.#isIntact(manifest)) verified.add(number)
    const files = await store.names(STATE_FOLDER)
    this.#removal = decideRemoval({
      entries: this.#entries,
      files,
      verified,
      attemptOf: attemptOfStateFile,
      attempt,
    })
  }

  async #remove(removal: Removal): Promise<void> {
    const { log, store, gaveUp } = this.#options
    await log.trim()
    for (const file of removal.files) await store.remove(file)
    const gone = new Set(removal.files)
    this.#intact = new Set([...this.#intact].filter((file) => !gone.has(file)))
    this.#entries = this.#entries.filter(({ number }) => number >= log.base)
    await gaveUp(outputsNamed(this.#entries))
  }

  /**
   * Reads a checkpoint back: every file that it names, every block of it. The state of a step whose file is damaged is in
   * memory still: it is written once more, whole.
   */
  async #isIntact(manifest: Manifest): Promise<boolean> {
    const { store, checks } = this.#options
    let isIntact = true
    for (const file of filesOf(manifest)) {
      if (this.#intact.has(file.name)) continue
      try {
        const reader = await StateFileReader.open(store, file, checks)
        if (!(await reader.verify(() => this.#isClosing))) return false
        this.#intact.add(file.name)
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'checkpoint/damaged') throw error
        isIntact = false
        const step = manifest.state.find(({ name }) => name === file.name)?.step
        if (step !== undefined) this.#damaged(step)
      }
    }
    return isIntact
  }
}

function manifestsOf(
  entries: readonly NumberedEntry[],
): readonly { readonly number: number; readonly manifest: Manifest }[] {
  return entries.flatMap(({ number, entry }) =>
    entry.kind === 'manifest' ? [{ number, manifest: entry }] : [],
  )
}
