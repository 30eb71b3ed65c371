/** Files as the output of a trial: what a reader finds in them, without the engine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { rowsOfParquet } from '../../packages/core/test/connect/formats/parquet/peer-rows.ts'
import { textOf, timesAsNumbers } from './scenario.ts'
import type { Scenario } from './scenario.ts'

/** Rows of all files that show, as text. */
export async function rowsOfFiles(scenario: Scenario, folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return []
  const rows: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (/^[._]/.test(entry.name)) continue
    const path = join(folder, entry.name)
    if (!entry.isDirectory()) {
      rows.push(...(await rowsOf(scenario, path, {})))
      continue
    }
    const [, account = ''] = entry.name.split('=')
    for (const name of readdirSync(path))
      if (!/^[._]/.test(name)) rows.push(...(await rowsOf(scenario, join(path, name), { account })))
  }
  return rows.toSorted()
}

async function rowsOf({ format, gzip }: Scenario, file: string, partition: object): Promise<string[]> {
  const bytes = readFileSync(file)
  const found = format === 'parquet' ? await rowsOfParquet(bytes) : rowsOfText(format, unpacked(bytes, gzip))
  return found.map((row) => textOf({ ...timesAsNumbers(row), ...partition }))
}

function unpacked(bytes: Uint8Array, gzip: boolean): string {
  return Buffer.from(gzip ? gunzipSync(bytes) : bytes).toString('utf8')
}

function rowsOfText(format: 'ndjson' | 'csv', text: string): object[] {
  const lines = text.split('\n').filter((line) => line !== '')
  if (format === 'ndjson') return lines.map((line) => JSON.parse(line) as object)
  const names = lines[0]?.split(',') ?? []
  return lines.slice(1).map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? '']))
  })
}
