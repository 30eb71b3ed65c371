/**
 * JSON: members, elements and paths. JSON is its text; numbers keep their digits, absent members are null.
 */
import type { Expression } from '../expression.ts'
import { elementsOf, jsonAt, jsonKind, jsonText, namesOf, pathSteps } from '../json-path.ts'
import type { PathStep } from '../json-path.ts'
import { int32Type, isInteger, jsonType, stringType } from '../types.ts'
import type { DataType } from '../../data/type.ts'
import { failValue, shorten } from '../value-error.ts'
import type { Value } from '../value.ts'
import type { FunctionDefinition } from './define.ts'
import { define, parameter } from './define.ts'

const { text, json, any } = parameter

/** Text columns often hold JSON: they are taken as they are, and a text that is none fails at its row. */
function jsonArgument(part: Expression): DataType | undefined {
  return json.accept(part) ?? (part.type.kind === 'string' ? jsonType : undefined)
}

function member(name: '->' | '->>', doc: string, result: DataType): FunctionDefinition {
  return {
    name,
    family: 'json',
    signature: `json ${name} 'name', json ${name} index`,
    doc,
    nulls: 'strict',
    resolve(parts) {
      const [value, step] = parts as [Expression, Expression]
      if (parts.length !== 2 || (step.type.kind !== 'string' && !isInteger(step.type))) return undefined
      const type = jsonArgument(value)
      return type === undefined ? undefined : { parameters: [type, step.type], type: result, nullable: true }
    },
    evaluate([value, step]) {
      const wanted: PathStep = typeof step === 'string' ? step : Number(step)
      const found = jsonAt(value as string, [wanted])
      return (result.kind === 'json' ? found : jsonText(found)) ?? null
    },
  }
}

function byPath(name: string, doc: string, result: DataType): FunctionDefinition {
  return {
    name,
    family: 'json',
    signature: `${name}(json, '$.path')`,
    doc,
    nulls: 'strict',
    resolve(parts) {
      const [value, path] = parts as [Expression, Expression]
      if (parts.length !== 2 || path.type.kind !== 'string') return undefined
      const type = jsonArgument(value)
      return type === undefined ? undefined : { parameters: [type, stringType], type: result, nullable: true }
    },
    evaluate([value, path]) {
      const found = jsonAt(value as string, pathSteps(path as string))
      if (result.kind === 'json') return found ?? null
      // JSON_VALUE of the SQL standard gives scalars only.
      if (name === 'json_value' && found !== undefined && /^[{[]/.test(found)) return null
      return jsonText(found) ?? null
    },
  }
}

/** A value as JSON text. */
function toJson(value: Value, type: DataType): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'json':
      return value as string
    case 'boolean':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return String(value as boolean | number | bigint)
    case 'float32':
    case 'float64':
      return Number.isFinite(value) ? String(value as number) : JSON.stringify(String(value as number))
    case 'string':
    case 'uuid':
      return JSON.stringify(value)
    case 'list':
      return `[${(value as readonly Value[]).map((item) => toJson(item, type.element.type)).join(',')}]`
    case 'struct':
      return `{${type.fields.map((field, n) => `${JSON.stringify(field.name)}:${toJson((value as readonly Value[])[n] ?? null, field.type)}`).join(',')}}` // prettier-ignore
    default:
      return failValue('value/cast', `a ${type.kind} cannot become json`, 'cast it to text first')
  }
}

/** The entries of this family. */
export const jsonFunctions: readonly FunctionDefinition[] = [
  member('->', 'A member or an element (from 0) as json.', jsonType),
  member('->>', 'A member or an element (from 0) as text.', stringType),
  byPath('json_extract', 'The json at a path such as $.a[0].', jsonType),
  byPath('json_extract_text', 'The value at a path as text.', stringType),
  byPath('json_value', 'The scalar at a path as text, null for objects and arrays.', stringType),
  define('json_typeof', 'json', 'json_typeof(json) → text', 'object, array, string, number, boolean or null.',
    [{ parameters: [json], result: stringType }], ([value]) => jsonKind(value as string)),
  define('json_array_length', 'json', 'json_array_length(json) → integer', 'The number of elements; null when it is no array.',
    [{ parameters: [json], result: int32Type, nullable: true }], ([value]) => elementsOf(value as string)?.length ?? null),
  define('json_object_keys', 'json', 'json_object_keys(json) → list', 'The names of the members; null when it is no object.',
    [{ parameters: [json], result: { kind: 'list', element: { type: stringType, nullable: false } }, nullable: true }],
    ([value]) => namesOf(value as string) ?? null),
  define('parse_json', 'json', 'parse_json(text) → json', 'Text as json; an error when it is none.',
    [{ parameters: [text], result: jsonType }],
    ([value]) => {
      try {
        JSON.parse(value as string)
      } catch {
        failValue('value/cast', `text ${JSON.stringify(shorten(value as string))} is no json`)
      }
      return value as string
    }),
  define('to_json', 'json', 'to_json(x) → json', 'A value as json.', [{ parameters: [any], result: jsonType, nullable: false }],
    ([value], { types }) => toJson(value as Value, types[0] as DataType), 'seen'),
] // prettier-ignore
