// `npm test`: installs, builds, and runs the whole suite, type tests included. Arguments go to vitest.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, ensureBuilt, ensureInstalled, root, run } from './setup.mjs'

const report = join(cacheFolder, 'test-report.json')

ensureInstalled()
mkdirSync(cacheFolder, { recursive: true })
rmSync(report, { force: true })
ensureBuilt()
process.exitCode = run(process.execPath, [
  join(root, 'node_modules/vitest/vitest.mjs'),
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
])
