/**
 * The schema of a Parquet file as a tree with Dremel levels, and as our fields.
 *
 * Lists and maps in every form that writers have used are recognised (LogicalTypes.md of Apache parquet-format,
 * "Backward-compatibility rules"); a repeated field outside of them is a list of values that are never null.
 *
 *  PQ1  `definition` of a node is the level at which it is present; `repetition` counts the repeated fields above it
 *       (for a list: with its own).
 */
import type { DataType, ElementType, Field } from '../../../data/type.ts'
import { damaged, unsupported } from './damage.ts'
import { leafType } from './leaf-type.ts'
import type { LeafType } from './leaf-type.ts'
import type { SchemaElement } from './metadata.ts'
import { convertedType, repetitionType } from './vocabulary.ts'

interface NodeBase {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly definition: number
  readonly repetition: number
}

/** A column of values. */
export interface LeafNode extends NodeBase {
  readonly kind: 'leaf'
  /** Which column chunk of a row group. */
  readonly column: number
  readonly leaf: LeafType
}

/** A group of fields. */
export interface StructNode extends NodeBase {
  readonly kind: 'struct'
  readonly children: readonly SchemaNode[]
}

/** A list, or a map as a list of structs. */
export interface ListNode extends NodeBase {
  readonly kind: 'list'
  /** The level at which there is an element, be it null. */
  readonly elementDefinition: number
  readonly element: SchemaNode
}

/** A node of the schema. */
export type SchemaNode = LeafNode | StructNode | ListNode

/** Deeper schemas than this are taken for damage. */
const DEPTH_MAX = 100

/** Where the walk over the flat list of elements stands. */
interface Walk {
  readonly elements: readonly SchemaElement[]
  next: number
  column: number
}

interface Levels {
  readonly definition: number
  readonly repetition: number
  readonly depth: number
}

/** Builds the tree: one node per top-level field. Throws input/corrupt or input/unsupported. */
export function buildSchemaTree(elements: readonly SchemaElement[]): readonly SchemaNode[] {
  const walk: Walk = { elements, next: 1, column: 0 }
  const root = elements[0] as SchemaElement
  const nodes: SchemaNode[] = []
  const names = new Set<string>()
  for (let child = 0; child < root.children; child++) {
    const node = field(walk, { definition: 0, repetition: 0, depth: 0 })
    if (names.has(node.name)) throw unsupported(`two columns are called ${node.name}`)
    names.add(node.name)
    nodes.push(node)
  }
  if (walk.next !== elements.length) throw damaged('the schema has elements outside its root')
  return nodes
}

/** The names from below the root down to each leaf column, in file order: what its column chunks say, too. */
export function leafPaths(elements: readonly SchemaElement[]): readonly (readonly string[])[] {
  const paths: (readonly string[])[] = []
  const open: { readonly name: string; left: number }[] = []
  for (let index = 1; index < elements.length; index++) {
    const { name, type, children } = elements[index] as SchemaElement
    if (type !== undefined) paths.push([...open.map((group) => group.name), name])
    const parent = open.at(-1)
    if (parent !== undefined) parent.left--
    if (children > 0) open.push({ name, left: children })
    while (open.at(-1)?.left === 0) open.pop()
  }
  return paths
}

/** A node as a field of a schema. */
export function fieldOf(node: SchemaNode): Field {
  return { name: node.name, type: node.type, nullable: node.nullable }
}

/** The leaves under a node, in file order. */
export function leavesOf(node: SchemaNode): readonly LeafNode[] {
  if (node.kind === 'leaf') return [node]
  if (node.kind === 'list') return leavesOf(node.element)
  return node.children.flatMap(leavesOf)
}

function take(walk: Walk, depth: number): SchemaElement {
  const element = walk.elements[walk.next++]
  if (element === undefined) throw damaged('the schema ends inside a group')
  if (depth > DEPTH_MAX) throw damaged('the schema is nested too deeply')
  if (element.repetition < 0 || element.repetition > 2)
    throw damaged(`field ${element.name} has repetition ${element.repetition}, which does not exist`)
  return element
}

