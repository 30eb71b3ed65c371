// `millrace run` as a process: modules, output, signals, exit codes.
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonLines, millrace, startMillrace, workshop } from './start-millrace.ts'
import type { Workshop } from './start-millrace.ts'

let open: Workshop[] = []
const make = (files: { readonly [name: string]: string }): Workshop => {
  const made = workshop(files)
  open.push(made)
  return made
}

afterEach(() => {
  for (const one of open) one.remove()
  open = []
})

/** Copies numbers from `in` to `out`, doubled. */
const doubling = `
import { pipeline, schema, sql, t } from 'millrace'
import { ndjson } from 'millrace/files'

const Item = schema({ id: t.int32(), name: t.string() })

export default pipeline('doubling', (p) => {
  const input: string = p.option('input', { default: 'in', description: 'what to read' })
  const factor = p.option('factor', { default: 2 })
  p.read('items', ndjson(input, { schema: Item }))
    .extend('double', { id: sql\`id * \${factor}\` })
    .write('out', ndjson('out', { roll: 'epoch' }))
})
`

const items = '{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'

/** The rows of all visible files of a folder. */
function rowsIn(folder: string): unknown[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((name) => !/^[._]/.test(name))
  return files
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

const windows = `
import { pipeline, schema, t, tumbling } from 'millrace'
import { ndjson } from 'millrace/files'
const Item = schema({ at: t.timestamp() })
export default pipeline('windows', (p) => {
  p.read('items', ndjson('in', { schema: Item, eventTime: 'at' }))
    .window(tumbling('1 hour')).aggregate('per-hour', (a) => ({ n: a.count() })).write('out', ndjson('out'))
})
`
const times = '{"at":"2024-01-01T00:10"}\n{"at":"2024-01-01T01:10"}\n{"at":"2024-01-01T00:20"}\n'

describe('millrace run', () => {
  it('runs a TypeScript module that lies outside of any project', async () => {
    const { path } = make({ 'pipe.ts': doubling, 'in/a.ndjson': items })
    const { code, stdout, stderr } = await millrace(['run', 'pipe.ts'], { cwd: path })
    expect(stderr).toContain('doubling: done in')
    expect(stderr).toMatch(/read 2 rows \(40 B\), wrote 2 rows/)
    expect(stderr).toMatch(/results\n {4}out {2}2 rows\n/)
    expect(stderr).toMatch(
      /to follow the input, in place of these results\n {4}node \S+ run pipe\.ts --output-mode overwrite --mode continuous/,
    )
    expect([code, stdout]).toEqual([0, ''])
    expect(rowsIn(join(path, 'out'))).toEqual([
      { id: 2, name: 'a' },
      { id: 4, name: 'b' },
    ])
  })

  it('runs JavaScript modules, and the index module of a directory', async () => {
    const { path } = make({ 'pipe/index.mjs': doubling.replace(': string', ''), 'in/a.ndjson': items })
    expect(await millrace(['run', 'pipe'], { cwd: path })).toMatchObject({ code: 0 })
    expect(rowsIn(join(path, 'out'))).toHaveLength(2)
  })

  it('runs TypeScript that cannot simply be stripped, and imports of other modules', async () => {
    const { path } = make({
      'levels.ts': 'export enum Level { low = 3 }\n',
      'pipe.ts': `import { Level } from './levels.js'\n${doubling.replace('default: 2', 'default: Level.low as number')}`,
      'in/a.ndjson': items,
    })
    expect(await millrace(['run', 'pipe.ts'], { cwd: path })).toMatchObject({ code: 0 })
    expect(rowsIn(join(path, 'out'))).toMatchObject([{ id: 3 }, { id: 6 }])
  })

  it('gives options of the pipeline their values', async () => {
    const { path } = make({ 'pipe.ts': doubling, 'else/b.ndjson': items })
    const args = ['run', 'pipe.ts', '--set', 'input=else/*.ndjson', '--set', 'factor=10', '--quiet']
    expect(await millrace(args, { cwd: path })).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(rowsIn(join(path, 'out'))).toMatchObject([{ id: 10 }, { id: 20 }])
  })

  it('refuses, replaces or adds to an output that is there, as it is told', async () => {
    const { path } = make({ 'pipe.ts': doubling, 'in/a.ndjson': items })
    const run = (...more: string[]) => millrace(['run', 'pipe.ts', '--quiet', ...more], { cwd: path })
    await run()
    const refused = await run()
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/^error output\/exists: output "out" holds what is in the way/)
    expect(refused.stderr).toContain('--output-mode overwrite')
    expect(rowsIn(join(path, 'out'))).toHaveLength(2)
    expect(await run('--output-mode', 'overwrite')).toMatchObject({ code: 0 })
    expect(rowsIn(join(path, 'out'))).toHaveLength(2)
    expect(await run('--output-mode', 'append')).toMatchObject({ code: 0 })
    expect(rowsIn(join(path, 'out'))).toHaveLength(4)
  })

  it('writes JSON lines, and what the pipeline prints elsewhere', async () => {
    const console = doubling
      .replace('import { ndjson }', "import { toConsole } from 'millrace/connect'\nimport { ndjson }")
      .replace("ndjson('out', { roll: 'epoch' })", 'toConsole()')
    const { path } = make({ 'pipe.ts': console, 'in/a.ndjson': items })
    const { code, stdout, stderr } = await millrace(['run', 'pipe.ts', '--json'], { cwd: path })
    const lines = jsonLines(stdout)
    expect(code).toBe(0)
    expect(lines[0]).toMatchObject({
      type: 'start',
      pipeline: 'doubling',
      mode: 'batch',
      options: { input: 'in', factor: '2' },
    })
    expect(lines.at(-1)).toMatchObject({
      type: 'end',
      end: 'finished',
      rowsIn: 2,
      rowsOut: 2,
      watermark: 'end',
    })
    expect(stderr).toMatch(/id {2}name\n/)
  })

  it('shows the schema that it found where none is declared', async () => {
    const { path } = make({ 'pipe.ts': doubling.replace(', { schema: Item }', ''), 'in/a.ndjson': items })
    const { code, stderr } = await millrace(['run', 'pipe.ts'], { cwd: path })
    expect(stderr).toContain('step items declares no schema; found in its input:\nschema({\n  id: t.')
    expect([code, rowsIn(join(path, 'out')).length]).toEqual([0, 2])
    const json = await millrace(['run', 'pipe.ts', '--json', '--output-mode', 'overwrite'], { cwd: path })
    expect(jsonLines(json.stdout)[0]).toMatchObject({ inferred: [{ step: 'items' }] })
  })

  it('prints what the report of the module gives', async () => {
    const { path } = make({
      'pipe.ts': `${doubling}
export const report = ({ result, options, mode }) => \`\${mode}: \${result.progress.rowsIn} rows of \${options.input}\``,
      'in/a.ndjson': items,
    })
    expect(await millrace(['run', 'pipe.ts'], { cwd: path })).toMatchObject({
      code: 0,
      stdout: 'batch: 2 rows of in\n',
    })
  })

  it('says so when the report of the module throws, and that the results stand', async () => {
    const { path } = make({
      'pipe.ts': `${doubling}\nexport function report() {\n  throw new Error('no words')\n}\n`,
      'in/a.ndjson': items,
    })
    const { code, stderr } = await millrace(['run', 'pipe.ts'], { cwd: path })
    expect(stderr).toMatch(
      /error pipeline\/module-failed: the report of .*no words\n {2}hint: the run itself ended well/,
    )
    expect([code, rowsIn(join(path, 'out')).length]).toEqual([2, 2])
  })

  it('shows causes and stacks with --verbose', async () => {
    const { path } = make({ 'pipe.ts': doubling, 'in/a.ndjson': '{"id":"x","name":"a"}\n' })
    const { stderr } = await millrace(['run', 'pipe.ts', '--verbose'], { cwd: path })
    expect(stderr).toMatch(/stack:\n {4}at /)
  })
})

