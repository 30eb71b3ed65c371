import { describe, expect, test } from 'vitest'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import {
  blackhole,
  memoryBatches,
  memoryRows,
  memorySink,
  memoryStream,
  nexmark,
  rate,
  toConsole,
} from '../../src/connect/index.ts'
import { createManualHost, sinkConformance, sourceConformance } from '../../src/testing/index.ts'

const Item = schema({ id: t.int32(), name: t.string().nullable(), big: t.int64(), price: t.float64() })
const item = (n: number): { id: number; name: string | null; big: number; price: number } => ({
  id: n, name: n % 5 === 3 ? null : `item ${n}`, big: n * 2 ** 40, price: n / 4,
}) // prettier-ignore
const items = (count: number): ReturnType<typeof item>[] => Array.from({ length: count }, (_, n) => item(n))

const tools = { describe, test, expect }

describe('small connectors pass the conformance suites:', () => {
  for (const splits of [1, 3]) {
    sourceConformance(tools, {
      name: `rows in memory in ${splits} splits`,
      bounded: async () => ({
        host: createManualHost(),
        source: memoryRows(Item, items(20), { splits }),
        rows: items(20),
      }),
    })
  }

  sourceConformance(tools, {
    name: 'batches in memory',
    bounded: async () => {
      const batches = [items(13), [], items(30).slice(13, 14), items(30).slice(14)].map((rows) =>
        batchOfRows(Item, rows),
      )
      const odd = batchOfRows(Item, items(8))
      const selected = { ...odd, selection: Int32Array.of(1, 3, 4, 7), selectedCount: 3 }
      return {
        host: createManualHost(),
        source: memoryBatches(Item, [...batches, selected]),
        rows: [...items(30), item(1), item(3), item(4)],
      }
    },
  })

  for (const kind of ['person', 'auction', 'bid'] as const) {
    sourceConformance(tools, {
      name: `the Nexmark generator of ${kind}s`,
      bounded: async () => {
        const source = nexmark(kind, { events: 150 })
        const reader = await source.open({ id: '0', detail: 0 }, undefined, undefined as never)
        const read = await reader.read(1000)
        const rows = read.kind === 'batch' ? batchToRows(read.batch) : []
        return { host: createManualHost(), source, rows }
      },
    })
  }

  sourceConformance(tools, {
    name: 'a stream in memory',
    bounded: async () => {
      const source = memoryStream(Item)
      source.push(...items(9))
      source.end()
      return { host: createManualHost(), source, rows: items(9) }
    },
    unbounded: async () => {
      const source = memoryStream(Item)
      source.push(...items(4))
      return {
        host: createManualHost(),
        source,
        rows: items(4),
        more: async () => {
          source.push(...items(9).slice(4))
          return items(9)
        },
      }
    },
  })

  const START = createManualHost().clock.now()
  const tick = (n: number): object => ({ number: n, time: START + n * 10 })

  sourceConformance(tools, {
    name: 'the rate source',
    bounded: async () => {
      const host = createManualHost()
      const rows = Array.from({ length: 12 }, (_, n) => tick(n))
      return { host, source: rate({ rowsPerSecond: 100, rows: 12 }), rows, wait: () => host.advance(50) }
    },
    // A later run has later times.
    expectedFailures: ['gives exactly the columns that it is asked for'],
    unbounded: async () => {
      const host = createManualHost()
      let due = 3
      return {
        host,
        source: rate({ rowsPerSecond: 100, rows: 1000 }),
        rows: Array.from({ length: 1 }, (_, n) => tick(n)),
        more: async () => {
          await host.advance(20)
          return Array.from({ length: due++ }, (_, n) => tick(n))
        },
      }
    },
  })

  sinkConformance(tools, {
    name: 'the sink in memory',
    setup: async () => {
      const sink = memorySink()
      return {
        host: createManualHost(),
        sink: () => sink,
        schema: Item,
        row: item,
        visible: async () => sink.rows,
      }
    },
  })

  sinkConformance(tools, {
    name: 'the blackhole',
    hasOutputModes: false,
    stages: false,
    // It keeps nothing, not even what it has counted in another process.
    expectedFailures: ['does not repeat what an earlier attempt committed'],
    setup: async () => ({
      host: createManualHost(),
      sink: blackhole,
      schema: Item,
      row: item,
      visible: undefined,
    }),
  })

  sinkConformance(tools, {
    name: 'the console',
    hasOutputModes: false,
    stages: false,
    rowsMax: 20,
    // What another process has printed cannot be known.
    expectedFailures: [
      'does not repeat what an earlier attempt committed',
      'shows every row once when a run is killed behind a commit',
      'gives rows once beside an older attempt that commits',
      'gives rows once beside an older attempt that commits, finishes and closes',
      'commits what an older attempt commits at the same moment',
    ],
    setup: async () => {
      const host = createManualHost()
      const Line = schema({ id: t.int32() })
      return {
      host, sink: () => toConsole({ rows: 100 }), schema: Line,
      row: (n) => ({ id: n }),
      visible: async () => host.output.flatMap((text) => text.split('\n').slice(3, -1).map((line) => ({ id: Number(line) }))),
    } // prettier-ignore
    },
  })
})
