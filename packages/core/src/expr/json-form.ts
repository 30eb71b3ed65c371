/**
 * The JSON form of bound expressions. They are plain JSON-safe data already; reading one back checks its shape.
 */
import type { DataType, Json } from '../data/type.ts'
import { MillraceError } from '../errors.ts'
import { catalogue } from './catalogue.ts'
import type { Expression } from './expression.ts'
import { NESTING_MAX, TREE_HEIGHT_MAX } from './token-reader.ts'

/** The expression as JSON-safe data that shares nothing with it. */
export function expressionToJson(expression: Expression): Json {
  return JSON.parse(JSON.stringify(expression)) as Json
}

/**
 * Reads an expression from its JSON form.
 *
 * @throws MillraceError `expression/type` when it is not one, `expression/unknown-function` for a function this version lacks.
 */
export function expressionFromJson(json: Json): Expression {
  check(json, 0)
  return json as unknown as Expression
}

interface JsonObject {
  readonly [name: string]: Json
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function check(json: Json | undefined, depth: number): void {
  if (!isObject(json) || depth > TREE_HEIGHT_MAX + NESTING_MAX) return malformed('a node is not an object')
  const { kind, type, nullable } = json
  if (!isObject(type) || typeof (type as Partial<DataType>).kind !== 'string')
    return malformed('a node has no type')
  if (typeof nullable !== 'boolean') return malformed('a node does not say whether it can be null')
  switch (kind) {
    case 'column':
      return typeof json['name'] === 'string' ? undefined : malformed('a column has no name')
    case 'literal':
      return json['value'] === undefined ? malformed('a literal has no value') : undefined
    case 'call':
      return checkCall(json, depth)
    case 'case': {
      if (!Array.isArray(json['branches'])) return malformed('a CASE has no branches')
      for (const branch of json['branches'] as readonly Json[]) {
        if (!isObject(branch)) return malformed('a branch is not an object')
        check(branch['when'], depth + 1)
        check(branch['then'], depth + 1)
      }
      return check(json['otherwise'], depth + 1)
    }
    default:
      return malformed(`node kind ${JSON.stringify(kind)} does not exist`)
  }
}

function checkCall(json: JsonObject, depth: number): void {
  const name = json['name']
  if (typeof name !== 'string' || (name !== 'cast' && !catalogue.has(name))) {
    throw new MillraceError('expression/unknown-function', {
      what: `function ${JSON.stringify(name)} does not exist`,
      hint: 'the expression was written by a version that has it',
    })
  }
  if (!Array.isArray(json['arguments'])) return malformed('a call has no arguments')
  for (const part of json['arguments'] as readonly Json[]) check(part, depth + 1)
}

function malformed(detail: string): never {
  throw new MillraceError('expression/type', { what: 'the JSON form of an expression is malformed', detail })
}
