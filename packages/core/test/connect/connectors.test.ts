import { describe, expect, test } from 'vitest'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import { schema, t } from '../../src/data/builder.ts'
import { blackhole, memoryRows, memorySink, memoryStream, rate, toConsole } from '../../src/connect/index.ts'
import { nexmark } from '../../src/connect/nexmark/index.ts'
import type { RowOf } from '../../src/data/type.ts'
import type { Sink, SinkContext } from '../../src/connect/sink.ts'
import type { SourceContext, Split } from '../../src/connect/source.ts'
import { batchToRows } from '../../src/data/read-value.ts'
import { createManualHost, prepareEpoch } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'

const Row = schema({ n: t.int32(), s: t.string().nullable(), at: t.timestamp(), x: t.float64() })
const row = (n: number, s: string | null = `text ${n}`): RowOf<typeof Row> => ({
  n,
  s,
  at: Date.UTC(2001, 0, 1, n),
  x: n / 3,
})

const sinkContext = (host: ManualHost): SinkContext => ({
  host, schema: Row, step: 'show', outputMode: 'refuse', lineage: 'a', attempt: 1, bounded: true,
}) // prettier-ignore
const sourceContext = (host: ManualHost, boundedness: SourceContext['boundedness'] = 'unbounded'): SourceContext => ({
  host, boundedness, step: 'read', rejected: undefined,
}) // prettier-ignore

async function show(host: ManualHost, sink: Sink, rows: readonly RowOf<typeof Row>[]): Promise<string> {
  const output = await sink.open(sinkContext(host))
  const writer = await output.writer(0)
  await writer.write(batchOfRows(Row, rows))
  const committable = await prepareEpoch(writer, 1, { final: true })
  expect(host.output).toEqual([])
  await output.commit(committable === undefined ? [] : [committable])
  return host.output.join('')
}

describe('the console', () => {
  test('shows a table with the step, numbers to the right, times as text, nulls as null', async () => {
    expect((await show(createManualHost(), toConsole(), [row(1), row(12, null)])).split('\n')).toEqual([
      'show',
      ' n  s       at                               x',
      '──  ──────  ───────────────────────  ─────────',
      ' 1  text 1  2001-01-01T01:00:00.000  0.3333333',
      '12  null    2001-01-01T12:00:00.000          4',
      '',
    ])
  })

  test('shows a bounded number of rows and counts the others', async () => {
    const text = await show(
      createManualHost(),
      toConsole({ rows: 3 }),
      Array.from({ length: 10 }, (_, n) => row(n)),
    )
    expect(text.split('\n')).toHaveLength(1 + 2 + 3 + 1 + 1)
    expect(text).toContain('… and 7 more\n')
  })

  test('cuts long cells and lets no control character through', async () => {
    const text = await show(createManualHost(), toConsole({ cellWidth: 8 }), [
      row(1, 'a very long text'),
      row(2, 'a\n\u001b[2J'),
    ])
    expect(text).toContain('a very …')
    expect(text).toContain('a··[2J')
  })

  test('refuses options outside their range', () => {
    expect(() => toConsole({ rows: 0 })).toThrow(/from 1 to 1000/)
    expect(() => toConsole({ cellWidth: 1.5 })).toThrow(/from 1 to 1000/)
  })
})

describe('the sink in memory', () => {
  test('tells rows by epoch and task, and counts an epoch that is committed by two attempts', async () => {
    const sink = memorySink()
    for (const attempt of [1, 2]) {
      const output = await sink.open({ ...sinkContext(createManualHost()), attempt })
      const writer = await output.writer(0)
      for (const epoch of attempt === 1 ? [1, 2] : [2, 3]) {
        await writer.write(batchOfRows(Row, [row(epoch)]))
        const committable = await prepareEpoch(writer, epoch, { final: false })
        await output.commit(committable === undefined ? [] : [committable])
      }
    }
    expect(sink.commits.map(({ epoch, task, attempt, rows }) => [epoch, task, attempt, rows.length])).toEqual([
      [1, 0, 1, 1], [2, 0, 1, 1], [2, 0, 2, 1], [3, 0, 2, 1],
    ]) // prettier-ignore
    expect(sink.duplicates).toBe(1)
    expect(sink.rows).toHaveLength(4)
  })
})

