/** Rows of state as lines of JSON, and as files. */
import { pipeline } from '@millrace/core'
import type { Schema } from '@millrace/core'
import { memoryRows } from '@millrace/core/connect'
import { ndjson, parquet } from '@millrace/core/files'
import type { DataType } from '@millrace/core/data'
import type { Host } from '@millrace/core/host'
import { Job } from '@millrace/core/runtime'
import { formatInstant } from '@millrace/core/time'
import type { StateRow, StateTable } from '@millrace/core/runtime'

/** A row of a table as a line of JSON, with the name of the table. */
export function rowLine({ table, schema }: StateTable, row: StateRow): string {
  const cells = schema.fields.map(({ name, type }) => [name, shown(row[name], type)])
  return `${JSON.stringify({ table, ...Object.fromEntries(cells) }, (_, value: unknown) => plain(value))}\n`
}

/** Moments as texts, wherever they are. */
function shown(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return value
  switch (type.kind) {
    case 'timestamp':
      return typeof value === 'number' ? formatInstant(value, type.zoned) : value
    case 'list':
      return (value as readonly unknown[]).map((one) => shown(one, type.element.type))
    case 'struct':
      return Object.fromEntries(
        type.fields.map(({ name, type: of }) => [name, shown((value as StateRow)[name], of)]),
      )
    case 'map':
      return Array.from(value as ReadonlyMap<unknown, unknown>, ([key, one]) => [
        shown(key, type.key),
        shown(one, type.value.type),
      ])
    default:
      return value
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return [...value]
  // JSON.stringify has called toJSON of buffers before; plain arrays of bytes come as they are.
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}

/**
 * Writes tables as files, each into a folder of its own: `<folder>/<step>/<table>`.
 *
 * @throws MillraceError `output/exists` when there is something already.
 */
export async function writeTables(
  tables: readonly StateTable[],
  {
    host,
    folder,
    format,
  }: { readonly host: Host; readonly folder: string; readonly format: 'ndjson' | 'parquet' },
): Promise<void> {
  for (const { step, table, schema, rows } of tables) {
    if (rows.length === 0) continue
    const path = `${folder}/${fileName(step)}/${fileName(table)}`
    const built = pipeline('state', (p) => {
      p.read('rows', memoryRows(schema as Schema<StateRow>, rows)).write(
        'files',
        format === 'parquet' ? parquet(path) : ndjson(path),
      )
    }).build()
    await new Job(built, { host }).run()
  }
}

/** Steps and tables have names that no folder may have. */
function fileName(name: string): string {
  return name.replaceAll(/[^\w.-]/g, (character) => (character === ':' ? '.' : '_')).replace(/^\.+/, '_')
}
