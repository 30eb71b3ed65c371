/**
 * The JSON Schema that a library of the Standard Schema family gives of its own schema, with marks where JSON Schema
 * has no word for it. No library is imported: each hands its description over through its own object.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { MillraceError } from '../errors.ts'
import { MARK } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'
import { valibotJsonSchema } from './valibot-json-schema.ts'

/** The JSON Schema of a foreign schema's output. */
export function jsonSchemaOf(foreign: StandardSchemaV1): JsonSchema {
  const standard = (foreign as Partial<StandardSchemaV1> | undefined)?.['~standard'] as
    | (StandardSchemaV1.Props & Partial<Pick<StandardJSONSchemaV1.Props, 'jsonSchema'>>)
    | undefined
  if (standard === undefined) throw refused('the value is no Standard Schema', undefined)
  if (standard.vendor === 'valibot') return valibotJsonSchema(foreign, 0)
  if (standard.jsonSchema === undefined) {
    throw refused(`the library "${standard.vendor}" does not describe its schemas as JSON Schema`, undefined)
  }
  const libraryOptions = optionsOf[standard.vendor]
  try {
    const options = { target: 'draft-2020-12' as const }
    return standard.jsonSchema.output(
      libraryOptions === undefined ? options : { ...options, libraryOptions },
    ) as JsonSchema
  } catch (cause) {
    throw refused(`the library "${standard.vendor}" cannot describe the schema as JSON Schema`, cause)
  }
}

interface ZodOverride {
  readonly zodSchema: { readonly _zod: { readonly def: { readonly type: string } } }
  readonly jsonSchema: { [name: string]: unknown }
}

interface ArkTypeFallback {
  readonly code: string
  readonly base?: object
  readonly domain?: string
  readonly proto?: { readonly name: string }
}

/** Kinds of Zod schemas that JSON Schema has no word for. */
const zodMarks = new Set([
  'bigint',
  'date',
  'symbol',
  'undefined',
  'void',
  'map',
  'set',
  'transform',
  'nan',
  'custom',
  'function',
  'file',
  'promise',
])

/** How each library is asked to go on where it would stop. */
const optionsOf: { readonly [vendor: string]: Record<string, unknown> } = {
  zod: {
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }: ZodOverride): void => {
      const kind = zodSchema._zod.def.type
      if (zodMarks.has(kind)) jsonSchema[MARK] = kind
    },
  },
  arktype: {
    fallback: (context: ArkTypeFallback): object => {
      // A default or a pattern that JSON Schema lacks does not change the type.
      if (context.code === 'predicate' || context.code === 'patternIntersection') return context.base ?? {}
      return { [MARK]: context.domain ?? context.proto?.name.toLowerCase() ?? context.code }
    },
  },
}

function refused(detail: string, cause: unknown): MillraceError {
  return new MillraceError('schema/unmappable', {
    what: 'the schema does not map to columns',
    detail,
    hint: 'Zod from 4.2, ArkType from 2.1.28 and Valibot 1 work; or write the schema with `t`',
    cause,
  })
}
