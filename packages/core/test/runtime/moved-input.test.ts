// A source whose path is another one than that of the run before: nothing is read twice or left out without a word.
import { describe, expect, test } from 'vitest'
import { matchesGlob } from '../../src/connect/files/glob.ts'
import { lines, Logs, numbers } from './followed-logs.ts'

/** Two folders of logs; the first was read. */
async function readLogs(follow: 'lines' | 'files' = 'lines'): Promise<Logs> {
  const logs = new Logs()
  await logs.files.makeDirectory('/other')
  await logs.append('/in/a.ndjson', lines(0, 5))
  await logs.append('/in/b.ndjson', lines(5, 10))
  await logs.append('/other/c.ndjson', lines(10, 15))
  expect(await logs.run('/in', { follow })).toEqual(numbers(0, 10))
  return logs
}

describe('a source that reads from another path', () => {
  test.each(['lines', 'files'] as const)(
    'is refused when that leaves out what is read, and says the ways on: %s',
    async (follow) => {
      const logs = await readLogs(follow)
      const refused = await logs.failure('/other', { follow })
      expect(refused).toMatchObject({
        code: 'checkpoint/incompatible',
        hint: expect.stringContaining('--drop-state rows'),
      })
      expect(refused.text).toMatch(/its input changed, and .*: it was \/in and is \/other/)
      const check = await logs.check('/other', { follow })
      expect(check?.refusals.map(({ message }) => message)).toEqual([refused.text])

      // The ways on.
      await logs.append('/in/b2.ndjson', lines(20, 21))
      expect(await logs.run('/in', { follow })).toEqual([20])
      const dropped = await logs.check('/other', { follow, job: { dropState: ['rows'] } })
      expect(dropped).toMatchObject({ refusals: [], steps: [{ step: 'rows', verdict: 'drops' }] })
      expect(await logs.run('/other', { follow, job: { dropState: ['rows'] } })).toEqual(numbers(10, 15))
      expect(await logs.run('/other', { follow, job: { dropState: ['rows'] } })).toEqual([])
    },
  )

  test('names the file that would be left out', async () => {
    const logs = await readLogs()
    const refused = await logs.failure('/in/a*')
    expect(refused.text).toContain('"/in/b.ndjson" is not read to its end and no part of it')
    expect((await logs.failure('/in/a.ndjson')).code).toBe('checkpoint/incompatible')
    expect((await logs.failure('in')).code).toBe('checkpoint/incompatible')
  })

  test('goes on when it covers what was read, and that is said', async () => {
    for (const wider of ['/in/*', '/{in,other}/*.ndjson', '/**/*.ndjson']) {
      const logs = await readLogs()
      const check = await logs.check(wider)
      expect(check).toMatchObject({
        refusals: [],
        steps: [{ step: 'rows', changes: [{ kind: 'reads', before: '/in', after: wider }] }],
      })
      await logs.append('/in/a.ndjson', lines(30, 32))
      const found = wider === '/in/*' ? [] : numbers(10, 15)
      expect(await logs.run(wider)).toEqual([...found, 30, 31])
      // Said once: from then on that is its input.
      expect((await logs.check(wider))?.steps).toEqual([{ step: 'rows', verdict: 'keeps', changes: [] }])
    }
  })

  test('that were read whole may leave some of them out', async () => {
    const logs = await readLogs('files')
    await logs.append('/in/a2.ndjson', lines(40, 41))
    expect(await logs.run('/in/a*', { follow: 'files' })).toEqual([40])
  })
})

test.each([
  ['/in/*.log', '/in/a.log', true],
  ['/in/*.log', '/in/deep/a.log', false],
  ['/in/**/*.log', '/in/a.log', true],
  ['/in/**/*.log', '/in/x/y/a.log', true],
  ['/in/**/*.log', '/in/.x/a.log', false],
  ['in/{a,b}.log', 'in/b.log', true],
  ['in/{a,b}.log', '/in/b.log', false],
  ['./in/?.log', 'in/b.log', true],
  ['/in/**', '/in/a/b', true],
  ['/in/**', '/other/b', false],
] as const)('the pattern %s and the path %s: %s', (pattern, path, matches) => {
  expect(matchesGlob(pattern, path)).toBe(matches)
})
