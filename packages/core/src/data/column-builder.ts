/**
 * Column builders of every layout, and the one that fits a type.
 *
 * A builder is told row by row what to hold; `finish` hands its memory out as a column, `reset` takes it back.
 */
import type { ListColumn, StructColumn } from './column.ts'
import { FixedColumnBuilder } from './fixed-column-builder.ts'
import { listChildField, plainLayoutOf, structFields } from './layout.ts'
import type { DataType, Field } from './type.ts'
import { Utf8ColumnBuilder } from './utf8-column-builder.ts'
import { ValidityBuilder } from './validity.ts'

/** A column in the making. */
export type ColumnBuilder = FixedColumnBuilder | Utf8ColumnBuilder | ListColumnBuilder | StructColumnBuilder

/** Makes the builder of a type, with room for `capacity` rows. */
export function makeColumnBuilder(field: Pick<Field, 'type' | 'nullable'>, capacity: number): ColumnBuilder {
  const { type, nullable } = field
  switch (plainLayoutOf(type)) {
    case 'fixed':
      return new FixedColumnBuilder(type, nullable, capacity)
    case 'utf8':
      return new Utf8ColumnBuilder(type, nullable, capacity)
    case 'list':
      return new ListColumnBuilder(type, nullable, capacity)
    case 'struct':
      return new StructColumnBuilder(type, nullable, capacity)
  }
}

/** A growing column of lists or maps. */
export class ListColumnBuilder {
  readonly layout = 'list'
  readonly type: DataType
  readonly nullable: boolean
  starts: Int32Array
  lengths: Int32Array
  readonly validity: ValidityBuilder
  readonly child: ColumnBuilder
  /** Rows of the child so far. */
  childLength = 0
  #childCapacity: number

  constructor(type: DataType, nullable: boolean, capacity: number) {
    this.type = type
    this.nullable = nullable
    this.starts = new Int32Array(capacity)
    this.lengths = new Int32Array(capacity)
    this.validity = new ValidityBuilder(capacity)
    this.#childCapacity = capacity
    this.child = makeColumnBuilder(listChildField(type), capacity)
  }

  /** Makes room for rows; the arrays may be replaced. */
  reserve(capacity: number): void {
    if (capacity <= this.starts.length) return
    const starts = new Int32Array(capacity)
    starts.set(this.starts)
    this.starts = starts
    const lengths = new Int32Array(capacity)
    lengths.set(this.lengths)
    this.lengths = lengths
    this.validity.reserve(capacity)
  }

  /** The row is a list of `length` elements; gives the child row of the first, which the caller writes next. */
  setList(row: number, length: number): number {
    const start = this.childLength
    this.childLength += length
    if (this.childLength > this.#childCapacity) {
      this.#childCapacity = Math.max(this.childLength, this.#childCapacity * 2)
      this.child.reserve(this.#childCapacity)
    }
    this.starts[row] = start
    this.lengths[row] = length
    return start
  }

  /** The row is null. */
  setNull(row: number): void {
    this.setUnused(row)
    this.validity.setNull(row)
  }

  /** Fills a row that nobody can see. */
  setUnused(row: number): void {
    this.starts[row] = 0
    this.lengths[row] = 0
  }

  /** The rows so far as a column over the builder's memory: valid until `reset`. */
  finish(_length: number): ListColumn {
    return {
      layout: 'list',
      type: this.type,
      starts: this.starts,
      lengths: this.lengths,
      child: this.child.finish(this.childLength),
      validity: this.validity.finish(),
    }
  }

  /** Forgets the rows from `length` on. */
  truncate(length: number): void {
    this.validity.truncate(length)
    let last = length - 1
    while (last >= 0 && this.lengths[last] === 0) last--
    this.childLength = last < 0 ? 0 : (this.starts[last] as number) + (this.lengths[last] as number)
    this.child.truncate(this.childLength)
  }

  /** Forgets all rows and keeps the memory. */
  reset(): void {
    this.validity.reset()
    this.childLength = 0
    this.child.reset()
  }
}

/** A growing column of structs or intervals: its children have the same rows. */
export class StructColumnBuilder {
  readonly layout = 'struct'
  readonly type: DataType
  readonly nullable: boolean
  readonly fields: readonly Field[]
  readonly children: readonly ColumnBuilder[]
  readonly validity: ValidityBuilder

  constructor(type: DataType, nullable: boolean, capacity: number) {
    this.type = type
    this.nullable = nullable
    this.fields = structFields(type)
    this.children = this.fields.map((field) => makeColumnBuilder(field, capacity))
    this.validity = new ValidityBuilder(capacity)
  }

  /** Makes room for rows; the arrays of the children may be replaced. */
  reserve(capacity: number): void {
    this.validity.reserve(capacity)
    for (const child of this.children) child.reserve(capacity)
  }

  /** The row is null. */
  setNull(row: number): void {
    this.setUnused(row)
    this.validity.setNull(row)
  }

  /** Fills a row that nobody can see. */
  setUnused(row: number): void {
    for (const child of this.children) child.setUnused(row)
  }

  /** The rows so far as a column over the builder's memory: valid until `reset`. */
  finish(length: number): StructColumn {
    return {
      layout: 'struct',
      type: this.type,
      children: this.children.map((child) => child.finish(length)),
      validity: this.validity.finish(),
    }
  }

  /** Forgets the rows from `length` on. */
  truncate(length: number): void {
    this.validity.truncate(length)
    for (const child of this.children) child.truncate(length)
  }

  /** Forgets all rows and keeps the memory. */
  reset(): void {
    this.validity.reset()
    for (const child of this.children) child.reset()
  }
}
