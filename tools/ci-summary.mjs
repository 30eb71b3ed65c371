// The last line of .ci/run: tests (from vitest's report) and steps of verify, added up.
// A report that is missing counts as one failure: its part ended before it could say anything.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './setup.mjs'

/**
 * @param {string} name
 * @param {(report: any) => { passed: number, failed: number }} read
 */
function counts(name, read) {
  const path = join(cacheFolder, name)
  return existsSync(path) ? read(JSON.parse(readFileSync(path, 'utf8'))) : { passed: 0, failed: 1 }
}

const tests = counts('test-report.json', ({ numPassedTests, numFailedTests, success }) => ({
  passed: numPassedTests,
  // A suite that could not be loaded has no failed test, and is a failure all the same.
  failed: Math.max(numFailedTests, success ? 0 : 1),
}))
const checks = counts('verify-report.json', ({ passed, failed }) => ({ passed, failed }))

const failed = tests.failed + checks.failed
console.log(`${tests.passed + checks.passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
