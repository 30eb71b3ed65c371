/** Names in SQL: always quoted, so that reserved words, capitals and blanks are names like any other. */

/** The longest name that PostgreSQL keeps whole. */
export const NAME_BYTES_MAX = 63

/** A name as it stands in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A table by its names. */
export interface TableName {
  /** Undefined: where the search path of the connection finds it. */
  readonly schema: string | undefined
  readonly name: string
}

/** A table as it stands in a statement. */
export function quotedTable({ schema, name }: TableName): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

/** A text in quotes. */
export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
