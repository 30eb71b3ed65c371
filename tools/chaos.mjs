// `npm run chaos -- --runs 200`: real processes, killed at random moments and started again; ends with what was lost and
// what repeated, against answers that are computed without the engine. Each run is drawn from its seed.
import { join } from 'node:path'
import { root, run } from './setup.mjs'

process.exitCode = run(process.execPath, [
  '--import',
  'tsx',
  join(root, 'test/chaos/main.ts'),
  ...process.argv.slice(2),
])
