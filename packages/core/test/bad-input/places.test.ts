// Inputs that are not there, not yet there, or may not be read; and rows without an event time.
import { describe, expect, test, vi } from 'vitest'
import { pipeline, schema, t, tumbling } from '../../src/index.ts'
import { batchOfRows } from '../../src/data/batch-builder.ts'
import type { Column } from '../../src/data/column.ts'
import { readValue } from '../../src/data/read-value.ts'
import { parquet as parquetFormat } from '../../src/connect/formats/parquet/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { csv, json, ndjson, parquet } from '../../src/connect/files/index.ts'
import { memoryRows, memorySink } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import { copyOn, hostWith, Item, outcomeOf, untilEnded, visibleFiles, writtenRows } from './copying.ts'

vi.setConfig({ testTimeout: 10_000 })

const line = (id: number): string => `${JSON.stringify({ id, name: 'x' })}\n`
const datasets = [
  ['ndjson', ndjson('in', { schema: Item })],
  ['csv', csv('in', { schema: Item })],
  ['json', json('in', { schema: Item })],
  ['parquet', parquet('in', { schema: Item })],
] as const

describe('an input that is not there', () => {
  test.each(datasets)(
    '%s: a directory that does not exist is an error in every mode, with what is near',
    async (_, input) => {
      for (const mode of ['batch', 'continuous'] as const) {
        const host = hostWith({ 'inn/readme': '' })
        const { error } = await copyOn(host, input, { mode, stopWhenIdleMs: 1000 })
        expect(error).toMatchObject({ code: 'input/not-found', step: 'items', place: { file: 'in' } })
        expect(error?.hint).toContain('"inn"')
      }
    },
  )

  test.each(datasets)('%s: an empty directory is an error in batch', async (_, input) => {
    const host = hostWith({})
    await host.files.makeDirectory('in')
    const { error } = await copyOn(host, input)
    expect(error).toMatchObject({ code: 'input/empty', step: 'items' })
    expect(error?.hint).toBeDefined()
    expect(error?.message).toContain('"in"')
  })

  test('an empty directory is awaited in continuous mode, and what appears in it is read', async () => {
    const host = hostWith({})
    await host.files.makeDirectory('in')
    const built = pipeline('following', (p) =>
      p.read('items', ndjson('in', { schema: Item })).write('out', ndjson('out', { roll: 'epoch' })),
    ).build()
    const job = new Job(built, { host, mode: 'continuous', stopWhenIdleMs: 60_000, epochIntervalMs: 1000 })
    const run = job.run()
    await host.advance(30_000)
    expect(job.progress()).toMatchObject({ rowsIn: 0 })
    host.files.put('in/a.ndjson', line(1) + line(2))
    await host.advance(10_000)
    expect(writtenRows(host, 'out')).toHaveLength(2)
    host.files.put('in/b.ndjson', line(3))
    await host.advance(10_000)
    expect(writtenRows(host, 'out')).toHaveLength(3)
    const { result, rows } = await outcomeOf(host, run)
    expect(result?.end).toBe('idle')
    expect(rows).toEqual([1, 2, 3].map((id) => ({ id, name: 'x' })))
  })

  test('an empty directory that stays empty ends a continuous run when it is idle for long enough', async () => {
    const host = hostWith({})
    await host.files.makeDirectory('in')
    const { result, rows } = await copyOn(host, ndjson('in', { schema: Item }), {
      mode: 'continuous',
      stopWhenIdleMs: 5000,
      drain: true,
    })
    expect([result?.end, rows]).toEqual(['idle', []])
  })

  test('a file that vanishes after it was listed is named', async () => {
    const host = hostWith({ 'in/a.ndjson': line(1), 'in/b.ndjson': line(2) })
    host.files.inject({ operation: 'open', path: /b\.ndjson/, code: 'ENOENT' })
    const { error } = await copyOn(host, ndjson('in', { schema: Item }))
    expect(error?.code).toMatch(/^input\/(not-found|changed)$/)
    expect(error?.place?.file).toBe('in/b.ndjson')
  })
})

