/**
 * A column of a type as a column of a wider one (schema-compatibility.ts says which are wider), at any depth.
 *
 * Works on columns and not on row values, which show less than columns hold: microseconds, integers beyond 2^53.
 */
import { makeColumnBuilder } from './column-builder.ts'
import type { Column, ListColumn, StructColumn } from './column.ts'
import { isValid } from './column.ts'
import { listChildField, structFields } from './layout.ts'
import { readValue } from './read-value.ts'
import { typeToString } from './type-text.ts'
import { fieldDefault } from './type.ts'
import type { DataType, Field } from './type.ts'
import { writeValue } from './write-value.ts'

/** The first `length` rows as a column of the type; memory is shared where nothing changes. */
export function widenColumn(column: Column, to: DataType, length: number): Column {
  if (typeToString(column.type) === typeToString(to)) return column
  if (column.layout === 'list') return widenList(column, to, length)
  if (column.layout === 'struct') return widenStruct(column, to, length)
  // Only how rows show it differs.
  if (column.type.kind === to.kind && (to.kind === 'int64' || to.kind === 'uint64'))
    return { ...column, type: to }
  return columnOf({ name: 'value', type: to, nullable: true }, length, (row) =>
    isValid(column, row) ? readValue(column, row) : null,
  )
}

/** A column that has one value in all rows: what a new field takes. */
export function defaultColumn(field: Field, length: number): Column {
  const { [fieldDefault]: value = null } = field
  // Without a default there are cells without a value, also where the field never has one.
  return columnOf(value === null ? { ...field, nullable: true } : field, length, () => value)
}

/** A column of row values. */
export function columnOf(field: Field, length: number, valueOf: (row: number) => unknown): Column {
  const builder = makeColumnBuilder(field, Math.max(1, length))
  for (let row = 0; row < length; row++) writeValue(builder, row, valueOf(row), field.name)
  return builder.finish(length)
}

function widenList(column: ListColumn, to: DataType, length: number): ListColumn {
  const { starts, lengths } = column
  let childLength = 0
  for (let row = 0; row < length; row++) {
    if (isValid(column, row))
      childLength = Math.max(childLength, (starts[row] as number) + (lengths[row] as number))
  }
  return { ...column, type: to, child: widenColumn(column.child, listChildField(to).type, childLength) }
}

function widenStruct(column: StructColumn, to: DataType, length: number): StructColumn {
  const before = structFields(column.type)
  const children = structFields(to).map((field) => {
    const child = column.children[before.findIndex(({ name }) => name === field.name)]
    return child === undefined ? defaultColumn(field, length) : widenColumn(child, field.type, length)
  })
  return { ...column, type: to, children }
}
