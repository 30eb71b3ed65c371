// `npm start`: from a fresh clone to the main job running on real data.
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, root, run } from './setup.mjs'

ensureInstalled()
ensureBuilt()
process.exitCode = run(process.execPath, [
  join(root, 'packages/millrace/bin/millrace.js'),
  'run',
  'examples/flight-delays',
  '--output-mode',
  'overwrite',
  ...process.argv.slice(2),
])
