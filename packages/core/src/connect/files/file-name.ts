/**
 * What the name of a file tells: its format's ending, its compression, whether it is hidden.
 *
 * Names that begin with `.` or `_` are not data: staged output, markers of other systems, editors' files.
 */

/** Compression of a whole file. */
export type FileCompression = 'gzip' | 'zstd'

/** What a name says of a file. */
export interface NamedKind {
  /** Lower case, without the dot and without the compression's ending; empty when there is none. */
  readonly extension: string
  readonly compression: FileCompression | undefined
}

const compressionOf: { readonly [ending: string]: FileCompression } = {
  gz: 'gzip',
  gzip: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
}

/** The ending that files of a compression are written with. */
export const compressionEnding: { readonly [Compression in FileCompression]: string } = {
  gzip: '.gz',
  zstd: '.zst',
}

/** Reads `flights.ndjson.gz` as `ndjson` in `gzip`. */
export function kindOfName(path: string): NamedKind {
  const parts = lastSegment(path).toLowerCase().split('.')
  const ending = parts.at(-1) as string
  const compression =
    parts.length > 1 && Object.hasOwn(compressionOf, ending) ? compressionOf[ending] : undefined
  if (compression !== undefined) parts.pop()
  return { extension: parts.length > 1 ? (parts.at(-1) as string) : '', compression }
}

/** Whether a file or folder of this name is no data. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_')
}

/** The name in a path. */
export function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** A path below a folder. */
export function joinPath(folder: string, name: string): string {
  if (folder === '' || folder === '.') return name
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

/** The folder of a path: `.` for a bare name. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : path.slice(0, slash)
}

/** A path without `.`, `..` and doubled slashes, as far as names alone can tell. */
export function normalPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !path.startsWith('/')) parts.push(part)
  }
  return path.startsWith('/') ? `/${parts.join('/')}` : parts.join('/') || '.'
}

/** Orders paths by their UTF-8 bytes, the same on every machine. */
export function bytewise(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
