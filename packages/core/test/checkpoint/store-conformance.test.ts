// The store in a directory holds what every store has to hold: on the real disk and in memory.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { createManualHost, storeConformance } from '../../src/testing/index.ts'

const tools = { describe, test, expect }

describe('a store in a directory', () => {
  storeConformance(tools, {
    name: 'a directory on disk',
    make: () => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-store-'))
      return Promise.resolve({
        open: () => new DirectoryStore(createNodeHost(), join(folder, 'a/b')),
        close: () => Promise.resolve(rmSync(folder, { recursive: true })),
      })
    },
  })

  storeConformance(tools, {
    name: 'a directory in memory',
    make: () => {
      const host = createManualHost()
      return Promise.resolve({
        open: () => new DirectoryStore(host, '/state'),
        close: () => Promise.resolve(),
      })
    },
  })
})
