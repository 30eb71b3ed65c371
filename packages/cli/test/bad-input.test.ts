// What goes wrong, as the command shows it: the code, the place, the remedy, the exit code, and no output.
import { existsSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonLines, millrace, workshop } from './start-millrace.ts'
import type { Finished, Workshop } from './start-millrace.ts'

let open: Workshop[] = []

afterEach(() => {
  for (const one of open) one.remove()
  open = []
})

/** Runs `pipe.ts` among these files; checks that no output with anything in it is visible. */
async function runIn(files: { readonly [name: string]: string }, ...args: string[]): Promise<Finished> {
  const made = workshop(files)
  open.push(made)
  const finished = await millrace(['run', 'pipe.ts', ...args], { cwd: made.path })
  const out = join(made.path, 'out')
  const visible = existsSync(out) ? readdirSync(out).filter((name) => !/^[._]/.test(name)) : []
  expect(visible.filter((name) => statSync(join(out, name)).size > 0)).toEqual([])
  return finished
}

const copying = (format: string, options = ''): string => `
import { pipeline, schema, sql, t, tumbling } from 'millrace'
import { csv, ndjson, parquet } from 'millrace/files'
const Item = schema({ id: t.int32(), name: t.string() })
export default pipeline('copying', (p) => {
  const limit = p.option('limit', { default: 10 })
  p.read('items', ${format}('in', { schema: Item ${options} })).where('few', sql\`id < \${limit}\`).write('out', ndjson('out'))
})
`

const good = '{"id":1,"name":"a"}\n'

describe('bad input', () => {
  it.each([
    [
      'a row that cannot be decoded',
      copying('ndjson'),
      { 'in/a.ndjson': `${good}{"id":oops}\n` },
      [/^error input\/undecodable: /, /step: items/, /at: in\/a\.ndjson, line 2, .*byte \d+/],
    ],
    [
      'a value of the wrong type',
      copying('ndjson'),
      { 'in/a.ndjson': `${good}{"id":"x","name":"b"}\n` },
      [/^error input\/undecodable: /, /at: in\/a\.ndjson, line 2/],
    ],
    [
      'a missing column',
      copying('csv'),
      { 'in/a.csv': 'id,title\n1,a\n' },
      [/^error input\/missing-column: /, /name/, /in\/a\.csv/],
    ],
    ['an empty directory', copying('ndjson'), { 'in/readme.txt': '' }, [/^error input\/empty: /, /hint: /]],
    [
      'a directory that does not exist',
      copying('ndjson'),
      { 'inn/a.ndjson': good },
      [/^error input\/not-found: input "in" does not exist/, /did you mean "inn"\?/],
    ],
    [
      'a truncated Parquet file',
      copying('parquet'),
      { 'in/a.parquet': 'PAR1 and not much more' },
      [/^error input\/(truncated|corrupt): /, /in\/a\.parquet/],
    ],
    [
      'a truncated gzip file',
      copying('ndjson'),
      { 'in/a.ndjson.gz': '\u001F' },
      [/^error input\/(truncated|corrupt): /, /in\/a\.ndjson\.gz/],
    ],
    [
      'a number out of range',
      copying('ndjson'),
      { 'in/a.ndjson': '{"id":3000000000,"name":"a"}\n' },
      [/^error (input|value)\//, /3000000000/, /in\/a\.ndjson, line 1/],
    ],
    [
      'a row without an event time',
      copying('ndjson', ", eventTime: 'at'").replace('name: t.string()', 'at: t.timestamp().nullable()'),
      { 'in/a.ndjson': '{"id":1,"at":null}\n' },
      [/^error input\/no-event-time: /, /step: items/],
    ],
  ] as const)('%s ends the run with 1', async (_, pipe, files, messages) => {
    const { code, stderr } = await runIn({ 'pipe.ts': pipe, ...files })
    for (const message of messages) expect(stderr).toMatch(message)
    expect(code).toBe(1)
  })

  it('an empty file gives no rows and no error', async () => {
    const { code, stdout } = await runIn({ 'pipe.ts': copying('ndjson'), 'in/a.ndjson': '' }, '--json')
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([0, { type: 'end', rowsIn: 0 }])
  })

  it('with --json is told on both streams', async () => {
    const { code, stdout, stderr } = await runIn({ 'pipe.ts': copying('ndjson') }, '--json')
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      type: 'error',
      code: 'input/not-found',
      domain: 'external',
      place: { file: 'in' },
    })
    expect([code, stderr.startsWith('error input/not-found')]).toEqual([1, true])
  })
})

