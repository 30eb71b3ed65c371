// A batch in phases as people meet it: a real process that is killed in its second phase, what `check` and `checkpoints`
// say then, and the run that goes on.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { millrace, workshop } from './start-millrace.ts'

/** The second phase dies as long as there is no file `mended`. */
const dying = `
import { existsSync } from 'node:fs'
import { pipeline, schema, t, globalWindow } from 'millrace'
import { ndjson } from 'millrace/files'
export default pipeline('dying', (p) => {
  p.read('rows', ndjson('in', { schema: schema({ key: t.string() }) }))
    .keyBy('by-key', 'key')
    .window(globalWindow())
    .aggregate('count', (a) => ({ n: a.count() }))
    .filter('last', () => {
      if (!existsSync('mended')) process.kill(process.pid, 'SIGKILL')
      return true
    })
    .write('out', ndjson('out'))
})
`

it('a batch that was killed goes on behind its last complete phase, and reads nothing again', async () => {
  const made = workshop({ 'pipe.ts': dying })
  try {
    made.file('in/1.ndjson', ['a', 'b', 'a'].map((key) => `${JSON.stringify({ key })}\n`).join(''))
    const tool = (...words: readonly string[]): ReturnType<typeof millrace> =>
      millrace(words, { cwd: made.path })
    const killed = await tool('run', 'pipe.ts', '--state', 'kept')
    expect(killed.code).not.toBe(0)
    expect(readdirSync(made.path)).toContain('kept')
    expect((await tool('check', 'pipe.ts', '--state', 'kept')).stdout).toMatch(
      /would go on behind epoch 1 of .*, phase 1 of 2/,
    )
    expect((await tool('checkpoints', 'show', '1', '--state', 'kept')).stdout).toContain(
      'phase 1 of 2 is complete',
    )
    expect((await tool('checkpoints', 'verify', '--state', 'kept')).code).toBe(0)

    // What was read is not needed any more.
    made.file('in/1.ndjson', '')
    made.file('mended', '')
    const done = await tool('run', 'pipe.ts', '--state', 'kept')
    expect(done.stderr + done.stdout).toContain('went on behind phase 1 of 2')
    expect(done.code).toBe(0)
    const files = readdirSync(join(made.path, 'out')).filter((name) => !/^[._]/.test(name))
    const lines = files.flatMap((name) => readFileSync(join(made.path, 'out', name), 'utf8').split('\n'))
    expect(lines.filter(Boolean).toSorted()).toEqual(['{"key":"a","n":2}', '{"key":"b","n":1}'])
    expect(readdirSync(join(made.path, 'kept', 'state'))).toEqual([])
    const { stdout } = await tool('check', 'pipe.ts', '--state', 'kept')
    expect(stdout).toMatch(/nothing left to do: .*a batch runs again in another state directory/s)
    expect(stdout).not.toContain('--go-on')
  } finally {
    made.remove()
  }
})