describe('the blackhole', () => {
  test('needs every column of its input', async () => {
    const host = createManualHost()
    const writer = await (await blackhole().open(sinkContext(host))).writer(0)
    const batch = batchOfRows(Row, [row(1)])
    await writer.write(batch)
    expect(() => writer.write({ ...batch, columns: batch.columns.slice(1) })).toThrow(/lacks columns/)
  })
})

describe('the rate source', () => {
  async function reader(host: ManualHost, options: Parameters<typeof rate>[0], split = 0) {
    const source = rate(options)
    const { splits } = await (await source.enumerate(sourceContext(host))).next()
    return source.open(splits[split] as Split, undefined, sourceContext(host))
  }

  test('gives what is due by the clock, never more', async () => {
    const host = createManualHost()
    const ticks = await reader(host, { rowsPerSecond: 3 })
    const counts: number[] = []
    for (const ms of [0, 333, 1, 666, 10_000]) {
      await host.advance(ms)
      const result = await ticks.read(1000)
      counts.push(result.kind === 'batch' ? batchToRows(result.batch).length : 0)
    }
    expect(counts).toEqual([1, 0, 1, 2, 30])
    await ticks.close()
    expect(host.timersSet).toBe(0)
  })

  test('idles until the next row is due', async () => {
    const host = createManualHost()
    const ticks = await reader(host, { rowsPerSecond: 2 })
    await ticks.read(10)
    const idle = await ticks.read(10)
    let woken = false
    if (idle.kind === 'idle') void idle.until?.then(() => (woken = true))
    await host.advance(499)
    expect(woken).toBe(false)
    await host.advance(1)
    expect(woken).toBe(true)
  })

  test('splits share the rate and the numbers', async () => {
    const host = createManualHost()
    const readers = [
      await reader(host, { rowsPerSecond: 10, rows: 7, splits: 2 }, 0),
      await reader(host, { rowsPerSecond: 10, rows: 7, splits: 2 }, 1),
    ]
    await host.advance(10_000)
    const rows = []
    for (const part of readers) {
      const result = await part.read(100)
      if (result.kind === 'batch') rows.push(...(batchToRows(result.batch) as { number: number }[]))
    }
    expect(rows.map(({ number }) => number)).toEqual([0, 2, 4, 6, 1, 3, 5])
  })

  test('is only bounded when it has an end', () => {
    expect(rate({ rowsPerSecond: 1 }).supports).toEqual(['unbounded'])
    expect(rate({ rowsPerSecond: 1, rows: 0 }).supports).toEqual(['bounded', 'unbounded'])
    for (const rowsPerSecond of [0, -1, Number.NaN, Infinity])
      expect(() => rate({ rowsPerSecond })).toThrow(/positive/)
  })
})

describe('rows in memory', () => {
  test('that do not fit the schema are refused when they are read', async () => {
    const host = createManualHost()
    const source = memoryRows(Row, [row(1), { n: 'one' } as never])
    const { splits } = await (await source.enumerate(sourceContext(host))).next()
    const reader = await source.open(splits[0] as Split, undefined, sourceContext(host))
    expect(() => reader.read(10)).toThrow(/n/)
  })

  test('cannot be pushed behind the end of a stream', () => {
    const stream = memoryStream(Row)
    stream.end()
    expect(() => stream.push(row(1))).toThrow(/has ended/)
  })
})

describe('options of the small connectors', () => {
  test('that do not exist are refused with what is near', () => {
    const odd = (options: object): never => options as never
    expect(() => rate(odd({ rowsPerSeconds: 5 }))).toThrow('did you mean "rowsPerSecond"?')
    expect(() => toConsole(odd({ row: 5 }))).toThrow('did you mean "rows"?')
    expect(() => memoryRows(Row, [], odd({ split: 5 }))).toThrow('did you mean "splits"?')
    expect(() => nexmark('bid', odd({ eventrate: 5 }))).toThrow('did you mean "eventRate"?')
    expect(() => nexmark('bid', odd({ seed: 'a' }))).toThrow('option "seed" of nexmark is out of range')
    expect(() => nexmark('bid', { eventRate: Infinity })).toThrow('option "eventRate" of nexmark')
  })
})
