import { describe, expect, test } from 'vitest'
import { expandBraces, globBase, globFiles, isGlob } from '../../../src/connect/files/glob.ts'
import { MemoryFiles } from '../../../src/testing/index.ts'

const files = new MemoryFiles()
for (const path of [
  '/d/a.csv', '/d/b.csv', '/d/b.json', '/d/c1.csv', '/d/c2.csv', '/d/c[1].csv', '/d/.hidden.csv', '/d/_staged/x.csv',
  '/d/sub/a.csv', '/d/sub/deep/a.csv', '/d/sub/deep/b.CSV', '/d/\u{1f600}.csv', '/d/new\nline.csv',
]) files.put(path, '') // prettier-ignore

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['/d/*.csv', ['/d/a.csv', '/d/b.csv', '/d/c1.csv', '/d/c2.csv', '/d/c[1].csv', '/d/new\nline.csv', '/d/\u{1f600}.csv']],
  ['/d/?.csv', ['/d/a.csv', '/d/b.csv', '/d/\u{1f600}.csv']],
  ['/d/{a,b}.{csv,json}', ['/d/a.csv', '/d/b.csv', '/d/b.json']],
  ['/d/c[0-9].csv', ['/d/c1.csv', '/d/c2.csv']],
  ['/d/c[!1].csv', ['/d/c2.csv']],
  ['/d/c[^12].csv', []],
  ['/d/c\\[1\\].csv', ['/d/c[1].csv']],
  ['/d/**/a.csv', ['/d/a.csv', '/d/sub/a.csv', '/d/sub/deep/a.csv']],
  ['/d/**', ['/d/a.csv', '/d/b.csv', '/d/b.json', '/d/c1.csv', '/d/c2.csv', '/d/c[1].csv', '/d/new\nline.csv', '/d/sub/a.csv', '/d/sub/deep/a.csv', '/d/sub/deep/b.CSV', '/d/\u{1f600}.csv']],
  ['/d/*/a.csv', ['/d/sub/a.csv']],
  ['/d/.*.csv', ['/d/.hidden.csv']],
  ['/d/_*/*.csv', ['/d/_staged/x.csv']],
  ['/d/a.(csv|json)', []],
  ['/d/[', []],
  ['d/*.json', ['d/b.json']],
  ['./d/*.json', ['d/b.json']],
] // prettier-ignore

describe('patterns', () => {
  test.each(cases)('%j', async (pattern, expected) => {
    expect((await globFiles(files, pattern)).files).toEqual(expected)
  })

  test('braces nest, and stand for themselves without a partner or a comma', () => {
    expect(expandBraces('a{b,c{d,e}}f')).toEqual(['abf', 'acdf', 'acef'])
    expect(expandBraces('{,x}y')).toEqual(['y', 'xy'])
    expect(expandBraces('a{b}c')).toEqual(['a{b}c'])
    expect(expandBraces('a{b,c')).toEqual(['a{b,c'])
    expect(expandBraces('a\\{b,c}')).toEqual(['a\\{b,c}'])
    expect(expandBraces('{a}{b,c}')).toEqual(['{a}b', '{a}c'])
  })

  test('braces have a bound', () => {
    expect(() => expandBraces('{a,b,c,d,e,f,g,h,i,j}'.repeat(4))).toThrow(/more than 1000/)
  })

  test('the base is the folder that all matches lie in', () => {
    expect(globBase('data/2001/*.csv')).toBe('data/2001')
    expect(globBase('/data/*/x.csv')).toBe('/data')
    expect(globBase('/*.csv')).toBe('/')
    expect(globBase('*.csv')).toBe('.')
    expect(globBase('a\\*b/*.csv')).toBe('a*b')
  })

  test('only unescaped characters make a pattern', () => {
    expect(['a*', 'a?', 'a[b]', '{a,b}', '*a'].map(isGlob)).toEqual([true, true, true, true, true])
    expect(['a', 'a\\*', 'a]b', 'a.csv'].map(isGlob)).toEqual([false, false, false, false])
  })
})
