// `npm start`: from a fresh clone to the main job running on real data.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, root } from './setup.mjs'

ensureInstalled()
ensureBuilt()
const job = spawn(
  process.execPath,
  [
    join(root, 'packages/millrace/bin/millrace.js'),
    'run',
    'examples/flight-delays',
    '--output-mode',
    'overwrite',
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
)
// The job ends when it is ready to, and this program behind it: else a shell would write into its last lines.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => job.kill(signal))
job.on('error', (error) => console.error(error.message))
job.on('close', (code) => {
  process.exitCode = code ?? 1
})
