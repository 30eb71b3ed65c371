/** `millrace schema`: what is in a file, and the schema to write for it. */
import { files } from '@millrace/core/files'
import { createNodeHost } from '@millrace/core/host/node'
import type { Host } from '@millrace/core/host'
import type { Source } from '@millrace/core/connect'
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
  const size = await sizeOf(source, host)
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

async function sizeOf(source: Source, host: Host): Promise<Size> {
  const enumerator = await source.enumerate({
    host,
    boundedness: 'bounded',
    step: 'schema',
    rejected: undefined,
  })
  try {
    const { splits } = await enumerator.next()
    return {
      files: splits.length,
      bytes: total(splits.map((split) => split.bytes)),
      rows: total(splits.map((split) => split.rows)),
    }
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
