// Run by node:test, in a process of its own: frameworks.test.ts.
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { codeOfWrongName, expectedTable, hourlyTable } from './hourly.mjs'

void test('a pipeline is driven in node:test', async () => {
  assert.equal(await hourlyTable(), expectedTable)
  assert.equal(await codeOfWrongName(), 'test/unknown-name')
})

void test('a pipeline is driven while the clocks of node:test are mocked', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
  assert.equal(await hourlyTable(), expectedTable)
  mock.timers.reset()
})
