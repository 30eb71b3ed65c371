/**
 * Colours and emphasis as data: a line is made of pieces with a role, and only at the end painted for a terminal.
 *
 * So drawing is pure, widths are counted without escape codes, and NO_COLOR (https://no-color.org) has one place.
 */

/** What a piece of text is, not what colour it has. */
export type Role = 'plain' | 'strong' | 'faint' | 'good' | 'bad' | 'warn' | 'accent'

/** Text with a role. */
export interface Piece {
  readonly text: string
  readonly role: Role
}

/** One line of the terminal. */
export type Line = readonly Piece[]

/** Paints text by its role. */
export type Palette = (text: string, role: Role) => string

const codes: { readonly [role in Role]: string } = {
  plain: '',
  strong: '\u001B[1m',
  faint: '\u001B[2m',
  good: '\u001B[32m',
  bad: '\u001B[31m',
  warn: '\u001B[33m',
  accent: '\u001B[36m',
}

/** Paints nothing. */
export const plainPalette: Palette = (text) => text

/** Paints with the sixteen colours that every terminal has. */
export const colorPalette: Palette = (text, role) =>
  role === 'plain' || text === '' ? text : `${codes[role]}${text}\u001B[0m`

/** The palette for a stream: colours on a terminal, unless NO_COLOR says otherwise; FORCE_COLOR forces them. */
export function paletteFor(
  output: { readonly isTerminal: boolean },
  environment: { readonly [name: string]: string | undefined },
): Palette {
  if ((environment['NO_COLOR'] ?? '') !== '') return plainPalette
  if ((environment['FORCE_COLOR'] ?? '0') !== '0') return colorPalette
  return output.isTerminal && environment['TERM'] !== 'dumb' ? colorPalette : plainPalette
}

/** A piece of text. */
export function piece(text: string, role: Role = 'plain'): Piece {
  return { text, role }
}

/** The line as text, cut to the width. */
export function paintLine(line: Line, palette: Palette, width: number = Infinity): string {
  let left = width
  let painted = ''
  for (const { text, role } of line) {
    if (text.length > left) {
      return painted + palette(left > 1 ? `${text.slice(0, left - 1)}…` : text.slice(0, left), role)
    }
    painted += palette(text, role)
    left -= text.length
  }
  return painted
}
