/**
 * The log of a job: numbered entries, each created once, in one order for everyone who ever looks.
 *
 * Invariants (tests quote them):
 *  G1  An entry gets the next free number or is not written: who loses a number learns what stands there first.
 *  G2  Nothing is appended behind a takeover of another attempt: an attempt that reads one is fenced, for good.
 *  G3  When an append has resolved, all that was read before it is durable, too: whoever takes over and then acts never
 *      acts on an entry that a loss of power can take back.
 *  G4  Removing old entries keeps the order: an entry that an old attempt creates in the gap counts for nobody, and its
 *      writer learns so before it acts on it.
 */
import { assert, MillraceError } from '../errors.ts'
import type { ByteChecks } from '../host/host.ts'
import { decodeEntry, encodeEntry, expectEntry } from './entry.ts'
import type { Entry, NumberedEntry } from './entry.ts'
import type { CheckpointStore } from './store.ts'

/** Digits of an entry's name: names sort as numbers do. */
const NAME_DIGITS = 12
const FOLDER = 'log/'

/** What became of an append. */
export type Appended =
  | { readonly kind: 'appended'; readonly number: number }
  /** Others were faster: what they wrote, in order. Nothing of ours was written. */
  | { readonly kind: 'behind'; readonly entries: readonly NumberedEntry[] }

/** The log of one job as one attempt sees it. */
export class CheckpointLog {
  readonly #store: CheckpointStore
  readonly #checks: Pick<ByteChecks, 'sha256'>
  /** The last number known to be taken. */
  #last = 0

  constructor(store: CheckpointStore, checks: Pick<ByteChecks, 'sha256'>) {
    this.#store = store
    this.#checks = checks
  }

  /**
   * All entries that count: from the newest back as far as no number is missing, oldest first.
   *
   * @throws MillraceError `checkpoint/damaged` and `checkpoint/newer-format` for an entry that cannot be read.
   */
  async read(): Promise<readonly NumberedEntry[]> {
    const numbers = await this.#numbers()
    let first = numbers.length - 1
    while (first > 0 && numbers[first - 1] === (numbers[first] as number) - 1) first--
    const counted = numbers.slice(Math.max(0, first))
    const entries: NumberedEntry[] = []
    for (const number of counted) {
      const entry = await this.#entry(number)
      // Removed by its owner since it was listed: so were all before it.
      if (entry === undefined) entries.length = 0
      else entries.push({ number, entry })
    }
    this.#last = counted.at(-1) ?? 0
    return entries
  }

  /** Writes an entry under the next free number (G1). */
  async append(entry: Entry): Promise<Appended> {
    const number = this.#last + 1
    const bytes = encodeEntry(entry, number, this.#checks)
    const name = nameOf(number)
    const answer = await this.#store.create(name, bytes)
    // An answer can be lost and the request sent again: then our own entry stands there.
    if (answer === 'exists' && !(await this.#isOurs(name, bytes))) return this.#behind()
    const newest = (await this.#numbers()).at(-1) as number
    if (newest > number) {
      // G4: the number was free because everything around it is over.
      await this.#store.remove(name)
      return this.#behind()
    }
    this.#last = number
    return { kind: 'appended', number }
  }

  /** Removes all entries before `number`. */
  async trim(number: number): Promise<void> {
    assert(number <= this.#last, 'the log was to be trimmed behind its end')
    for (const old of await this.#numbers()) if (old < number) await this.#store.remove(nameOf(old))
  }

  async #behind(): Promise<Appended> {
    const known = this.#last
    const entries = await this.read()
    return { kind: 'behind', entries: entries.filter(({ number }) => number > known) }
  }

  async #isOurs(name: string, bytes: Uint8Array): Promise<boolean> {
    const there = await this.#store.read(name)
    return there !== undefined && Buffer.compare(there, bytes) === 0
  }

  async #entry(number: number): Promise<Entry | undefined> {
    const name = nameOf(number)
    const bytes = await this.#store.read(name)
    if (bytes === undefined) return undefined
    return expectEntry(decodeEntry(bytes, number, this.#checks), { file: `${this.#store.place}/${name}` })
  }

  async #numbers(): Promise<readonly number[]> {
    const files = await this.#store.list(FOLDER)
    return files.map(({ name }) => {
      const digits = name.slice(FOLDER.length)
      if (!/^\d{12}$/.test(digits)) throw foreign(`${this.#store.place}/${name}`)
      return Number(digits)
    })
  }
}

function nameOf(number: number): string {
  return `${FOLDER}${String(number).padStart(NAME_DIGITS, '0')}`
}

function foreign(file: string): MillraceError {
  return new MillraceError('checkpoint/damaged', {
    what: 'the checkpoint log holds a file that is no entry',
    hint: 'move the file elsewhere, and see who put it there',
    place: { file },
  })
}
