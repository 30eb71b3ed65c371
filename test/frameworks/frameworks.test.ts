// The test driver needs no test framework: the same test passes in vitest and node:test; in Jest by `npm run test:frameworks`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { codeOfWrongName, expectedTable, hourlyTable } from './hourly.mjs'

afterEach(() => {
  vi.useRealTimers()
})

describe('driving a pipeline in a test framework', () => {
  it('works in vitest, also while its clocks are mocked', async () => {
    expect(await hourlyTable()).toBe(expectedTable)
    expect(await codeOfWrongName()).toBe('test/unknown-name')
    vi.useFakeTimers()
    expect(await hourlyTable()).toBe(expectedTable)
  })

  it('works in node:test, also while its clocks are mocked', () => {
    const file = fileURLToPath(new URL('node.test.mjs', import.meta.url))
    // A child of a test of node:test would report to its parent.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env
    const child = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
      encoding: 'utf8',
      env,
      timeout: 25_000,
    })
    expect(child.stdout + child.stderr).toMatch(/^# pass 2$/m)
    expect(child.status).toBe(0)
  })
})
