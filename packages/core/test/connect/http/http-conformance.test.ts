// What every sink promises, kept by a service over HTTP that tells repeated requests by their keys.
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DirectoryStore } from '../../../src/checkpoint/index.ts'
import { toHttp } from '../../../src/connect/index.ts'
import type { HttpOptions } from '../../../src/connect/index.ts'
import { schema, t } from '../../../src/data/index.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { sinkConformance } from '../../../src/testing/index.ts'
import type { SinkSubject } from '../../../src/testing/sink-trial.ts'
import { TestService } from './test-service.ts'

const Row = schema({ id: t.int32(), name: t.string(), amount: t.float64().nullable() })
const host = createNodeHost()

async function subjectOf(options: HttpOptions): Promise<SinkSubject> {
  const service = await TestService.start()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-http-'))
  const store = new DirectoryStore(host, folder)
  return {
    host,
    schema: Row,
    context: { store },
    row: (n) => ({ id: n, name: `row\t${n}\n"é`, amount: n % 3 === 0 ? null : n / 7 }),
    sink: () => toHttp(service.url, options),
    visible: async () => {
      expect(service.conflicts).toEqual([])
      return service.rows()
    },
    cleanup: async () => {
      await service.stop()
      // Writers of runs that were killed on trial may still be at work: what they make is looked for once more.
      const remove = () => rm(folder, { recursive: true, force: true })
      await remove().catch(remove)
    },
  }
}

describe('a service over HTTP', () => {
  sinkConformance(
    { describe, test, expect },
    {
      name: 'holds what every sink holds: lines',
      setup: () => subjectOf({}),
      hasOutputModes: false,
    },
  )
  sinkConformance(
    { describe, test, expect },
    {
      name: 'holds what every sink holds: arrays of three rows',
      setup: () => subjectOf({ format: 'json', maxRows: 3, inFlight: 1 }),
      hasOutputModes: false,
      rowsMax: 600,
    },
  )
})
