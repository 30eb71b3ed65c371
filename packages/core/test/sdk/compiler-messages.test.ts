// What the compiler prints for slips that everybody makes once: short, at the right place, with the right names.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const caches = join(root, 'node_modules', '.cache')

const head = `
import { memorySink, pipeline, schema, t, tumbling } from 'SRC/index.ts'
import { ndjson } from 'SRC/connect/files/index.ts'
const Flight = schema({ date: t.timestamp(), origin: t.string(), delay: t.int32().nullable(), cancelled: t.boolean() })
const Airport = schema({ iata: t.string(), name: t.string() })
export default pipeline('x', (p) => {
  const flights = p.read('flights', ndjson('x', { schema: Flight, eventTime: 'date' }))
  const airports = p.read('airports', ndjson('x', { schema: Airport }))
  const hours = flights.keyBy('a', 'origin').window(tumbling('1 hour'))
`

/** Each slip with what the first line of its message holds, and the word that the message points at. */
const slips: readonly { readonly code: string; readonly says: string; readonly at: string }[] = [
  { code: "flights.keyBy('k', 'orign')", at: "'orign'", says: '"cancelled" | "date" | "delay" | "origin" | ' },
  { code: "flights.keyBy('k', ['date', 'orign'])", at: "'orign'", says: 'Did you mean \'"origin"\'?' },
  { code: "flights.select('s', ['orign'])", at: "'orign'", says: 'Did you mean \'"origin"\'?' },
  { code: "flights.select('s', { from: 'orign' })", at: 'from', says: 'Did you mean \'"origin"\'?' },
  { code: "flights.filter('f', (f) => f.dely > 5)", at: 'dely', says: "Did you mean 'delay'?" },
  { code: "flights.filter('f', (f) => f.delay > 5)", at: 'f.delay', says: "'f.delay' is possibly 'null'" },
  { code: "hours.aggregate('h', (a) => ({ x: a.sum('dely') }))", at: "'dely'", says: '\'"delay" | ExpressionOf' },
  { code: "hours.aggregate('h', (a) => ({ x: a.sum('origin') }))", at: "'origin'", says: '\'"delay" | ExpressionOf' },
  { code: "hours.aggregate('h', (a) => ({ x: a.mean('origin') }))", at: "'origin'", says: '\'"cancelled" | "delay" | Exp' },
  { code: "hours.aggregate('h', (a) => ({ x: a.sum((c) => c.dely) }))", at: 'dely', says: "Did you mean 'delay'?" },
  { code: "hours.aggregate('h', (a) => ({ x: a.top('orign', 3) }))", at: "'orign'", says: '\'"cancelled" | "date" | "delay" | "origin" | Exp' },
  { code: "hours.aggregate('h', (a) => ({ x: a.top('dely', 3, { columns: ['origin'] }) }))", at: "'dely'", says: '"delay" | "origin" | Exp' },
  { code: "hours.aggregate('h', (a) => ({ x: a.top('delay', 3, { columns: ['orign'] }) }))", at: "'orign'", says: 'Did you mean \'"origin"\'?' },
  { code: "hours.aggregate('h', (a) => ({ x: a.top('delay', 3, { ordr: 'asc' }) }))", at: 'ordr', says: "to write 'order'?" },
  { code: "flights.where('w', (c) => c.orgin.eq('x'))", at: 'orgin', says: "Did you mean 'origin'?" },
  { code: "flights.where('w', (c) => c.origin.gt(5))", at: '5', says: "'Operand<string>'" },
  { code: "flights.where('w', (c) => c.delay.add(1))", at: '\\(c\\) =>', says: '=> TypedValue<number | null>' },
  { code: "flights.where('w', 'delay')", at: "'delay'", says: '\'"cancelled" | ExpressionOf' },
  { code: "flights.write('w', memorySink<{ iata: string }>())", at: 'memorySink', says: "'MemorySink<{ iata: string; }>'" },
  { code: "flights.omit('o', 'orign')", at: "'orign'", says: '\'"cancelled" | "date" | "delay" | "origin"\'' },
  { code: "flights.rename('o', { orign: 'from' })", at: 'orign', says: "Did you mean to write 'origin'?" },
  { code: "flights.union('u', airports)", at: 'airports', says: "'RejectingStream<{ readonly iata: string" },
  { code: "flights.write('w', ndjson('o', { schema: Airport }))", at: 'ndjson', says: "'FileDataset<{ readonly iata" },
  { code: "flights.keyBy('origin')", at: 'keyBy', says: 'Expected 2 arguments, but got 1' },
  { code: "flights.keyBy('k', 'origin').window('1 hour')", at: "'1 hour'", says: 'TimeWindow' },
  { code: "flights.lookupJoin('j', airports, { on: { origin: 'iat' }, select: {} })", at: 'origin:', says: 'Did you mean \'"iata"\'?' },
  { code: "flights.lookupJoin('j', airports, { on: { delay: 'iata' }, select: {} })", at: 'delay:', says: "'string' is not assignable to type 'undefined'" },
  { code: "p.read('r', ndjson('x', { schema: Flight }), { eventTime: 'dat' })", at: 'eventTime', says: 'Did you mean \'"date"\'?' },
] // prettier-ignore

