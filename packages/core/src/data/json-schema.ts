/**
 * JSON Schema as far as columns need it: the words that are looked at, and a mark for what it has no word for.
 *
 * Who describes a schema so: standard-json-schema.ts; what columns come of it: standard-schema.ts.
 */

/** Property that marks what JSON Schema cannot say: `bigint`, `date`, `transform` and so on. */
export const MARK = 'x-millrace'

/** The part of JSON Schema that is looked at. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly required?: readonly string[]
  readonly items?: JsonSchema | boolean
  readonly prefixItems?: readonly JsonSchema[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly [MARK]?: string
}
