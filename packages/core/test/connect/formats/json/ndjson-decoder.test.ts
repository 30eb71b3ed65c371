// NDJSON into columns: what JSON.parse reads, row by row, whatever path a row takes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ndjson } from '../../../../src/connect/formats/json/ndjson.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import type { Column } from '../../../../src/data/column.ts'
import type { MillraceError } from '../../../../src/errors.ts'
import { isMillraceError } from '../../../../src/errors.ts'
import { decodeBytes } from '../decode.ts'

const bids = schema({
  auction: t.int64(),
  price: t.float64().nullable(),
  channel: t.string(),
  url: t.string().nullable(),
  open: t.boolean(),
})
const format = ndjson()

interface Bid {
  readonly auction: number
  readonly price: number | null
  readonly channel: string
  readonly url: string | null
  readonly open: boolean
}

const bid = fc.record<Bid>({
  auction: fc.maxSafeInteger(),
  price: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  channel: fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((s) => Buffer.from(s).toString()),
  ),
  url: fc.option(fc.string({ maxLength: 30 })),
  open: fc.boolean(),
})

/** Ways of writing the same object that its meaning does not depend on. */
const spelling = fc.record({
  order: fc.constantFrom('plain' as const, 'reversed' as const),
  space: fc.constantFrom('', ' ', '\t', '  '),
  extra: fc.constantFrom('', '"more":{"a":[1,"}",null]}', '"z":"\\"\\\\"'),
  escaped: fc.boolean(),
  lineEnd: fc.constantFrom('\n', '\r\n', ' \n', '\n\n', '\n \r\n'),
})

type Spelling = typeof spelling extends fc.Arbitrary<infer S> ? S : never

