// TL3: the loop lets signals and timers live, also while windows fire at the border of an epoch.
import { expect, test } from 'vitest'
import { blackhole, memoryRows } from '../../src/connect/index.ts'
import type { Host } from '../../src/host/host.ts'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'

const Row = schema({ key: t.int32(), at: t.timestamp('ms') })
const Out = schema({ count: t.int64() })
const rows = Array.from({ length: 2000 }, (_, key) => ({ key, at: 1000 }))

test.each<Partial<JobOptions>>([
  { mode: 'batch' },
  { mode: 'micro-batch', trigger: { kind: 'available-now' } },
  { mode: 'continuous', drain: true },
])('TL3: it yields while many windows fire: %j', async (options) => {
  const manual = createManualHost()
  // Every look at the clock is a millisecond later than the one before.
  let now = 0
  let yields = 0
  const host: Host = {
    ...manual,
    clock: { ...manual.clock, monotonic: () => now++ },
    timers: {
      ...manual.timers,
      yield: () => {
        yields++
        return manual.timers.yield()
      },
    },
  }
  const seen: number[] = []
  const built = pipeline('firing', (p) => {
    p.read('rows', memoryRows(Row, rows), { eventTime: 'at' })
      .keyBy('by', 'key')
      .window(tumbling('10 s'))
      .aggregate('count', (a) => ({ count: a.count() }))
      .map('seen', Out, ({ count }) => {
        seen.push(yields)
        return { count }
      })
      .write('out', blackhole())
  }).build()
  const result = await new Job(built, { host, batchRows: 10, epochIntervalMs: 1e9, ...options }).run()
  expect(result.end).toBe('finished')
  expect(seen).toHaveLength(rows.length)
  // No two yields are many slices of work apart.
  const between = Array.from({ length: yields + 1 }, (_, n) => seen.filter((at) => at === n).length)
  expect(Math.max(...between)).toBeLessThan(100)
})
