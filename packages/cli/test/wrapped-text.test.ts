// Text in the width of a terminal: never broken within a word, further lines under the text, whole where nobody looks.
import { MillraceError } from '@millrace/core/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorText } from '../src/report/error-text.ts'
import { colorPalette, plainPalette } from '../src/report/style.ts'
import { textWidth, wrapCommand, wrapLine } from '../src/report/wrapped-text.ts'

// eslint-disable-next-line no-control-regex
const seen = (text: string): string => text.replace(/\u001B\[\d+m/g, '')

describe('a line that is wider than the terminal', () => {
  it('is broken between words, and goes on under the text', () => {
    expect(wrapLine('  hint: write it in another way, and run it again', 30, 8)).toBe(
      '  hint: write it in another\n        way, and run it again',
    )
    expect(wrapLine('    a remedy of many words', 12 + 12)).toBe('    a remedy of many\n    words')
  })

  it('keeps every word and every character of it, whatever the width', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'ä', '-', '/', '"'), minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 120 }),
        fc.nat(12),
        (words, width, indent) => {
          const lines = wrapLine(words.join(' '), width, indent).split('\n')
          expect(lines.flatMap((line) => line.trim().split(' '))).toEqual(words)
          const room = Math.max(width, indent + 20)
          const broken = lines.filter((line) => line.trim().includes(' '))
          expect(broken.filter((line) => line.length > room)).toEqual([])
        },
      ),
    )
  })

  it('leaves no label alone before a word that is too long for any line', () => {
    const path = `/${'x'.repeat(60)}`
    expect(wrapLine(`  in: ${path}`, 30, 6)).toBe(`  in: ${path}`)
  })

  it('counts no width for colours', () => {
    const line = `${colorPalette('error', 'bad')} ${colorPalette('input/none', 'strong')}: it is not so`
    expect(wrapLine(line, 30, 2)).toBe(line)
    expect(seen(wrapLine(line, 29, 2))).toBe('error input/none: it is not\n  so')
  })

  it('stays whole where nobody looks, and leaves a column free on a terminal', () => {
    const output = { write: () => undefined, size: () => ({ columns: 80, rows: 24 }) }
    expect(textWidth({ ...output, isTerminal: false })).toBe(Infinity)
    expect(textWidth({ ...output, isTerminal: true })).toBe(79)
  })
})

describe('a command that is wider than the terminal', () => {
  it('can still be pasted', () => {
    const words = ['npx millrace', 'run', 'pipe.ts', "--set 'input=a b'", '--mode continuous']
    expect(wrapCommand(words, 200, 4)).toBe(
      "    npx millrace run pipe.ts --set 'input=a b' --mode continuous",
    )
    expect(wrapCommand(words, 44, 4)).toBe(
      "    npx millrace run pipe.ts \\\n      --set 'input=a b' --mode continuous",
    )
  })
})

describe('an error on a terminal', () => {
  const error = new MillraceError('input/undecodable', {
    what: 'a row cannot be decoded',
    detail: 'expected a number in the column "delay", and there is a text that is none',
    hint: "write such rows to an output of their own with onError: 'reject', or mend them",
  })

  it('goes on under its text', () => {
    expect(errorText(error, { verbose: false, palette: plainPalette, width: 59 })).toBe(
      'error input/undecodable: a row cannot be decoded: expected\n' +
        '  a number in the column "delay", and there is a text that\n' +
        '  is none\n' +
        '  hint: write such rows to an output of their own with\n' +
        "        onError: 'reject', or mend them\n",
    )
  })

  it('leaves code and the mark below it as they are', () => {
    const pointed = new MillraceError('value/invalid', {
      what: 'column "b" does not exist',
      detail: 'the columns are "a" (line 1, column 9)\n    a + 1 + b > 3\n            ^',
    })
    expect(errorText(pointed, { verbose: false, palette: plainPalette, width: 40 })).toBe(
      'error value/invalid: column "b" does not\n' +
        '  exist: the columns are "a" (line 1,\n' +
        '  column 9)\n' +
        '    a + 1 + b > 3\n' +
        '            ^\n',
    )
  })

  it('has the same words with colours', () => {
    const width = 59
    const plain = errorText(error, { verbose: false, palette: plainPalette, width })
    expect(seen(errorText(error, { verbose: false, palette: colorPalette, width }))).toBe(plain)
  })
})
