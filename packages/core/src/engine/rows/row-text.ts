/** Rows and thrown values as text for error messages, cut to a length that a terminal can bear. */

const LENGTH_MAX = 500

/** The row, or what can be said of it when it has no JSON form. */
export function rowText(row: unknown): string {
  let text: string
  try {
    text =
      JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)) ?? ''
  } catch (error) {
    text = `that cannot be shown (${error instanceof Error ? error.message : String(error)})`
  }
  return text.length <= LENGTH_MAX ? text : `${text.slice(0, LENGTH_MAX)}…`
}

/** What was thrown, which need not be an error and need not have a text. */
export function thrownText(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`
  try {
    return String(thrown)
  } catch {
    return 'something that has no text'
  }
}
