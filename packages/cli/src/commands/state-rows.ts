/** Rows of state as lines of JSON, and as files. */
import { pipeline } from '@millrace/core'
import type { Schema } from '@millrace/core'
import { memoryRows } from '@millrace/core/connect'
import { ndjson, parquet } from '@millrace/core/files'
import type { Host } from '@millrace/core/host'
import { Job } from '@millrace/core/runtime'
import type { StateRow, StateTable } from '@millrace/core/runtime'

/** A row as a line of JSON. */
export function rowLine(row: StateRow): string {
  return `${JSON.stringify(row, (_, value: unknown) => plain(value))}\n`
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
