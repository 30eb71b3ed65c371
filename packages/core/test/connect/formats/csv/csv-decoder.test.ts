// CSV into columns: RFC 4180 and dialects, held against a small reference parser.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CsvOptions } from '../../../../src/connect/formats/csv/csv.ts'
import { csv, tsv } from '../../../../src/connect/formats/csv/csv.ts'
import type { ColumnType } from '../../../../src/data/builder.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import type { MillraceError } from '../../../../src/errors.ts'
import { isMillraceError } from '../../../../src/errors.ts'
import type { DecodeOptions } from '../decode.ts'
import { decodeBytes } from '../decode.ts'

const three = schema({ a: t.string(), b: t.string(), c: t.string() })

const read = (text: string, options: CsvOptions = {}, how: DecodeOptions = {}): Record<string, unknown>[] =>
  decodeBytes(csv(options), three, Buffer.from(text), { padding: 100, ...how }).rows

const values = (rows: readonly Record<string, unknown>[]): unknown[][] =>
  rows.map((row) => Object.values(row))

function thrown(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** RFC 4180 in the fewest lines: records of fields, for well-formed text. */
function referenceParse(text: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let at = 0
  while (at <= text.length) {
    let field = ''
    if (text[at] === '"') {
      at++
      while (text[at] !== '"' || text[at + 1] === '"') {
        field += text[at]
        at += text[at] === '"' ? 2 : 1
      }
      at++
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\n' && !text.startsWith('\r\n', at)) {
        field += text[at++]
      }
    }
    record.push(field)
    if (text[at] === ',') {
      at++
      continue
    }
    at += text.startsWith('\r\n', at) ? 2 : 1
    records.push(record)
    record = []
    if (at >= text.length) break
  }
  return records
}

