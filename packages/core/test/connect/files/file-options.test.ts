// Options that the compiler refuses already, and JavaScript, a cast or a spread object lets through.
import { describe, expect, test } from 'vitest'
import { csv, files, json, ndjson, parquet, tsv } from '../../../src/connect/files/index.ts'

const odd = (options: object): never => options as never

describe('options of files', () => {
  test('that do not exist are refused with what is near', () => {
    expect(() => csv('in', odd({ delimeter: ';' }))).toThrow(
      /csv has no option "delimeter"[\s\S]*did you mean "delimiter"\?/,
    )
    expect(() => ndjson('in', odd({ eventtime: 'a' }))).toThrow('did you mean "eventTime"?')
    expect(() => parquet('in', odd({ rowGroupRow: 5 }))).toThrow('did you mean "rowGroupRows"?')
    expect(() => json('in', odd({ delimiter: ';' }))).toThrow('json has no option "delimiter"')
    expect(() => tsv('in', odd({ delimiter: ';' }))).toThrow('tsv has no option "delimiter"')
    expect(() => files('in', odd({ header: true }))).toThrow('files has no option "header"')
    expect(() => ndjson('out', odd({ roll: { sizes: 5 } }))).toThrow('did you mean "size"?')
    expect(() => ndjson('in', odd({ eventTime: { colum: 'a' } }))).toThrow(/eventTime/)
    expect(() => ndjson('in', odd({ eventTime: { column: 'a', disorders: 5 } }))).toThrow(
      'did you mean "disorder"?',
    )
    expect(() => ndjson('in', odd({ eventTime: { column: 'a', watermark: { form: 'b' } } }))).toThrow(
      'did you mean "from"?',
    )
    expect(() => csv('in', odd({ header: undefined, eventTime: undefined }))).not.toThrow()
  })

  test.each([
    { schema: {} },
    { schema: { a: 5 } },
    { schema: null },
    { compression: 'gz' },
    { compression: 'auto' },
    { onError: 'ignore' },
    { follow: 'all' },
    { follow: null },
    { eventTime: 5 },
    { eventTime: '' },
    { eventTime: {} },
    { eventTime: null },
    { eventTime: { column: 'a', onMissing: 'skip' } },
    { eventTime: { column: 'a', watermark: 'never' } },
    { eventTime: { column: 'a', watermark: null } },
    { partitionBy: 'city' },
    { partitionBy: [5] },
    { partitionBy: null },
    { roll: 'epochs' },
    { roll: null },
    { roll: { interval: 0 } },
    { roll: { size: '5' } },
    { pollInterval: 0 },
    { splitBytes: '5' },
    { openFilesMax: Infinity },
    { delimiter: 5 },
    { delimiter: null, quote: null, comment: null },
    { delimiter: ';;' },
    { header: 'yes' },
    { header: [1, 2] },
    { nulls: 'NA' },
    { nulls: [null] },
    { trim: 'no' },
    { recordBytesMax: '5' },
    { epochUnit: 'minutes' },
    { timestamps: 'text' },
  ])('of no sense are refused: %j', (options) => {
    expect(() => csv('in', options as never)).toThrow(
      expect.objectContaining({ code: 'plan/invalid-argument' }) as Error,
    )
  })

  test('of the dialect are refused with what to do', () => {
    for (const options of [
      { delimiter: ';;' },
      { delimiter: 'a' },
      { quote: '' },
      { trim: 'no' },
    ] as never[]) {
      expect(() => csv('in', options)).toThrow(
        expect.objectContaining({
          code: 'plan/invalid-argument',
          hint: expect.stringMatching(/./) as string,
        }) as Error,
      )
    }
    expect(() => csv('in', { delimiter: '\\t\\t' })).toThrow(/'\\t' for a tab/)
  })

  test('of compression have one name for none, whatever the format', () => {
    const none = [csv('in', { compression: 'none' }), parquet('in', { compression: 'none' })]
    const same = [csv('in', { compression: 'uncompressed' }), parquet('in', { compression: 'uncompressed' })]
    const described = [none, same].map((datasets) =>
      datasets.map((made) => [made.toSource().description, made.toSink().description]),
    )
    expect(described[1]).toEqual(described[0])
    expect(JSON.stringify(described)).not.toContain('uncompressed')
  })

  test.each([null, 5, 'csv', [], true])('that are no object are refused: %j', (options) => {
    expect(() => csv('in', options as never)).toThrow(
      expect.objectContaining({ code: 'plan/invalid-argument' }) as Error,
    )
  })

  test.each([{ compression: 'lzo' }, { rowGroupRows: 0 }, { metadata: 'a' }, { metadata: { a: 5 } }])(
    'of Parquet of no sense are refused: %j',
    (options) => {
      expect(() => parquet('out', options as never)).toThrow(
        expect.objectContaining({ code: 'plan/invalid-argument' }) as Error,
      )
    },
  )

  test.each(['s3://bucket/counts', 'https://example.com/x.ndjson', 'file:///data/in'])(
    'of a place that is none of this machine are refused: %s',
    (path) => {
      expect(() => csv(path)).toThrow(expect.objectContaining({ code: 'plan/unsupported' }) as Error)
    },
  )
})
