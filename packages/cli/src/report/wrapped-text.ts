/**
 * Text in the width of a terminal: broken between words, further lines indented under the text. Where nobody looks
 * (files, pipes) lines stay whole, so that programs find them. Pure.
 */
import type { TextOutput } from '../surroundings.ts'

/** Room that text has on a narrow terminal all the same. */
const ROOM_LEAST = 20

/** The columns that text may have on an output. One is left free: some terminals break a line that fills the last one. */
export function textWidth(output: TextOutput): number {
  return output.isTerminal ? output.size().columns - 1 : Infinity
}

/** Breaks a line between words; further lines begin with `indent` spaces. Words wider than the room stay whole. */
export function wrapLine(line: string, width: number, indent: number = indentOf(line)): string {
  if (widthOf(line) <= width) return line
  const room = Math.max(width, indent + ROOM_LEAST)
  const lines: string[] = []
  let current = ''
  let used = 0
  let isFresh = true
  for (const [, gap = '', word = ''] of line.matchAll(/( *)([^ ]+)/g)) {
    const wide = widthOf(word)
    // A label is not left alone, however long the word behind it.
    if (!isFresh && used > indent && used + gap.length + wide > room) {
      lines.push(current)
      current = ' '.repeat(indent) + word
      used = indent + wide
    } else {
      current += gap + word
      used += gap.length + wide
    }
    isFresh = false
  }
  return [...lines, current].join('\n')
}

/** Breaks a command for a shell between its words; each line but the last ends with a backslash, so it can be pasted. */
export function wrapCommand(words: readonly string[], width: number, indent: number): string {
  const lines: string[] = []
  let current = ' '.repeat(indent) + (words[0] ?? '')
  for (const word of words.slice(1)) {
    if (current.length + 1 + word.length + 2 > width) {
      lines.push(`${current} \\`)
      current = ' '.repeat(indent + 2) + word
    } else {
      current += ` ${word}`
    }
  }
  return [...lines, current].join('\n')
}

/** Where the text behind a label such as `  hint: ` begins; of lines without one, two columns in. */
export function indentUnderLabel(line: string): number {
  // eslint-disable-next-line no-control-regex
  return /^ {2}[a-z ]+: /.exec(line.replace(/\u001B\[\d+m/g, ''))?.[0].length ?? 2
}

/** Characters that can be seen: colours have no width. */
function widthOf(text: string): number {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001B\[\d+m/g, '').length
}

function indentOf(line: string): number {
  return /^ */.exec(line)?.[0].length ?? 0
}