describe('CSV text', () => {
  it.each<[string, string, string[][]]>([
    [
      'plain fields',
      'x,y,z\n1,2,3\n',
      [
        ['x', 'y', 'z'],
        ['1', '2', '3'],
      ],
    ],
    [
      'CRLF line ends',
      'x,y,z\r\n1,2,3\r\n',
      [
        ['x', 'y', 'z'],
        ['1', '2', '3'],
      ],
    ],
    [
      'no line end at the end',
      'x,y,z\n1,2,3',
      [
        ['x', 'y', 'z'],
        ['1', '2', '3'],
      ],
    ],
    [
      'quoted fields',
      '"x","y","z"\n"1","2","3"\n',
      [
        ['x', 'y', 'z'],
        ['1', '2', '3'],
      ],
    ],
    [
      'empty fields',
      ',,\n"","",""\n',
      [
        ['', '', ''],
        ['', '', ''],
      ],
    ],
    ['delimiters in quotes', '"a,b",c,"d,"\n', [['a,b', 'c', 'd,']]],
    [
      'line ends in quotes',
      '"a\nb","c\r\nd",e\n1,2,3\n',
      [
        ['a\nb', 'c\r\nd', 'e'],
        ['1', '2', '3'],
      ],
    ],
    ['doubled quotes', '"a""b","""",""""""\n', [['a"b', '"', '""']]],
    ['quotes inside plain fields', 'a"b,c"",d\n', [['a"b', 'c""', 'd']]],
    ['spaces, which belong to the field', ' a , b,c \n', [[' a ', ' b', 'c ']]],
    [
      'blank lines, which are no records',
      '\nx,y,z\n\r\n\n1,2,3\n\n',
      [
        ['x', 'y', 'z'],
        ['1', '2', '3'],
      ],
    ],
    ['text beyond ASCII', 'é,日本,👩‍👩‍👧\n', [['é', '日本', '👩‍👩‍👧']]],
  ])('with %s', (_, text, expected) => {
    expect(values(read(`a,b,c\n${text}`))).toEqual(expected)
    expect(values(read(`\ufeffa,b,c\r\n${text}`))).toEqual(expected)
    expect(values(read(text, { header: false }, { padding: 0 }))).toEqual(expected)
    for (let size = 1; size < text.length; size++) {
      expect(values(read(`a,b,c\n${text}`, {}, { chunks: [size] }))).toEqual(expected)
    }
  })

  it('is read as the reference parser reads it', () => {
    const field = fc.oneof(
      fc.string({ maxLength: 50, unit: 'grapheme' }).map((s) =>
        Buffer.from(s)
          .toString()
          .replaceAll(/[",\r\n]/g, ''),
      ),
      fc.string({ maxLength: 8 }).map((s) => `"${s.replaceAll('"', '""')}"`),
      fc.constantFrom('""', '"a\nb"', '"a\r\nb"', '"a,b"', '"a""b"', 'x'.repeat(70), `"${'y'.repeat(70)}"`),
    )
    const line = fc.tuple(field, field, field).filter(([first]) => !/^\s*$/.test(first))
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 20 }),
        fc.constantFrom('\n', '\r\n'),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 3 }),
        (lines, end, chunks) => {
          const text = lines.map((fields) => fields.join(',')).join(end) + end
          const expected = referenceParse(text)
          expect(values(read(text, { header: false }))).toEqual(expected)
          expect(values(read(text, { header: false }, { chunks, rowsMax: 3 }))).toEqual(expected)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('gives its columns by name, in any order, and only those asked for', () => {
    const text = 'c,x,a,b\n3,0,1,2\n"3",0,"1","2"\n3,"0""",1,2\n'
    expect(values(read(text))).toEqual(Array(3).fill(['1', '2', '3']))
    expect(read(text, {}, { columns: ['b'] })).toEqual(Array(3).fill({ b: '2' }))
    expect(read(text, {}, { columns: [] })).toEqual(Array(3).fill({}))
  })

  it('can be gone on with from every place between two pushes (F2)', () => {
    const bytes = Buffer.from('b,a,c\n"2\n2",1,3\n2,1,3\n\n2,1,"3"""\n2,1,3')
    const places: { place: never; rows: number }[] = []
    const all = decodeBytes(csv(), three, bytes, {
      chunks: [4],
      rowsMax: 1,
      onPush: (place, rows) => places.push({ place: place as never, rows }),
    })
    expect(all.rows).toHaveLength(4)
    for (const { place, rows } of places) {
      const rest = decodeBytes(csv(), three, bytes, { from: place })
      expect(rest.rows).toEqual(all.rows.slice(rows))
      expect(rest.line).toBe(all.line)
    }
  })
})

describe('dialects of CSV', () => {
  it.each<[string, CsvOptions, string, unknown[][]]>([
    ['another delimiter', { delimiter: ';' }, 'a;b;c\n1,5;"x;y";z\n', [['1,5', 'x;y', 'z']]],
    ['another quote', { quote: "'" }, "a,b,c\n'x,''',\"y\",z\n", [["x,'", '"y"', 'z']]],
    [
      'a backslash as escape',
      { escape: '\\' },
      'a,b,c\n"x\\"y","\\\\","a\\nb"\n1,2,3\n',
      [
        ['x"y', '\\', 'a\\nb'],
        ['1', '2', '3'],
      ],
    ],
    ['comments', { comment: '#' }, '# first\na,b,c\n#x,y,z\n1,#2,3\n# last', [['1', '#2', '3']]],
    [
      'spaces dropped',
      { trim: true },
      'a, b ,c\n 1 , " 2 " ,\t3\n1,2,3 \n',
      [
        ['1', ' 2 ', '3'],
        ['1', '2', '3'],
      ],
    ],
    ['no header', { header: false }, '1,2,3\n', [['1', '2', '3']]],
    ['names of its own', { header: ['c', 'b', 'a'] }, '1,2,3\n', [['3', '2', '1']]],
  ])('%s', (_, options, text, expected) => {
    expect(values(read(text, options))).toEqual(expected)
    expect(values(read(text, options, { chunks: [1], padding: 0 }))).toEqual(expected)
  })

  it('TSV has tabs', () => {
    expect(values(decodeBytes(tsv(), three, Buffer.from('a\tb\tc\n1,\t"2\t"\t3\n')).rows)).toEqual([
      ['1,', '2\t', '3'],
    ])
  })

  it.each([
    { delimiter: 'ab' },
    { delimiter: '1' },
    { quote: ',' },
    { escape: '#' },
    { nulls: ['ä'] },
    { comment: '"' },
  ])('refuse %j', (options) => {
    expect(thrown(() => csv(options)).code).toBe('plan/invalid-argument')
  })
})

describe('CSV values', () => {
  const cells = (type: ColumnType, fields: readonly string[], options: CsvOptions = {}): unknown[] =>
    decodeBytes(
      csv(options),
      schema({ first: t.int32(), v: type, last: t.int32() }),
      Buffer.from(`first,v,last\n${fields.map((field) => `1,${field},2\n`).join('')}`),
      { padding: 100 },
    ).rows.map((row) => row['v'])

  it.each<[string, ColumnType, string[], unknown[]]>([
    [
      'integers',
      t.int32(),
      ['1', '-5', '+7', '007', '"12"', ' 3 ', '1e2', '2.0'],
      [1, -5, 7, 7, 12, 3, 100, 2],
    ],
    ['large integers', t.int64().bigint(), ['9007199254740993', '1'], [9007199254740993n, 1n]],
    [
      'floats',
      t.float64(),
      ['1.5', '-.5', '5.', '1e-3', 'NaN', '-Infinity', '"2.25"'],
      [1.5, -0.5, 5, 0.001, NaN, -Infinity, 2.25],
    ],
    [
      'booleans',
      t.boolean(),
      ['true', 'F', 't', '1', '0', 'FALSE', '"true"'],
      [true, false, true, true, false, false, true],
    ],
    ['decimals', t.decimal(6, 2), ['1.5', '-0.05', '1000', '"3.10"'], ['1.50', '-0.05', '1000.00', '3.10']],
    ['dates', t.date(), ['2024-02-29', '"1969-12-31"'], ['2024-02-29', '1969-12-31']],
    ['times', t.time(), ['00:00:01.5', '23:59'], [1500, 86340000]],
    [
      'timestamps',
      t.timestamp(),
      [
        '2001-03-25T02:00:00Z',
        '2001-03-25 02:00:00',
        '2001-03-25',
        '985485600000',
        '"2001-03-25T04:00:00+02:00"',
      ],
      [985485600000, 985485600000, 985478400000, 985485600000, 985485600000],
    ],
    ['nulls of numbers', t.int32().nullable(), ['1', '', '2', ''], [1, null, 2, null]],
    ['nulls of times', t.timestamp().nullable(), ['', '1970-01-01 00:00:00'], [null, 0]],
    ['nulls of text, apart from empty text', t.string().nullable(), ['', '""', 'x'], [null, '', 'x']],
    ['lists as JSON', t.list(t.int32()), ['"[1,2]"', '[]'], [[1, 2], []]],
    ['JSON', t.json(), ['"{""a"":1}"', 'true'], [{ a: 1 }, true]],
    [
      'intervals',
      t.interval(),
      ['P1D', 'PT1S'],
      [
        { months: 0, days: 1, micros: 0 },
        { months: 0, days: 0, micros: 1e6 },
      ],
    ],
  ])('%s', (_, type, fields, expected) => {
    expect(cells(type, fields)).toEqual(expected)
    // The first record decides how fields are looked for, never what they are.
    expect(cells(type, fields.toReversed())).toEqual(expected.toReversed())
  })

  it('mean null by the texts of the dialect, unless quoted', () => {
    const nulls = { nulls: ['NA', '-'] }
    expect(cells(t.int32().nullable(), ['NA', '1', '-', '-1'], nulls)).toEqual([null, 1, null, -1])
    expect(cells(t.string().nullable(), ['NA', '"NA"', '', 'x'], nulls)).toEqual([null, 'NA', '', 'x'])
    expect(cells(t.string(), ['NA', ''], nulls)).toEqual(['NA', ''])
  })

  it.each<[string, ColumnType, string, string]>([
    ['text for a number', t.int32(), 'x', 'expected int32, found "x"'],
    ['a number out of range', t.uint8(), '256', 'outside the range of uint8'],
    ['an empty field', t.float64(), '', 'found an empty or null field'],
    ['a word for a boolean', t.boolean(), 'yes', 'expected boolean, found "yes"'],
    ['a day that does not exist', t.timestamp(), '2023-02-29 00:00:00', 'expected timestamp(ms)'],
  ])('refuse %s', (_, type, field, reason) => {
    const error = thrown(() => cells(type, ['"1"', field].slice(1)))
    expect(error.message).toContain(reason)
    expect(error.place).toMatchObject({ file: 'test.data', line: 2, byte: 13, column: 'v' })
  })
})

describe('faulty CSV', () => {
  it('costs only the records it is in (F4)', () => {
    const text = ['a,b,c', '1,2,3', '1,2', '1,2,3,4', '"1"x,2,3', '1,2,3', '"1,2,3', '1,2,3'].join('\n')
    const results = [[text.length], [1], [5]].map((chunks) =>
      decodeBytes(csv(), three, Buffer.from(text), { rejecting: true, chunks, padding: 50 }),
    )
    for (const result of results) expect(result).toEqual(results[0])
    expect(results[0]?.rows).toHaveLength(3)
    expect(results[0]?.rejected.map(({ text: raw, line, byte }) => [raw, line, byte])).toEqual([
      ['1,2', 3, 12],
      ['1,2,3,4', 4, 16],
      ['"1"x,2,3', 5, 24],
      ['"1,2,3', 7, 39],
    ])
    expect(results[0]?.rejected[0]?.reason).toBe('expected 3 fields, found 2')
  })

  it('is a header without a needed column', () => {
    const error = thrown(() => read('a,B,c\n1,2,3\n'))
    expect(error.code).toBe('input/missing-column')
    expect(error.hint).toContain('"B"')
    const optional = schema({ a: t.int32(), z: t.string().nullable() })
    expect(decodeBytes(csv(), optional, Buffer.from('a\n1\n2\n'), { padding: 50 }).rows).toEqual([
      { a: 1, z: null },
      { a: 2, z: null },
    ])
  })

  it('is a header with a needed column twice', () => {
    expect(thrown(() => read('a,b,c,a\n1,2,3,4\n')).code).toBe('schema/mismatch')
    expect(values(read('a,b,c,x,x\n1,2,3,4,5\n'))).toEqual([['1', '2', '3']])
  })

  it('is text that is not UTF-8, record by record', () => {
    const bytes = Buffer.concat([
      Buffer.from('a,b,c\n1,2,3\n1,'),
      Buffer.from([0xff]),
      Buffer.from(',3\n1,2,3\n'),
    ])
    const { rows, rejected } = decodeBytes(csv(), three, bytes, { rejecting: true, padding: 50 })
    expect(rows).toHaveLength(2)
    expect(rejected).toMatchObject([{ line: 3, reason: 'the record is not valid UTF-8' }])
  })

  it('is a record over the length limit, however the bytes come', () => {
    const format = csv({ recordBytesMax: 50 })
    const bytes = Buffer.from(
      `a,b,c\n1,2,3\n1,${'x'.repeat(80)},3\n1,2,3\n"open,2,3\n${'1,2,3\n'.repeat(20)}`,
    )
    const results = [[bytes.length], [1], [60]].map((chunks) =>
      decodeBytes(format, three, bytes, { rejecting: true, chunks, padding: 50 }),
    )
    for (const result of results) expect(result).toEqual(results[0])
    expect(results[0]?.rows).toHaveLength(22)
    expect(results[0]?.rejected.map((record) => record.line)).toEqual([3, 5])
  })

  it('never crashes or hangs the reader, and gives the same rows in any chunks', () => {
    const pieces = ['"', '""', ',', '\n', '\r\n', '\r', 'x', '1,2,3\n', ' ', '\u00e9', '#', '\\']
    const noise = fc.oneof(
      fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    )
    const dialects = fc.constantFrom<CsvOptions>(
      {},
      { trim: true },
      { escape: '\\' },
      { comment: '#' },
      { recordBytesMax: 20 },
    )
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 40 }), dialects, (bytes, chunk, dialect) => {
        const format = csv({ ...dialect, header: false })
        const decode = (how: DecodeOptions): unknown =>
          decodeBytes(format, three, bytes, { rejecting: true, ...how })
        const whole = decode({ padding: 100 })
        expect(decode({ chunks: [chunk] })).toEqual(whole)
        expect(decode({ chunks: [1], padding: 40 })).toEqual(whole)
      }),
      { numRuns: 1500 },
    )
  })
})