/** A dataset is made by one of two functions; what is told must be about the one with a schema. */
const ofDataset = "p.read('r', ndjson('x', { schema: Flight, eventTime: 'dat' }))"

const ofPartitions = "ndjson('o', { schema: Flight, partitionBy: ['orign'] })"

interface Message {
  readonly column: number
  readonly text: string
}

/** Longest line of a message: it has to be read in a terminal. */
const LINE_MAX = 420

describe('messages of the compiler', () => {
  let folder = ''
  let messages: ReadonlyMap<number, Message> = new Map()
  let output = ''

  beforeAll(() => {
    mkdirSync(caches, { recursive: true })
    folder = mkdtempSync(join(caches, 'messages-'))
    const source = relative(folder, join(root, 'packages/core/src')).replaceAll('\\', '/')
    const file = join(folder, 'slips.ts')
    const begin = head.replaceAll('SRC', source)
    writeFileSync(
      file,
      `${begin}${slips.map(({ code }) => `${code}\n`).join('')}${ofDataset}\n${ofPartitions}\n})\n`,
    )
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--skipLibCheck']
    const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const args = [
      tsc,
      '--ignoreConfig',
      ...options,
      ...types,
      '--allowImportingTsExtensions',
      '--pretty',
      'false',
      file,
    ]
    output = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder }).stdout
    messages = messagesByLine(output, begin.split('\n').length)
  }, 60_000)

  it('of a dataset with a wrong column name the one that is meant', () => {
    expect(output).toMatch(
      /No overload matches[^\n]*\n[^\n]*\n +Type '"dat"' is not [^\n]* Did you mean '"date"'/,
    )
  })

  it('of a sink that is partitioned by no column of its rows the one that is meant', () => {
    expect(output).toMatch(
      /No overload matches[^\n]*\n[^\n]*\n +Type '"orign"' is not [^\n]* Did you mean '"origin"'/,
    )
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(slips.map((slip, at) => ({ ...slip, number: at })))('$code', ({ code, says, at, number }) => {
    const message = messages.get(number)
    expect(message?.text).toContain(says)
    expect(code.slice((message?.column ?? 0) - 1)).toMatch(new RegExp(`^${at.replace(/[.]/g, '\\$&')}`))
    expect(message?.text).not.toMatch(/RowOfTypes|ColumnType<|No overload/)
    expect(message?.text.length).toBeLessThan(LINE_MAX)
  })
})

/** The first message of each line, counted from `first`. */
function messagesByLine(output: string, first: number): ReadonlyMap<number, Message> {
  const found = new Map<number, Message>()
  for (const [, line, column, text = ''] of output.matchAll(/^slips\.ts\((\d+),(\d+)\): error (.*)$/gm)) {
    const at = Number(line) - first
    if (!found.has(at)) found.set(at, { column: Number(column), text })
  }
  return found
}
