// JSON documents into columns: arrays in any spelling, streamed, and what happens to damaged ones.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { json } from '../../../../src/connect/formats/json/json.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import type { MillraceError } from '../../../../src/errors.ts'
import { isMillraceError } from '../../../../src/errors.ts'
import type { DecodeOptions } from '../decode.ts'
import { decodeBytes } from '../decode.ts'

const format = json()
const points = schema({ id: t.int32(), name: t.string(), tags: t.list(t.string()).nullable() })
const decode = (text: string, options?: DecodeOptions): ReturnType<typeof decodeBytes> =>
  decodeBytes(format, points, Buffer.from(text), { padding: 700, ...options })

function thrown(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const point = fc.record({
  id: fc.integer(),
  name: fc.string({ maxLength: 50 }),
  tags: fc.option(fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 })),
})

describe('a JSON array', () => {
  it('is read as JSON.parse reads it, compact or with any indentation, in any chunks', () => {
    fc.assert(
      fc.property(
        fc.array(point, { maxLength: 20 }),
        fc.constantFrom(0, 1, 2, '\t'),
        fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 6 }),
        (rows, indent, chunks, rowsMax) => {
          const text = JSON.stringify(rows, undefined, indent)
          const parsed = JSON.parse(text) as unknown
          const whole = decode(text)
          expect(whole.rows).toEqual(parsed)
          expect(whole.line).toBe(text.split('\n').length)
          const parts = decode(text, { chunks, rowsMax, padding: 0 })
          expect(parts).toEqual(whole)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('can be cut at every byte (F1) and gone on with from every place (F2)', () => {
    const text =
      '\ufeff [ {"id":1,"name":"é","tags":["]"]} ,\n{"id":2,"name":"\\"","tags":null},{"name":"c","id":3}]\n'
    const bytes = Buffer.from(text)
    const whole = decode(text)
    expect(whole.rows.map((row) => row['id'])).toEqual([1, 2, 3])
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(decode(text, { chunks: [cut, bytes.length - cut] })).toEqual(whole)
    }
    const places: { place: never; rows: number }[] = []
    decode(text, {
      chunks: [3],
      rowsMax: 1,
      onPush: (place, rows) => places.push({ place: place as never, rows }),
    })
    for (const { place, rows } of places) {
      expect(decode(text, { from: place }).rows).toEqual(whole.rows.slice(rows))
    }
  })

  it('may be empty, and so may the file', () => {
    expect(decode('[]').rows).toEqual([])
    expect(decode(' [ \n ] ').rows).toEqual([])
    expect(decode('').rows).toEqual([])
  })

  it('is also read as objects one behind another', () => {
    const rows = [
      { id: 1, name: 'a', tags: [] },
      { id: 2, name: 'b', tags: null },
    ]
    expect(decode(rows.map((row) => JSON.stringify(row, undefined, 2)).join('\n')).rows).toEqual(rows)
    expect(decode(JSON.stringify(rows[0]).repeat(5)).rows).toEqual(Array(5).fill(rows[0]))
  })
})

describe('faults in a JSON array', () => {
  it('of one element cost that element only', () => {
    const text = '[{"id":1,"name":"a"},\n{"id":"x","name":"b"},7,{"id":3},\n{"id":4,"name":"d"}]'
    const { rows, rejected } = decode(text, { rejecting: true })
    expect(rows.map((row) => row['id'])).toEqual([1, 4])
    expect(rejected.map(({ text: raw, line }) => [raw, line])).toEqual([
      ['{"id":"x","name":"b"}', 2],
      ['7', 2],
      ['{"id":3}', 2],
    ])
    for (const size of [1, 2, 5])
      expect(decode(text, { rejecting: true, chunks: [size] }).rejected).toEqual(rejected)
  })

  it.each([
    ['{"id":1,"name":"a"},', 'input/undecodable'],
    ['[{"id":1,"name":"a"} {"id":2,"name":"b"}]', 'input/undecodable'],
    ['[{"id":1,"name":"a"},]', 'input/undecodable'],
    ['[{"id":1,"name":"a"}] x', 'input/undecodable'],
    ['[{"id":1,"name":"a"};', 'input/undecodable'],
    ['nonsense', 'input/undecodable'],
    ['[{"id":1,"name" "a"}]', 'input/undecodable'],
    ['[{"id":1,"name":"a"}', 'input/truncated'],
    ['[{"id":1,"name":"a', 'input/truncated'],
    ['[', 'input/truncated'],
  ])('of its structure end the reading with their place: %s', (text, code) => {
    for (const rejecting of [false, true]) {
      const error = thrown(() => decode(text, { rejecting }))
      expect(error.code).toBe(code)
      expect(error.place).toMatchObject({ file: 'test.data', line: 1 })
      expect(error.hint).toBeDefined()
    }
  })

  it('never crash or hang the reader, whatever the bytes', () => {
    const pieces = ['{', '}', '"', ',', ':', '\\', '\n', '"id"', '1', 'null', '[', ']', '{"id":1,"name":"a"}']
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...pieces), { maxLength: 40 }),
        fc.integer({ min: 1, max: 30 }),
        (parts, chunk) => {
          const outcome = (options: DecodeOptions): unknown => {
            try {
              const { rows, rejected } = decode(parts.join(''), { rejecting: true, ...options })
              return { rows, rejected }
            } catch (error) {
              if (!isMillraceError(error)) throw error
              return error.code
            }
          }
          expect(outcome({ chunks: [chunk], padding: 0 })).toEqual(outcome({}))
        },
      ),
      { numRuns: 1000 },
    )
  })
})