describe('millrace run --mode continuous', () => {
  it('says which windows never fired when it ends without --drain', async () => {
    const { path } = make({ 'pipe.ts': windows, 'in/a.ndjson': times })
    // A file that was written just now may still be in the making.
    utimesSync(join(path, 'in/a.ndjson'), 0, 0)
    const args = ['run', 'pipe.ts', '--mode', 'continuous', '--stop-when-idle', '50ms']
    const idle = await millrace(args, { cwd: path })
    expect(idle.stderr).toContain('per-hour: 1 window is still open, without a result\n    --drain fires it')
    expect(idle.stderr).toContain('per-hour: 1 row came too late for its window\n')
    const json = await millrace([...args, '--output-mode', 'overwrite', '--json'], { cwd: path })
    const [end] = jsonLines(json.stdout).slice(-1)
    expect(end).toMatchObject({ type: 'end', openWindows: [{ step: 'per-hour', groups: 1 }] })
    const drained = await millrace([...args, '--output-mode', 'overwrite', '--drain'], { cwd: path })
    expect(drained.stderr).not.toContain('still open')
  })

  it('ends with 0 on Ctrl-C, with everything committed that was read', async () => {
    const { path } = make({ 'pipe.ts': doubling, 'in/a.ndjson': items })
    const args = ['run', 'pipe.ts', '--mode', 'continuous', '--epoch-interval', '20ms', '--json']
    const running = startMillrace(args, { cwd: path })
    await running.shows(/"rowsOut":2,/)
    running.signal('SIGINT')
    const { code, stdout } = await running.finished
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([0, { type: 'end', end: 'stopped', rowsOut: 2 }])
    expect(rowsIn(join(path, 'out'))).toHaveLength(2)
  })

  it('awaits an empty directory, takes files that appear, and ends when nothing comes any more', async () => {
    const made = make({ 'pipe.ts': doubling, 'in/readme.txt': 'no data' })
    const args = ['run', 'pipe.ts', '--mode', 'continuous', '--stop-when-idle', '2s', '--json']
    const running = startMillrace(args, { cwd: made.path })
    await running.shows('"type":"start"')
    made.file('in/late.ndjson', items)
    const { code, stdout } = await running.finished
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([0, { type: 'end', end: 'idle', rowsIn: 2 }])
    expect(rowsIn(join(made.path, 'out'))).toHaveLength(2)
  })

  it('takes a signal that comes twice, as through npm, for one', async () => {
    const { path } = make({ 'pipe.ts': doubling, 'in/a.ndjson': items })
    const running = startMillrace(['run', 'pipe.ts', '--mode', 'continuous', '--json'], { cwd: path })
    await running.shows(/"rowsOut":2,/)
    running.signal('SIGINT')
    running.signal('SIGTERM')
    const { code, stdout } = await running.finished
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([0, { type: 'end', end: 'stopped', rowsOut: 2 }])
  })

  it('ends at once on the second signal, whatever holds the first one up', async () => {
    const { path } = make({
      'pipe.ts': stuckPipe("setInterval(() => undefined, 60_000); console.log('stuck')"),
    })
    const running = startMillrace(['run', 'pipe.ts', '--mode', 'continuous'], { cwd: path })
    await running.shows('stuck')
    running.signal('SIGTERM')
    await running.shows('interrupt again')
    // A second one at once would be the first one again.
    const again = setInterval(() => running.signal('SIGINT'), 50)
    const { code } = await running.finished
    clearInterval(again)
    expect(code).toBe(130)
  })

  it('says so when a connector waits for what will never come', async () => {
    const { path } = make({ 'pipe.ts': stuckPipe('') })
    const { code, stderr } = await millrace(['run', 'pipe.ts'], { cwd: path })
    expect(stderr).toMatch(/^error run\/stalled: .*"nowhere"/m)
    expect(code).toBe(1)
  })
})

