// Files that were cut off or damaged: never an answer over half of them that looks whole.
import { isDeepStrictEqual } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { schema, t } from '../../src/index.ts'
import { csv, json, ndjson, parquet } from '../../src/connect/files/index.ts'
import { parquet as parquetFormat } from '../../src/connect/formats/parquet/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { encodeRows } from '../connect/files/file-fixtures.ts'
import { copyOn, hostWith, Item } from './copying.ts'

vi.setConfig({ testTimeout: 10_000 })

const many = Array.from({ length: 3000 }, (_, id) => ({ id, name: `name ${id % 50}` }))
const text = many.map((row) => `${JSON.stringify(row)}\n`).join('')

async function zstd(content: string): Promise<Uint8Array> {
  const stream = createNodeHost().compression.compressor('zstd')
  return Buffer.concat([Buffer.from(await stream.push(Buffer.from(content))), await stream.end()])
}

/** Some lengths that a file of `length` bytes can be cut to: around its ends, and in between. */
function cuts(length: number): number[] {
  return [1, 4, 10, Math.floor(length / 3), Math.floor(length / 2), length - 9, length - 4, length - 1]
}

const compressed = {
  gz: async () => new Uint8Array(gzipSync(text)),
  zst: () => zstd(text),
}

describe.each(['gz', 'zst'] as const)('a compressed file (%s)', (ending) => {
  const path = `in/a.ndjson.${ending}`

  test('that was cut off anywhere is input/truncated, with or without dead letters, and nothing is written', async () => {
    const whole = await compressed[ending]()
    for (const length of cuts(whole.length)) {
      for (const reject of [false, true]) {
        const host = hostWith({ [path]: whole.subarray(0, length) })
        const { error } = await copyOn(host, ndjson('in', { schema: Item }), { reject })
        expect([length, error?.code, error?.place?.file]).toEqual([length, 'input/truncated', path])
        expect(error?.hint).toMatch(/copy or download the file again/)
      }
    }
  })

  test('that is not compressed at all is input/corrupt', async () => {
    const host = hostWith({ [path]: text })
    const { error } = await copyOn(host, ndjson('in', { schema: Item }))
    expect(error).toMatchObject({ code: 'input/corrupt', place: { file: path }, step: 'items' })
  })

  test('behind good ones takes their rows back', async () => {
    const whole = await compressed[ending]()
    const host = hostWith({ 'in/a.ndjson': text, [`in/b.ndjson.${ending}`]: whole.subarray(0, 100) })
    const { error, rows } = await copyOn(host, ndjson('in', { schema: Item }))
    expect(error).toMatchObject({ code: 'input/truncated', place: { file: `in/b.ndjson.${ending}` } })
    expect(rows).toEqual([])
  })
})

describe('a gzip file', () => {
  test('with a damaged byte is refused or gives all rows as they were: its checksum tells', async () => {
    const whole = await compressed.gz()
    const path = 'in/a.ndjson.gz'
    const outcomes: (string | boolean)[] = []
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 40)) {
      const damaged = Uint8Array.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x55
      const { error, rows } = await copyOn(hostWith({ [path]: damaged }), ndjson('in', { schema: Item }))
      outcomes.push(
        error === undefined ? isDeepStrictEqual(rows, many) : `${error.code} ${error.place?.file}`,
      )
    }
    const refusals = outcomes.filter((outcome) => outcome !== true)
    for (const refusal of refusals)
      expect(refusal).toMatch(/^input\/(corrupt|truncated|undecodable|unsupported) in\/a\.ndjson\.gz$/)
    expect(refusals.length).toBeGreaterThan(30)
  })
})

