// What `npm run bench` can be asked for.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { allCases } from '../../bench/src/all-cases.ts'
import { HELP, readRequest } from '../../bench/src/request.ts'
import type { BenchRequest } from '../../bench/src/request.ts'

const read = (...args: string[]): BenchRequest => {
  const request = readRequest(args)
  if (request === 'help') throw new Error('help was not asked for')
  return request
}
const namesOf = (...args: string[]): string[] => read(...args).cases.map(({ name }) => name)

describe('a request for benchmarks', () => {
  it('is for all cases that are not long, three times each, unless it says otherwise', () => {
    expect(namesOf()).toEqual(allCases.filter(({ long }) => long !== true).map(({ name }) => name))
    expect(read()).toMatchObject({ json: false, repeat: 3, scale: 1, eventRate: undefined })
  })

  it('names cases, or how names begin; long ones in full', () => {
    expect(namesOf('q1', 'restore')).toEqual(['q1', 'q1-function', 'restore'])
    expect(namesOf('restore-1gb')).toEqual(['restore-1gb'])
    expect(() => read('q0', 'q9')).toThrow('no benchmark is named q9')
  })

  it('has an event rate for cases with a generator only', () => {
    expect(read('--event-rate', '5000', 'q0').eventRate).toBe(5000)
    expect(namesOf('--event-rate', '5000')).toEqual([
      'generator',
      'q0',
      'q1',
      'q2',
      'q0-function',
      'q1-function',
      'q2-function',
      'window-100k',
    ])
    expect(() => read('--event-rate', '5000', 'q0', 'memory-q0')).toThrow(
      '--event-rate has no meaning for memory-q0',
    )
  })

  it('has a scale for cases that read no whole files only', () => {
    expect(read('--scale', '0.1', 'q0').scale).toBe(0.1)
    expect(() => read('--scale', '0.1', 'ndjson-ndjson')).toThrow('--scale has no meaning for ndjson-ndjson')
  })

  it.each([
    ['--repeat', '0'],
    ['--repeat', '1.5'],
    ['--scale', '-1'],
    ['--event-rate', 'fast'],
    ['--event-rate', ''],
  ])('refuses %s %s', (option, value) => {
    expect(() => read(`${option}=${value}`, 'q0')).toThrow(`${option} is a`)
  })

  it('can be for help, which names every option and every case', () => {
    expect(readRequest(['--help'])).toBe('help')
    for (const option of ['--json', '--repeat', '--scale', '--event-rate', '--help'])
      expect(HELP).toContain(`  ${option} `)
    for (const { name } of allCases) expect(HELP).toContain(`  ${name}`)
  })
})

describe('the event rate', () => {
  it('is that of the generator: slower events fill more windows', async () => {
    const bench = allCases.find(({ name }) => name === 'window-100k')
    const [own, slow] = [await bench?.run(0.001), await bench?.run(0.001, 1000)]
    expect(slow?.units).toBe(own?.units)
    expect(slow?.rowsOut).toBeGreaterThan(own?.rowsOut ?? Number.POSITIVE_INFINITY)
  })
})

describe('DuckDB', () => {
  const bench = allCases.find(({ name }) => name === 'quickstart-duckdb')

  it.skipIf(bench?.missing?.() === undefined)('is said to be missing where it is not installed', async () => {
    const main = fileURLToPath(new URL('../../bench/src/main.ts', import.meta.url))
    const args = ['-C', 'millrace-source', '--import', 'tsx', main, 'quickstart-duckdb']
    const { stderr } = await promisify(execFile)(process.execPath, args)
    expect(stderr).toContain('not installed: npm install --no-save @duckdb/node-api')
  })
})
