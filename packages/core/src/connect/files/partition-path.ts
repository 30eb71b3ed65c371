/**
 * Partition folders in Hive's style: `day=2001-01-01`, `country=DE`.
 *
 * Characters that a path may not hold, or that mean something in it, are written as `%` and two hexadecimal digits of
 * their UTF-8 bytes; null is `__HIVE_DEFAULT_PARTITION__` (as in Hive and Spark). Unlike there, empty text has a folder
 * of its own (`country=`), so that every value comes back as it was.
 */

/** Values of partition columns as text; null where the folder says so. */
export interface PartitionValues {
  readonly [column: string]: string | null
}

const NULL_NAME = '__HIVE_DEFAULT_PARTITION__'

/** What must not stand in a name as it is: control characters, and the list of Hive's FileUtils. */
// eslint-disable-next-line no-control-regex
const special = /[\u0000-\u001f\u007f"#%'*/:=?\\{[\]^<>|]/g

/** The folder of a value. */
export function partitionFolder(column: string, value: string | null): string {
  // A value that looks like the word for null is told apart by an escaped first character.
  const name = value === null ? NULL_NAME : value === NULL_NAME ? `%5F${value.slice(1)}` : escapeName(value)
  return `${escapeName(column)}=${name}`
}

/** Reads a folder's name; undefined when it is no partition folder. */
export function parsePartition(
  folder: string,
): { readonly column: string; readonly value: string | null } | undefined {
  const equals = folder.indexOf('=')
  if (equals <= 0) return undefined
  const value = folder.slice(equals + 1)
  return {
    column: unescapeName(folder.slice(0, equals)),
    value: value === NULL_NAME ? null : unescapeName(value),
  }
}

/** Whether a path is a folder, or one of partition folders in it. Both absolute. */
export function isWithin(folder: string, path: string): boolean {
  if (path === folder) return true
  const above = folder.endsWith('/') ? folder : `${folder}/`
  if (!path.startsWith(above)) return false
  return path
    .slice(above.length)
    .split('/')
    .every((name) => parsePartition(name) !== undefined)
}

function escapeName(text: string): string {
  return text.replaceAll(
    special,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function unescapeName(text: string): string {
  if (!text.includes('%')) return text
  const bytes: number[] = []
  const source = Buffer.from(text)
  for (let index = 0; index < source.length; index++) {
    const code = /^%[0-9a-fA-F]{2}$/.test(source.toString('latin1', index, index + 3))
    bytes.push(
      code ? Number.parseInt(source.toString('latin1', index + 1, index + 3), 16) : (source[index] as number),
    )
    if (code) index += 2
  }
  return Buffer.from(bytes).toString()
}
