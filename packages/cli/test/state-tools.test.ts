// The commands that look into a state directory: what they print, and what they refuse.
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonLines, millrace, workshop } from './start-millrace.ts'
import type { Finished } from './start-millrace.ts'

const made = workshop({
  'pipe.ts': `
import { pipeline, schema, state, t } from 'millrace'
import { ndjson } from 'millrace/files'
const Row = schema({ key: t.string(), n: t.int64() })
export default pipeline('counting', (p) => {
  p.read('rows', ndjson('in', { schema: Row }))
    .keyBy('by-key', 'key')
    .process('sum', {
      state: { total: state.value(t.int64()), seen: state.list(t.int64()) },
      output: Row,
      onRow({ key, n }, { state: { total, seen }, emit }) {
        total.set((total.get() ?? 0) + n)
        seen.add(n)
        emit({ key, n: total.get() ?? 0 })
      },
    })
    .write('out', ndjson('out', { roll: 'epoch' }))
})
`,
})

const tool = (...words: readonly string[]): Promise<Finished> => millrace(words, { cwd: made.path })
const run = (...more: readonly string[]): Promise<Finished> =>
  tool(
    'run',
    'pipe.ts',
    '--mode',
    'continuous',
    '--epoch-interval',
    '1min',
    '--stop-when-idle',
    '200ms',
    ...more,
  )

function push(name: string, ...rows: readonly object[]): void {
  const path = made.file(`in/${name}.ndjson`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  // A file that was written just now may still be in the making.
  utimesSync(path, 0, 0)
}

/** Epoch 1 has read one row, epoch 2 two more. */
beforeAll(async () => {
  push('1', { key: 'a', n: 5 })
  await run('--state', 'kept')
  push('2', { key: 'a', n: 6 }, { key: 'b b', n: 7 })
  await run('--state', 'kept')
})

afterAll(() => made.remove())

describe('millrace checkpoints', () => {
  it('ls tells of every epoch: attempt, lineage, bytes, rows, end', async () => {
    const { code, stdout } = await tool('checkpoints', 'ls', '--state', 'kept')
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/kept: 2 epochs, .* on disk\nepoch {2}durable since/),
    ])
    expect(stdout).toMatch(/\n {4}1 {2}\d{4}-\S+ +1 {2}[0-9a-f]{16} .* 1 {2}idle\n {4}2 .* 2 {2}idle\n$/)
    const json = jsonLines((await tool('checkpoints', 'ls', '--state', 'kept', '--json')).stdout)
    expect(json).toMatchObject([
      { epoch: 1, attempt: 1, rows: { out: 1 }, end: 'idle', mode: 'continuous' },
      { epoch: 2, attempt: 2, rows: { out: 2 } },
    ])
  })

  it('show tells all of one', async () => {
    const { code, stdout } = await tool('checkpoints', 'show', '2', '--state', 'kept')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^epoch 2 of \S+, entry \d+ of the log\n {2}attempt 2 of process \d+ on /)
    expect(stdout).toMatch(/outputs: 2 rows to "out"; delivered up to epoch 1/)
    expect(stdout).toMatch(/ {4}sum: state\/a1-e1-\d, .*, whole of epoch 1\n {4}sum: .* changes of epoch 2\n/)
    const missing = await tool('checkpoints', 'show', '7', '--state', 'kept')
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringContaining('kept are 2 epochs, from 1 to 2'),
    ])
  })

  it('verify reads every byte, and says which epochs are whole', async () => {
    const whole = await tool('checkpoints', 'verify', '--state', 'kept')
    expect([whole.code, whole.stdout]).toEqual([
      0,
      expect.stringMatching(/^epoch 1 of \S+: whole, .* read\nepoch 2 of \S+: whole, .* read\n$/),
    ])
    const names = readdirSync(join(made.path, 'kept/state'))
    const path = join(made.path, 'kept/state', names.find((name) => name.startsWith('a2-')) ?? '')
    const bytes = readFileSync(path)
    writeFileSync(
      path,
      bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    )
    const damaged = await tool('checkpoints', 'verify', '--state', 'kept')
    writeFileSync(path, bytes)
    expect([damaged.code, damaged.stdout]).toEqual([
      1,
      expect.stringMatching(
        /^epoch 1 of \S+: whole.*\nepoch 2 of \S+: damaged: the checksum of block 0 .*state\/a2-/,
      ),
    ])
  })

  it('export writes the rows of every table as files', async () => {
    const exported = await tool(
      'checkpoints',
      'export',
      '--state',
      'kept',
      '--to',
      'exported',
      '--epoch',
      '1',
    )
    expect(exported).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^exported: \d+ rows of epoch 1\n$/) as string,
    })
    const folder = join(made.path, 'exported/sum/values')
    const text = readdirSync(folder)
      .filter((name) => !/^[._]/.test(name))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
    expect(text).toEqual(['{"key":"a","total":5}\n'])
  })
})

