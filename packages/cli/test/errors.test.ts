import { errorCatalogue, MillraceError } from '@millrace/core/errors'
import type { ErrorCode } from '@millrace/core/errors'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../src/command-line/usage-error.ts'
import { exitCodeOf, exitCodes } from '../src/exit-codes.ts'
import { userPlace, userStack } from '../src/module/user-stack.ts'
import { errorText } from '../src/report/error-text.ts'
import { colorPalette, paletteFor, plainPalette } from '../src/report/style.ts'

const plain = { verbose: false, palette: plainPalette }

describe('an error as text', () => {
  it('indents further lines of a hint, which are statements to copy', () => {
    const error = new MillraceError('output/unfit', {
      what: 'w',
      hint: 'run:\nCREATE TABLE a (\n  b INT\n);',
    })
    expect(errorText(error, { verbose: false, palette: plainPalette, width: 30 })).toBe(
      'error output/unfit: w\n  hint: run:\n    CREATE TABLE a (\n      b INT\n    );\n',
    )
  })

  it('is broken on a terminal also in a row of JSON, between its columns', () => {
    const row = JSON.stringify({ key: 'some text, "quoted"', total: 12, list: [1, 2], is: true, end: null })
    const error = new MillraceError('step/function-failed', {
      what: 'it threw',
      detail: `for the row ${row}`,
    })
    expect(errorText(error, plain)).toContain(row)
    const shown = errorText(error, { ...plain, width: 40 })
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(46)
    expect(JSON.parse(/\{[^]*\}/.exec(shown)?.[0].replaceAll(/\n */g, ' ') ?? '')).toEqual(JSON.parse(row))
  })

  it('has its code, what failed, step, place and hint', () => {
    const error = new MillraceError('input/undecodable', {
      what: 'a row cannot be decoded',
      detail: 'expected a number',
      step: 'flights',
      place: { file: 'a.csv', line: 12, byte: 803 },
      hint: "use onError: 'reject'",
    })
    expect(errorText(error, plain)).toBe(
      'error input/undecodable: a row cannot be decoded: expected a number\n' +
        '  step: flights\n' +
        '  at: a.csv, line 12, byte 803\n' +
        "  hint: use onError: 'reject'\n",
    )
  })

  it('shows causes with --verbose only, and does not follow a circle for ever', () => {
    const inner = new Error('disk on fire')
    inner.cause = inner
    const error = new MillraceError('input/read-failed', { what: 'reading failed', cause: inner })
    expect(errorText(error, plain)).not.toContain('disk on fire')
    expect(errorText(error, plain)).toContain('--verbose')
    const verbose = errorText(error, { ...plain, verbose: true })
    expect(verbose).toContain('caused by: Error: disk on fire')
    expect(verbose.match(/caused by/g)?.length).toBeLessThan(10)
  })

  it('says of what was not foreseen that it may be a defect', () => {
    expect(errorText(new TypeError('x is undefined'), plain)).toContain('may be a defect of Millrace')
    expect(errorText('thrown text', plain)).toContain('thrown text')
  })

  it('shows the stack of user code where user code failed', () => {
    const cause = new Error('boom')
    cause.stack = 'Error: boom\n    at compute (file:///data/my%20pipe.ts:3:7)\n    at node:internal/x:1:1'
    const error = new MillraceError('step/function-failed', { what: 'a function threw', step: 'a', cause })
    expect(errorText(error, plain)).toContain('    at compute (/data/my pipe.ts:3:7)\n')
    expect(errorText(error, plain)).not.toContain('node:internal')
  })

  it('says on which line a step was written that cannot be built, and where its name stands before', () => {
    const cause = new Error('first')
    cause.stack = 'Error: first\n    at build (file:///data/pipe.ts:4:3)'
    const error = new MillraceError('plan/duplicate-step', {
      what: 'step "a" exists already',
      step: 'a',
      cause,
    })
    error.stack =
      'Error: x\n    at where (/srv/node_modules/@millrace/core/dist/a.js:1:1)\n    at /data/pipe.ts:9:5'
    expect(errorText(error, plain)).toBe(
      'error plan/duplicate-step: step "a" exists already\n  step: a\n' +
        '  in: /data/pipe.ts:9:5, and before in /data/pipe.ts:4:3\n',
    )
  })

  it.each(['step/unknown-column', 'step/kept-view', 'step/kept-context'] as const)(
    'says on which line of a function %s happened',
    (code) => {
      const error = new MillraceError(code, { what: 'w', step: 'a' })
      error.stack =
        'MillraceError: w\n    at Object.get (file:///x/packages/core/dist/data/row-guard.js:3:7)\n    at keep (file:///data/pipe.ts:9:41)'
      expect(errorText(error, plain)).toContain('  step: a\n  in: /data/pipe.ts:9:41\n')
    },
  )

  it('of usage is short', () => {
    expect(errorText(new UsageError('no flag --x', 'did you mean --y?'), plain)).toBe(
      'error: no flag --x\n  hint: did you mean --y?\n',
    )
  })
})

describe('colours', () => {
  const terminal = { isTerminal: true }

  it('are for terminals, unless NO_COLOR is set', () => {
    expect(paletteFor(terminal, {})).toBe(colorPalette)
    expect(paletteFor({ isTerminal: false }, {})).toBe(plainPalette)
    expect(paletteFor(terminal, { NO_COLOR: '1' })).toBe(plainPalette)
    expect(paletteFor(terminal, { NO_COLOR: '' })).toBe(colorPalette)
    expect(paletteFor(terminal, { TERM: 'dumb' })).toBe(plainPalette)
    expect(paletteFor({ isTerminal: false }, { FORCE_COLOR: '1' })).toBe(colorPalette)
  })
})

describe('exit codes', () => {
  it('follow the domain of every error of the catalogue', () => {
    for (const [code, { domain }] of Object.entries(errorCatalogue)) {
      const exit = exitCodeOf(new MillraceError(code as ErrorCode, { what: 'x' }))
      const expected = code === 'run/cancelled' ? 130 : domain === 'user' ? 2 : 1
      expect([code, exit]).toEqual([code, expected])
    }
  })

  it('are 2 for usage and 1 for what nobody foresaw', () => {
    expect(exitCodeOf(new UsageError('x'))).toBe(exitCodes.usage)
    expect(exitCodeOf(new Error('x'))).toBe(exitCodes.failed)
  })
})

describe('the stack of user code', () => {
  const error = new Error('boom')
  error.stack = [
    'Error: boom',
    '    at helper (file:///srv/jobs/lib/helper.ts?tsx:10:3)',
    '    at file:///srv/jobs/pipe.ts:4:1',
    '    at run (/srv/jobs/node_modules/@millrace/core/dist/engine/task-loop.js:1:1)',
    '    at ModuleJob.run (node:internal/modules/esm/module_job:1:1)',
  ].join('\n')

  it('leaves out Node, loaders and Millrace, and shows files as paths', () => {
    expect(userStack(error)).toEqual(['at helper (/srv/jobs/lib/helper.ts:10:3)', 'at /srv/jobs/pipe.ts:4:1'])
  })

  it('gives the place of the innermost frame', () => {
    expect(userPlace(error)).toEqual({ file: '/srv/jobs/lib/helper.ts', line: 10 })
    expect(userPlace('no error')).toBeUndefined()
  })
})
