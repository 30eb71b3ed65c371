// Rows that cannot be decoded: an error with place and remedy, or the dead-letter output, in every text format.
import { describe, expect, test, vi } from 'vitest'
import { schema, t } from '../../src/index.ts'
import { csv, json, ndjson } from '../../src/connect/files/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import { waysToRun } from '../runtime/run-here.ts'
import { copyOn, hostWith, Item } from './copying.ts'
import type { Input } from './copying.ts'

vi.setConfig({ testTimeout: 10_000 })

type ItemRow = { id: number; name: string }

/** A text format: how a file of it is made from records, and where the bad one, always the second, then stands. */
interface TextFormat {
  readonly name: string
  readonly read: () => Input<ItemRow>
  readonly file: (records: readonly (string | Uint8Array)[]) => Uint8Array
  readonly line: number
  readonly good: readonly [string, string]
}

const joined = (
  head: string,
  parts: readonly (string | Uint8Array)[],
  between: string,
  end: string,
): Uint8Array =>
  Buffer.concat([
    Buffer.from(head),
    ...parts.flatMap((part, at) => [Buffer.from(at === 0 ? '' : between), Buffer.from(part)]),
    Buffer.from(end),
  ])

const objects = ['{"id":1,"name":"a"}', '{"id":2,"name":"b"}'] as const

const formats: readonly TextFormat[] = [
  {
    name: 'ndjson',
    read: () => ndjson('in', { schema: Item }),
    file: (records) => joined('', records, '\n', '\n'),
    line: 2,
    good: objects,
  },
  {
    name: 'json',
    read: () => json('in', { schema: Item }),
    file: (records) => joined('[', records, ',\n', ']'),
    line: 2,
    good: objects,
  },
  {
    name: 'csv',
    read: () => csv('in', { schema: Item }),
    file: (records) => joined('id,name\n', records, '\n', '\n'),
    line: 3,
    good: ['1,a', '2,b'],
  },
]

/** What is wrong, as each format writes it, and what the error then says was expected and there. */
const faults: readonly {
  readonly name: string
  readonly record: { readonly [format: string]: string | Uint8Array }
  readonly code: string
  readonly says: RegExp
  readonly column?: string
}[] = [
  {
    name: 'an undecodable row',
    record: { ndjson: '{"id":oops}', csv: '2,"x' },
    code: 'input/undecodable',
    says: /expected a value, found "oops|a quoted field is not closed/,
  },
  {
    name: 'a row of another kind',
    record: { ndjson: '[1,2]', json: '[1,2]', csv: '1,2,3,4' },
    code: 'input/undecodable',
    says: /expected a JSON object, found "\["|expected 2 fields, found 4/,
  },
  {
    name: 'a value of the wrong type',
    record: { ndjson: '{"id":"x","name":"b"}', json: '{"id":"x","name":"b"}', csv: 'x,b' },
    code: 'input/undecodable',
    says: /expected int32, found "x"/,
    column: 'id',
  },
  {
    name: 'a number with a fraction for a whole one',
    record: { ndjson: '{"id":1.5,"name":"b"}', json: '{"id":1.5,"name":"b"}', csv: '1.5,b' },
    code: 'input/undecodable',
    says: /expected int32, found 1\.5/,
    column: 'id',
  },
  {
    name: 'a number for text',
    record: { ndjson: '{"id":3,"name":7}', json: '{"id":3,"name":7}' },
    code: 'input/undecodable',
    says: /expected string, found "?7/,
    column: 'name',
  },
  {
    name: 'a number out of range',
    record: { ndjson: '{"id":3000000000,"name":"b"}', json: '{"id":-1e300,"name":"b"}', csv: '3000000000,b' },
    code: 'input/undecodable',
    says: /is outside the range of int32 \(-2147483648 to 2147483647\)/,
    column: 'id',
  },
  {
    name: 'a null where none may be',
    record: { ndjson: '{"id":null,"name":"b"}', json: '{"id":null,"name":"b"}', csv: ',b' },
    code: 'input/undecodable',
    says: /expected int32, found (null|an empty or null field)/,
    column: 'id',
  },
  {
    name: 'a missing key',
    record: { ndjson: '{"name":"b"}', json: '{"name":"b"}' },
    code: 'input/missing-column',
    says: /the key "id" is missing/,
    column: 'id',
  },
  {
    name: 'too few fields',
    record: { csv: '5' },
    code: 'input/undecodable',
    says: /expected 2 fields, found 1/,
  },
  {
    name: 'bytes that are not UTF-8',
    record: {
      ndjson: Buffer.from('{"id":3,"name":"\xFF\xFE"}', 'latin1'),
      json: Buffer.from('{"id":3,"name":"\xFF\xFE"}', 'latin1'),
      csv: Buffer.from('3,\xFF', 'latin1'),
    },
    code: 'input/undecodable',
    says: /is not valid UTF-8/,
  },
]

