/**
 * One dictionary for all row groups of a file: each row group's own dictionary is merged into it.
 *
 * Operators cache work per code by the identity of the dictionary object (column.ts), and row groups mostly repeat the
 * same few entries. The object grows at its end; when it would become large, a new one is begun.
 */
import type { Utf8Column } from '../../../data/column.ts'
import { hashSecretly, tableSeed } from '../../../data/table-seed.ts'
import type { DataType } from '../../../data/type.ts'
import { grownCapacity } from './leaf.ts'

/** Beyond so many entries or bytes a dictionary is not extended but begun anew. */
const ENTRIES_MAX = 1 << 17
const BYTES_MAX = 1 << 23

/** Entries of a row group's dictionary as ranges of its bytes. */
export interface Entries {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly lengths: Int32Array
  readonly count: number
}

/** A dictionary that grows over row groups. */
export class DictionaryMerge {
  private readonly type: DataType
  dictionary: Utf8Column
  length = 0
  private byteLength = 0
  private readonly seed = tableSeed()
  /** Open addressing by hash of the bytes; entry + 1, 0 is free. */
  private slots = new Int32Array(256)

  constructor(type: DataType) {
    this.type = type
    this.dictionary = emptyDictionary(type)
  }

  /** Adds the entries; returns the code of each, or undefined when every entry has its own index as code. */
  merge(entries: Entries): Int32Array | undefined {
    const added = entries.lengths.subarray(0, entries.count).reduce((sum, length) => sum + length, 0)
    if (this.length + entries.count > ENTRIES_MAX || this.byteLength + added > BYTES_MAX) this.restart()
    this.reserve(entries.count, added)
    const codes = new Int32Array(entries.count)
    let same = true
    for (let index = 0; index < entries.count; index++) {
      const code = this.codeOf(entries, index)
      codes[index] = code
      if (code !== index) same = false
    }
    return same ? undefined : codes
  }

  private restart(): void {
    this.dictionary = emptyDictionary(this.type)
    this.length = 0
    this.byteLength = 0
    this.slots = new Int32Array(256)
  }

  private reserve(entries: number, bytes: number): void {
    const { dictionary } = this
    if (this.length + entries > dictionary.starts.length) {
      const capacity = grownCapacity(dictionary.starts.length, this.length + entries)
      dictionary.starts = grown(dictionary.starts, capacity)
      dictionary.lengths = grown(dictionary.lengths, capacity)
    }
    if (this.byteLength + bytes > dictionary.bytes.length) {
      const wider = new Uint8Array(grownCapacity(dictionary.bytes.length, this.byteLength + bytes))
      wider.set(dictionary.bytes.subarray(0, this.byteLength))
      dictionary.bytes = wider
    }
    if ((this.length + entries) * 2 > this.slots.length) this.rehash(this.length + entries)
  }

  private rehash(entries: number): void {
    const slots = new Int32Array(grownCapacity(this.slots.length, entries * 2))
    const { bytes, starts, lengths } = this.dictionary
    for (let code = 0; code < this.length; code++) {
      const start = starts[code] as number
      let slot = hashSecretly(this.seed, bytes, start, lengths[code] as number) & (slots.length - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = code + 1
    }
    this.slots = slots
  }

  private codeOf(entries: Entries, index: number): number {
    const { slots, dictionary } = this
    const start = entries.starts[index] as number
    const length = entries.lengths[index] as number
    let slot = hashSecretly(this.seed, entries.bytes, start, length) & (slots.length - 1)
    for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
      if (this.isEntry(taken - 1, entries.bytes, start, length)) return taken - 1
      slot = (slot + 1) & (slots.length - 1)
    }
    const code = this.length++
    slots[slot] = code + 1
    dictionary.bytes.set(entries.bytes.subarray(start, start + length), this.byteLength)
    dictionary.starts[code] = this.byteLength
    dictionary.lengths[code] = length
    this.byteLength += length
    return code
  }

  private isEntry(code: number, bytes: Uint8Array, start: number, length: number): boolean {
    const { dictionary } = this
    if (dictionary.lengths[code] !== length) return false
    const from = dictionary.starts[code] as number
    for (let index = 0; index < length; index++)
      if (dictionary.bytes[from + index] !== bytes[start + index]) return false
    return true
  }
}

function emptyDictionary(type: DataType): Utf8Column {
  return {
    layout: 'utf8',
    type,
    bytes: new Uint8Array(0),
    starts: new Int32Array(0),
    lengths: new Int32Array(0),
    validity: undefined,
  }
}

function grown(array: Int32Array, capacity: number): Int32Array {
  const wider = new Int32Array(capacity)
  wider.set(array)
  return wider
}