function spell(value: Bid, how: Spelling): string {
  const entries = Object.entries(value)
  if (how.order === 'reversed') entries.reverse()
  const text = (part: unknown): string => {
    const plain = JSON.stringify(part)
    if (!how.escaped || typeof part !== 'string') return plain
    return plain.replaceAll(
      /[/a-f\u0080-\uffff]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  }
  const members = entries.map(([key, part]) => `${text(key)}${how.space}:${how.space}${text(part)}`)
  if (how.extra !== '') members.splice(1, 0, how.extra)
  return `{${how.space}${members.join(`${how.space},`)}${how.space}}${how.lineEnd}`
}

function thrown(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const rowsOf = (text: string, options?: Parameters<typeof decodeBytes>[3]): Record<string, unknown>[] =>
  decodeBytes(format, bids, Buffer.from(text), { padding: 700, ...options }).rows

describe('NDJSON records', () => {
  it('are read as JSON.parse reads them, in any spelling, mixed line by line', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(bid, spelling), { maxLength: 30 }),
        fc.constantFrom(0, 700),
        (records, padding) => {
          const text = records.map(([value, how]) => spell(value, how)).join('')
          expect(rowsOf(text, { padding })).toEqual(
            records.map(([value]) => JSON.parse(JSON.stringify(value))),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('stay the same rows wherever the bytes are cut (F1)', () => {
    const text = [
      '\ufeff{"auction":1,"price":2.5,"channel":"é","url":null,"open":true}\r\n',
      '\n  \n{"auction":-2,"price":null,"channel":"a\\u00e9\\n","url":"x","open":false}\n',
      '{"open":true,"auction":3,"channel":"","price":1e3}\n',
      '{"auction":4,"price":0.1,"channel":"日本","url":"y","open":true}',
    ].join('')
    const bytes = Buffer.from(text)
    const whole = decodeBytes(format, bids, bytes)
    expect(whole.rows).toHaveLength(4)
    expect(whole.line).toBe(6)
    for (let cut = 1; cut < bytes.length; cut++) {
      for (const padding of [0, 600]) {
        const parts = decodeBytes(format, bids, bytes, { chunks: [cut, bytes.length - cut], padding })
        expect(parts).toEqual(whole)
      }
    }
    expect(decodeBytes(format, bids, bytes, { chunks: [1] })).toEqual(whole)
  })

  it('can be gone on with from every place between two pushes (F2)', () => {
    const text = Array.from({ length: 9 }, (_, i) => `{"auction":${i},"price":1,"channel":"c","open":true}`)
    const bytes = Buffer.from(`\ufeff${text.join('\r\n')}\n`)
    const places: { place: { byte: number; line: number; resume: never }; rows: number }[] = []
    const all = decodeBytes(format, bids, bytes, {
      chunks: [7],
      rowsMax: 2,
      onPush: (place, rows) => places.push({ place: place as never, rows }),
    })
    for (const { place, rows } of places) {
      const rest = decodeBytes(format, bids, bytes, { from: place })
      expect(rest.rows).toEqual(all.rows.slice(rows))
      expect(rest.line).toBe(all.line)
    }
  })

  it('keep plain strings as ranges of the chunk, and copy only where text is escaped', () => {
    const columns: Column[][] = []
    rowsOf(
      '{"auction":1,"price":1,"channel":"a","url":"b","open":true}\n'.repeat(3) +
        '{"auction":1,"price":1,"channel":"a","url":"b\\n","open":true}\n',
      { onBatch: (batch) => columns.push([...batch.columns]) },
    )
    const [channel, url] = [columns[0]?.[2], columns[0]?.[3]] as (Column & { layout: 'utf8' })[]
    expect(channel?.bytes).not.toBe(url?.bytes)
    expect(channel?.lengths.subarray(0, 4)).toEqual(Int32Array.of(1, 1, 1, 1))
    expect(url?.lengths.subarray(0, 4)).toEqual(Int32Array.of(1, 1, 1, 2))
  })

  it('are learned again when their keys change for good', () => {
    const first = '{"auction":1,"price":1,"channel":"a","url":"b","open":true}\n'
    const second = '{"open":false,"more":[1],"url":"c","channel":"d","price":2.25,"auction":7}\n'
    const rows = rowsOf(first.repeat(100) + second.repeat(100) + (first + second).repeat(50))
    const one = { auction: 1, price: 1, channel: 'a', url: 'b', open: true }
    const two = { auction: 7, price: 2.25, channel: 'd', url: 'c', open: false }
    const mixed = Array.from({ length: 50 }, () => [one, two]).flat()
    expect(rows).toEqual([...Array(100).fill(one), ...Array(100).fill(two), ...mixed])
  })

  it('give only the columns that are asked for, and skip the others unchecked', () => {
    const line = '{"auction":5,"price":"no number","channel":7,"url":{"a":[]},"open":null}\n'
    expect(rowsOf(line.repeat(4), { columns: ['auction'] })).toEqual(Array(4).fill({ auction: 5 }))
    expect(rowsOf(line.repeat(4), { columns: [] })).toEqual(Array(4).fill({}))
  })

  it('take the last of two equal keys, as JSON.parse does', () => {
    const line =
      '{"auction":1,"url":null,"auction":2,"price":null,"channel":"c","url":"u","price":3,"open":true}\n'
    expect(rowsOf(line.repeat(3))).toEqual(Array(3).fill(JSON.parse(line)))
  })
})

describe('NDJSON values', () => {
  const read = (type: ReturnType<typeof t.int32>, value: string): unknown =>
    decodeBytes(format, schema({ v: type as never }), Buffer.from(`{"v":${value}}\n`.repeat(3)), {
      padding: 99,
    }).rows.map((row) => row['v'])
  const thrice = (value: unknown): unknown[] => [value, value, value]

  it.each<[string, unknown, string, unknown]>([
    ['int64 beyond 2^53', t.int64().bigint(), '9223372036854775807', 9223372036854775807n],
    ['int64 at 2^53 − 1', t.int64(), '9007199254740991', 9007199254740991],
    ['negative int64', t.int64().bigint(), '-9223372036854775808', -(2n ** 63n)],
    ['quoted int64', t.int64().bigint(), '"-12345678901234567"', -12345678901234567n],
    ['uint64', t.uint64().bigint(), '18446744073709551615', 2n ** 64n - 1n],
    ['an integer with a point', t.int32(), '12.0', 12],
    ['an integer with an exponent', t.int32(), '12e2', 1200],
    ['int32 at its end', t.int32(), '-2147483648', -2147483648],
    ['−0 as an integer', t.int64(), '-0', 0],
    ['−0 as a float', t.float64(), '-0', -0],
    ['−0.0 as a float', t.float64(), '-0.0', -0],
    ['a long fraction', t.float64(), '0.1234567890123456789', Number('0.1234567890123456789')],
    ['a large float', t.float64(), '1.7976931348623157e308', Number.MAX_VALUE],
    ['a small float', t.float64(), '5e-324', 5e-324],
    ['a named float', t.float64(), '"-Infinity"', -Infinity],
    ['a decimal', t.decimal(10, 2), '12.5', '12.50'],
    ['a negative decimal', t.decimal(10, 2), '-0.05', '-0.05'],
    [
      'a wide decimal',
      t.decimal(38, 3),
      '12345678901234567890123456789012345.678',
      '12345678901234567890123456789012345.678',
    ],
    ['an ISO timestamp', t.timestamp(), '"1969-12-31T23:59:59.999Z"', -1],
    ['an ISO timestamp with offset', t.timestamp(), '"2001-01-01T02:00:00+02:00"', 978307200000],
    ['an epoch timestamp', t.timestamp(), '1700000000123', 1700000000123],
    ['an epoch timestamp with a fraction', t.timestamp(), '-1.5', -2],
    ['an epoch timestamp in us', t.timestamp('us'), '1700000000123', 1700000000123],
    ['a date', t.date(), '"2024-02-29"', '2024-02-29'],
    ['a time', t.time(), '"23:59:59.999"', 86399999],
    [
      'a uuid in capitals',
      t.uuid(),
      '"00112233-4455-6677-8899-AABBCCDDEEFF"',
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    ['bytes', t.bytes(), '"aGk="', new Uint8Array([104, 105])],
    ['json', t.json(), '{"a": [1, "\\n"]}', { a: [1, '\n'] }],
    [
      'a list',
      t.list(t.int64().bigint().nullable()),
      '[1,null,9007199254740993]',
      [1n, null, 9007199254740993n],
    ],
    ['a struct', t.struct({ a: t.string(), b: t.date().nullable() }), '{"a":"x","c":1}', { a: 'x', b: null }],
    [
      'a map',
      t.map(t.int32(), t.string()),
      '{"1":"a","2":"b"}',
      new Map([
        [1, 'a'],
        [2, 'b'],
      ]),
    ],
    ['an interval', t.interval(), '"P1Y2M3DT4.5S"', { months: 14, days: 3, micros: 4500000 }],
    ['half a surrogate pair', t.string(), '"a\\ud800b"', 'a\ufffdb'],
    ['a surrogate pair', t.string(), '"\\ud83d\\ude00"', '😀'],
    ['a raw tab', t.string(), '"a\tb"', 'a\tb'],
  ])('%s', (_, type, text, expected) => {
    expect(read(type as never, text)).toEqual(thrice(expected))
  })

  it.each<[string, unknown, string, string]>([
    ['text for a number', t.int32(), '"x"', 'expected int32, found'],
    ['a fraction for an integer', t.int64(), '1.5', 'expected int64, found 1.5'],
    ['a number out of range', t.int8(), '128', 'outside the range of int8 (-128 to 127)'],
    ['a negative unsigned number', t.uint32(), '-1', 'outside the range of uint32'],
    ['int64 out of range', t.int64(), '9223372036854775808', 'outside the range of int64'],
    ['a float out of range', t.float64(), '1e999', 'outside the range of float64'],
    ['a float32 out of range', t.float32(), '1e39', 'outside the range of float32'],
    ['a leading zero', t.int32(), '012', 'expected int32'],
    ['a bare point', t.float64(), '1.', 'expected float64'],
    ['a decimal with too many places', t.decimal(5, 2), '1.005', 'does not fit decimal(5, 2)'],
    ['a decimal with too many digits', t.decimal(5, 2), '1000.00', 'does not fit decimal(5, 2)'],
    ['a number for text', t.string(), '1', 'expected string, found'],
    ['a number for a boolean', t.boolean(), '1', 'expected boolean, found'],
    ['a day that does not exist', t.date(), '"2023-02-29"', 'expected date, found'],
    ['null', t.string(), 'null', 'expected string, found null'],
    ['a word', t.int32(), 'nil', 'expected a value'],
    ['a list for a struct', t.struct({ a: t.int32() }), '[]', 'expected an object'],
    ['an element of another type', t.list(t.int32()), '[1,"x"]', 'expected int32'],
    ['an escape that does not exist', t.string(), '"\\x"', 'is not an escape of JSON'],
  ])('refuses %s', (_, type, text, reason) => {
    const error = thrown(() => read(type as never, text))
    expect(error.code).toBe('input/undecodable')
    expect(error.message).toContain(reason)
    expect(error.place).toMatchObject({ file: 'test.data', line: 1 })
  })
})

describe('faulty NDJSON lines', () => {
  const good = '{"auction":1,"price":1,"channel":"a","url":"b","open":true}\n'
  const bad = [
    '{"auction":1',
    '{"auction":1,"price":1,"channel":"a","url":"b","open":true}x',
    '{"auction":1,"price":1,"channel":"a","url":"b","open":true}{"auction":2}',
    'nonsense',
    '[1]',
    '{"auction":"1x","price":1,"channel":"a","open":true}',
    '{"price":1,"channel":"a","open":true}',
    '{"auction":1,"price":1,"channel":"a,"open":true}',
  ]

  it('are rejected one by one, with line, byte and reason, and cost no other row (F4)', () => {
    const text = bad.map((line) => `${good}${line}\n`).join('') + good
    for (const padding of [0, 700]) {
      for (const chunks of [[text.length], [13]]) {
        const { rows, rejected } = decodeBytes(format, bids, Buffer.from(text), {
          rejecting: true,
          padding,
          chunks,
        })
        expect(rows).toHaveLength(bad.length + 1)
        expect(rejected.map((record) => record.text)).toEqual(bad)
        expect(rejected.map((record) => record.line)).toEqual(bad.map((_, i) => 2 * i + 2))
        expect(rejected.map((record) => record.byte)).toEqual(
          bad.map(
            (line, i) => text.indexOf(`\n${line}\n`, i === 0 ? 0 : text.indexOf(`\n${bad[i - 1]}\n`) + 1) + 1,
          ),
        )
        expect(rejected[6]).toMatchObject({ code: 'input/missing-column', column: 'auction' })
      }
    }
  })

  it('stop the reader with file, line, byte and a hint when nothing takes them', () => {
    const error = thrown(() => rowsOf(`${good}${good}{"auction":true,"price":1}\n`))
    expect(error.code).toBe('input/undecodable')
    expect(error.place).toEqual({ file: 'test.data', line: 3, byte: 2 * good.length, column: 'auction' })
    expect(error.detail).toBe('expected int64, found "true"')
    expect(error.hint).toBeDefined()
  })

  it('name a missing column', () => {
    const error = thrown(() => rowsOf('{"auction":1}\n'))
    expect(error.code).toBe('input/missing-column')
    expect(error.message).toContain('"channel"')
  })

  it('are those whose bytes are not UTF-8, each alone', () => {
    const line = Buffer.from(good)
    const damaged = Buffer.from(line)
    damaged[line.indexOf('a"') as number] = 0xff
    const bytes = Buffer.concat([line, damaged, line])
    const { rows, rejected } = decodeBytes(format, bids, bytes, { rejecting: true, padding: 700 })
    expect(rows).toHaveLength(2)
    expect(rejected).toMatchObject([{ line: 2, reason: 'the line is not valid UTF-8' }])
    expect(decodeBytes(format, bids, bytes, { columns: ['auction', 'open'] }).rows).toHaveLength(3)
  })

  it('are those over the length limit, however the bytes come', () => {
    const short = ndjson({ recordBytesMax: 100 })
    const long = `{"auction":1,"price":1,"channel":"${'x'.repeat(200)}","open":true}\n`
    const bytes = Buffer.from(good + long + good + long.trimEnd())
    const results = [[bytes.length], [1], [90], [150]].map((chunks) =>
      decodeBytes(short, bids, bytes, { chunks, rejecting: true, padding: 500 }),
    )
    for (const result of results) expect(result).toEqual(results[0])
    expect(results[0]?.rows).toHaveLength(2)
    expect(results[0]?.rejected.map((record) => [record.line, record.text.length])).toEqual([
      [2, 100],
      [4, 100],
    ])
  })

  it('never crash, hang or lose a line, whatever the bytes', () => {
    const pieces = [
      '{',
      '}',
      '"',
      ',',
      ':',
      '\\',
      '\n',
      '\r',
      '"auction"',
      '1',
      'null',
      '[',
      ']',
      good.trim(),
      '\u00e9',
    ]
    const noise = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => {
        const bytes = Buffer.from(good.repeat(5))
        bytes[at % bytes.length] = byte
        return bytes
      }),
    )
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 50 }), (bytes, chunk) => {
        const whole = decodeBytes(format, bids, bytes, { rejecting: true, padding: 700 })
        const withoutMark = bytes.subarray(0, 3).equals(Buffer.from('\ufeff')) ? bytes.subarray(3) : bytes
        const lines = withoutMark
          .toString('latin1')
          .split('\n')
          .filter((line) => /[^ \t\r]/.test(line))
        expect(whole.rows.length + whole.rejected.length).toBe(lines.length)
        expect(decodeBytes(format, bids, bytes, { rejecting: true, chunks: [chunk] })).toEqual(whole)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an object or an array where a plain value belongs', () => {
  const shapes = schema({
    a: t.string(),
    b: t.int64().nullable(),
    c: t.boolean(),
    d: t.list(t.int32()),
    e: t.struct({ f: t.string() }),
  })
  const good = { a: 'x', b: 1, c: true, d: [1], e: { f: 'x' } }

  it.each([
    [{ a: {} }, 'column "a": expected string, found an object'],
    [{ a: ['x'] }, 'column "a": expected string, found an array'],
    [{ b: { n: 1 } }, 'column "b": expected int64, found an object'],
    [{ c: [] }, 'column "c": expected boolean, found an array'],
    [{ d: [{}] }, 'column "d[0]": expected int32, found an object'],
    [{ e: { f: [] } }, 'column "e.f": expected string, found an array'],
  ])('%j is named with its column', (change, reason) => {
    const text = `${JSON.stringify({ ...good, ...change })}\n`
    const { rejected } = decodeBytes(format, shapes, Buffer.from(text), { rejecting: true })
    expect(rejected.map((record) => record.reason)).toEqual([reason])
    expect(thrown(() => decodeBytes(format, shapes, Buffer.from(text))).place?.column).toBe(
      /"(.*?)"/.exec(reason)?.[1],
    )
  })

  it('that does not end is a fault of the record', () => {
    const { rejected } = decodeBytes(format, shapes, Buffer.from('{"a":{"x":1\n'), { rejecting: true })
    expect(rejected.map((record) => record.column)).toEqual([undefined])
  })
})

describe('options of NDJSON', () => {
  it.each([{ epochUnit: 'm' }, { timestamps: 'text' }, { recordBytesMax: 0 }])('refuses %j', (options) => {
    expect(thrown(() => ndjson(options as never)).code).toBe('plan/invalid-argument')
  })
})