const cases = formats.flatMap((format) =>
  faults.flatMap((fault) => {
    const bad = fault.record[format.name]
    return bad === undefined ? [] : [{ format, fault, bad, title: `${fault.name} in ${format.name}` }]
  }),
)

describe('a row that cannot be decoded', () => {
  for (const { format, fault, bad, title } of cases) {
    const ending = format.name
    const content = format.file([format.good[0], bad, format.good[1]])

    test(`${title} fails the run with file, line, byte and a remedy, and shows nothing`, async () => {
      const host = hostWith({ [`in/a.${ending}`]: content })
      const { error } = await copyOn(host, format.read())
      expect(error).toMatchObject({
        code: fault.code,
        step: 'items',
        place: { file: `in/a.${ending}`, line: format.line },
      })
      expect(error?.place?.column).toBe(fault.column)
      expect(error?.place?.byte).toBe(Buffer.from(content).indexOf(bad))
      expect(error?.detail).toMatch(fault.says)
      expect(error?.hint).toMatch(/onError: 'reject'|nullable|delimiter|UTF-8/)
    })

    test(`${title} goes to the dead letters when it is asked for, and the others are written`, async () => {
      const host = hostWith({ [`in/a.${ending}`]: content })
      const { error, rows, rejected, result } = await copyOn(host, format.read(), { reject: true })
      expect(error).toBeUndefined()
      expect(rows).toEqual([
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ])
      expect(rejected).toEqual([
        {
          source: 'items',
          raw: Buffer.from(bad).toString(),
          reason: expect.stringMatching(fault.says),
          code: fault.code,
          file: `in/a.${ending}`,
          line: format.line,
          byte: Buffer.from(content).indexOf(bad),
        },
      ])
      expect(result?.progress).toMatchObject({ rowsIn: 2, rowsRejected: 1 })
    })
  }

  test.each(['gzip', 'zstd'] as const)('has its line and byte of the text inside %s', async (codec) => {
    const ending = codec === 'gzip' ? 'gz' : 'zst'
    const text = formats[0]?.file([objects[0], 'oops', objects[1]]) as Uint8Array
    const stream = createNodeHost().compression.compressor(codec)
    const packed = Buffer.concat([Buffer.from(await stream.push(text)), await stream.end()])
    const host = hostWith({ [`in/a.ndjson.${ending}`]: packed })
    const read = (): Input<ItemRow> => ndjson('in', { schema: Item })
    expect((await copyOn(host, read())).error).toMatchObject({
      code: 'input/undecodable',
      place: { file: `in/a.ndjson.${ending}`, line: 2, byte: 20 },
    })
    const { rows, rejected } = await copyOn(host, read(), { reject: true })
    expect(rows).toHaveLength(2)
    expect(rejected).toMatchObject([{ raw: 'oops', line: 2, byte: 20 }])
  })

  test('in a JSON document whose structure is broken nothing can be skipped: the run fails either way', async () => {
    for (const reject of [false, true]) {
      const host = hostWith({ 'in/a.json': `[${objects[0]},\n{"id":oops}]` })
      const { error } = await copyOn(host, json('in', { schema: Item }), { reject })
      expect(error).toMatchObject({ code: 'input/undecodable', place: { file: 'in/a.json', line: 2 } })
      expect(error?.hint).toContain('correct the file')
    }
  })

  test('a column that the whole CSV file lacks fails the run, with the columns it has', async () => {
    for (const reject of [false, true]) {
      const host = hostWith({ 'in/a.csv': 'id,title\n1,a\n' })
      const { error } = await copyOn(host, csv('in', { schema: Item }), { reject })
      expect(error).toMatchObject({ code: 'input/missing-column', place: { file: 'in/a.csv', line: 1 } })
      expect(error?.message).toMatch(/no column "name": its columns are "id", "title"[^]*hint: .*nullable/)
    }
  })

  test('integers that a number cannot hold keep their digits or are refused, never rounded', async () => {
    const Big = schema({ n: t.int64(), exact: t.int64().bigint() })
    const line = '{"n":9007199254740993,"exact":9223372036854775807}'
    const host = hostWith({ 'in/a.ndjson': `${line}\n{"n":1,"exact":9223372036854775808}\n` })
    const { rejected, error } = await copyOn(host, ndjson('in', { schema: Big }), { reject: true })
    expect(error).toBeUndefined()
    expect(rejected).toMatchObject([{ line: 2, reason: expect.stringMatching(/9223372036854775808.*int64/) }])
    const [path] = host.files.paths('out')
    expect(Buffer.from(host.files.get(path as string) as Uint8Array).toString()).toBe(`${line}\n`)
  })
})

