/** `millrace schema`: what is in a file, and the schema to write for it. */
import { files, parquet } from '@millrace/core/files'
import { createNodeHost } from '@millrace/core/host/node'
import type { Host } from '@millrace/core/host'
import type { Source, Split } from '@millrace/core/connect'
import type { ParsedWords } from '../command-line/command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { formatBytes, formatCount } from '../progress/quantities.ts'
import { schemaModule, schemaName, schemaTable } from '../report/schema-text.ts'
import { paletteFor } from '../report/style.ts'
import type { Surroundings } from '../surroundings.ts'

/** Runs the command. */
export async function showSchema(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const path = words.operands[0] ?? ''
  const host = createNodeHost()
  const declared: Source = files(path).toSource()
  const source = (await declared.resolveSchema?.(host)) ?? declared
  const size = await sizeOf(path, source, host)
  const { stdout, environment } = surroundings
  if (words.given.has('json')) {
    stdout.write(`${JSON.stringify({ path, ...size, columns: source.schema.fields }, null, 2)}\n`)
    return exitCodes.done
  }
  stdout.write(
    `${path}: ${sizeText(size)}\n\n${schemaTable(source.schema, paletteFor(stdout, environment))}\n\n` +
      `${schemaModule(source.schema, schemaName(path))}\n`,
  )
  return exitCodes.done
}

/** What is known of the files without reading them. */
interface Size {
  readonly files: number
  readonly bytes: number | null
  /** Null for formats whose files do not say it. */
  readonly rows: number | null
}

async function sizeOf(path: string, source: Source, host: Host): Promise<Size> {
  const whole = await splitsOf(source, host)
  // Parquet files say their rows in their footers, which are read when files are cut into parts: as many as there are.
  const isParquet = whole.length > 0 && whole.every(({ id }) => id.endsWith('.parquet'))
  const parts = isParquet
    ? await splitsOf(parquet(path, { schema: source.schema, splitBytes: 1 }).toSource(), host)
    : whole
  return {
    files: whole.length,
    bytes: total(whole.map((split) => split.bytes)),
    rows: total(parts.map((split) => split.rows)),
  }
}

async function splitsOf(source: Source, host: Host): Promise<readonly Split[]> {
  const enumerator = await source.enumerate({
    host,
    boundedness: 'bounded',
    step: 'schema',
    rejected: undefined,
  })
  try {
    return (await enumerator.next()).splits
  } finally {
    await enumerator.close()
  }
}

function total(values: readonly (number | undefined)[]): number | null {
  let sum = 0
  for (const value of values) {
    if (value === undefined) return null
    sum += value
  }
  return sum
}

function sizeText({ files: count, bytes, rows }: Size): string {
  const parts = [
    ...(count === 1 ? [] : [`${formatCount(count)} files`]),
    ...(rows === null ? [] : [`${formatCount(rows)} rows`]),
    ...(bytes === null ? [] : [formatBytes(bytes)]),
  ]
  return parts.join(', ')
}
