/** `millrace schema`: what is in a file, and the schema to write for it. */
import { files, parquet } from '@millrace/core/files'
import { createNodeHost } from '@millrace/core/host/node'
import type { Host } from '@millrace/core/host'
import type { Source, Split } from '@millrace/core/connect'
import type { ParsedWords } from '../command-line/command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { formatBytes, formatCount, formatRows } from '../progress/quantities.ts'
import { schemaModule, schemaName, schemaTable } from '../report/schema-text.ts'
import { paletteFor } from '../report/style.ts'
import type { Surroundings } from '../surroundings.ts'
import { endingsOf, explainFolder } from './schema-folder.ts'

/** Runs the command. */
export async function showSchema(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const path = words.operands[0] ?? ''
  const host = createNodeHost()
  const { source, size, from, isBegun } = await lookAt(path, host)
  const { stdout, environment } = surroundings
  if (words.given.has('json')) {
    const columns = source.schema.fields
    stdout.write(`${JSON.stringify({ path, ...size, schemaFrom: from, columns }, null, 2)}\n`)
    return exitCodes.done
  }
  const palette = paletteFor(stdout, environment)
  const origin = from === path ? '' : `  the schema is that of ${palette(from, 'strong')}\n`
  const begun = isBegun
    ? '  only its first MiB was looked at: columns may be null, since rows behind it may lack them\n'
    : ''
  const mixed = mixedNote(size)
  stdout.write(
    `${path}: ${sizeText(size)}\n${origin}${begun}${mixed === undefined ? '' : `  ${palette(mixed, 'warn')}\n`}\n` +
      `${schemaTable(source.schema, palette)}\n\n${schemaModule(source.schema, schemaName(path))}\n`,
  )
  return exitCodes.done
}

interface Look {
  readonly source: Source
  readonly size: Size
  /** The file that the schema was taken from. */
  readonly from: string
  /** Whether only the beginning of that file was looked at. */
  readonly isBegun: boolean
}

/** What finding the columns of text reads of a file. */
const LOOKED_AT_BYTES = 1024 * 1024

async function lookAt(path: string, host: Host): Promise<Look> {
  try {
    const declared: Source = files(path).toSource()
    const source = (await declared.resolveSchema?.(host)) ?? declared
    const splits = await splitsOf(source, host)
    // As resolveSchema does: the first file that is not empty.
    const first = splits.find(({ bytes }) => bytes !== 0) ?? splits[0]
    const from = first?.id ?? path
    const isBegun = (first?.bytes ?? 0) > LOOKED_AT_BYTES && !from.endsWith('.parquet')
    return { source, size: await sizeOf(path, { source, splits, host }), from, isBegun }
  } catch (error) {
    throw await explainFolder(error, path, host.files)
  }
}

/** What is known of the files without reading them. */
interface Size {
  readonly files: number
  /** How many files there are of each ending. */
  readonly endings: { readonly [ending: string]: number }
  readonly bytes: number | null
  /** Null for formats whose files do not say it. */
  readonly rows: number | null
}

async function sizeOf(
  path: string,
  { source, splits: whole, host }: { source: Source; splits: readonly Split[]; host: Host },
): Promise<Size> {
  // Parquet files say their rows in their footers, which are read when files are cut into parts: as many as there are.
  const isParquet = whole.length > 0 && whole.every(({ id }) => id.endsWith('.parquet'))
  const parts = isParquet
    ? await splitsOf(parquet(path, { schema: source.schema, splitBytes: 1 }).toSource(), host)
    : whole
  return {
    files: whole.length,
    endings: endingsOf(whole.map(({ id }) => id)),
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
    ...(rows === null ? [] : [formatRows(rows)]),
    ...(bytes === null ? [] : [formatBytes(bytes)]),
  ]
  return parts.join(', ')
}

/** Files of several formats under one path are rarely meant to be one input. */
function mixedNote({ endings }: Size): string | undefined {
  const counted = Object.entries(endings).map(([ending, count]) => `${formatCount(count)} .${ending}`)
  return counted.length < 2
    ? undefined
    : `the files are of several formats (${counted.join(', ')}): name a file, or some by a pattern in quotes`
}
