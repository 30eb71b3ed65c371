/**
 * Our schema as a Parquet schema: the list of elements for the footer, and the path to every leaf.
 *
 * Lists and maps are written in the three-level form of LogicalTypes.md.
 */
import { listChildField } from '../../../data/layout.ts'
import type { DataType, Field } from '../../../data/type.ts'
import { thriftType } from './thrift-reader.ts'
import type { ThriftWriter } from './thrift-writer.ts'
import { convertedType, repetitionType } from './vocabulary.ts'
import { writeLogicalType, writeType } from './write-type.ts'
import type { WriteType } from './write-type.ts'

/** One step from a top-level column down to a leaf's column. */
export type Step =
  /** Rows of the present column may be null. */
  | { readonly kind: 'optional' }
  /** Into the rows of the present list, whose continuation has this repetition level. */
  | { readonly kind: 'list'; readonly level: number }
  | { readonly kind: 'field'; readonly index: number }

/** A leaf of the schema. */
export interface WriteLeaf {
  /** Names from the top, as the footer has them. */
  readonly path: readonly string[]
  /** Which column of a batch it belongs to. */
  readonly column: number
  readonly steps: readonly Step[]
  readonly type: DataType
  readonly form: WriteType
  readonly definition: number
  readonly repetition: number
}

/** The leaves of a schema in file order. */
export function writeLeaves(fields: readonly Field[]): readonly WriteLeaf[] {
  const leaves: WriteLeaf[] = []
  fields.forEach((field, column) => {
    collect(field, { path: [], column, steps: [], definition: 0, repetition: 0 }, leaves)
  })
  return leaves
}

type Above = Pick<WriteLeaf, 'path' | 'column' | 'steps' | 'definition' | 'repetition'>

function collect(field: Field, above: Above, leaves: WriteLeaf[]): void {
  const { type, name, nullable } = field
  const here: Above = {
    ...above,
    path: [...above.path, name],
    steps: nullable ? [...above.steps, { kind: 'optional' }] : above.steps,
    definition: above.definition + (nullable ? 1 : 0),
  }
  const form = writeType(type)
  if (form !== undefined) leaves.push({ ...here, type, form })
  else if (type.kind === 'struct') collectFields(type.fields, here, leaves)
  else collectElements(type, here, leaves)
}

function collectFields(fields: readonly Field[], above: Above, leaves: WriteLeaf[]): void {
  fields.forEach((field, index) => {
    collect(field, { ...above, steps: [...above.steps, { kind: 'field', index }] }, leaves)
  })
}

function collectElements(type: DataType, above: Above, leaves: WriteLeaf[]): void {
  const level = above.repetition + 1
  const inner: Above = {
    ...above,
    path: [...above.path, type.kind === 'map' ? 'key_value' : 'list'],
    steps: [...above.steps, { kind: 'list', level }],
    definition: above.definition + 1,
    repetition: level,
  }
  const child = listChildField(type)
  if (type.kind === 'map' && child.type.kind === 'struct') collectFields(child.type.fields, inner, leaves)
  else collect(child, inner, leaves)
}

/** How many elements the footer's schema list has. */
function countElements(field: Field): number {
  const { type } = field
  if (type.kind === 'struct') return 1 + type.fields.reduce((sum, inner) => sum + countElements(inner), 0)
  if (type.kind === 'list') return 2 + countElements(listChildField(type))
  if (type.kind === 'map') return 1 + countElements(listChildField(type))
  return 1
}

/** Field 2 of FileMetaData. */
export function writeSchemaElements(fields: readonly Field[], thrift: ThriftWriter): void {
  const size = fields.reduce((sum, field) => sum + countElements(field), 1)
  thrift.list(2, thriftType.struct, size)
  thrift.element()
  thrift.text(4, 'schema')
  thrift.int32(5, fields.length)
  thrift.endStruct()
  for (const field of fields) writeField(field, thrift)
}

function writeField(field: Field, thrift: ThriftWriter): void {
  const { type, name, nullable } = field
  const repetition = nullable ? repetitionType.optional : repetitionType.required
  const form = writeType(type)
  if (form !== undefined) {
    thrift.element()
    thrift.int32(1, form.physical)
    if (form.fixedBytes > 0) thrift.int32(2, form.fixedBytes)
    thrift.int32(3, repetition)
    thrift.text(4, name)
    writeLogicalType(type, thrift)
    thrift.endStruct()
  } else if (type.kind === 'struct') {
    writeGroup(name, repetition, type.fields.length, thrift)
    for (const inner of type.fields) writeField(inner, thrift)
  } else writeElements(type, name, repetition, thrift)
}

function writeGroup(name: string, repetition: number, children: number, thrift: ThriftWriter): void {
  thrift.element()
  thrift.int32(3, repetition)
  thrift.text(4, name)
  thrift.int32(5, children)
  thrift.endStruct()
}

function writeElements(type: DataType, name: string, repetition: number, thrift: ThriftWriter): void {
  const isMap = type.kind === 'map'
  thrift.element()
  thrift.int32(3, repetition)
  thrift.text(4, name)
  thrift.int32(5, 1)
  thrift.int32(6, isMap ? convertedType.map : convertedType.list)
  thrift.struct(10)
  thrift.mark(isMap ? 2 : 3)
  thrift.endStruct()
  thrift.endStruct()
  const child = listChildField(type)
  if (isMap && child.type.kind === 'struct') {
    writeGroup('key_value', repetitionType.repeated, 2, thrift)
    for (const inner of child.type.fields) writeField(inner, thrift)
  } else {
    writeGroup('list', repetitionType.repeated, 1, thrift)
    writeField(child, thrift)
  }
}
