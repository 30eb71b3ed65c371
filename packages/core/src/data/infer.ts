/**
 * Schemas from the first rows of some data: what JSON and CSV files have instead of a schema.
 *
 * Deterministic: the same rows give the same schema, and every decision has a reason that `describeInference` prints.
 * The rules, per column and per part of a nested one:
 *
 *   whole numbers within int32: int32; within int64: int64, as bigint beyond 2^53; up to 38 digits: decimal(38, 0), from
 *   text with more: string; any other number: float64
 *   strings that are all ISO dates: date; ISO dates with time: timestamp (ms, µs or ns by the digits seen; zoned when all
 *     name an offset, a string when only some do); all uuids: uuid; else string
 *   arrays: list; objects: struct, in the order in which names were first seen; objects of very many names: json
 *   kinds that do not go together: json (text sources: string); nothing but null: string
 *   null or missing anywhere: nullable
 *
 * From text (CSV) every value is a string: an empty one is null, `true`, `false` and numbers are recognised, but a
 * number with a leading zero or a plus sign is a string, because it is an identifier more often than a number.
 */
import { MillraceError } from '../errors.ts'
import type { ColumnType } from './builder.ts'
import { columnTypeOf, t } from './builder.ts'
import { makeSchema } from './schema.ts'
import type { Schema } from './type.ts'
import { Observation } from './infer-observation.ts'

/** How rows are looked at. */
export interface InferOptions {
  /** Values are texts, as in CSV. Default false. */
  readonly text?: boolean
  /** Rows looked at, at most. Default 10,000. */
  readonly rowsMax?: number
}

/** Why a column has its type. */
export interface InferredColumn {
  readonly name: string
  readonly column: ColumnType
  /** What was seen, as a fragment of a sentence. */
  readonly reason: string
}

/** An inferred schema with its reasons. */
export interface Inference {
  readonly schema: Schema<Record<string, unknown>>
  readonly columns: readonly InferredColumn[]
  /** Rows that were looked at. */
  readonly rows: number
}

/** A decimal of 38 digits holds what is nearer to 0. */
const WHOLE_DECIMALS = 1e38

/** Names that an object can have before it is taken for a dictionary with changing keys. */
const STRUCT_FIELDS_MAX = 500

/**
 * Infers a schema from rows.
 *
 * @throws MillraceError `schema/not-inferable` when there is no row, or no row has a column.
 */
export function inferSchema(rows: Iterable<object>, options?: InferOptions): Inference {
  const rowsMax = options?.rowsMax ?? 10_000
  const root = new Observation(options?.text === true)
  let count = 0
  for (const row of rows) {
    if (count === rowsMax) break
    root.addObject(row as { readonly [name: string]: unknown })
    count++
  }
  if (root.members.size === 0) {
    throw new MillraceError('schema/not-inferable', {
      what: count === 0 ? 'there is no row to infer a schema from' : 'the first rows have no columns',
      hint: 'declare the schema: `schema({ name: t.string() })`',
    })
  }
  const columns = [...root.members].map(([name, seen]) => {
    const { column, reason } = decide(seen)
    const nullable = seen.nulls > 0 || seen.total < count
    return { name, column: nullable ? column.nullable() : column, reason: withNulls(reason, seen, count) }
  })
  const schema = makeSchema<Record<string, unknown>>(
    columns.map(({ name, column }) => ({ name, type: column.type, nullable: column.isNullable })),
  )
  return { schema, columns, rows: count }
}

interface Decision {
  readonly column: ColumnType
  readonly reason: string
}

function decide(seen: Observation): Decision {
  const kinds = seen.kinds()
  if (kinds.length === 0) return { column: t.string(), reason: 'no value was seen' }
  if (kinds.length > 1) {
    const reason = `mixed: ${kinds.join(', ')}`
    return { column: seen.isText ? t.string() : t.json(), reason }
  }
  switch (kinds[0]) {
    case 'boolean':
      return { column: t.boolean(), reason: 'true or false' }
    case 'number':
      return decideNumber(seen)
    case 'string':
      return decideText(seen)
    case 'array':
      return decideList(seen)
    case 'object':
      return decideStruct(seen)
    default:
      return { column: t.json(), reason: 'values of other kinds' }
  }
}

function decideNumber(seen: Observation): Decision {
  const range = `${seen.lowest} to ${seen.highest}`
  if (seen.fractions > 0) return { column: t.float64(), reason: `numbers, ${range}` }
  if (seen.lowest >= -(2 ** 31) && seen.highest < 2 ** 31)
    return { column: t.int32(), reason: `whole numbers, ${range}` }
  if (Number.isSafeInteger(seen.lowest) && Number.isSafeInteger(seen.highest))
    return { column: t.int64(), reason: `whole numbers, ${range}` }
  if (seen.lowest >= -(2 ** 63) && seen.highest < 2 ** 63)
    return { column: t.int64().bigint(), reason: `whole numbers beyond 2^53, ${range}` }
  // A double would lose their digits.
  if (seen.lowest > -WHOLE_DECIMALS && seen.highest < WHOLE_DECIMALS)
    return { column: t.decimal(38, 0), reason: `whole numbers beyond 64 bits, ${range}` }
  const reason = `whole numbers of more than 38 digits, ${range}`
  return { column: seen.isText ? t.string() : t.float64(), reason }
}

function decideText(seen: Observation): Decision {
  const { strings } = seen
  if (seen.uuids === strings) return { column: t.uuid(), reason: 'uuids' }
  if (seen.dates === strings) return { column: t.date(), reason: 'dates as YYYY-MM-DD' }
  if (seen.dates + seen.instants === strings) {
    if (seen.zoned > 0 && seen.zoned < seen.instants) {
      return { column: t.string(), reason: 'times of which only some name an offset' }
    }
    const unit = seen.fractionDigits <= 3 ? 'ms' : seen.fractionDigits <= 6 ? 'us' : 'ns'
    return { column: t.timestamp(unit, { zoned: seen.zoned > 0 }), reason: 'ISO 8601 times' }
  }
  return { column: t.string(), reason: 'texts' }
}

function decideList(seen: Observation): Decision {
  const { elements } = seen
  if (elements === undefined || elements.total === 0) {
    return { column: t.list(t.json().nullable()), reason: 'empty lists' }
  }
  const { column, reason } = decide(elements)
  return { column: t.list(elements.nulls > 0 ? column.nullable() : column), reason: `lists of ${reason}` }
}

function decideStruct(seen: Observation): Decision {
  const { members, objects } = seen
  if (members.size === 0) return { column: t.json(), reason: 'empty objects' }
  if (members.size > STRUCT_FIELDS_MAX)
    return { column: t.json(), reason: `objects of ${members.size} different names` }
  const fields = [...members].map(([name, member]) => {
    const { column } = decide(member)
    return { name, type: column.type, nullable: member.nulls > 0 || member.total < objects }
  })
  try {
    return {
      column: columnTypeOf(Object.freeze({ kind: 'struct', fields: makeSchema(fields).fields })),
      reason: 'objects',
    }
  } catch {
    // A name that no column may have, such as an empty one.
    return { column: t.json(), reason: 'objects with names that columns may not have' }
  }
}

function withNulls(reason: string, seen: Observation, rows: number): string {
  const missing = rows - seen.total + seen.nulls
  return missing === 0 ? reason : `${reason}; null in ${missing} of ${rows} rows`
}
