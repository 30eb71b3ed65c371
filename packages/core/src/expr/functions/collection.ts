/**
 * Lists, maps and structs. Elements count from 1, as in PostgreSQL; what is not there is null.
 */
import type { DataType, ElementType } from '../../data/type.ts'
import type { Expression } from '../expression.ts'
import { booleanType, commonType, int32Type, isInteger, stringType } from '../types.ts'
import { failValue } from '../value-error.ts'
import type { Value } from '../value.ts'
import { canCast } from '../casts.ts'
import { comparableType, compareValues } from './comparison.ts'
import type { FunctionDefinition, Parameter, Resolution } from './define.ts'
import { define, isTextLiteral, isUntypedNull, parameter } from './define.ts'

type ListType = Extract<DataType, { kind: 'list' }>
type MapType = Extract<DataType, { kind: 'map' }>
const { list, map, text } = parameter

const array: FunctionDefinition = {
  name: 'array',
  family: 'collection',
  signature: 'array[a, …]',
  doc: 'A list of values.',
  nulls: 'seen',
  resolve(parts) {
    const element = parts.length === 0 ? stringType : comparableType(parts)
    if (element === undefined) return undefined
    const nullable = parts.some((part) => part.nullable)
    const type: DataType = { kind: 'list', element: { type: element, nullable } }
    return { parameters: parts.map(() => element), type, nullable: false }
  },
  evaluate: (values) => values,
}

/** `list[i]`, `map[key]`, and for text the character at a place. */
const elementAt: FunctionDefinition = {
  name: 'element_at',
  family: 'collection',
  signature: 'list[index], map[key]',
  doc: 'Element index (from 1, from the end when negative) of a list, or the value of a key of a map; null when absent.',
  nulls: 'strict',
  resolve(parts) {
    const [collection, index] = parts as [Expression, Expression]
    if (parts.length !== 2) return undefined
    const { type } = collection
    if (type.kind === 'list' && isInteger(index.type)) {
      return { parameters: [type, index.type], type: type.element.type, nullable: true }
    }
    if (type.kind !== 'map') return undefined
    const key = keyType(type, index)
    return key === undefined ? undefined : { parameters: [type, key], type: type.value.type, nullable: true }
  },
  evaluate([collection, index], { types }) {
    const items = collection as readonly Value[]
    if (types[0]?.kind === 'map') return valueOfKey(items, index as Value, types[0].key)
    const at = Number(index)
    return items[at < 0 ? items.length + at : at - 1] ?? null
  },
}

/** The type that a key is compared in. */
function keyType(type: MapType, key: Expression): DataType | undefined {
  if (isTextLiteral(key) || isUntypedNull(key)) return type.key
  return commonType(type.key, key.type) === undefined ? undefined : type.key
}

function valueOfKey(pairs: readonly Value[], key: Value, type: DataType): Value {
  // The last of equal keys counts, as when a JavaScript Map is made of the pairs.
  for (const pair of pairs.toReversed() as readonly (readonly Value[])[]) {
    if (compareValues(pair[0] as Value, key, type) === 0) return pair[1] as Value
  }
  return null
}

const slice: FunctionDefinition = {
  name: 'slice',
  family: 'collection',
  signature: 'list[from:to]',
  doc: 'The elements from one position to another, both included; open when left out.',
  nulls: 'seen',
  resolve(parts) {
    const [value, from, to] = parts as [Expression, Expression, Expression]
    if (parts.length !== 3 || value.type.kind !== 'list') return undefined
    const bounds = [from, to].map((part) => (isUntypedNull(part) ? int32Type : part.type))
    if (!bounds.every(isInteger)) return undefined
    return { parameters: [value.type, ...bounds], type: value.type, nullable: value.nullable }
  },
  evaluate([value, from, to]) {
    if (value === null) return null
    const items = value as readonly Value[]
    const first = Math.max(Number(from ?? 1), 1)
    const last = Math.min(Number(to ?? items.length), items.length)
    return items.slice(first - 1, Math.max(last, 0))
  },
}

function withElement(
  name: string,
  signature: string,
  doc: string,
  result: (type: ListType, element: ElementType) => DataType,
  evaluate: (items: readonly Value[], wanted: Value, element: DataType) => Value,
  nullable: boolean = false,
): FunctionDefinition {
  return {
    name,
    family: 'collection',
    signature,
    doc,
    nulls: 'seen',
    resolve(parts): Resolution | undefined {
      const [value, wanted] = parts as [Expression, Expression]
      if (parts.length !== 2 || value.type.kind !== 'list') return undefined
      const own = value.type.element
      const adapts = isTextLiteral(wanted) || isUntypedNull(wanted)
      const element = adapts ? own.type : commonType(own.type, wanted.type)
      if (element === undefined) return undefined
      const both: ElementType = { type: element, nullable: own.nullable || wanted.nullable }
      const type: DataType = { kind: 'list', element: { type: element, nullable: own.nullable } }
      return {
        parameters: [type, element],
        type: result(value.type, both),
        nullable: nullable || value.nullable,
      }
    },
    evaluate: ([items, wanted], { types }) =>
      items === null ? null : evaluate(items as readonly Value[], wanted as Value, types[1] as DataType),
  }
}

