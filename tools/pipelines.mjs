// `npm run pipelines -- --runs 5000 --seed 1`: many generated pipelines, each run in all modes and held against the oracle.
// Prints what they held, or the smallest one that differs. How it works: docs/internals/oracle.md.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, run } from './setup.mjs'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
})
for (const [name, value] of Object.entries(values)) {
  if (/^\d+$/.test(value)) continue
  console.error(`--${name} has to be a whole number, not ${value}`)
  process.exit(2)
}
process.env['MILLRACE_PIPELINES'] = values.runs
process.env['MILLRACE_SEED'] = values.seed
process.exitCode = run(process.execPath, [
  join(root, 'node_modules/vitest/vitest.mjs'),
  'run',
  'packages/core/test/oracle/pipelines.test.ts',
  '--typecheck.enabled=false',
  '--disableConsoleIntercept',
  '-t',
  'engine and oracle agree',
])
if (process.exitCode !== 0)
  console.log(`to repeat: npm run pipelines -- --runs ${values.runs} --seed ${values.seed}`)