describe('an input that may not be read', () => {
  test.each(datasets)('%s: a file without permission is named', async (name, input) => {
    const host = hostWith({ [`in/a.${name}`]: 'x' })
    host.files.inject({ operation: 'open', path: /in\/a/, code: 'EACCES' })
    const { error } = await copyOn(host, input, { reject: true })
    expect(error).toMatchObject({
      code: 'input/permission',
      step: 'items',
      place: { file: `in/a.${name}` },
    })
    expect(error?.hint).toBeDefined()
  })

  test('a directory without permission is named', async () => {
    const host = hostWith({ 'in/a.ndjson': line(1) })
    host.files.inject({ operation: 'list', path: /\/in$/, code: 'EACCES' })
    const { error } = await copyOn(host, ndjson('in', { schema: Item }))
    expect(error).toMatchObject({ code: 'input/permission', step: 'items', place: { file: 'in' } })
  })

  test('a disk that fails in the middle of a file is input/read-failed, and nothing of the file is shown', async () => {
    const host = hostWith({ 'in/a.ndjson': Array.from({ length: 200_000 }, (_, n) => line(n)).join('') })
    host.files.inject({ operation: 'file-read', path: /in\/a/, code: 'EIO', after: 2 })
    const { error } = await copyOn(host, ndjson('in', { schema: Item }))
    expect(error).toMatchObject({ code: 'input/read-failed', retry: 'retry', place: { file: 'in/a.ndjson' } })
  })

  test('while a run follows, what was committed before stays and what was open is not shown', async () => {
    const host = hostWith({ 'in/a.ndjson': line(1) })
    const built = pipeline('following', (p) =>
      p.read('items', ndjson('in', { schema: Item })).write('out', ndjson('out', { roll: 'epoch' })),
    ).build()
    const run = new Job(built, { host, mode: 'continuous', epochIntervalMs: 1000 }).run()
    const ended = run.catch((error: unknown) => error)
    await host.advance(0)
    await host.advance(10_000)
    host.files.inject({ operation: 'open', path: /in\/b/, code: 'EACCES' })
    host.files.put('in/b.ndjson', line(2))
    await host.advance(10_000)
    expect(await ended).toMatchObject({ code: 'input/permission', place: { file: 'in/b.ndjson' } })
    expect(writtenRows(host, 'out')).toEqual([{ id: 1, name: 'x' }])
    expect(host.files.paths('out')).toEqual(visibleFiles(host, 'out'))
    expect(host.files.openFiles).toBe(0)
  })
})

