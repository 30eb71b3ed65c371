/** How `millrace schema` is told the dialect of CSV: its flags as options of the format, and as code to write. */
import { isMillraceError, MillraceError } from '@millrace/core/errors'
import { csv, tsv } from '@millrace/core/files'
import type { Source } from '@millrace/core/connect'
import type { Host } from '@millrace/core/host'
import type { ParsedWords } from '../command-line/command.ts'
import { valueOf } from '../command-line/flag-values.ts'
import { shellWord } from '../command-line/invocation.ts'
import { UsageError } from '../command-line/usage-error.ts'

/** Options of CSV that flags give. */
export interface Dialect {
  readonly delimiter?: string
  readonly quote?: string
  readonly escape?: string
  readonly comment?: string
  readonly header?: false
  readonly nulls?: readonly string[]
  readonly trim?: true
}

/** What else stands between columns often. */
const delimiters = [',', ';', '\t', '|']

const otherFormat = /\.(parquet|(ndjson|jsonl|json)(\.(gz|zst))?)$/i
const tabbed = /\.tsv(\.(gz|zst))?$/i

/**
 * The flags as options; undefined when none is given.
 *
 * @throws UsageError when the file is no CSV by its name.
 */
export function dialectOf(words: ParsedWords, path: string): Dialect | undefined {
  const nulls = words.values.get('null')
  const dialect: { -readonly [name in keyof Dialect]: Dialect[name] } = {}
  for (const name of ['delimiter', 'quote', 'escape', 'comment'] as const) {
    const value = valueOf(words, name)
    if (value !== undefined) dialect[name] = character(value)
  }
  if (words.given.has('no-header')) dialect.header = false
  // The empty field goes on to mean null.
  if (nulls !== undefined) dialect.nulls = ['', ...nulls]
  if (words.given.has('trim')) dialect.trim = true
  const [first] = Object.keys(dialect)
  if (first === undefined) return undefined
  if (otherFormat.test(path)) {
    const flag = first === 'header' ? 'no-header' : first === 'nulls' ? 'null' : first
    throw new UsageError(
      `--${flag} is for CSV and TSV files, and "${path}" is none by its name`,
      'leave it out',
    )
  }
  return dialect
}

/** The files as this dialect has them, whatever the ending of a file is. */
export function dialectSource(path: string, dialect: Dialect): Source {
  if (dialect.delimiter === undefined && tabbed.test(path)) return tsv(path, dialect).toSource()
  return csv(path, dialect).toSource()
}

/** The call that reads the files, for a pipeline. */
export function readingCode(path: string, dialect: Dialect, schema: string): string {
  const isTabbed = dialect.delimiter === undefined && tabbed.test(path)
  const options = Object.entries(dialect).map(([name, value]) => `${name}: ${sourceOf(value)}`)
  return `${isTabbed ? 'tsv' : 'csv'}(${sourceOf(path)}, { schema: ${[schema, ...options].join(', ')} })`
}

/**
 * The delimiter that makes more than one column of files that have only one, and that of text; undefined mostly. The one
 * with the most columns is meant.
 */
export async function likelyDelimiter(
  path: string,
  found: { readonly source: Source; readonly from: string; readonly dialect: Dialect | undefined },
  host: Host,
): Promise<string | undefined> {
  const { fields } = found.source.schema
  const [only] = fields
  if (fields.length !== 1 || only?.type.kind !== 'string' || !/\.[ct]sv(\.(gz|zst))?$/i.test(found.from))
    return undefined
  return delimiterOfMostColumns(path, found.dialect, host)
}

/** The error with a delimiter that may be meant, where the names of columns cannot be. */
export async function explainNames(
  error: unknown,
  {
    path,
    dialect,
    host,
  }: { readonly path: string; readonly dialect: Dialect | undefined; readonly host: Host },
): Promise<unknown> {
  if (!isMillraceError(error) || error.code !== 'schema/invalid' || error.hint !== undefined) return error
  const delimiter = await delimiterOfMostColumns(path, dialect, host)
  if (delimiter === undefined) return error
  const { what, detail, place, step } = error
  const hint = `if ${delimiterName(delimiter)} stands between columns, add --delimiter ${delimiterWord(delimiter)}`
  return new MillraceError(error.code, { what, detail, place, step, hint, cause: error })
}

/** A delimiter as people say it. */
export function delimiterName(delimiter: string): string {
  return delimiter === '\t' ? 'a tab' : `"${delimiter}"`
}

/** A delimiter as a shell takes it. */
export function delimiterWord(delimiter: string): string {
  return delimiter === '\t' ? 'tab' : shellWord(delimiter)
}

async function delimiterOfMostColumns(
  path: string,
  dialect: Dialect | undefined,
  host: Host,
): Promise<string | undefined> {
  const columns = await Promise.all(
    delimiters.map(async (delimiter) => ({
      delimiter,
      count: await columnsWith(path, { ...dialect, delimiter }, host),
    })),
  )
  const [best] = columns.filter(({ count }) => count > 1).toSorted((a, b) => b.count - a.count)
  return best?.delimiter
}

async function columnsWith(path: string, dialect: Dialect, host: Host): Promise<number> {
  try {
    return (await dialectSource(path, dialect).resolveSchema?.(host))?.schema.fields.length ?? 0
  } catch {
    // Not this one.
    return 0
  }
}

/** A character as a shell can give it: a tab is hard to type. */
function character(text: string): string {
  return text === String.raw`\t` || text === 'tab' ? '\t' : text
}

function sourceOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sourceOf).join(', ')}]`
  if (typeof value !== 'string') return String(value)
  return `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
