// Run by Jest: tools/test-frameworks.mjs.
import { codeOfWrongName, expectedTable, hourlyTable } from './hourly.mjs'

/** What Jest gives a module that is a test of it. */
const { test, expect } = /** @type {any} */ (globalThis)
const { jest } = /** @type {any} */ (import.meta)

test('a pipeline is driven in Jest', async () => {
  expect(await hourlyTable()).toBe(expectedTable)
  expect(await codeOfWrongName()).toBe('test/unknown-name')
})

test('a pipeline is driven while the clocks of Jest are mocked', async () => {
  jest.useFakeTimers()
  expect(await hourlyTable()).toBe(expectedTable)
  jest.useRealTimers()
})
