// Epochs that somebody asks a job for, beside those that come by themselves.
import { describe, expect, it } from 'vitest'
import { memorySink, memoryStream } from '../../src/connect/index.ts'
import { pipeline, schema, t } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'

const Row = schema({ n: t.int32() })

describe.each([
  { mode: 'continuous', epochIntervalMs: 1_000_000 },
  { mode: 'micro-batch', trigger: { kind: 'interval', every: 1_000_000 } },
] satisfies Partial<JobOptions>[])('an epoch that is asked for: %j', (options) => {
  it('comes at once, and the others come as before', async () => {
    const host = createManualHost()
    const stream = memoryStream(Row)
    const sink = memorySink()
    const built = pipeline('asked', (p) => p.read('rows', stream).write('out', sink)).build()
    const job = new Job(built, { host, ...options })
    job.cutEpoch()
    const ended = job.run()
    await host.advance(10)
    stream.push({ n: 1 })
    await host.advance(10)
    expect(sink.rows).toEqual([])
    job.cutEpoch()
    await host.advance(0)
    expect(sink.rows).toEqual([{ n: 1 }])
    stream.push({ n: 2 })
    await host.advance(500_000)
    expect(sink.rows).toHaveLength(1)
    await host.advance(500_000)
    expect(sink.rows).toHaveLength(2)
    job.stop()
    await host.advance(1000)
    expect((await ended).end).toBe('stopped')
    job.cutEpoch()
  })
})
