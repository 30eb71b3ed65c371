/**
 * A table of text in lines, for terminals.
 */

/** What a table shows. */
export interface TextTable {
  readonly columns: readonly { readonly name: string; readonly isNumber: boolean }[]
  readonly cells: readonly (readonly string[])[]
  /** Characters per cell, at most; longer ones end in an ellipsis. */
  readonly cellWidth: number
}

/** The lines of a table: a head, a rule, the rows; numbers to the right. */
export function renderTable({ columns, cells, cellWidth }: TextTable): string {
  const shown = cells.map((row) => row.map((cell) => cut(printable(cell), cellWidth)))
  const heads = columns.map(({ name }) => cut(printable(name), cellWidth))
  const widths = heads.map((head, index) =>
    shown.reduce((width, row) => Math.max(width, widthOf(row[index] as string)), widthOf(head)),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => {
        const fill = ' '.repeat((widths[index] as number) - widthOf(text))
        return columns[index]?.isNumber === true ? fill + text : text + fill
      })
      .join('  ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  return `${[line(heads), rule, ...shown.map(line)].join('\n')}\n`
}

/** Control characters would break lines, or drive the terminal. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '·')
}

function cut(text: string, width: number): string {
  const characters = Array.from(text)
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`
}

/** In characters; wide ones (East Asian, emoji) are taken for one. */
function widthOf(text: string): number {
  return Array.from(text).length
}
