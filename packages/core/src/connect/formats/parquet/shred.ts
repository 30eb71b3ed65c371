/**
 * Takes rows of a batch apart for one leaf: which of its values are there, and the levels of every entry.
 *
 * The backward direction of assemble.ts (Melnik et al., "Dremel", 2010, §4.1), one pass over all entries per step of
 * the leaf's path. Columns at the top level without nulls pass through without any array.
 */
import type { Column } from '../../../data/column.ts'
import { grownCapacity } from './leaf.ts'
import type { Step, WriteLeaf } from './write-schema.ts'
import { unwritable } from './write-type.ts'

/** Entries of one leaf. Arrays are used again by the next call. */
export interface Shredded {
  /** The leaf's own column. */
  column: Column
  /** Rows of `column` that have a value; undefined: `first … first + present`. */
  rows: Int32Array | undefined
  first: number
  present: number
  entries: number
  /** Undefined: every entry has the highest level. */
  definitions: Int32Array | undefined
  /** Undefined: every entry has level 0. */
  repetitions: Int32Array | undefined
}

/** Takes rows apart; holds the arrays. One per leaf. */
export class Shredder {
  private readonly leaf: WriteLeaf
  private rows = new Int32Array(0)
  private definitions = new Int32Array(0)
  private repetitions = new Int32Array(0)
  private spareRows = new Int32Array(0)
  private spareDefinitions = new Int32Array(0)
  private spareRepetitions = new Int32Array(0)

  constructor(leaf: WriteLeaf) {
    this.leaf = leaf
  }

  /** The entries of the live rows `start … start + count` (`selection` lists live rows). */
  shred(column: Column, selection: Int32Array | undefined, start: number, count: number): Shredded {
    const { steps } = this.leaf
    const isFlat = steps.length === 0 || (steps.length === 1 && steps[0]?.kind === 'optional')
    if (!isFlat) return this.shredNested(column, selection, start, count)
    if (column.validity === undefined) return dense(column, selection, start, count)
    return this.shredFlat(column, selection, start, count)
  }

  private reserve(entries: number): void {
    if (entries <= this.rows.length) return
    const capacity = grownCapacity(this.rows.length, entries)
    this.rows = copied(this.rows, capacity)
    this.definitions = copied(this.definitions, capacity)
    this.repetitions = copied(this.repetitions, capacity)
  }

  private shredFlat(
    column: Column,
    selection: Int32Array | undefined,
    start: number,
    count: number,
  ): Shredded {
    this.reserve(count)
    const { rows, definitions } = this
    const validity = column.validity as Uint8Array
    let present = 0
    for (let entry = 0; entry < count; entry++) {
      const row = selection === undefined ? start + entry : (selection[start + entry] as number)
      const valid = ((validity[row >> 3] as number) >> (row & 7)) & 1
      definitions[entry] = valid
      rows[present] = row
      present += valid
    }
    if (present < count && this.leaf.definition === 0) throw this.unexpectedNull()
    return { column, rows, first: 0, present, entries: count, definitions, repetitions: undefined }
  }

  private unexpectedNull(): Error {
    return unwritable(this.leaf.path.join('.'), 'it is null, and the column is declared without nulls')
  }

  /** Rows of entries without a value are −1 on the way down. */
  private shredNested(
    column: Column,
    selection: Int32Array | undefined,
    start: number,
    count: number,
  ): Shredded {
    this.reserve(count)
    this.definitions.fill(0, 0, count)
    this.repetitions.fill(0, 0, count)
    for (let entry = 0; entry < count; entry++)
      this.rows[entry] = selection === undefined ? start + entry : (selection[start + entry] as number)
    let entries = count
    let present = column
    let optional = false
    for (const step of this.leaf.steps) {
      if (step.kind === 'optional') {
        optional = true
        this.dropNulls(present, entries)
        continue
      }
      if (!optional) this.checkNoNulls(present, entries)
      optional = false
      if (step.kind === 'field') present = childOf(present, step.index)
      else {
        entries = this.expand(present, entries, step)
        present = (present as Column & { layout: 'list' }).child
      }
    }
    if (!optional) this.checkNoNulls(present, entries)
    return this.closed(present, entries)
  }

  private closed(column: Column, entries: number): Shredded {
    const { rows, definitions, repetitions } = this
    let present = 0
    for (let entry = 0; entry < entries; entry++) {
      const row = rows[entry] as number
      if (row >= 0) rows[present++] = row
    }
    return { column, rows, first: 0, present, entries, definitions, repetitions }
  }

  private dropNulls(column: Column, entries: number): void {
    const { validity } = column
    const { rows, definitions } = this
    for (let entry = 0; entry < entries; entry++) {
      const row = rows[entry] as number
      if (row < 0) continue
      const valid = validity === undefined || ((validity[row >> 3] as number) & (1 << (row & 7))) !== 0
      if (valid) definitions[entry] = (definitions[entry] as number) + 1
      else rows[entry] = -1
    }
  }

  private checkNoNulls(column: Column, entries: number): void {
    const { validity } = column
    if (validity === undefined) return
    for (let entry = 0; entry < entries; entry++) {
      const row = this.rows[entry] as number
      if (row >= 0 && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0) throw this.unexpectedNull()
    }
  }

  /** One entry per element; lists without elements, and what is null above, keep one. */
  private expand(column: Column, entries: number, step: Step & { readonly kind: 'list' }): number {
    const { starts, lengths } = column as Column & { layout: 'list' }
    let total = 0
    for (let entry = 0; entry < entries; entry++) {
      const row = this.rows[entry] as number
      total += row < 0 ? 1 : Math.max(1, lengths[row] as number)
    }
    this.swap(total)
    const { rows, definitions, repetitions, spareRows, spareDefinitions, spareRepetitions } = this
    let to = 0
    for (let entry = 0; entry < entries; entry++) {
      const row = spareRows[entry] as number
      const length = row < 0 ? 0 : (lengths[row] as number)
      const definition = spareDefinitions[entry] as number
      repetitions[to] = spareRepetitions[entry] as number
      if (length === 0) {
        rows[to] = -1
        definitions[to++] = definition
        continue
      }
      const start = starts[row] as number
      for (let element = 0; element < length; element++, to++) {
        if (element > 0) repetitions[to] = step.level
        rows[to] = start + element
        definitions[to] = definition + 1
      }
    }
    return total
  }

  /** The present arrays become the spare ones; the new present ones hold `entries`. */
  private swap(entries: number): void {
    const { rows, definitions, repetitions } = this
    this.rows = this.spareRows
    this.definitions = this.spareDefinitions
    this.repetitions = this.spareRepetitions
    this.spareRows = rows
    this.spareDefinitions = definitions
    this.spareRepetitions = repetitions
    this.reserve(entries)
  }
}

function copied(array: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(capacity)
  wider.set(array)
  return wider
}

function childOf(column: Column, index: number): Column {
  return (column as Column & { layout: 'struct' }).children[index] as Column
}

function dense(column: Column, selection: Int32Array | undefined, start: number, count: number): Shredded {
  const rows = selection?.subarray(start, start + count)
  const first = start
  return {
    column,
    rows,
    first,
    present: count,
    entries: count,
    definitions: undefined,
    repetitions: undefined,
  }
}
