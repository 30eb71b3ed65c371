import { describe, expect, it } from 'vitest'
import { countOf, settingsOf, valueOf } from '../src/command-line/flag-values.ts'
import { parseWords } from '../src/command-line/parse-words.ts'
import { UsageError } from '../src/command-line/usage-error.ts'
import { commands } from '../src/commands/index.ts'
import { runCommand } from '../src/commands/run-command.ts'
import { runSettings } from '../src/commands/run-settings.ts'

const parse = (line: string): ReturnType<typeof parseWords> => parseWords(runCommand, line.split(' '))

/** What a usage error says, with its hint. */
function refusal(line: string): string {
  try {
    runSettings(parse(line))
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${error.hint ?? ''}`
    throw error
  }
  return 'was taken'
}

describe('the words of a command', () => {
  it('are sorted into operands, values and flags', () => {
    const words = parse('pipe.ts --mode=continuous --set a=1 -s b=x=y --drain -q')
    expect(words.operands).toEqual(['pipe.ts'])
    expect(valueOf(words, 'mode')).toBe('continuous')
    expect(settingsOf(words)).toEqual({ a: '1', b: 'x=y' })
    expect([...words.given]).toEqual(['drain', 'quiet'])
  })

  it('may be negative or empty values after an equals sign', () => {
    expect(settingsOf(parse('pipe.ts --set=a=-1 --set b='))).toEqual({ a: '-1', b: '' })
  })

  it('take the last value of an option that is set twice', () => {
    expect(settingsOf(parse('pipe.ts --set a=1 --set a=2'))).toEqual({ a: '2' })
  })

  it('hold what stands behind -- as operands', () => {
    expect(parse('-- --odd-name.ts').operands).toEqual(['--odd-name.ts'])
  })

  it('keep option names that objects have by themselves', () => {
    const settings = settingsOf(parse('pipe.ts --set __proto__=1 --set constructor=2'))
    expect(Object.entries(settings)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ])
  })

  it.each([
    ['pipe.ts --mod batch', 'millrace run has no flag --mod | did you mean --mode?'],
    ['pipe.ts --paralel 2', 'millrace run has no flag --paralel | did you mean --parallelism?'],
    [
      'pipe.ts --mode stream',
      'it is batch, micro-batch or continuous | batch reads what is there and ends, continuous follows',
    ],
    ['pipe.ts --jsno', 'millrace run has no flag --jsno | did you mean --json?'],
    ['pipe.ts --zzz', 'millrace run has no flag --zzz | see millrace help run'],
    ['pipe.ts -x', 'millrace run has no flag -x | see millrace help run'],
    ['pipe.ts --output-mode overwrit', 'did you mean --output-mode overwrite?'],
    ['pipe.ts --output-mode never', 'it is refuse, overwrite or append'],
    ['pipe.ts --mode batc', 'did you mean --mode batch?'],
    ['pipe.ts --mode', '--mode needs a value'],
    ['pipe.ts --json=yes', '--json takes no value'],
    ['pipe.ts --mode batch --mode continuous', '--mode is given more than once'],
    ['pipe.ts other.ts', '"other.ts" is one too many'],
    ['--json', 'millrace run needs a MODULE | for example: millrace run pipeline.ts'],
    ['pipe.ts --set input', '--set input is not of the form name=value | write --set input=VALUE'],
    ['pipe.ts --set =5', '--set =5 is not of the form name=value'],
    ['pipe.ts --parallelism 0', '--parallelism cannot be "0"'],
    ['pipe.ts --parallelism 1.5', '--parallelism cannot be "1.5"'],
    ['pipe.ts --batch-rows many', '--batch-rows cannot be "many"'],
    ['pipe.ts --drain', '--drain belongs to continuous runs'],
    ['pipe.ts --stop-when-idle 5s', '--stop-when-idle belongs to continuous runs'],
    ['pipe.ts --mode continuous --stop-when-idle 5', '--stop-when-idle 5 has no unit'],
    ['pipe.ts --mode continuous --epoch-interval 0s', '--epoch-interval is 0'],
  ])('%s is refused', (line, message) => {
    expect(refusal(line)).toContain(message)
  })
})

describe('the settings of a run', () => {
  it('are those of a batch run by default', () => {
    expect(runSettings(parse('pipe.ts'))).toEqual({
      module: 'pipe.ts',
      mode: 'batch',
      set: {},
      job: { mode: 'batch', drain: false, goOn: false, takeOver: false },
      state: undefined,
      json: false,
      quiet: false,
    })
  })

  it('carry every flag to the job', () => {
    const line =
      'pipe.ts -m continuous --stop-when-idle 2s --drain --epoch-interval 100ms -p 4 --batch-rows 1_000 --output-mode append'
    expect(runSettings(parse(line)).job).toEqual({
      mode: 'continuous',
      drain: true,
      goOn: false,
      takeOver: false,
      outputMode: 'append',
      stopWhenIdleMs: 2000,
      epochIntervalMs: 100,
      parallelism: 4,
      batchRows: 1000,
    })
  })

  it.each([
    ['', undefined],
    [' --trigger 10s', { kind: 'interval', every: 10_000 }],
    [' --trigger available-now', { kind: 'available-now' }],
    [' --trigger once', { kind: 'once' }],
  ])('take micro-batch with a trigger:%s', (flags, trigger) => {
    const { mode, job } = runSettings(parse(`pipe.ts --mode micro-batch${flags}`))
    expect([mode, job.trigger]).toEqual(['micro-batch', trigger])
  })

  it.each([
    [
      '--mode continuous --trigger 10s',
      '--trigger belongs to micro-batch runs, and this is a continuous run',
    ],
    ['--trigger once', '--trigger belongs to micro-batch runs, and this is a batch run'],
    [
      '--mode micro-batch --trigger onec',
      '--trigger cannot be "onec": it is a length of time, available-now or once',
    ],
    ['--mode micro-batch --trigger 10', '--trigger 10 has no unit'],
    ['--mode micro-batch --trigger 0s', '--trigger is 0'],
    [
      '--mode micro-batch --epoch-interval 1s',
      '--epoch-interval belongs to continuous runs, and this is a micro-batch run',
    ],
    [
      '--mode micro-batch --trigger once --drain',
      '--drain is for runs that go on until they are stopped, and --trigger once ends by itself',
    ],
  ])('refuse %s', (flags, message) => {
    expect(() => runSettings(parse(`pipe.ts ${flags}`))).toThrow(message)
  })

  it('refuse a duration that cannot be read', () => {
    expect(() => runSettings(parse('pipe.ts --mode continuous --stop-when-idle soon'))).toThrow(
      expect.objectContaining({ code: 'duration/invalid' }),
    )
  })
})

describe('counts', () => {
  it('are whole numbers from 1 to their limit', () => {
    expect(countOf(parse('pipe.ts -p 8'), 'parallelism', 8)).toBe(8)
    expect(() => countOf(parse('pipe.ts -p 9'), 'parallelism', 8)).toThrow('from 1 to 8')
  })
})

describe('commands', () => {
  it('have flags of distinct names and short names', () => {
    for (const { flags } of commands) {
      const names = [...flags, { name: 'help', short: 'h' }, { name: 'verbose' }].flatMap((flag) =>
        'short' in flag && flag.short !== undefined ? [flag.name, flag.short] : [flag.name],
      )
      expect(new Set(names).size).toBe(names.length)
    }
  })
})
