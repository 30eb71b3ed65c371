/**
 * A few lines at the bottom of a terminal that are drawn again and again, while other text may still be printed
 * above them. The cursor stands behind the last line between two draws.
 */
import { paintLine } from '../report/style.ts'
import type { Line, Palette } from '../report/style.ts'
import type { TextOutput } from '../surroundings.ts'

const HIDE_CURSOR = '\u001B[?25l'
const SHOW_CURSOR = '\u001B[?25h'

/** The bytes that replace `before` drawn lines by new ones. */
export function redraw(before: number, lines: readonly string[]): string {
  const up = before === 0 ? '' : `\u001B[${before}A`
  // One write, and each line cleared to its end as it is written: nothing flickers.
  const body = lines.map((line) => `${line}\u001B[K\n`).join('')
  return `${up === '' ? '' : `\r${up}`}${body}\u001B[J`
}

/** The region of lines that is redrawn. */
export class Screen {
  private readonly output: TextOutput
  private readonly palette: Palette
  private drawn: readonly string[] = []

  constructor(output: TextOutput, palette: Palette) {
    this.output = output
    this.palette = palette
  }

  /** Draws the lines over the ones drawn before. */
  draw(lines: readonly Line[]): void {
    const { columns, rows } = this.output.size()
    // A line as wide as the terminal wraps on some of them, and a block as high as it cannot be reached any more: two
    // rows are left free, the cursor's and the one before the block.
    const painted = lines
      .slice(0, Math.max(1, rows - 2))
      .map((line) => paintLine(line, this.palette, Math.max(10, columns - 1)))
    const hide = this.drawn.length === 0 ? HIDE_CURSOR : ''
    this.output.write(hide + redraw(this.drawn.length, painted))
    this.drawn = painted
  }

  /** Runs something that prints: the region is taken away before and put back below. */
  around(print: () => void): void {
    const { drawn } = this
    if (drawn.length > 0) this.output.write(redraw(drawn.length, []))
    print()
    if (drawn.length > 0) this.output.write(redraw(0, drawn))
  }

  /** Takes the region away for good. */
  close(): void {
    if (this.drawn.length === 0) return
    this.output.write(redraw(this.drawn.length, []) + SHOW_CURSOR)
    this.drawn = []
  }
}