const sameElement = (a: Value, b: Value, type: DataType): boolean =>
  a === null || b === null ? a === b : compareValues(a, b, type) === 0

/** A field of a struct; the name is a constant. `a.b` binds to it. */
const structField: FunctionDefinition = {
  name: 'struct_field',
  family: 'collection',
  signature: 'struct.field',
  doc: 'A field of a struct.',
  nulls: 'strict',
  resolve(parts) {
    const [value, name] = parts as [Expression, Expression]
    if (parts.length !== 2 || value.type.kind !== 'struct' || !isTextLiteral(name)) return undefined
    const field = value.type.fields.find((candidate) => candidate.name === (name as { value: unknown }).value)
    if (field === undefined) return undefined
    return {
      parameters: [value.type, stringType],
      type: field.type,
      nullable: value.nullable || field.nullable,
    }
  },
  evaluate([value, name], { types }) {
    const type = types[0] as Extract<DataType, { kind: 'struct' }>
    const index = type.fields.findIndex((field) => field.name === name)
    return (value as readonly Value[])[index] ?? null
  },
}

/** A list whose elements have a text, as the list of their texts. */
const textList: Parameter = {
  label: 'list',
  accept({ type }) {
    if (type.kind !== 'list' || !canCast(type.element.type, stringType)) return undefined
    return { kind: 'list', element: { type: stringType, nullable: type.element.nullable } }
  },
}

function joinTexts(items: readonly (string | null)[], separator: string, ofNull: string | undefined): string {
  const texts = items.map((item) => item ?? ofNull)
  return texts.filter((item) => item !== undefined).join(separator)
}

/** Elements that generate_series and the like may make, at most. */
const ELEMENTS_MAX = 1_000_000

/** The entries of this family. */
export const collectionFunctions: readonly FunctionDefinition[] = [
  array,
  elementAt,
  slice,
  structField,
  define('cardinality', 'collection', 'cardinality(list) → integer', 'The number of elements of a list or map.',
    [{ parameters: [list], result: int32Type }, { parameters: [map], result: int32Type }],
    ([items]) => (items as readonly Value[]).length),
  withElement('array_contains', 'array_contains(list, x) → boolean', 'Whether a value is an element of a list.',
    () => booleanType, (items, wanted, type) => items.some((item) => sameElement(item, wanted, type))),
  withElement('array_position', 'array_position(list, x) → integer', 'Where a value first is in a list, null when it is not.',
    () => int32Type, (items, wanted, type) => {
      const at = items.findIndex((item) => sameElement(item, wanted, type))
      return at < 0 ? null : at + 1
    }, true),
  withElement('array_remove', 'array_remove(list, x) → list', 'The list without the elements that equal a value.',
    (_, element) => ({ kind: 'list', element }), (items, wanted, type) => items.filter((item) => !sameElement(item, wanted, type))),
  withElement('array_append', 'array_append(list, x) → list', 'The list with a value at its end.',
    (_, element) => ({ kind: 'list', element }), (items, wanted) => {
      if (items.length >= ELEMENTS_MAX) failValue('value/overflow', `a list would have more than ${ELEMENTS_MAX} elements`)
      return [...items, wanted]
    }),
  define('array_to_string', 'collection', 'array_to_string(list, separator [, null text]) → text', 'The elements of a list as text put together; nulls are left out, or written as a text.',
    [{ parameters: [textList, text, text], optional: 1, result: stringType }],
    ([items, separator, ofNull]) => joinTexts(items as readonly (string | null)[], separator as string, ofNull as string | undefined)),
  define('map_keys', 'collection', 'map_keys(map) → list', 'The keys of a map.',
    [{ parameters: [map], result: (types) => types[0]?.kind === 'map' ? { kind: 'list', element: { type: types[0].key, nullable: false } } : undefined }],
    ([pairs]) => (pairs as readonly (readonly Value[])[]).map((pair) => pair[0] as Value)),
  define('map_values', 'collection', 'map_values(map) → list', 'The values of a map.',
    [{ parameters: [map], result: (types) => types[0]?.kind === 'map' ? { kind: 'list', element: types[0].value } : undefined }],
    ([pairs]) => (pairs as readonly (readonly Value[])[]).map((pair) => pair[1] as Value)),
] // prettier-ignore
