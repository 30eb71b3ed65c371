// `millrace explain` and `millrace schema` as processes.
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { millrace, workshop } from './start-millrace.ts'
import type { Workshop } from './start-millrace.ts'

let place: Workshop

beforeAll(() => {
  place = workshop({
    'pipe.ts': `
import { pipeline, schema, sql, t } from 'millrace'
import { ndjson } from 'millrace/files'
const Item = schema({ id: t.int32(), name: t.string() })
export default pipeline('explained', (p) => {
  const limit = p.option('limit', { default: 10, description: 'the largest id' })
  p.read('items', ndjson('nowhere', { schema: Item })).where('few', sql\`id < \${limit}\`).write('out', ndjson('out'))
})
`,
    'orders.csv': 'id,placed-at,amount,note\n1,2024-03-01T10:00:00Z,12.5,\n2,2024-03-01T11:00:00Z,7,fine\n',
    'long.ndjson': '{"x":1,"text":"some text of a row"}\n'.repeat(40_000),
    'semicolons.csv': 'id;name;amount\n1;a, b;2,5\n2;c;NA\n',
    'tabs.csv': 'id\tname\n1\ta\n',
    'wordlist.csv': 'word\none\n',
    'damaged.ndjson': '{"x":1}\n{"x":\n[2]\n{"x":3}\nnull\n',
    'ragged.csv': 'a,b\n1,2\n3\n4,5,6\n7,8\n"9,10\n',
    'pipes.txt': '# a comment\n1| x |NA\n2|y|3\n',
    'parts/day=2001-01-01/city=Oslo/a.ndjson': '{"x":1}\n',
    'folder/a.ndjson': '{"x":1}\n',
    'folder/b.ndjson': '{"x":2}\n',
    'mixed/a.ndjson': '{"x":1}\n',
    'mixed/package.json': '{"name":"x"}\n',
    'above/index.ts': '',
    'above/conf/tsconfig.json': '{}',
    'above/in/a.csv': 'x\n1\n',
    'project/index.ts': '',
    'project/conf/package.json': '{"name":"x"}\n',
  })
})

afterAll(() => place.remove())

const run = (...args: string[]) => millrace(args, { cwd: place.path })

describe('millrace explain', () => {
  it('shows stages, steps and options, and reads nothing', async () => {
    const { code, stdout } = await run('explain', 'pipe.ts', '--set', 'limit=5')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^pipeline explained: 3 steps in 1 stage/)
    expect(stdout).toMatch(/options\n {2}--set limit=5 +the largest id \(default 10\)\n$/)
  })

  it('gives JSON and Mermaid', async () => {
    const json = JSON.parse((await run('explain', 'pipe.ts', '-f', 'json')).stdout) as object
    expect(json).toMatchObject({
      pipeline: 'explained',
      stages: [{ stage: 0 }],
      options: [{ name: 'limit' }],
    })
    expect((await run('explain', 'pipe.ts', '-f', 'mermaid')).stdout).toMatch(/^flowchart TD\n/)
  })

  it('adds the generated code', async () => {
    const { stdout } = await run('explain', 'pipe.ts', '--code')
    expect(stdout).toMatch(/\ncode of few\n {2}[^]*for \(/)
  })
})

