/** Where generated code is forbidden: what can be computed without it is, and what cannot says so. */
import { afterEach, expect, it } from 'vitest'
import type { Workshop } from './start-millrace.ts'
import { millrace, workshop } from './start-millrace.ts'

const forbidden = { NODE_OPTIONS: '--disallow-code-generation-from-strings' }

let made: Workshop | undefined
afterEach(() => made?.remove())

async function run(step: string): ReturnType<typeof millrace> {
  made = workshop({
    'pipe.ts': `
import { globalWindow, memoryRows, pipeline, schema, sql, t, toConsole } from 'millrace'
const Row = schema({ k: t.int32(), n: t.int32() })
const rows = [{ k: 1, n: 2 }, { k: 1, n: 3 }, { k: 2, n: 4 }]
export default pipeline('forbidden', (p) => {
  p.read('rows', memoryRows(Row, rows))${step}.write('out', toConsole())
})
`,
  })
  return millrace(['run', 'pipe.ts'], { cwd: made.path, env: forbidden })
}

it('expressions are evaluated', async () => {
  const { code, stdout } = await run(".where('big', sql`n > 2`).extend('double', { twice: sql`n * 2` })")
  expect(stdout).toMatch(/2 +4 +8/)
  expect(code).toBe(0)
})

it('keyed windows end the run with what is missing and what to do', async () => {
  const { code, stderr } = await run(
    ".keyBy('by-k', 'k').window(globalWindow()).aggregate('sums', (a) => ({ sum: a.sum('n') }))",
  )
  expect(stderr).toContain('run/unsupported-runtime')
  expect(stderr).toContain('--disallow-code-generation-from-strings')
  expect(stderr).not.toContain('defect')
  expect(code).not.toBe(0)
})