describe('a pipeline that cannot be', () => {
  const wrong = (body: string): string => copying('ndjson').replace(/p\.read[^\n]*/, body)

  it.each([
    [
      'two steps of one name',
      wrong("p.read('a', ndjson('in', { schema: Item })).write('a', ndjson('out'))"),
      [
        /^error plan\/duplicate-step: step "a" exists already/,
        /step: a/,
        /in: \S*pipe\.ts:\d+:\d+, and before in \S*pipe\.ts:\d+:\d+/,
      ],
    ],
    [
      'a column that is not there',
      wrong(
        "p.read('a', ndjson('in', { schema: Item })).where('w', sql`nam = 'x'`).write('b', ndjson('out'))",
      ),
      [/^error plan\/unknown-column: .*nam/, /step: w/, /in: \S*pipe\.ts:\d+:\d+/, /did you mean "name"/],
    ],
    [
      'windows without event time',
      wrong(
        "p.read('a', ndjson('in', { schema: Item })).window(tumbling('1 hour')).aggregate('c', (a) => ({ n: a.count() })).write('b', ndjson('out'))",
      ),
      [/^error plan\/no-event-time: /],
    ],
    ['no sink', wrong("p.read('a', ndjson('in', { schema: Item }))"), [/^error plan\/no-sink: /]],
    ['an asynchronous function', copying('ndjson').replace('(p) =>', 'async (p) =>'), [/is asynchronous/]],
  ] as const)('%s ends the command with 2', async (_, pipe, messages) => {
    const { code, stderr } = await runIn({ 'pipe.ts': pipe, 'in/a.ndjson': good })
    for (const message of messages) expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })

  it('options that do not exist or do not fit are refused', async () => {
    const files = { 'pipe.ts': copying('ndjson'), 'in/a.ndjson': good }
    const unknown = await runIn(files, '--set', 'limitt=5')
    expect(unknown.stderr).toMatch(/^error option\/unknown: .*"limitt"[^]*did you mean "limit"\?/)
    const unfit = await runIn(files, '--set', 'limit=many')
    expect(unfit.stderr).toMatch(/^error option\/invalid: .*"many"[^]*number/)
    expect([unknown.code, unfit.code]).toEqual([2, 2])
  })
})