describe('millrace schema', () => {
  it('says on a command line what to do about a path that it cannot look at', async () => {
    const text = await run('schema', 'pipes.txt')
    expect(text.stderr).toMatch(/hint: if it is CSV: [^]*schema pipes\.txt --delimiter ','/)
    expect((await run('schema', 'pipe.ts')).stderr).toMatch(/hint: for a pipeline: [^]*explain pipe\.ts/)
    const missing = await run('schema', 'no-such*.csv')
    expect(missing.stderr).toMatch(/^error input\/not-found: no data file matches "no-such\*\.csv"/)
    expect(missing.code).toBe((await run('schema', 'no-such.csv')).code)
  })

  it('shows columns, size, and the schema to write', async () => {
    const { code, stdout, stderr } = await run('schema', 'orders.csv')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^orders\.csv: .* B\n/)
    expect(stdout).toMatch(/\n {2}placed-at {2}timestamp\(/)
    expect(stdout).toContain('export const Orders = schema({\n')
    expect(stdout).toMatch(/\n {2}'placed-at': t\.timestamp\(/)
    expect(stdout).toMatch(/\n {2}note: t\.string\(\)\.nullable\(\),\n/)
  })

  describe('of CSV', () => {
    it('takes the dialect, and shows the call that reads it', async () => {
      const { code, stdout } = await run('schema', 'semicolons.csv', '--delimiter', ';', '--null', 'NA')
      expect(code).toBe(0)
      expect(stdout).toContain('  id: t.int32(),\n  name: t.string(),\n  amount: t.string().nullable(),\n')
      expect(stdout).toMatch(
        /\n\nto read it\n {2}csv\('semicolons\.csv', \{ schema: Semicolons, delimiter: ';', nulls: \['', 'NA'\] \}\)\n$/,
      )
    })

    it('takes every flag of the dialect, and any ending', async () => {
      const flags = ['-d', '|', '--no-header', '--comment', '#', '--null', 'NA', '--trim', '--quote', "'"]
      const { stdout } = await run('schema', 'pipes.txt', ...flags)
      expect(stdout).toContain(
        '  column1: t.int32(),\n  column2: t.string(),\n  column3: t.int32().nullable(),\n',
      )
      expect(stdout).toContain("header: false, nulls: ['', 'NA'], trim: true })\n")
    })

    it('warns of a file with one column that another delimiter would make several of', async () => {
      const { stdout } = await run('schema', 'semicolons.csv')
      expect(stdout).toMatch(/one column only, and ";" in it: [^]*schema semicolons\.csv --delimiter ';'\n/)
      const json = JSON.parse((await run('schema', 'semicolons.csv', '--json')).stdout) as object
      expect(json).toMatchObject({ likelyDelimiter: ';' })
      expect((await run('schema', 'wordlist.csv')).stdout).not.toContain('delimiter')
    })

    it('says which delimiter is meant where the name of a column cannot be one', async () => {
      const { code, stderr } = await run('schema', 'tabs.csv')
      expect(stderr).toContain('  hint: if a tab stands between columns, add --delimiter tab\n')
      expect(code).toBe(2)
      expect((await run('schema', 'tabs.csv', '--delimiter', 'tab')).stdout).toContain("delimiter: '\\t'")
    })

    it('refuses its flags for other formats', async () => {
      const { code, stderr } = await run('schema', 'long.ndjson', '--no-header')
      expect(stderr).toMatch(/^error: --no-header is for CSV and TSV files, and "long\.ndjson" is none/)
      expect(code).toBe(2)
    })
  })

  it('says which columns come from the names of folders, and that those are text', async () => {
    const { stdout } = await run('schema', 'parts')
    expect(stdout).toMatch(/\n {2}day, city: from the names of folders, as text; write another type/)
    expect((await run('schema', 'folder')).stdout).not.toContain('names of folders')
  })

  it('says how many rows of what was looked at cannot be read, and the first of them', async () => {
    const lines = await run('schema', 'damaged.ndjson')
    expect(lines.stdout).toMatch(
      /\n {2}3 of 5 rows cannot be read, the first at line 2: [^]*onError: 'reject'/,
    )
    const cells = await run('schema', 'ragged.csv')
    expect(cells.stdout).toMatch(
      /3 of 5 rows cannot be read, the first at line 3:\s+expected 2 fields, found 1/,
    )
    const json = JSON.parse((await run('schema', 'ragged.csv', '--json')).stdout) as object
    expect(json).toMatchObject({ unreadable: { rows: 5, unreadable: 3, line: 3 } })
    expect((await run('schema', 'orders.csv')).stdout).not.toContain('cannot be read')
  })

  it('says that only the beginning of a long file was looked at', async () => {
    const { stdout } = await run('schema', 'long.ndjson')
    expect(stdout).toContain(
      '  only its first MiB was looked at: columns may be null, since rows behind it may lack them\n',
    )
    expect(stdout).toContain('text: t.string().nullable()')
    expect((await run('schema', 'orders.csv')).stdout).not.toContain('looked at')
  })

  it('shows the rows of a Parquet file', async () => {
    const flights = createRequire(import.meta.url)
      .resolve('vega-datasets')
      .replace(/build.*/, 'data/flights-3m.parquet')
    const { stdout } = await run('schema', flights)
    expect(stdout).toContain(': 3,000,000 rows, 13.5 MB\n')
    expect(stdout).toContain('export const Flights3m = schema({')
  })

  it('looks at the first file of a directory, and says which one that is', async () => {
    const { stdout } = await run('schema', 'folder')
    expect(stdout).toMatch(/^folder: 2 files, 16 B\n {2}the schema is that of folder\/a\.ndjson\n\n/)
    const json = JSON.parse((await run('schema', 'folder', '--json')).stdout) as object
    expect(json).toMatchObject({ schemaFrom: 'folder/a.ndjson', endings: { ndjson: 2 } })
  })

  it('warns of a directory with files of several formats', async () => {
    const { stdout } = await run('schema', 'mixed')
    expect(stdout).toContain('  the schema is that of mixed/a.ndjson\n')
    expect(stdout).toContain('  the files are of several formats (1 .ndjson, 1 .json): name a file')
  })

  it('says what a directory without data files holds, and where data is', async () => {
    const above = await run('schema', 'above')
    expect(above.stderr).toMatch(
      /folder "above" holds [^]*in it: 1 other file, the folders conf\/, in\/\n[^]*data in in\/: millrace schema above\/in\n/,
    )
    const empty = await run('schema', 'project')
    expect(empty.stderr).toMatch(
      /folder "project" holds no data files: in it: 1 other file, the folder conf\/\n[^]*hint: name a Parquet/,
    )
    expect([above.code, empty.code]).toEqual([2, 2])
  })

  it('gives JSON', async () => {
    expect(JSON.parse((await run('schema', 'orders.csv', '--json')).stdout)).toMatchObject({
      path: 'orders.csv',
      files: 1,
      rows: null,
      columns: [{ name: 'id' }, { name: 'placed-at' }, { name: 'amount' }, { name: 'note' }],
    })
  })

  it('says what is wrong with a file', async () => {
    const missing = await run('schema', 'order.csv')
    expect(missing.stderr).toMatch(/^error input\/not-found: [^]*did you mean "orders\.csv"\?/)
    const strange = await run('schema', 'pipe.ts')
    expect(strange.stderr).toMatch(/the format of "pipe\.ts" does not show in its name/)
    expect([missing.code, strange.code]).toEqual([1, 2])
  })
})
