/**
 * Builds list and struct columns from the levels of their leaves.
 *
 * Source: Melnik et al., "Dremel: Interactive Analysis of Web-Scale Datasets", 2010, §4.2. Instead of one record at a
 * time, each node of the schema passes once over the levels of its first leaf. A *slot* of a node is a row of its
 * column: an entry of the leaf with a repetition level not above `repetition` (so it does not continue an inner list)
 * and a definition level of at least `definition` (so the enclosing element exists).
 */
import type { Column } from '../../../data/column.ts'
import { bitmapBytes } from '../../../data/validity.ts'
import type { ColumnReader } from './column-reader.ts'
import { damaged } from './damage.ts'
import { leavesOf } from './schema-tree.ts'
import type { LeafNode, ListNode, SchemaNode, StructNode } from './schema-tree.ts'

/** What makes an entry a slot. */
interface Slots {
  readonly repetition: number
  readonly definition: number
  readonly count: number
}

/** Builds the column of `rows` rows; `readers` by column number hold the levels of these rows. */
export function assemble(node: SchemaNode, rows: number, readers: ReadonlyMap<number, ColumnReader>): Column {
  return build(node, { repetition: 0, definition: 0, count: rows }, readers)
}

function build(node: SchemaNode, slots: Slots, readers: ReadonlyMap<number, ColumnReader>): Column {
  switch (node.kind) {
    case 'leaf':
      return buildLeaf(node, slots, readerOf(node, readers))
    case 'struct':
      return buildStruct(node, slots, readers)
    case 'list':
      return buildList(node, slots, readers)
  }
}

function readerOf(node: SchemaNode, readers: ReadonlyMap<number, ColumnReader>): ColumnReader {
  return readers.get((leavesOf(node)[0] as LeafNode).column) as ColumnReader
}

/** Marks the slots whose definition level reaches `level`; undefined when all do. Checks the number of slots. */
function validityOf(reader: ColumnReader, slots: Slots, level: number): Uint8Array | undefined {
  const { definitionLevels, repetitionLevels, entries } = reader
  const validity = new Uint8Array(bitmapBytes(slots.count))
  let slot = 0
  let valid = 0
  for (let entry = 0; entry < entries; entry++) {
    const definition = definitionLevels[entry] as number
    if ((repetitionLevels[entry] as number) > slots.repetition || definition < slots.definition) continue
    if (definition >= level && slot < slots.count) {
      validity[slot >> 3] = (validity[slot >> 3] as number) | (1 << (slot & 7))
      valid++
    }
    slot++
  }
  if (slot !== slots.count) throw damaged('the columns of a struct have different numbers of values')
  return valid === slot ? undefined : validity
}

function buildLeaf(node: LeafNode, slots: Slots, reader: ColumnReader): Column {
  return reader.leaf.finish(slots.count, validityOf(reader, slots, node.definition))
}

function buildStruct(node: StructNode, slots: Slots, readers: ReadonlyMap<number, ColumnReader>): Column {
  const validity = validityOf(readerOf(node, readers), slots, node.definition)
  const children = node.children.map((child) => build(child, slots, readers))
  return { layout: 'struct', type: node.type, children, validity: node.nullable ? validity : undefined }
}

function buildList(node: ListNode, slots: Slots, readers: ReadonlyMap<number, ColumnReader>): Column {
  const reader = readerOf(node, readers)
  const validity = validityOf(reader, slots, node.definition)
  const { definitionLevels, repetitionLevels, entries } = reader
  const starts = new Int32Array(slots.count)
  const lengths = new Int32Array(slots.count)
  let slot = -1
  let elements = 0
  for (let entry = 0; entry < entries; entry++) {
    const definition = definitionLevels[entry] as number
    const repetition = repetitionLevels[entry] as number
    if (repetition <= slots.repetition && definition >= slots.definition) starts[++slot] = elements
    if (repetition > node.repetition || definition < node.elementDefinition) continue
    if (slot < 0) throw damaged('a list goes on before it begins')
    lengths[slot] = (lengths[slot] as number) + 1
    elements++
  }
  const inner = { repetition: node.repetition, definition: node.elementDefinition, count: elements }
  const child = build(node.element, inner, readers)
  return {
    layout: 'list',
    type: node.type,
    starts,
    lengths,
    child,
    validity: node.nullable ? validity : undefined,
  }
}
