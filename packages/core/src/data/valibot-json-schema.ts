/**
 * Valibot's schemas as JSON Schema, as far as columns need it: Valibot gives none itself without a second package.
 *
 * Reads the documented parts of its schema objects (`type`, `entries`, `item`, `wrapped`, `options`, `pipe`).
 */
import { MARK } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'

/** The parts of a Valibot schema or pipe action that are read. */
interface ValibotSchema {
  readonly kind?: string
  readonly type?: string
  readonly entries?: { readonly [name: string]: ValibotSchema }
  readonly item?: ValibotSchema
  readonly items?: readonly ValibotSchema[]
  readonly wrapped?: ValibotSchema
  readonly options?: readonly unknown[]
  readonly literal?: unknown
  readonly default?: unknown
  readonly requirement?: unknown
  readonly pipe?: readonly ValibotSchema[]
  readonly value?: ValibotSchema
}

const DEPTH_MAX = 64

/** The JSON Schema of a Valibot schema's output. */
export function valibotJsonSchema(given: unknown, depth: number): JsonSchema {
  const schema = given as ValibotSchema
  if (depth > DEPTH_MAX) return {}
  const { pipe } = schema
  if (pipe === undefined) return plain(schema, depth)
  // Without its pipe, else this would not end.
  let described = plain({ ...schema, pipe: undefined } as unknown as ValibotSchema, depth)
  for (const action of pipe.slice(1)) described = afterAction(described, action, depth)
  return described
}

function afterAction(described: JsonSchema, action: ValibotSchema, depth: number): JsonSchema {
  if (action.kind === 'schema') return valibotJsonSchema(action, depth + 1)
  const requirement = action.requirement as number
  switch (action.type) {
    case 'integer':
    case 'safe_integer':
      return { ...described, type: 'integer' }
    case 'min_value':
      return typeof requirement === 'number' ? { ...described, minimum: requirement } : described
    case 'max_value':
      return typeof requirement === 'number' ? { ...described, maximum: requirement } : described
    case 'uuid':
      return { ...described, format: 'uuid' }
    case 'iso_date':
      return { ...described, format: 'date' }
    case 'transform':
    case 'raw_transform':
      return { [MARK]: 'transform' }
    case 'to_number':
      return { type: 'number' }
    case 'to_string':
      return { type: 'string' }
    case 'to_boolean':
      return { type: 'boolean' }
    case 'to_bigint':
      return { [MARK]: 'bigint' }
    case 'to_date':
      return { [MARK]: 'date' }
    default:
      // Validations, and transformations of text to text such as trim.
      return described
  }
}

function plain(schema: ValibotSchema, depth: number): JsonSchema {
  switch (schema.type) {
    case 'boolean':
    case 'string':
    case 'number':
    case 'null':
      return { type: schema.type }
    case 'array':
      return { type: 'array', items: valibotJsonSchema(schema.item, depth + 1) }
    case 'object':
    case 'loose_object':
    case 'strict_object':
    case 'object_with_rest':
      return objectSchema(schema, depth)
    case 'nullable':
    case 'nullish':
    case 'optional':
    case 'exact_optional':
    case 'undefinedable':
      return wrappedSchema(schema, depth)
    case 'non_nullable':
    case 'non_nullish':
    case 'non_optional':
      return valibotJsonSchema(schema.wrapped, depth + 1)
    case 'enum':
    case 'picklist':
      return { enum: schema.options ?? [] }
    case 'literal':
      return typeof schema.literal === 'bigint' ? { [MARK]: 'bigint' } : { const: schema.literal }
    case 'union':
    case 'variant':
      return { anyOf: (schema.options ?? []).map((option) => valibotJsonSchema(option, depth + 1)) }
    case 'record':
      return { type: 'object', additionalProperties: valibotJsonSchema(schema.value, depth + 1) }
    case 'tuple':
    case 'loose_tuple':
    case 'strict_tuple':
    case 'tuple_with_rest':
      return {
        type: 'array',
        prefixItems: (schema.items ?? []).map((item) => valibotJsonSchema(item, depth + 1)),
      }
    case 'any':
    case 'unknown':
    case 'lazy':
      return {}
    case 'intersect':
      return { anyOf: (schema.options ?? []).map((option) => valibotJsonSchema(option, depth + 1)) }
    default:
      return { [MARK]: schema.type ?? 'value' }
  }
}

function objectSchema(schema: ValibotSchema, depth: number): JsonSchema {
  const entries = Object.entries(schema.entries ?? {})
  const optional = new Set(['optional', 'exact_optional', 'undefinedable', 'nullish'])
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, entry]) => [name, valibotJsonSchema(entry, depth + 1)]),
    ),
    required: entries
      .filter(([, entry]) => !optional.has(entry.type ?? '') || entry.default !== undefined)
      .map(([name]) => name),
  }
}

function wrappedSchema(schema: ValibotSchema, depth: number): JsonSchema {
  const inner = valibotJsonSchema(schema.wrapped, depth + 1)
  const isNullable = schema.type === 'nullable' || schema.type === 'nullish'
  return isNullable && schema.default === undefined ? { anyOf: [inner, { type: 'null' }] } : inner
}
