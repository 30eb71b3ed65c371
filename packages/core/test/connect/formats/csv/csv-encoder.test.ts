// What CSV text looks like where a plain rendering would read back as something else.
import { describe, expect, it } from 'vitest'
import { BatchBuilder, schema, t } from '../../../../src/data/index.ts'
import { csv } from '../../../../src/connect/formats/csv/csv.ts'
import { decodeBytes, encodeBatches } from '../decode.ts'

const names = schema({ name: t.string(), count: t.int32() })

function batchOf(rows: readonly { name: string; count: number }[]): ReturnType<BatchBuilder['finish']> {
  const builder = new BatchBuilder(names, rows.length)
  for (const row of rows) builder.appendRow(row)
  return builder.finish()
}

describe('a first field that begins with a byte order mark', () => {
  const rows = [
    { name: '\uFEFFbom', count: 1 },
    { name: '\uFEFF', count: 2 },
    { name: '\uFEFEx', count: 3 },
  ]

  it.each([true, false])('is quoted, so that reading keeps it (header: %s)', (header) => {
    const format = csv({ header })
    const bytes = encodeBatches(format, names, [batchOf(rows)])
    expect(Buffer.from(bytes).toString('utf8')).toBe(
      `${header ? 'name,count\n' : ''}"\uFEFFbom",1\n"\uFEFF",2\n\uFEFEx,3\n`,
    )
    expect(decodeBytes(format, names, bytes).rows).toEqual(rows)
  })

  it('is quoted in a header too', () => {
    const odd = schema({ '\uFEFFname': t.int32() })
    const builder = new BatchBuilder(odd, 1)
    builder.appendRow({ '\uFEFFname': 1 })
    const bytes = encodeBatches(csv(), odd, [builder.finish()])
    expect(decodeBytes(csv(), odd, bytes).rows).toEqual([{ '\uFEFFname': 1 }])
  })
})
