// `npm run verify`: everything but the suite. Each step is one check; all run, and the last line sums up.
// Arguments choose steps: `npm run verify -- lint format`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, ensureInstalled, run } from './setup.mjs'
import { steps } from './verify-steps.mjs'

ensureInstalled()
const report = join(cacheFolder, 'verify-report.json')
rmSync(report, { force: true })
const chosen = process.argv.slice(2)
const missing = chosen.filter((name) => !(name in steps))
if (missing.length > 0) {
  console.error(`no step "${missing.join('", "')}"; steps are: ${Object.keys(steps).join(', ')}`)
  process.exit(2)
}

const results = (chosen.length > 0 ? chosen : Object.keys(steps)).map((name) => {
  console.log(`\n== ${name}`)
  const started = performance.now()
  const passed = run(process.execPath, steps[name] ?? []) === 0
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`== ${name} ${passed ? 'passed' : 'FAILED'} (${seconds} s)`)
  return { name, passed, seconds }
})

const failed = results.filter(({ passed }) => !passed)
mkdirSync(cacheFolder, { recursive: true })
const counts = { passed: results.length - failed.length, failed: failed.length }
writeFileSync(report, `${JSON.stringify({ ...counts, results }, null, 2)}\n`)
console.log(`\nverify: ${counts.passed} passed, ${counts.failed} failed`)
for (const { name } of failed) console.log(`  failed: ${name}`)
process.exitCode = failed.length === 0 ? 0 : 1
