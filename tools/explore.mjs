// `npm run explore`: the whole suite with a new seed for its property tests, to find what the fixed seed does not.
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

const seed = process.env['MILLRACE_SEED'] ?? String(randomInt(2 ** 31 - 1))
console.log(`MILLRACE_SEED=${seed}`)
process.env['MILLRACE_SEED'] = seed
process.exitCode = run(process.execPath, [
  join(root, 'node_modules/vitest/vitest.mjs'),
  'run',
  ...process.argv.slice(2),
])
if (process.exitCode !== 0) console.log(`to repeat: MILLRACE_SEED=${seed} npm run explore`)
