// Tables of lookup joins from the command line: told of with their epoch, and read anew with --refresh-tables.
import { readdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { millrace, workshop } from './start-millrace.ts'

const made = workshop({
  'pipe.ts': `
import { pipeline, schema, t } from 'millrace'
import { ndjson } from 'millrace/files'
const Event = schema({ key: t.string(), n: t.int64() })
const Name = schema({ key: t.string(), name: t.string() })
export default pipeline('joining', (p) => {
  const names = p.read('names', ndjson('names', { schema: Name }))
  p.read('in', ndjson('in', { schema: Event }))
    .lookupJoin('named', names, { on: 'key', select: { name: 'name' } })
    .write('out', ndjson('out', { roll: 'epoch' }))
})
`,
})

afterAll(() => made.remove())

function put(path: string, row: object): void {
  // A file that was written just now may still be in the making.
  utimesSync(made.file(path, `${JSON.stringify(row)}\n`), 0, 0)
}

/** By number of the event. */
function named(): Record<number, string> {
  const folder = join(made.path, 'out')
  const lines = readdirSync(folder)
    .filter((name) => !/^[._]/.test(name))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
  const rows = lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { n: number; name: string })
  return Object.fromEntries(rows.map(({ n, name }) => [n, name]))
}

it('a table is told of with its epoch, and read anew with --refresh-tables', async () => {
  const run = (...more: string[]) =>
    millrace(
      ['run', 'pipe.ts', '--mode', 'micro-batch', '--trigger', 'available-now', '--state', 'kept', ...more],
      { cwd: made.path },
    )
  const check = (...more: string[]) =>
    millrace(['check', 'pipe.ts', '--state', 'kept', ...more], { cwd: made.path })
  put('names/1.ndjson', { key: 'a', name: 'Anna' })
  put('in/1.ndjson', { key: 'a', n: 1 })
  expect((await run()).stderr).not.toContain('table names')
  put('names/1.ndjson', { key: 'a', name: 'Anne' })
  put('in/2.ndjson', { key: 'a', n: 2 })
  const second = await run()
  expect([second.code, second.stderr]).toEqual([
    0,
    expect.stringMatching(
      /table names is as an earlier run has read it, unchanged since epoch 1 of \d{4}-\S+Z \(--refresh/,
    ),
  ])
  const kept = await check()
  expect(kept.stdout).toMatch(
    /table names stays as .* since epoch 1 of \S+; --refresh-tables reads it anew\n$/,
  )
  const anew = await check('--refresh-tables')
  expect([anew.code, anew.stdout]).toEqual([0, expect.stringMatching(/names {2}is read anew\n/)])
  expect(anew.stdout).not.toContain('table names')
  put('in/3.ndjson', { key: 'a', n: 3 })
  expect((await run('--refresh-tables')).stderr).toContain('state of names was read anew')
  put('in/4.ndjson', { key: 'a', n: 4 })
  expect((await run()).stderr).toContain('unchanged since epoch 3 of')
  expect(named()).toEqual({ 1: 'Anna', 2: 'Anna', 3: 'Anne', 4: 'Anne' })
  expect(
    (await millrace(['run', 'pipe.ts', '--state', 'b', '--refresh-tables'], { cwd: made.path })).code,
  ).toBe(2)
})
