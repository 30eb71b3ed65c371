/**
 * Room for the rows that an inference did not see: whole numbers of 64 bits, and nulls anywhere.
 *
 * A schema from the first rows of a longer file would otherwise refuse the first later row that is a little different.
 */
import { makeSchema } from '../../../data/schema.ts'
import type { DataType, ElementType, Field, Schema } from '../../../data/type.ts'

/** The schema for a whole file that was inferred from its first rows; as it is when those are all rows. */
export function widenSchema(schema: Schema, complete: boolean): Schema {
  return complete ? schema : makeSchema(schema.fields.map(widenField))
}

function widenField(field: Field): Field {
  return { name: field.name, type: widenType(field.type), nullable: true }
}

function widenElement({ type }: ElementType): ElementType {
  return { type: widenType(type), nullable: true }
}

function widenType(type: DataType): DataType {
  switch (type.kind) {
    case 'int32':
      return { kind: 'int64', rows: 'number' }
    case 'list':
      return { kind: 'list', element: widenElement(type.element) }
    case 'struct':
      return { kind: 'struct', fields: type.fields.map(widenField) }
    default:
      return type
  }
}
