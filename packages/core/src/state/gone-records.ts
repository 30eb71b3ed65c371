/**
 * Keys of records that a checkpoint has and that are no more: what the next one has to say of them.
 *
 * Only what was written down is remembered here when it goes, so there are never more of them than the last checkpoint
 * had records; where none was ever written, there are none.
 */
import type { ArrayPool } from './array-pool.ts'
import type { KeyLayout } from './key-layout.ts'
import type { RecordField, RecordLayout } from './record-layout.ts'
import { RecordStore } from './record-store.ts'
import type { StringTable } from './string-table.ts'

/** Keys, each with what else names its record. */
export class GoneRecords {
  readonly store: RecordStore
  readonly #key: KeyLayout
  readonly #strings: StringTable
  /** The further string that names a record. */
  readonly #name: RecordField | undefined

  /** @param layout - begins with the words of the key; `name` is a field of it that holds the number of a string */
  constructor(parts: {
    readonly key: KeyLayout
    readonly strings: StringTable
    readonly pool: ArrayPool
    readonly layout: RecordLayout
    readonly name?: RecordField
  }) {
    this.store = new RecordStore(parts.layout.template(), parts.pool)
    this.#key = parts.key
    this.#strings = parts.strings
    this.#name = parts.name
  }

  get count(): number {
    return this.store.high
  }

  /** Remembers the key at `base` of some records of keys, and the further string; gives the number of the record. */
  add(words: Int32Array, base: number, name: number = 0): number {
    const id = this.store.allocate()
    const { i32 } = this.store
    const at = id * this.store.words
    for (let w = 0; w < this.#key.words; w++) i32[at + w] = words[base + w] as number
    if (this.#name !== undefined) i32[at + this.#name.offset] = name
    this.#hold(id, true)
    return id
  }

  /** The number of the further string of a record. */
  nameOf(id: number): number {
    return this.#name === undefined
      ? 0
      : (this.store.i32[id * this.store.words + this.#name.offset] as number)
  }

  /** Forgets all. */
  clear(): void {
    for (let id = 0; id < this.store.high; id++) this.#hold(id, false)
    this.store.clear()
  }

  #hold(id: number, hold: boolean): void {
    const base = id * this.store.words
    for (const word of this.#key.stringWords) this.#holdString(this.store.i32[base + word] as number, hold)
    if (this.#name !== undefined) this.#holdString(this.store.i32[base + this.#name.offset] as number, hold)
  }

  #holdString(id: number, hold: boolean): void {
    if (hold) this.#strings.retain(id)
    else this.#strings.release(id)
  }
}
