/**
 * The log of a job: numbered entries, each created once, in one order for everyone who ever looks.
 *
 * Invariants (tests quote them):
 *  LG1  An entry gets the next free number or is not written: who loses a number learns what stands there first.
 *  LG2  Nothing is appended behind a takeover of another attempt: an attempt that reads one is fenced, for good.
 *  LG3  When an append has resolved, all that was read before it is durable, too: whoever takes over and then acts never
 *       acts on an entry that a loss of power can take back.
 *  LG4  Removing old entries keeps the order: only entries below the base that a manifest has named are removed, and what
 *       an old attempt creates there counts for nobody, then or later; its writer learns so before it acts on it.
 *  LG5  An entry that counts is never removed, not even by its writer: a successor may have acted on it.
 */
import { assert, MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'
import { cutToBase } from './base.ts'
import type { Counted } from './base.ts'
import { decodeEntry, encodeEntry, expectEntry } from './entry.ts'
import type { Entry, NumberedEntry } from './entry.ts'
import type { CheckpointStore } from './store.ts'

/** Digits of an entry's name: names sort as numbers do. */
const NAME_DIGITS = 12
const FOLDER = 'log/'

/** What became of an append. */
export type Appended =
  /** It counts. That others wrote behind it since is told by the next append. */
  | { readonly kind: 'appended'; readonly number: number }
  /** Others were faster: what they wrote, in order. Nothing of ours counts. */
  | { readonly kind: 'behind'; readonly entries: readonly NumberedEntry[] }

/** The log of one job as one attempt sees it. */
export class CheckpointLog {
  readonly #store: CheckpointStore
  readonly #checks: Pick<ByteChecks, 'sha256'>
  /** The last number known to be taken. */
  #last = 0
  /** The first number that counts, as far as is known. */
  #base = 1
  /** What was read: an entry never changes, and whoever is behind a writer at work has to be quick. */
  readonly #known = new Map<number, Entry>()

  constructor(store: CheckpointStore, checks: Pick<ByteChecks, 'sha256'>) {
    this.#store = store
    this.#checks = checks
  }

  /** What the next manifest names as its base, unless it lets more go. */
  get base(): number {
    return this.#base
  }

  /**
   * All entries that count: from the base that the newest manifest names to the newest entry, oldest first.
   *
   * @throws MillraceError `checkpoint/damaged` and `checkpoint/newer-format` for an entry that cannot be read or is gone.
   */
  async read(): Promise<readonly NumberedEntry[]> {
    const { entries, base } = await this.#counted()
    this.#last = entries.at(-1)?.number ?? 0
    this.#base = base
    for (const number of this.#known.keys()) if (number < base) this.#known.delete(number)
    return entries
  }

  /** Goes on behind entry `last` without what is before it, some of which cannot be read (salvage.ts). */
  goOnBehind(last: number): void {
    this.#last = last
    this.#base = last + 1
  }

  /**
   * Writes an entry under the next free number (LG1).
   *
   * A manifest names a base that is not below `base`. When the append has resolved, `trim` may remove what is below.
   */
  async append(entry: Entry): Promise<Appended> {
    const number = this.#last + 1
    if (entry.kind === 'manifest')
      assert(entry.base >= this.#base && entry.base <= number, 'a manifest names a base that cannot be')
    const bytes = encodeEntry(entry, number, this.#checks)
    const name = nameOf(number)
    const answer = await this.#store.create(name, bytes)
    // An answer can be lost and the request sent again: then our own entry stands there.
    if (answer === 'exists' && !(await this.#isOurs(name, bytes))) return this.#behind()
    const isNewest = (await this.#numbers()).at(-1) === number
    // LG4: a number below the base was free only because it had been removed. The neighbour below proves nothing: it may
    // itself have been created there by another attempt that slept.
    if (!isNewest && number < (await this.#counted()).base) {
      await this.#store.remove(name)
      return this.#behind()
    }
    this.#last = number
    if (entry.kind === 'manifest') this.#base = entry.base
    return { kind: 'appended', number }
  }

  /** Removes all entries before the base of the newest manifest that was read or appended here. */
  async trim(): Promise<void> {
    for (const old of await this.#numbers()) if (old < this.#base) await this.#store.remove(nameOf(old))
  }

  async #behind(): Promise<Appended> {
    const known = this.#last
    const entries = await this.read()
    return { kind: 'behind', entries: entries.filter(({ number }) => number > known) }
  }

  async #counted(): Promise<Counted> {
    for (let before = ''; ;) {
      const numbers = await this.#numbers()
      const counted = cutToBase(await this.#readBack(numbers))
      if (counted.missing === undefined) return counted
      // The owner of the log goes on while others look: what is missing twice in the same listing was lost.
      const listed = numbers.join()
      if (listed === before) throw missing(`${this.#store.place}/${nameOf(counted.missing)}`)
      before = listed
    }
  }

  /** Entries from the newest back to the base, oldest first, without those that are gone since they were listed. */
  async #readBack(numbers: readonly number[]): Promise<readonly NumberedEntry[]> {
    const entries: NumberedEntry[] = []
    let base = 0
    for (const number of numbers.toReversed()) {
      if (number < base) break
      const entry = await this.#entry(number)
      if (entry === undefined) continue
      entries.push({ number, entry })
      if (entry.kind === 'manifest' && base === 0) base = entry.base
    }
    return entries.toReversed()
  }

  async #isOurs(name: string, bytes: Uint8Array): Promise<boolean> {
    const there = await this.#store.read(name)
    return there !== undefined && Buffer.compare(there, bytes) === 0
  }

  async #entry(number: number): Promise<Entry | undefined> {
    const known = this.#known.get(number)
    if (known !== undefined) return known
    const name = nameOf(number)
    const bytes = await this.#store.read(name)
    if (bytes === undefined) return undefined
    const entry = expectEntry(decodeEntry(bytes, number, this.#checks), {
      file: `${this.#store.place}/${name}`,
    })
    this.#known.set(number, entry)
    return entry
  }

  async #numbers(): Promise<readonly number[]> {
    const names = await this.#store.names(FOLDER)
    return names.map((name) => {
      const digits = name.slice(FOLDER.length)
      if (!/^\d{12}$/.test(digits)) throw foreign(`${this.#store.place}/${name}`)
      return Number(digits)
    })
  }
}

function nameOf(number: number): string {
  return `${FOLDER}${String(number).padStart(NAME_DIGITS, '0')}`
}

function missing(file: string): MillraceError {
  return new MillraceError('checkpoint/damaged', {
    what: 'an entry of the checkpoint log is missing',
    hint: 'restore the file from a copy',
    place: { file },
  })
}

function foreign(file: string): MillraceError {
  return new MillraceError('checkpoint/damaged', {
    what: 'the checkpoint log holds a file that is no entry',
    hint: 'move the file elsewhere, and see who put it there',
    place: { file },
  })
}
