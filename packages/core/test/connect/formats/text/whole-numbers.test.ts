// Whole numbers in text, read by words of four digits: the values of the exact reader, whatever stands around them.
import { describe, expect, it } from 'vitest'
import type { RecordFormat } from '../../../../src/connect/format.ts'
import { csv } from '../../../../src/connect/formats/csv/csv.ts'
import { json } from '../../../../src/connect/formats/json/json.ts'
import { ndjson } from '../../../../src/connect/formats/json/ndjson.ts'
import { schema, t } from '../../../../src/data/builder.ts'
import { batchToRows } from '../../../../src/data/read-value.ts'
import { isMillraceError } from '../../../../src/errors.ts'
import { decodeBytes } from '../decode.ts'

const numbers = schema({ v: t.int64().bigint() })

/** Numbers of one to nineteen digits, both signs: digits in order, all nines, a one with zeros behind. */
const values = Array.from({ length: 19 }, (_, index) => index + 1)
  .flatMap((length) => [
    '1234567890123456789'.slice(0, length),
    '9'.repeat(length),
    `1${'0'.repeat(length - 1)}`,
  ])
  .filter((text) => BigInt(text) < 2n ** 63n)
  .flatMap((text) => [text, `-${text}`])

const expected = values.map((text) => BigInt(text))

function valuesOf(rows: readonly Record<string, unknown>[]): unknown[] {
  return rows.map((row) => row['v'])
}

describe('whole numbers of every length', () => {
  it('are read from NDJSON, at the end of memory too', () => {
    for (const padding of [0, 99]) {
      const text = values.map((value) => `{"v":${value}}`).join('\n')
      expect(valuesOf(decodeBytes(ndjson(), numbers, Buffer.from(text), { padding }).rows)).toEqual(expected)
    }
  })

  it('are read from CSV, at the end of memory too', () => {
    for (const padding of [0, 99]) {
      const bytes = Buffer.from(`v\n${values.join('\n')}`)
      expect(valuesOf(decodeBytes(csv(), numbers, bytes, { padding }).rows)).toEqual(expected)
      const zeros = Buffer.from(`v\n${values.map((value) => value.replace(/\d/, '000$&')).join('\n')}`)
      expect(valuesOf(decodeBytes(csv(), numbers, zeros, { padding }).rows)).toEqual(expected)
    }
  })

  it('are read from a JSON array cut anywhere, which may be within a number', () => {
    const bytes = Buffer.from(`[${values.map((value) => `{"v":${value}}`).join(',')}]`)
    for (let size = 1; size <= 120; size++) {
      const { rows } = decodeBytes(json(), numbers, bytes, { chunks: [400, size] })
      expect(valuesOf(rows)).toEqual(expected)
    }
  })
})

describe('what stands around a whole number', () => {
  const around = [
    ...Array.from({ length: 256 }, (_, byte) => Buffer.from([0x31, 0x32, byte])),
    ...Array.from({ length: 256 }, (_, byte) => Buffer.from([byte, 0x37])),
    ...['', '-', '--1', '-a', '00', '-0', '-01', '01234', '0000012345', '12345.', '1234e2', '12345678.0'].map(
      (text) => Buffer.from(text),
    ),
    ...Array.from({ length: 60 }, (_, length) => Buffer.from('7'.repeat(length))),
    ...Array.from({ length: 60 }, (_, length) => Buffer.from('0'.repeat(length))),
  ].filter((value) => !value.includes(10))

  const formats = [
    { name: 'NDJSON', format: ndjson(), head: '', before: '{"v":', behind: '}\n' },
    { name: 'CSV', format: csv(), head: 'v,w\n', before: '', behind: ',1\n' },
    { name: 'an array', format: json(), head: '[{"v":1},{"v":1},', before: '{"v":', behind: '},{"v":1}]' },
  ]
  it.each(formats)('is judged alike by both paths of $name', ({ format, head, before, behind }) => {
    const isArray = head.startsWith('[')
    const plain = isArray ? '' : `${before}1${behind}`.repeat(2)
    for (const value of around) {
      const record = Buffer.concat([Buffer.from(before), value, Buffer.from(behind)])
      // A record that comes first is read exactly; behind two like it, by the extractor if that takes it.
      const exact = outcome(format, Buffer.concat([Buffer.from(isArray ? '[' : head), record]))
      const fast = outcome(format, Buffer.concat([Buffer.from(head + plain), record]))
      expect({ ...fast, values: fast.values.slice(2) }).toEqual(exact)
    }
  })
})

/** The values and faults of a file; what ends the reading is a fault like others. */
function outcome(
  format: RecordFormat,
  bytes: Uint8Array,
): { readonly values: readonly unknown[]; readonly faults: readonly (string | undefined)[] } {
  const values: unknown[] = []
  const faults: (string | undefined)[] = []
  try {
    const { rejected } = decodeBytes(format, numbers, bytes, {
      rejecting: true,
      padding: 99,
      onBatch: (batch) => values.push(...valuesOf(batchToRows(batch))),
    })
    faults.push(...rejected.map(({ reason }) => reason))
  } catch (error) {
    if (!isMillraceError(error)) throw error
    faults.push(error.detail)
  }
  return { values, faults }
}
