import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePartition, partitionFolder } from '../../../src/connect/files/partition-path.ts'

const text = fc
  .string({ unit: 'binary' })
  .filter((value) => !/[\ud800-\udfff]/.test(value.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, '')))

describe('partition folders', () => {
  test('every value comes back as it was', () => {
    fc.assert(
      fc.property(
        text.filter((name) => name !== ''),
        fc.option(text),
        (column, value) => {
          const folder = partitionFolder(column, value)
          // eslint-disable-next-line no-control-regex
          expect(folder).not.toMatch(/[/\u0000\\]/)
          expect(parsePartition(folder)).toEqual({ column, value })
        },
      ),
    )
  })

  test('null, the word for null and empty text are three values', () => {
    const word = '__HIVE_DEFAULT_PARTITION__'
    expect(partitionFolder('a', null)).toBe(`a=${word}`)
    expect(parsePartition(partitionFolder('a', word))).toEqual({ column: 'a', value: word })
    expect(parsePartition('a=')).toEqual({ column: 'a', value: '' })
  })

  test('escapes as Hive does', () => {
    expect(partitionFolder('time', '10:30')).toBe('time=10%3A30')
    expect(partitionFolder('path', '../x')).toBe('path=..%2Fx')
    expect(parsePartition('a=100%')).toEqual({ column: 'a', value: '100%' })
  })

  test('other folders are none', () => {
    expect(parsePartition('data')).toBeUndefined()
    expect(parsePartition('=x')).toBeUndefined()
  })
})
