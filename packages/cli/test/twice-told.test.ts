// What comes out a second time although a history goes on: `check` and the start say so before anything runs.
import { utimesSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { millrace, workshop } from './start-millrace.ts'
import type { Finished, Workshop } from './start-millrace.ts'

let open: Workshop[] = []

afterEach(() => {
  for (const one of open) one.remove()
  open = []
})

const module = `
import { pipeline, schema, t, tumbling } from 'millrace'
import { ndjson } from 'millrace/files'
const Row = schema({ key: t.string(), at: t.timestamp() })
export default pipeline('windows', (p) => {
  const input = p.option('input', { default: 'in' })
  p.read('rows', ndjson(input, { schema: Row }), { eventTime: { column: 'at', disorder: '1s' } })
    .keyBy('by-key', 'key')
    .window(tumbling('1 hour'))
    .aggregate('hours', (a) => ({ rows: a.count() }))
    .write('out', ndjson('out', { roll: 'epoch' }))
})
`

/** A job that has read one file, and two more of which it may. */
function scene(): { push(path: string, minute: number): void; tool(...words: string[]): Promise<Finished> } {
  const made = workshop({ 'pipe.ts': module })
  open.push(made)
  return {
    push(path, minute) {
      const at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
      const file = made.file(path, `${JSON.stringify({ key: 'a', at })}\n`)
      // A file that was written just now may still be in the making.
      utimesSync(file, 0, 0)
    },
    tool: (...words) => millrace(words, { cwd: made.path }),
  }
}

const run = ['run', 'pipe.ts', '--mode', 'continuous', '--state', 'kept', '--stop-when-idle', '200ms']
const check = ['check', 'pipe.ts', '--state', 'kept']

describe('what comes out a second time', () => {
  it('is told of windows that a drain has fired, before a run with --go-on', async () => {
    const { push, tool } = scene()
    push('in/1.ndjson', 10)
    await tool(...run, '--drain')
    push('in/2.ndjson', 20)
    const text = '"hours": the run before has fired all of its windows at its end; where more rows of such'
    expect((await tool(...check, '--go-on')).stdout).toContain(text)
    const gone = await tool(...run, '--go-on')
    expect([gone.code, gone.stderr]).toEqual([0, expect.stringMatching(/^"hours": the run before has fired/)])
    // Once: the next run goes on with windows that are open.
    expect((await tool(...check)).stdout).not.toContain('has fired')
    expect((await tool(...run, '--go-on')).stderr).not.toContain('has fired')
  })

  it('is told of a source whose input moved, before a run with --drop-state', async () => {
    const { push, tool } = scene()
    push('in/1.ndjson', 10)
    await tool(...run)
    push('moved/1.ndjson', 10)
    const moved = ['--set', 'input=moved']
    const refused = await tool(...check, ...moved)
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/hint: let "rows" read in again, .*put out a second time\n/),
    ])
    const text =
      '"rows": all of the input is read from its beginning, and what its rows give is put out a second'
    const dropped = await tool(...check, ...moved, '--drop-state', 'rows')
    expect([dropped.code, dropped.stdout]).toEqual([0, expect.stringContaining(text)])
    const first = await tool(...run, ...moved, '--drop-state', 'rows')
    expect([first.code, first.stderr.startsWith(text)]).toEqual([0, true])
    // What fits is not dropped: the flag may stay.
    expect((await tool(...run, ...moved, '--drop-state', 'rows')).stderr).not.toContain('from its beginning')
  })
})