describe('millrace state', () => {
  it('ls tells steps, tables, keys and rows', async () => {
    const { code, stdout } = await tool('state', 'ls', '--state', 'kept')
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('sum values by key: 2 rows (key string, total int64)'),
    ])
    expect(stdout).toContain('sum list:seen by key: 3 rows (key string, /at int32, /value int64)')
  })

  it('get prints the rows of a key, also of an earlier epoch', async () => {
    const newest = await tool('state', 'get', 'sum', 'a', '--state', 'kept')
    expect(jsonLines(newest.stdout)).toEqual([
      { table: 'values', key: 'a', total: 11 },
      { table: 'list:seen', key: 'a', '/at': 0, '/value': 5 },
      { table: 'list:seen', key: 'a', '/at': 1, '/value': 6 },
    ])
    const before = await tool(
      'state',
      'get',
      'sum',
      'a',
      '--state',
      'kept',
      '--epoch',
      '1',
      '--table',
      'values',
    )
    expect(jsonLines(before.stdout)).toEqual([{ table: 'values', key: 'a', total: 5 }])
    expect(
      (await tool('state', 'get', 'sum', 'b b', '--state', 'kept', '--table', 'values')).stdout,
    ).toContain('"total":7')
    expect(await tool('state', 'get', 'sum', 'z', '--state', 'kept')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'step "sum" keeps nothing of key z in epoch 2\n',
    })
  })

  it('dump prints all rows of a step, or writes them as Parquet', async () => {
    const { stdout } = await tool('state', 'dump', 'sum', '--state', 'kept', '--table', 'values')
    expect(jsonLines(stdout)).toEqual([
      { table: 'values', key: 'a', total: 11 },
      { table: 'values', key: 'b b', total: 7 },
    ])
    const dump = ['state', 'dump', 'sum', '--state', 'kept', '--format', 'parquet']
    expect(await tool(...dump, '--output', 'dumped')).toMatchObject({
      code: 0,
      stdout: 'dumped: 6 rows of epoch 2\n',
    })
    const lines = await tool('state', 'dump', 'sum', '--state', 'kept', '--output', 'lines')
    expect([lines.stdout, jsonLines(readFileSync(join(made.path, 'lines'), 'utf8')).length]).toEqual([
      'lines: 6 rows of epoch 2\n',
      6,
    ])
    const shown = await tool('schema', 'dumped/sum/list.seen')
    expect(shown.stdout).toMatch(/dumped\/sum\/list\.seen: 3 rows/)
    expect((await tool(...dump)).stderr).toContain('add --output DIR')
  })

  it.each([
    [['state', 'lss', '--state', 'kept'], 'did you mean: millrace state ls'],
    [['state', 'ls'], 'add --state DIR'],
    [['state', 'ls', '--state', 'gs://bucket/state'], 'knows directories and s3:// URLs'],
    [['run', 'pipe.ts', '--state', 'gs://bucket/state'], 'knows directories and s3:// URLs'],
    [['savepoint', '--state', 'kept', '--to', 'gs://bucket/saved'], 'knows directories and s3:// URLs'],
    [['state', 'ls', '--state', 's3://key:secret@bucket/state'], 'a URL of a bucket holds no keys'],
    [['checkpoints', 'export', '--state', 'kept', '--to', 's3://bucket/rows'], 'is no directory'],
    [['state', 'dump', 'sum', '--state', 'kept', '--output', 's3://bucket/rows'], 'is no directory'],
    [['state', 'ls', '--state', 'nowhere'], 'nowhere does not exist'],
    [['state', 'get', 'summ', 'a', '--state', 'kept'], 'did you mean sum?'],
    [
      ['state', 'get', 'sum', 'a', 'b', '--state', 'kept'],
      'the key has 1 column (key), and 2 words were given',
    ],
    [['state', 'dump', 'sum', '--table', 'x', '--state', 'kept'], 'has no table "x"'],
    [['checkpoints', 'show', '--state', 'kept'], 'needs an epoch'],
    [['savepoint', '--state', 'kept'], 'add --to DIR'],
  ])('%j is refused with what helps', async (words, hint) => {
    const { code, stderr } = await tool(...words)
    expect([code, stderr]).toEqual([2, expect.stringContaining(hint)])
    expect(existsSync(join(made.path, 'nowhere'))).toBe(false)
  })
})

describe('millrace savepoint', () => {
  it('keeps an epoch that another state directory begins with', async () => {
    const saved = await tool('savepoint', '--state', 'kept', '--to', 'saved/one', '--epoch', '2')
    expect([saved.code, saved.stdout]).toEqual([
      0,
      expect.stringMatching(/saved\/one: epoch 2 of .* of state\n/),
    ])
    const line = /begin with it: millrace (run MODULE .*)\n/.exec(saved.stdout)?.[1] ?? ''
    const names: Record<string, string> = { MODULE: 'pipe.ts', NEW: 'told' }
    const told = line.split(' ').map((word) => names[word] ?? word)
    expect((await tool(...told, '--stop-when-idle', '200ms')).code).toBe(0)
    const check = await tool('check', 'pipe.ts', '--state', 'other', '--from-savepoint', 'saved/one')
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('would go on behind epoch 2')])
    expect(existsSync(join(made.path, 'other'))).toBe(false)
    push('3', { key: 'a', n: 100 })
    const begun = await run('--state', 'other', '--from-savepoint', 'saved/one', '--output-mode', 'append')
    expect([begun.code, begun.stderr]).toEqual([
      0,
      expect.stringMatching(/^goes back behind epoch 2, with a history of its own\n {2}what other histories/),
    ])
    expect(
      jsonLines((await tool('state', 'get', 'sum', 'a', '--state', 'other', '--table', 'values')).stdout),
    ).toEqual([{ table: 'values', key: 'a', total: 111 }])
    expect(saved.stdout).not.toContain('the job has gone on')
    const older = await tool('savepoint', '--state', 'kept', '--to', 'saved/older', '--epoch', '1')
    expect(older.stdout).toContain(
      'the job has gone on to epoch 2: what comes behind epoch 1 is put out again',
    )
    const twice = await tool('savepoint', '--state', 'kept', '--to', 'saved/one')
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('there is a savepoint already')])
  })
})