describe('rows and rejected rows', () => {
  const count = 5000
  const isBad = (n: number): boolean => n % 7 === 3 || (n > 2000 && n < 3300)
  const lines = Array.from({ length: count }, (_, n) =>
    isBad(n) ? `{"id":"${n}"}` : `{"id":${n},"name":"x"}`,
  )
  const good = lines.flatMap((_, id) => (isBad(id) ? [] : [{ id, name: 'x' }]))
  const bad = lines.filter((_, n) => isBad(n))

  for (const { name, perEpoch, isCoarse: _, inPhases, ...way } of waysToRun) {
    if (perEpoch !== undefined) continue
    test(`are together the input: ${name}`, async () => {
      const half = count / 2
      const host = hostWith({
        'in/a.ndjson': `${lines.slice(0, half).join('\n')}\n`,
        'in/b.ndjson': lines.slice(half).join('\n'),
      })
      await host.advance(60_000)
      const { rows, rejected, result } = await copyOn(
        host,
        ndjson('in', { schema: Item, splitBytes: 20_000 }),
        {
          reject: true,
          ...way,
          ...(inPhases === true ? { state: new DirectoryStore(host, '/state') } : {}),
          ...(way.mode === 'continuous' ? { stopWhenIdleMs: 2000 } : {}),
        },
      )
      const byId = (list: readonly object[]): object[] =>
        list.toSorted((left, right) => (left as ItemRow).id - (right as ItemRow).id)
      expect(byId(rows)).toEqual(good)
      expect(rejected.map(({ raw }) => raw).toSorted()).toEqual(bad.toSorted())
      expect(result?.progress).toMatchObject({ rowsIn: good.length, rowsRejected: bad.length })
    })
  }

  test('may all be rejected: the output is empty and the run ends well', async () => {
    const host = hostWith({ 'in/a.ndjson': 'x\n'.repeat(3000) })
    const { rows, rejected, error } = await copyOn(host, ndjson('in', { schema: Item }), { reject: true })
    expect([error, rows.length, rejected.length]).toEqual([undefined, 0, 3000])
  })

  test('of a megabyte keep 64 KiB of their text', async () => {
    const host = hostWith({ 'in/a.ndjson': `{"id":"${'x'.repeat(1_000_000)}"}\n` })
    const { rejected } = await copyOn(host, ndjson('in', { schema: Item }), { reject: true })
    expect(rejected[0]?.raw.length).toBe(65_536)
  })
})
