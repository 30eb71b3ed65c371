/**
 * What `millrace schema` says of a folder in which it finds no file to look at: what else is there, and what to name.
 */
import { isMillraceError, MillraceError } from '@millrace/core/errors'
import type { Host } from '@millrace/core/host'
import { formatCount } from '../progress/quantities.ts'

const dataFile = /\.(parquet|(ndjson|jsonl|json|csv|tsv)(\.(gz|zst))?)$/
/** Files of projects that happen to be JSON. */
const projectFile = /^(package|package-lock|tsconfig.*)\.json$/
/** Names shown at most. */
const SHOWN_MAX = 5

/** How many of the names have each ending; `.gz` and `.zst` are no formats. */
export function endingsOf(names: readonly string[]): { readonly [ending: string]: number } {
  const counts = new Map<string, number>()
  for (const name of names) {
    const ending = /\.([a-z0-9]+)(\.(gz|zst))?$/i.exec(name)?.[1]?.toLowerCase() ?? 'none'
    counts.set(ending, (counts.get(ending) ?? 0) + 1)
  }
  return Object.fromEntries(counts)
}

/** The error with what the folder holds, where the error is that nothing in it can be looked at. */
export async function explainFolder(error: unknown, path: string, files: Host['files']): Promise<unknown> {
  if (!isMillraceError(error) || error.code !== 'schema/not-inferable') return error
  // A file that is there and shows no schema is another matter.
  const status = await files.status(path).catch(() => undefined)
  if (status?.kind !== 'directory') return error
  const entries = (await files.list(path)).filter(({ name }) => !/^[._]/.test(name))
  if (entries.some(({ name, kind }) => kind === 'file' && dataFile.test(name))) return error
  const folders = entries.filter(({ kind }) => kind === 'directory').map(({ name }) => name)
  const withData = await foldersWithData(path, folders, files)
  const [first] = withData
  return new MillraceError('schema/not-inferable', {
    what: `folder "${path}" holds no data files`,
    detail: inventory(entries.length - folders.length, folders),
    hint:
      first === undefined
        ? 'name a Parquet, NDJSON, JSON, CSV or TSV file, or a folder of them'
        : `folders within are not searched; there is data in ${listed(withData)}: millrace schema ${joined(path, first)}`,
    place: { file: path },
  })
}

async function foldersWithData(
  path: string,
  folders: readonly string[],
  files: Host['files'],
): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders) {
    const inside = await files.list(joined(path, folder)).catch(() => [])
    if (inside.some(({ name, kind }) => kind === 'file' && isDataFile(name))) found.push(folder)
  }
  return found
}

function isDataFile(name: string): boolean {
  return dataFile.test(name) && !projectFile.test(name)
}

function inventory(others: number, folders: readonly string[]): string {
  if (others === 0 && folders.length === 0) return 'it is empty'
  const parts = [
    ...(others === 0 ? [] : [`${formatCount(others)} other ${others === 1 ? 'file' : 'files'}`]),
    ...(folders.length === 0
      ? []
      : [`the ${folders.length === 1 ? 'folder' : 'folders'} ${listed(folders)}`]),
  ]
  return `in it: ${parts.join(', ')}`
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).map((name) => `${name}/`)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${formatCount(more)} more` : shown.join(', ')
}

function joined(folder: string, name: string): string {
  return folder === '.' ? name : `${folder.replace(/[\\/]+$/, '')}/${name}`
}