describe('a Parquet file', () => {
  const whole = encodeRows(parquetFormat({ rowGroupRows: 1000 }), Item, many)

  test('that was cut off anywhere is refused, and nothing is written', async () => {
    for (const length of [0, ...cuts(whole.length)]) {
      const host = hostWith({ 'in/a.parquet': whole.subarray(0, length) })
      const { error } = await copyOn(host, parquet('in', { schema: Item }), { reject: true })
      expect([length, error?.code]).toEqual([length, expect.stringMatching(/^input\/(truncated|corrupt)$/)])
      expect(error?.place?.file).toBe('in/a.parquet')
      expect(error?.hint).toBeDefined()
    }
  })

  test('with damaged bytes is refused or gives rows of the right number, and always ends', async () => {
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 60)) {
      const damaged = Uint8Array.from(whole)
      damaged.fill(0xff, at, at + 3)
      const host = hostWith({ 'in/a.parquet': damaged })
      const { error, rows } = await copyOn(host, parquet('in', { schema: Item }))
      expect(error?.code ?? `${rows.length} rows`).toMatch(/^(3000 rows|(input|schema|value)\/.*)$/)
    }
  })

  test('of other columns is refused by their names', async () => {
    const Other = schema({ id: t.int32(), title: t.string() })
    const host = hostWith({ 'in/a.parquet': encodeRows(parquetFormat(), Other, [{ id: 1, title: 'x' }]) })
    const { error } = await copyOn(host, parquet('in', { schema: Item }))
    expect(error?.code).toBe('input/missing-column')
    expect(error?.message).toMatch(/"name"[^]*title/)
    expect(error?.place?.file).toBe('in/a.parquet')
  })

  test('of other types is refused with both types', async () => {
    const Other = schema({ id: t.string(), name: t.string() })
    const host = hostWith({ 'in/a.parquet': encodeRows(parquetFormat(), Other, [{ id: 'x', name: 'x' }]) })
    const { error } = await copyOn(host, parquet('in', { schema: Item }))
    expect(error?.code).toBe('schema/mismatch')
    expect(error?.message).toMatch(/"id"[^]*int32[^]*string|"id"[^]*string[^]*int32/)
  })

  test('with a null where the schema has none fails with the row, or rejects it', async () => {
    const Loose = schema({ id: t.int32().nullable(), name: t.string() })
    const bytes = encodeRows(parquetFormat(), Loose, [
      { id: 1, name: 'a' },
      { id: null, name: 'b' },
      { id: 3, name: 'c' },
    ])
    const host = hostWith({ 'in/a.parquet': bytes })
    const { error } = await copyOn(host, parquet('in', { schema: Item }))
    expect(error?.message).toMatch(/"id"/)
    expect(error?.place?.file).toBe('in/a.parquet')
    const again = hostWith({ 'in/a.parquet': bytes })
    const {
      rows,
      rejected,
      error: refused,
    } = await copyOn(again, parquet('in', { schema: Item }), { reject: true })
    expect({ refused: refused?.code, rows: rows.length, rejected: rejected.length }).toEqual({
      refused: undefined,
      rows: 2,
      rejected: 1,
    })
  })

  test('with numbers outside the declared range is refused, never cut down', async () => {
    const Wide = schema({ id: t.int64(), name: t.string() })
    const bytes = encodeRows(parquetFormat(), Wide, [
      { id: 1, name: 'a' },
      { id: 3_000_000_000, name: 'b' },
    ])
    const host = hostWith({ 'in/a.parquet': bytes })
    const { error, rows } = await copyOn(host, parquet('in', { schema: Item }))
    expect(rows).toEqual([])
    expect(error?.code).toMatch(/^(input|schema|value)\//)
    expect(error?.place?.file).toBe('in/a.parquet')
  })
})

describe('a text file', () => {
  test('NDJSON that was cut off in its last line: the line is undecodable, or a dead letter', async () => {
    const cut = '{"id":1,"name":"a"}\n{"id":2,"na'
    const { error } = await copyOn(hostWith({ 'in/a.ndjson': cut }), ndjson('in', { schema: Item }))
    expect(error).toMatchObject({ code: 'input/undecodable', place: { file: 'in/a.ndjson', line: 2 } })
    const { rows, rejected } = await copyOn(
      hostWith({ 'in/a.ndjson': cut }),
      ndjson('in', { schema: Item }),
      {
        reject: true,
      },
    )
    expect(rows).toEqual([{ id: 1, name: 'a' }])
    expect(rejected).toMatchObject([{ raw: '{"id":2,"na', line: 2, byte: 20 }])
  })

  test('a JSON document that was cut off anywhere is refused', async () => {
    const document = JSON.stringify(many.slice(0, 20))
    for (let length = 1; length < document.length; length += 13) {
      const host = hostWith({ 'in/a.json': document.slice(0, length) })
      const { error } = await copyOn(host, json('in', { schema: Item }), { reject: true })
      expect([length, error?.code]).toEqual([length, 'input/truncated'])
      expect(error?.place?.file).toBe('in/a.json')
    }
  })

  test('CSV that was cut off inside quotes says where', async () => {
    const host = hostWith({ 'in/a.csv': 'id,name\n1,a\n2,"b' })
    const { error } = await copyOn(host, csv('in', { schema: Item }))
    expect(error).toMatchObject({ code: 'input/undecodable', place: { file: 'in/a.csv', line: 3 } })
    expect(error?.detail).toContain('a quoted field is not closed')
  })

  test('without any byte gives no rows and an output that has the columns', async () => {
    for (const [name, input] of [
      ['ndjson', ndjson('in', { schema: Item })],
      ['csv', csv('in', { schema: Item })],
      ['json', json('in', { schema: Item })],
    ] as const) {
      const host = hostWith({ [`in/a.${name}`]: '' })
      const { error, rows, result } = await copyOn(host, input, { reject: true })
      expect([name, error, rows, result?.end]).toEqual([name, undefined, [], 'finished'])
      expect(host.files.paths('out')).toHaveLength(1)
    }
  })

  test('without any byte and without a schema says that none can be inferred', async () => {
    for (const [name, input] of [
      ['ndjson', ndjson('in')],
      ['csv', csv('in')],
      ['json', json('in')],
    ] as const) {
      const host = hostWith({ [`in/a.${name}`]: '' })
      const run = copyOn(host, input)
      await expect(run).rejects.toMatchObject({
        code: 'schema/not-inferable',
        place: { file: `in/a.${name}` },
        hint: expect.stringContaining('declare a schema'),
      })
    }
  })
})
