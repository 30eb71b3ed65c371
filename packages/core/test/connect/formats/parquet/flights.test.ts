import { readFileSync } from 'node:fs'
import { compressors } from 'hyparquet-compressors'
import { parquetRead } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { isValid } from '../../../../src/data/column.ts'
import type { Column, FixedColumn } from '../../../../src/data/column.ts'
import { textValue } from '../../../../src/data/read-value.ts'
import { parquet } from '../../../../src/connect/formats/parquet/index.ts'
import { fileOf, readBatches } from './parquet-files.ts'

const path = new URL('../../../../../../node_modules/vega-datasets/data/flights-3m.parquet', import.meta.url)

/** Sum, count, lowest and highest of a column of numbers. */
class Summary {
  sum = 0
  count = 0
  low = Infinity
  high = -Infinity

  add(value: number): void {
    this.sum += value
    this.count++
    if (value < this.low) this.low = value
    if (value > this.high) this.high = value
  }
}

describe('the flights of 2001', () => {
  it('read as another reader reads them', { timeout: 240_000 }, async () => {
    const bytes = new Uint8Array(readFileSync(path))
    const ours = { date: new Summary(), delay: new Summary(), origin: new Map<string, number>() }
    let rows = 0
    const dictionaries = new Set<object>()
    await readBatches(fileOf(bytes), { columns: ['date', 'delay', 'origin'], rowsMax: 8192 }, (batch) => {
      const [date, delay, origin] = batch.columns as readonly [
        FixedColumn,
        FixedColumn,
        Column & { layout: 'dictionary' },
      ]
      dictionaries.add(origin.dictionary)
      for (let row = 0; row < batch.length; row++) {
        if (isValid(date, row)) ours.date.add(date.values[row] as number)
        if (isValid(delay, row)) ours.delay.add(delay.values[row] as number)
        const name = textValue(origin, row) ?? 'none'
        ours.origin.set(name, (ours.origin.get(name) ?? 0) + 1)
      }
      rows += batch.length
    })
    expect(rows).toBe(3_000_000)
    expect(dictionaries.size).toBe(1)

    const theirs = { date: new Summary(), delay: new Summary(), origin: new Map<string, number>() }
    await parquetRead({
      file: { byteLength: bytes.length, slice: (start, end) => bytes.slice(start, end).buffer },
      columns: ['date', 'delay', 'origin'],
      compressors,
      onChunk: ({ columnName, columnData }) => {
        for (const value of columnData as ArrayLike<unknown> & Iterable<unknown>) {
          if (columnName === 'origin')
            theirs.origin.set(String(value), (theirs.origin.get(String(value)) ?? 0) + 1)
          else if (columnName === 'delay') theirs.delay.add(Number(value))
          else theirs.date.add((value as Date).getTime() * 1000)
        }
      },
    })
    expect(ours).toEqual(theirs)
  })

  it('say what they are without being read', async () => {
    const bytes = new Uint8Array(readFileSync(path))
    const file = fileOf(bytes)
    const summary = await parquet().summarize(file, undefined as never)
    expect(summary.rows).toBe(3_000_000)
    expect(summary.groups).toHaveLength(11)
    expect(summary.schema.fields).toEqual([
      { name: 'date', type: { kind: 'timestamp', unit: 'us', zoned: false }, nullable: true },
      { name: 'delay', type: { kind: 'int64', rows: 'number' }, nullable: true },
      { name: 'distance', type: { kind: 'int64', rows: 'number' }, nullable: true },
      { name: 'origin', type: { kind: 'string' }, nullable: true },
      { name: 'destination', type: { kind: 'string' }, nullable: true },
    ])
    expect(file.bytesRead).toBeLessThan(100_000)
  })
})