describe('a module that cannot be', () => {
  it.each([
    [
      'imports from millrace what another entry has',
      "import { ndjson } from 'millrace'\nexport default ndjson\n",
      [/module-failed/, /hint: write: import \{ ndjson \} from 'millrace\/files'/],
    ],
    ['has a syntax error', 'export default {{\n', [/^error pipeline\/module-failed: module "pipe\.ts"/]],
    [
      'throws',
      "function helper() {\n  throw new TypeError('boom')\n}\nhelper()\nexport default 1\n",
      [
        /^error pipeline\/module-failed: .*TypeError: boom/,
        /at: .*pipe\.ts, line 2/,
        /at helper \(.*pipe\.ts:2:\d+\)/,
      ],
    ],
    [
      'imports what is not installed',
      "import 'left-pad-of-yore'\n",
      [/module-failed/, /install the package/],
    ],
    [
      'imports a file without its ending that is not there',
      "import './schemas'\n",
      [/module-failed/, /schemas/],
    ],
    ['has no default export', 'export const a = 1\n', [/^error pipeline\/not-found: .* no default export/]],
    ['exports something else', 'export default [1]\n', [/is no pipeline: it is an array/]],
    [
      'exports its pipeline by a name only',
      copying('ndjson').replace('export default', 'export const main ='),
      [/"main" is a pipeline: write export default main/],
    ],
    [
      'throws while the pipeline is built',
      copying('ndjson').replace(/p\.read[^\n]*/, "throw new RangeError('no such thing')"),
      [/^error pipeline\/module-failed: .*RangeError: no such thing/, /pipe\.ts:\d+:\d+/],
    ],
    ['exports a report that is no function', `${copying('ndjson')}\nexport const report = 5\n`, [/"report"/]],
  ] as const)('because it %s ends the command with 2', async (_, pipe, messages) => {
    const { code, stderr } = await runIn({ 'pipe.ts': pipe, 'in/a.ndjson': good })
    for (const message of messages) expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/node:internal/)
    expect(code).toBe(2)
  })

  it('because it is not there, or no module, says what would be', async () => {
    const made = workshop({ 'pipe.ts': '', 'data.csv': 'a\n', 'empty/x.txt': '' })
    open.push(made)
    const run = (name: string) => millrace(['run', name], { cwd: made.path })
    expect((await run('pipe')).stderr).toMatch(
      /pipeline\/not-found: module "pipe" does not exist[^]*did you mean pipe\.ts\?/,
    )
    expect((await run('data.csv')).stderr).toMatch(/is not a module[^]*millrace schema data\.csv/)
    expect((await run('empty')).stderr).toMatch(/has no index module: looked for index\.ts/)
    expect((await run('nothing')).code).toBe(2)
    expect((await run('empti')).stderr).toMatch(/module "empti" does not exist[^]*did you mean empty\?/)
    expect((await run('./pip.ts')).stderr).toMatch(/did you mean \.\/pipe\.ts\?/)
    symlinkSync('loop', join(made.path, 'loop'))
    const looping = await run('loop/pipe.ts')
    expect(looping.stderr).toMatch(/pipeline\/not-found: module "loop\/pipe\.ts" cannot be read/)
    expect(looping.code).toBe(2)
  })
})

describe('a user function that throws', () => {
  it('is shown with its step and its own stack', async () => {
    const pipe = copying('ndjson').replace(
      ".where('few', sql`id < ${limit}`)",
      ".filter('few', (row) => {\n  throw new Error(`no ${row.name}`)\n})",
    )
    const { code, stderr } = await runIn({ 'pipe.ts': pipe, 'in/a.ndjson': good })
    expect(stderr).toMatch(/^error step\/function-failed: /)
    expect(stderr).toMatch(/step: few/)
    expect(stderr).toMatch(/pipe\.ts:\d+:\d+/)
    expect(code).toBe(2)
  })
})

describe('the command line', () => {
  it.each([
    [['rnu'], 'millrace has no command "rnu"\n  hint: did you mean: millrace run\n'],
    [['pipe.ts'], 'hint: did you mean: millrace run pipe.ts\n'],
    [['--versoin'], 'millrace has no flag --versoin\n  hint: did you mean --version?\n'],
    [
      ['run', 'pipe.ts', '--moed', 'batch'],
      'millrace run has no flag --moed\n  hint: did you mean --mode?\n',
    ],
    [
      ['run', 'pipe.ts', '--mode', 'micro-batches'],
      '--mode cannot be "micro-batches": it is batch, micro-batch or continuous',
    ],
    [[], 'Usage\n  millrace COMMAND'],
  ])('%j ends with 2', async (args, message) => {
    const { code, stdout, stderr } = await millrace(args, { cwd: '.' })
    expect(stderr).toContain(message)
    expect([code, stdout]).toEqual([2, ''])
  })

  it('shows its version and its help', async () => {
    expect(await millrace(['--version'], { cwd: '.' })).toMatchObject({ code: 0, stdout: '0.1.0\n' })
    expect((await millrace(['help', 'explain'], { cwd: '.' })).stdout).toMatch(/^millrace explain: /)
    expect((await millrace(['run', '--help'], { cwd: '.' })).stdout).toMatch(/^millrace run: /)
    expect((await millrace(['--help'], { cwd: '.' })).code).toBe(0)
  })
})