describe('a row without an event time', () => {
  const Event = schema({ id: t.int32(), at: t.timestamp('ms').nullable() })
  const rows = [
    { id: 1, at: 5000 },
    { id: 2, at: null },
    { id: 3, at: 7000 },
  ]
  const text = rows.map(
    (row) => `${JSON.stringify({ ...row, at: row.at === null ? null : new Date(row.at) })}\n`,
  )

  test('fails the run with its place and a remedy', async () => {
    const host = hostWith({ 'in/a.ndjson': text.join('') })
    const { error } = await copyOn(host, ndjson('in', { schema: Event }), { eventTime: 'at' })
    expect(error).toMatchObject({
      code: 'input/no-event-time',
      step: 'items',
      place: { file: 'in/a.ndjson', line: 2, byte: text[0]?.length, column: 'at' },
    })
    expect(error?.hint).toContain("onMissing: 'reject'")
  })

  test('goes to the dead letters when it is asked for: rows and rejected rows are the input', async () => {
    const host = hostWith({ 'in/a.ndjson': text.join('') })
    const {
      rows: written,
      rejected,
      result,
    } = await copyOn(host, ndjson('in', { schema: Event }), {
      eventTime: 'at',
      onMissing: 'reject',
    })
    expect(written).toMatchObject([{ id: 1 }, { id: 3 }])
    expect(rejected).toMatchObject([
      { source: 'items', code: 'input/no-event-time', raw: '{"id":2,"at":null}', file: 'in/a.ndjson' },
    ])
    expect(result?.progress.rowsRejected).toBe(1)
  })

  test('is found among many, in batches of any size, wherever it stands', async () => {
    const many = Array.from({ length: 500 }, (_, id) => ({ id, at: id % 50 === 49 ? null : id }))
    for (const batchRows of [1, 7, 4096]) {
      const host = hostWith({})
      const { rejected, rows: written } = await copyOn(host, memoryRows(Event, many), {
        eventTime: 'at',
        onMissing: 'reject',
        batchRows,
      })
      expect([written.length, rejected.length]).toEqual([490, 10])
    }
  })

  test('or with one that no number can hold names the file, or goes to the dead letters as it is', async () => {
    const wide = schema({ id: t.int32(), at: t.int64().bigint().nullable() })
    const batch = batchOfRows(wide, [
      { id: 1, at: 5000n },
      { id: 2, at: 2n ** 60n },
    ])
    const timed = schema({ id: t.int32(), at: t.timestamp('ms').nullable() })
    const columns = batch.columns.map((column, at) => ({ ...column, type: timed.fields[at]!.type }) as Column)
    const encoder = parquetFormat().encoder(timed, { compression: createManualHost().compression })
    const parts = [encoder.begin(), encoder.encode({ ...batch, schema: timed, columns }), encoder.end()]
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part ?? [])))
    const input = parquet('in', { schema: Event })
    const failed = await copyOn(hostWith({ 'in/a.parquet': bytes }), input, { eventTime: 'at' })
    expect(failed.error).toMatchObject({
      code: 'input/no-event-time',
      detail: expect.stringContaining('1152921504606846976'),
      place: { file: 'in/a.parquet', row: 2, column: 'at' },
    })
    const { rejected } = await copyOn(hostWith({ 'in/a.parquet': bytes }), input, {
      eventTime: 'at',
      onMissing: 'reject',
    })
    expect(rejected).toMatchObject([{ raw: '{"id":2,"at":"1152921504606846976"}', file: 'in/a.parquet' }])
    expect(() => readValue(columns[1] as Column, 1, 'at')).toThrow(
      /column "at" holds 1152921504606846976 ms(?!.*bigint)/s,
    )
  })

  test.each([Number.NaN, Infinity, -Infinity, 1.7e18, -1e300, 8.64e15 + 2])(
    '%s is no event time',
    async (at) => {
      const Loose = schema({ id: t.int32(), at: t.float64() })
      const input = memoryRows(Loose, [{ id: 1, at: 1 }, { id: 2, at }, { id: 3, at: 2 }]) // prettier-ignore
      const failed = await copyOn(hostWith({}), input, { eventTime: 'at' })
      expect(failed.error).toMatchObject({ code: 'input/no-event-time', place: { row: 2, column: 'at' } })
      const sink = memorySink()
      const rejected = memorySink()
      const built = pipeline('timed', (p) => {
        const stream = p.read('items', input, { eventTime: { column: 'at', onMissing: 'reject' } })
        stream
          .window(tumbling('1 s'))
          .aggregate('n', (a) => ({ n: a.count() }))
          .write('out', sink)
        stream.rejected.write('dead-letters', rejected)
      }).build()
      const host = hostWith({})
      await untilEnded(host, new Job(built, { host }).run())
      expect(sink.rows).toMatchObject([{ n: 2 }])
      expect(rejected.rows).toHaveLength(1)
    },
  )
})

describe('a pipeline that cannot be', () => {
  test('two steps of one name are refused when it is built, with the name', () => {
    const twice = pipeline('twice', (p) => {
      p.read('items', memoryRows(Item, []))
        .filter('same', () => true)
        .filter('same', () => true)
        .write('out', memorySink())
    })
    expect(() => twice.build()).toThrow(
      expect.objectContaining({ code: 'plan/duplicate-step', step: 'same' }),
    )
  })
})
