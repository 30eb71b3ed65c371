/**
 * Cells of generated rows as JSON, and back into what a row in TypeScript holds.
 *
 * JSON has no bigint, no NaN and no bytes: they are texts here, which the type of the column tells apart.
 */
import type { DataType, Json } from '../../data/index.ts'

/** The row value of a cell. */
export function valueOfJson(type: DataType, json: Json): unknown {
  if (json === null) return null
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return typeof json === 'string' ? Number(json) : json
    case 'int64':
    case 'uint64':
      return type.rows === 'bigint' ? BigInt(json as string) : json
    case 'timestamp':
    case 'time':
      return type.unit === 'ms' ? json : BigInt(json as string)
    case 'bytes':
      return new Uint8Array(Buffer.from(json as string, 'hex'))
    case 'list':
      return (json as readonly Json[]).map((one) => valueOfJson(type.element.type, one))
    case 'map':
      return new Map(
        (json as readonly (readonly [Json, Json])[]).map(([key, value]) => [
          valueOfJson(type.key, key),
          valueOfJson(type.value.type, value),
        ]),
      )
    case 'struct':
      return Object.fromEntries(
        type.fields.map(({ name, type: part }) => [
          name,
          valueOfJson(part, (json as { readonly [name: string]: Json })[name] ?? null),
        ]),
      )
    default:
      return json
  }
}
