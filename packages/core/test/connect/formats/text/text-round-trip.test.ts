// What the text encoders write, the decoders read back: every type, any layout, any cut into chunks.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csv, tsv } from '../../../../src/connect/formats/csv/csv.ts'
import { json } from '../../../../src/connect/formats/json/json.ts'
import { ndjson } from '../../../../src/connect/formats/json/ndjson.ts'
import type { RecordFormat } from '../../../../src/connect/format.ts'
import { arbitraryBatch } from '../../../data/arbitrary.ts'
import { decodeBytes, encodeBatches } from '../decode.ts'

const formats: readonly (readonly [string, RecordFormat])[] = [
  ['ndjson', ndjson()],
  ['ndjson with epoch numbers in ns', ndjson({ timestamps: 'epoch', epochUnit: 'ns' })],
  ['json', json()],
  ['csv', csv()],
  ['tsv without header', tsv({ header: false })],
  [
    'csv with backslash escapes and semicolons',
    csv({ delimiter: ';', quote: "'", escape: '\\', nulls: ['NULL', ''] }),
  ],
  ['csv with a comment character, trimmed', csv({ comment: '#', trim: true })],
  ['csv with a colon as delimiter', csv({ delimiter: ':' })],
]

describe.each(formats)('%s', (_, format) => {
  it('reads what it writes, in any layout and any chunks', () => {
    fc.assert(
      fc.property(
        arbitraryBatch({ columnsMax: 4 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 7 }),
        ({ schema, batch, rows }, chunks, rowsMax) => {
          const bytes = encodeBatches(format, schema, [batch])
          expect(decodeBytes(format, schema, bytes, { chunks, rowsMax }).rows).toEqual(rows)
          // Room behind the chunk lets the generated code run to its end; little room sends the last records to the exact reader.
          expect(decodeBytes(format, schema, bytes, { padding: 900 }).rows).toEqual(rows)
          expect(decodeBytes(format, schema, bytes, { padding: 3 }).rows).toEqual(rows)
        },
      ),
      { numRuns: 300 },
    )
  })
})