/** One field, whatever its repetition. */
function field(walk: Walk, levels: Levels): SchemaNode {
  const element = take(walk, levels.depth)
  if (element.repetition !== repetitionType.repeated) return single(walk, element, levels)
  // A repeated field that no list announces.
  const inner = {
    definition: levels.definition + 1,
    repetition: levels.repetition + 1,
    depth: levels.depth + 1,
  }
  const value = body(walk, element, inner, false)
  return listNode(element.name, false, levels.definition, inner, value)
}

/** A required or optional field. */
function single(walk: Walk, element: SchemaElement, levels: Levels): SchemaNode {
  const nullable = element.repetition === repetitionType.optional
  const definition = levels.definition + (nullable ? 1 : 0)
  return body(walk, element, { definition, repetition: levels.repetition, depth: levels.depth + 1 }, nullable)
}

/** The value of a field at the level where it is present. */
function body(walk: Walk, element: SchemaElement, levels: Levels, nullable: boolean): SchemaNode {
  const { name, logical, converted } = element
  if (element.type !== undefined && element.children === 0) {
    const leaf = leafType(element)
    return { kind: 'leaf', name, type: leaf.type, nullable, ...at(levels), column: walk.column++, leaf }
  }
  if (element.children === 0) throw unsupported(`group ${name} has no fields`)
  const isList = logical?.kind === 'list' || converted === convertedType.list
  const isMap =
    logical?.kind === 'map' || converted === convertedType.map || converted === convertedType.mapKeyValue
  const repeated = walk.elements[walk.next]
  if ((isList || isMap) && element.children === 1 && repeated?.repetition === repetitionType.repeated) {
    return isMap ? mapNode(walk, element, levels, nullable) : announcedList(walk, element, levels, nullable)
  }
  return structNode(walk, element, levels, nullable)
}

function at(levels: Levels): { definition: number; repetition: number } {
  return { definition: levels.definition, repetition: levels.repetition }
}

function structNode(walk: Walk, element: SchemaElement, levels: Levels, nullable: boolean): StructNode {
  const children: SchemaNode[] = []
  for (let child = 0; child < element.children; child++) children.push(field(walk, levels))
  const type: DataType = { kind: 'struct', fields: children.map(fieldOf) }
  return { kind: 'struct', name: element.name, type, nullable, ...at(levels), children }
}

function announcedList(walk: Walk, element: SchemaElement, levels: Levels, nullable: boolean): ListNode {
  const repeated = take(walk, levels.depth)
  const inner = {
    definition: levels.definition + 1,
    repetition: levels.repetition + 1,
    depth: levels.depth + 2,
  }
  const twoLevels =
    repeated.children !== 1 || repeated.name === 'array' || repeated.name === `${element.name}_tuple`
  const value = twoLevels ? body(walk, repeated, inner, false) : field(walk, inner)
  return listNode(element.name, nullable, levels.definition, inner, value)
}

function listNode(
  name: string,
  nullable: boolean,
  definition: number,
  inner: Levels,
  element: SchemaNode,
): ListNode {
  const type: DataType = { kind: 'list', element: elementType(element) }
  const elementDefinition = inner.definition
  return {
    kind: 'list',
    name,
    type,
    nullable,
    definition,
    repetition: inner.repetition,
    elementDefinition,
    element,
  }
}

function elementType(node: SchemaNode): ElementType {
  return { type: node.type, nullable: node.nullable }
}

function mapNode(walk: Walk, element: SchemaElement, levels: Levels, nullable: boolean): ListNode {
  const repeated = take(walk, levels.depth)
  if (repeated.children !== 2) throw unsupported(`map ${element.name} has no values`)
  const inner = {
    definition: levels.definition + 1,
    repetition: levels.repetition + 1,
    depth: levels.depth + 2,
  }
  const key = { ...field(walk, inner), name: 'key' }
  const value = { ...field(walk, inner), name: 'value' }
  if (key.nullable) throw unsupported(`map ${element.name} may have null keys`)
  const entry: StructNode = {
    kind: 'struct',
    name: 'entry',
    type: { kind: 'struct', fields: [fieldOf(key), fieldOf(value)] },
    nullable: false,
    ...at(inner),
    children: [key, value],
  }
  const type: DataType = { kind: 'map', key: key.type, value: elementType(value) }
  const list = listNode(element.name, nullable, levels.definition, inner, entry)
  return { ...list, type }
}