describe('a header that cannot be the one meant', () => {
  const nullable = schema({ a: t.string().nullable(), b: t.string().nullable() })
  const decode = (text: string, options: CsvOptions = {}, how: DecodeOptions = {}): unknown =>
    decodeBytes(csv(options), nullable, Buffer.from(text), how)

  it.each([
    ['in one chunk', {}, {}],
    ['byte by byte', {}, { chunks: [1] }],
    ['longer than a record may be', { recordBytesMax: 6 }, {}],
  ] as const)(
    'is refused when lines end in carriage returns alone, %s',
    (_, options: CsvOptions, how: DecodeOptions) => {
      const error = thrown(() => decode('a,b\r1,2\r3,4\r', options, how))
      expect(error.code).toBe('input/undecodable')
      expect(error.what).toContain('"test.data" end in carriage returns alone')
      expect(error.place?.file).toBe('test.data')
    },
  )

  it('is refused by inference, too', () => {
    for (const complete of [true, false]) {
      const infer = (): unknown => csv().inferSchema(Buffer.from('a,b\r1,2\r'), { complete, file: 'old.csv' })
      expect(thrown(infer).what).toContain('"old.csv" end in carriage returns alone')
    }
  })

  it('may hold a carriage return in quotes, and end in one with a line feed', () => {
    expect(decode('"x\r",a,b\r\n0,1,2\r\n')).toMatchObject({ rows: [{ a: '1', b: '2' }] })
  })

  it('is refused when none of the declared columns is in it, whatever is read of them', () => {
    const error = thrown(() => decode('x;y\n1;2\n'))
    expect(error.code).toBe('input/missing-column')
    expect(error.detail).toBe('its columns are "x;y"; declared are "a", "b"')
    expect(thrown(() => decode('x,y\n1,2\n', {}, { columns: [] })).code).toBe('input/missing-column')
    expect(decode('b,y\n1,2\n', {}, { columns: ['a'] })).toMatchObject({ rows: [{ a: null }] })
  })
})

describe('the schema that is found', () => {
  const found = (text: string): unknown =>
    csv().inferSchema(Buffer.from(text), { complete: true, file: 'a.csv' }).fields

  it('is refused when the header has a name twice, as reading is', () => {
    expect(() => found('a,b,a\n1,2,3\n')).toThrow(
      expect.objectContaining({ code: 'schema/mismatch', what: '"a.csv" has two columns "a"' }),
    )
  })

  it('does not become nullable by records with too few fields, which reading refuses', () => {
    expect(found('a,b\n1,2\n3\n4,5\n')).toEqual(found('a,b\n1,2\n4,5\n'))
    expect(found('a,b\n1,2\n4,5\n')).toMatchObject([{ nullable: false }, { nullable: false }])
  })
})
