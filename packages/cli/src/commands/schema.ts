/** `millrace schema`: what is in a file, and the schema to write for it. */
import { files, parquet } from '@millrace/core/files'
import { createNodeHost } from '@millrace/core/host/node'
import type { Host } from '@millrace/core/host'
import type { Source, Split } from '@millrace/core/connect'
import type { ParsedWords } from '../command-line/command.ts'
import { shellWord } from '../command-line/invocation.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { formatBytes, formatCount, formatRows } from '../progress/quantities.ts'
import { schemaModule, schemaName, schemaTable } from '../report/schema-text.ts'
import { paletteFor } from '../report/style.ts'
import type { Palette } from '../report/style.ts'
import { textWidth, wrapLine } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'
import {
  delimiterName,
  delimiterWord,
  dialectOf,
  dialectSource,
  explainNames,
  likelyDelimiter,
  readingCode,
} from './schema-dialect.ts'
import type { Dialect } from './schema-dialect.ts'
import { faultsText, tryBeginning } from './schema-sample.ts'
import type { SampleFaults } from './schema-sample.ts'
import { endingsOf, explainFolder } from './schema-folder.ts'
import { explainInput } from './schema-input.ts'

/** Runs the command. */
export async function showSchema(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const path = words.operands[0] ?? ''
  const host = createNodeHost()
  const dialect = dialectOf(words, path)
  const look = await lookAt(path, dialect, host).catch(async (error: unknown) => {
    throw await explainInput(error, { path, invocation: surroundings.invocation, files: host.files })
  })
  const { source, size, from } = look
  const delimiter = await likelyDelimiter(path, { source, from, dialect }, host)
  const { stdout, environment, invocation } = surroundings
  if (words.given.has('json')) {
    const columns = source.schema.fields
    const { unreadable } = look
    const found = { path, ...size, schemaFrom: from, columns, likelyDelimiter: delimiter, unreadable }
    stdout.write(`${JSON.stringify(found, null, 2)}\n`)
    return exitCodes.done
  }
  const palette = paletteFor(stdout, environment)
  const width = textWidth(stdout)
  const name = schemaName(path)
  const parts = [
    [`${path}: ${sizeText(size)}`, ...notes(look, path, palette).map((note) => wrapLine(`  ${note}`, width))],
    ...(delimiter === undefined ? [] : [delimiterNote(delimiter, { path, invocation, palette, width })]),
    [schemaTable(source.schema, palette)],
    [schemaModule(source.schema, name)],
    ...(dialect === undefined
      ? []
      : [[palette('to read it', 'faint'), `  ${readingCode(path, dialect, name)}`]]),
  ]
  stdout.write(`${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`)
  return exitCodes.done
}

/** What there is to say of the files beside their columns. */
function notes({ source, size, from, isBegun, unreadable }: Look, path: string, palette: Palette): string[] {
  const mixed = mixedNote(size)
  const folders = folderColumns(from, source)
  const faults = unreadable === undefined ? undefined : faultsText(unreadable)
  return [
    ...(from === path ? [] : [`the schema is that of ${palette(from, 'strong')}`]),
    ...(isBegun
      ? ['only its first MiB was looked at: columns may be null, since rows behind it may lack them']
      : []),
    ...(faults === undefined ? [] : [palette(faults, 'warn')]),
    ...(mixed === undefined ? [] : [palette(mixed, 'warn')]),
    ...(folders.length === 0
      ? []
      : [
          `${folders.join(', ')}: from the names of folders, as text; write another type, such as t.date() or t.int32(), where they are no text`,
        ]),
  ]
}

/** Columns that the folders of a file name, and not the file. */
function folderColumns(file: string, { schema }: Source): string[] {
  const named = new Set(file.split('/').flatMap((part) => /^([^=]+)=/.exec(part)?.[1] ?? []))
  return schema.fields.flatMap(({ name, type }) => (type.kind === 'string' && named.has(name) ? [name] : []))
}

function delimiterNote(
  delimiter: string,
  { path, invocation, palette, width }: { path: string; invocation: string; palette: Palette; width: number },
): string[] {
  const text = `there is one column only, and ${delimiterName(delimiter)} in it: if that stands between columns, look again with`
  return [
    wrapLine(`  ${palette(text, 'warn')}`, width, 2),
    `    ${invocation} schema ${shellWord(path)} --delimiter ${delimiterWord(delimiter)}`,
  ]
}

interface Look {
  readonly source: Source
  readonly size: Size
  /** The file that the schema was taken from. */
  readonly from: string
  /** Whether only the beginning of that file was looked at. */
  readonly isBegun: boolean
  /** Rows that were looked at and that the schema does not make readable; undefined: of a format whose files say what is in them. */
  readonly unreadable: SampleFaults | undefined
}

/** What finding the columns of text reads of a file. */
const LOOKED_AT_BYTES = 1024 * 1024

async function lookAt(path: string, dialect: Dialect | undefined, host: Host): Promise<Look> {
  try {
    const declared: Source = dialect === undefined ? files(path).toSource() : dialectSource(path, dialect)
    const source = (await declared.resolveSchema?.(host)) ?? declared
    const splits = await splitsOf(source, host)
    // As resolveSchema does: the first file that is not empty.
    const first = splits.find(({ bytes }) => bytes !== 0) ?? splits[0]
    const from = first?.id ?? path
    const isText = !from.endsWith('.parquet')
    const isBegun = (first?.bytes ?? 0) > LOOKED_AT_BYTES && isText
    const unreadable =
      isText && first !== undefined
        ? await tryBeginning(source, first, { host, bytes: LOOKED_AT_BYTES })
        : undefined
    return { source, size: await sizeOf(path, { source, splits, host }), from, isBegun, unreadable }
  } catch (error) {
    const explained = await explainNames(error, { path, dialect, host })
    throw await explainFolder(explained, path, host.files)
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