/** A pipeline whose sink never answers, after doing this. */
const stuckPipe = (body: string): string => `
import { pipeline, schema, t } from 'millrace'
import { memoryRows } from 'millrace/connect'
const Item = schema({ id: t.int32() })
const stuck = {
  description: { connector: 'stuck', options: {} },
  accepts: 'append',
  open: async () => ({
    writer: async () => ({
      write: () => new Promise(() => { ${body} }),
      prepare: async () => undefined,
      written: () => ({ rows: 0, bytes: 0 }),
      close: async () => undefined,
    }),
    commit: async () => [], sweep: async () => {}, finish: async () => {}, close: async () => {},
  }),
}
export default pipeline('stuck', (p) => p.read('items', memoryRows(Item, [{ id: 1 }])).write('nowhere', stuck as never))
`

describe('millrace run, interrupted in batch mode', () => {
  it('leaves nothing to be seen, and ends with 130', async () => {
    const { path } = make({
      'pipe.ts': `
import { pipeline } from 'millrace'
import { rate } from 'millrace/connect'
import { ndjson } from 'millrace/files'
export default pipeline('slow', (p) => {
  p.read('ticks', rate({ rowsPerSecond: 1000, rows: 1_000_000 })).write('out', ndjson('out'))
})
`,
    })
    const running = startMillrace(['run', 'pipe.ts', '--json'], { cwd: path })
    await running.shows('"type":"progress"')
    running.signal('SIGINT')
    const { code, stdout, stderr } = await running.finished
    expect(stderr).toMatch(/error run\/cancelled: /)
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([130, { type: 'error', code: 'run/cancelled' }])
    expect(rowsIn(join(path, 'out'))).toEqual([])
  })
})
