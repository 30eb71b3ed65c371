/**
 * Which columns of a file are read, and how each becomes a column of the result.
 */
import { bitmapBytes } from '../../../data/validity.ts'
import type { Column, FixedArray } from '../../../data/column.ts'
import {
  fixedArrayKindOf,
  listChildField,
  makeFixedArray,
  plainLayoutOf,
  structFields,
} from '../../../data/layout.ts'
import { nearestNames } from '../../../data/nearest-names.ts'
import type { DataType, Field, Schema } from '../../../data/type.ts'
import { MillraceError } from '../../../errors.ts'
import { conformer } from './conform.ts'
import type { Conform } from './conform.ts'
import { fieldOf } from './schema-tree.ts'
import type { SchemaNode } from './schema-tree.ts'

/** A column of the result: of the file, or of nulls when the file lacks it. */
export interface PlannedColumn {
  readonly field: Field
  readonly node: SchemaNode | undefined
  /** Undefined: as it is. */
  readonly conform: Conform | undefined
}

/** Plans the columns named (all, when undefined) of the declared schema (the file's own, when undefined). */
export function planColumns(
  nodes: readonly SchemaNode[],
  declared: Schema | undefined,
  names: readonly string[] | undefined,
): readonly PlannedColumn[] {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const fields = declared?.fields ?? nodes.map(fieldOf)
  const wanted = names === undefined ? fields : fields.filter((field) => names.includes(field.name))
  const planned = wanted.map((field) => {
    const node = byName.get(field.name)
    if (node !== undefined)
      return { field, node, conform: declared === undefined ? undefined : conformer(fieldOf(node), field) }
    if (field.nullable) return { field, node: undefined, conform: undefined }
    throw missing(field, [...byName.keys()])
  })
  if (fields.length > 0 && !fields.some(({ name }) => byName.has(name))) throw strange(fields, nodes)
  return planned
}

/** A file with none of the declared columns would be read as rows of nulls: it is another file. */
function strange(fields: readonly Field[], nodes: readonly SchemaNode[]): MillraceError {
  const listed = (of: readonly { readonly name: string }[]): string =>
    of
      .slice(0, 20)
      .map(({ name }) => `"${name}"`)
      .join(', ')
  return new MillraceError('input/missing-column', {
    what: 'the Parquet file has none of the declared columns',
    detail: `it has ${listed(nodes)}; declared are ${listed(fields)}`,
    hint: 'check that this is the right file, or correct the names in the schema',
  })
}

function missing(field: Field, present: readonly string[]): MillraceError {
  const near = nearestNames(field.name, present)
  return new MillraceError('input/missing-column', {
    what: `the Parquet file has no column "${field.name}"`,
    detail: `it has ${present.map((name) => `"${name}"`).join(', ')}`,
    hint:
      near.length > 0
        ? `did you mean "${near[0]}"? Otherwise leave the column out of the schema or make it nullable`
        : 'leave the column out of the schema or make it nullable',
    place: { column: field.name },
  })
}

/** A column of nulls. */
export function nullColumn(type: DataType, rows: number): Column {
  const validity = new Uint8Array(bitmapBytes(rows))
  const ints = (): Int32Array => new Int32Array(rows)
  switch (plainLayoutOf(type)) {
    case 'utf8':
      return { layout: 'utf8', type, bytes: new Uint8Array(0), starts: ints(), lengths: ints(), validity }
    case 'list':
      return {
        layout: 'list',
        type,
        starts: ints(),
        lengths: ints(),
        child: nullColumn(listChildField(type).type, 0),
        validity,
      }
    case 'struct': {
      const children = structFields(type).map((field) => nullColumn(field.type, rows))
      return { layout: 'struct', type, children, validity }
    }
    case 'fixed': {
      const values: FixedArray = makeFixedArray(fixedArrayKindOf(type), rows)
      return { layout: 'fixed', type, values, validity }
    }
  }
}
