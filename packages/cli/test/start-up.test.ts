// What a start loads: its time is that of its modules, which are counted here, since wall clocks prove nothing in a suite.
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { millrace, workshop } from './start-millrace.ts'
import type { Workshop } from './start-millrace.ts'

let space: Workshop

beforeEach(() => {
  space = workshop()
})
afterEach(() => space.remove())

/** A hook of Node's loader that writes down what is loaded. */
const recording = `
import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`
import { appendFileSync } from 'node:fs'
export async function load(url, context, next) {
  appendFileSync('loaded.txt', url.slice(0, 300) + '\\\\n')
  return next(url, context)
}
\`))
`

it('loads few modules, and no library that the pipeline does not need', async () => {
  space.file('record.mjs', recording)
  space.file('in.ndjson', '{"origin":"SEA","delay":20}\n')
  space.file(
    'late.mjs',
    `import { pipeline, schema, sql, t } from 'millrace'
     import { ndjson } from 'millrace/files'
     const Row = schema({ origin: t.string(), delay: t.int32() })
     export default pipeline('late', (p) => {
       p.read('in', ndjson('in.ndjson', { schema: Row })).where('late', sql\`delay > 15\`).write('out', ndjson('out'))
     })`,
  )
  const env = { NODE_OPTIONS: '--import ./record.mjs' }
  const { code } = await millrace(['run', 'late.mjs'], { cwd: space.path, env })
  expect(code).toBe(0)
  const loaded = readFileSync(`${space.path}/loaded.txt`, 'utf8').trim().split('\n')
  expect(loaded.some((url) => url.endsWith('/late.mjs'))).toBe(true)
  // Each costs tens of milliseconds and more.
  const heavy =
    /node_modules\/(apache-arrow|hyparquet|hyparquet-[a-z]+|@bokuweb|tsx|esbuild|typescript|zod)\//
  expect(loaded.filter((url) => heavy.test(url))).toEqual([])
  expect(loaded.length).toBeLessThan(120)
})
