// Whole numbers beyond 2^53 and beyond 64 bits: found in files and written by every sink without losing a digit.
import { describe, expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { csv, json, ndjson, parquet } from '../../../src/connect/files/index.ts'
import { memorySink, toConsole } from '../../../src/connect/index.ts'
import { Job } from '../../../src/runtime/index.ts'
import { hostWith, untilEnded } from '../../bad-input/copying.ts'

const big = ['9007199254740993', '-9007199254740993', '7', '9223372036854773760']
const huge = ['99999999999999999999', '-18446744073709551615', '1', `${'9'.repeat(37)}`]
const lists = big.map((value) => `[${value}]`)

const objects = big.map((value, row) => `{"big":${value},"huge":${huge[row]},"list":${lists[row]}}`)
const inputs = [
  ['csv', csv('in'), `big,huge\n${big.map((value, row) => `${value},${huge[row]}\n`).join('')}`],
  ['ndjson', ndjson('in'), objects.join('\n')],
  ['json', json('in'), `[${objects.join(',\n')}]`],
] as const

describe('large whole numbers', () => {
  test.each(inputs)('of a %s file are exact in every output', async (ending, input, text) => {
    const host = hostWith({ [`in/a.${ending}`]: text })
    const memory = memorySink()
    const built = await pipeline('large', (p) => {
      const rows = p.read('rows', input)
      rows.write('show', toConsole())
      rows.write('memory', memory)
      rows.write('ndjson', ndjson('out/ndjson'))
      rows.write('json', json('out/json'))
      rows.write('csv', csv('out/csv'))
      rows.write('parquet', parquet('out/parquet'))
    }).buildOn(host)
    await untilEnded(host, new Job(built, { host }).run())
    const shown = host.output.join('')
    const written = ['ndjson', 'json', 'csv'].map((folder) =>
      host.files
        .paths(`out/${folder}`)
        .map((path) => Buffer.from(host.files.get(path) ?? []).toString())
        .join(''),
    )
    for (const digits of [...big, ...huge])
      for (const one of [shown, ...written]) expect(one).toContain(digits)
    const expected = big.map((value, row) => ({ big: BigInt(value), huge: huge[row] }))
    expect(memory.rows).toMatchObject(expected)

    const back = await pipeline('back', (p) => {
      p.read('rows', parquet('out/parquet')).write('show-again', toConsole())
    }).buildOn(host)
    await untilEnded(host, new Job(back, { host }).run())
    const shownAgain = host.output.join('').slice(shown.length)
    for (const digits of [...big, ...huge]) expect(shownAgain).toContain(digits)
  })
})
