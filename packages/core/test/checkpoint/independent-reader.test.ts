// The documented formats suffice to read what the product writes: a reader made from the pages alone gives the same.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../src/checkpoint/index.ts'
import type { Manifest } from '../../src/checkpoint/index.ts'
import { memoryRows, memorySink, memoryStream } from '../../src/connect/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import {
  batchOfRows,
  encodeBatch,
  hashKeyRow,
  KeyEncoder,
  rowCount,
  rowIndex,
  schemaToJson,
} from '../../src/data/index.ts'
import { createNodeHost } from '../../src/host/node/index.ts'
import { pipeline, schema, state, t, tumbling } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions } from '../../src/runtime/index.ts'
import { ValueEncoder } from '../../src/state/value-codec.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'
import { arbitraryBatch } from '../data/arbitrary.ts'
import {
  bytesOfKey,
  hashOfKey,
  readBatch,
  readEncoded,
  readEntry,
  readJournalBytes,
  readStateFile,
} from './independent-reader.ts'
import type { RawSchema, RawType, RawValue } from './independent-reader.ts'

describe('a reader made from docs/internals', () => {
  it('finds the example of the page in what is written', () => {
    const of = schema({ a: t.int32(), s: t.string().nullable() })
    const batch = batchOfRows(of, [{ a: -1, s: 'é' }, { a: 7, s: null }]) // prettier-ignore
    const page = readFileSync(new URL('../../../../docs/internals/encodings.md', import.meta.url), 'utf8')
    const block = page.split('### An example')[1]?.split('```')[1] ?? ''
    const hex = block.match(/\b[0-9a-f]{8}\b/g)?.join('')
    expect(Buffer.from(encodeBatch(batch)).toString('hex')).toBe(hex)
  })

  it('finds the keys of the page as they are hashed and written', () => {
    const page = readFileSync(new URL('../../../../docs/internals/encodings.md', import.meta.url), 'utf8')
    const list = { kind: 'list', element: { type: { kind: 'uint8' } } }
    const keys: readonly (readonly [string, RawType, RawValue])[] = [
      ['null', { kind: 'int32' }, null],
      ['0, also 0.0, false, 1970-01-01 and an empty text', { kind: 'string' }, Buffer.from('')],
      ['1', { kind: 'int32' }, 1],
      ['−1', { kind: 'int8' }, -1],
      ['2^53, an integer', { kind: 'int64' }, 2n ** 53n],
      ['0.5', { kind: 'float64' }, 0.5],
      ['NaN', { kind: 'float32' }, Number.NaN],
      ['`ORD`', { kind: 'string' }, Buffer.from('ORD')],
      ['`Zürich`', { kind: 'string' }, Buffer.from('Zürich')],
      ['decimal 12.50 of scale 2', { kind: 'decimal' }, 1250],
      ['decimal 10^37 of scale 0', { kind: 'decimal' }, 10n ** 37n],
      ['the list (1, 2)', list, [1, 2]],
      ['the interval of 1 month, 2 days, 3 microseconds', { kind: 'interval' }, [1, 2, 3]],
      ['int32 −1', { kind: 'int32' }, -1],
      ['int64 1', { kind: 'int64' }, 1],
      ['uint64 2^64 − 1', { kind: 'uint64' }, 2n ** 64n - 1n],
      ['float64 1', { kind: 'float64' }, 1],
      ['float64 −1', { kind: 'float64' }, -1],
      ['decimal −0.1 of scale 1', { kind: 'decimal' }, -1],
      ['the text `a`, NUL, `b`', { kind: 'string' }, Buffer.from('a\0b')],
      ['the list of uint8 (7, null)', list, [7, null]],
    ]
    const rows = [...page.matchAll(/^\| (.+?) +\| `([0-9a-f ]+)` +\|$/gm)].map(([, label = '', hex = '']) => {
      const [, type, value] = keys.find(([name]) => name === label) ?? ['', { kind: 'none' }, null]
      const fields = [{ name: 'key', type }]
      const hash = hashOfKey(fields, [value]).toString(16).padStart(8, '0')
      return [label, hex, hex.length === 8 ? hash : bytesOfKey(fields, [value]).toString('hex')]
    })
    expect(rows.map(([label]) => label)).toEqual(keys.map(([name]) => name))
    for (const [label, hex = '', found] of rows)
      expect([label, hex.replaceAll(' ', '')]).toEqual([label, found])
  })

  it('reads any batch, and knows its keys by hash and bytes', () => {
    fc.assert(
      fc.property(arbitraryBatch(), ({ schema: of, batch }) => {
        const form = JSON.parse(JSON.stringify(schemaToJson(of))) as RawSchema
        const rows = readBatch(encodeBatch(batch), form)
        expect(rows.length).toBe(rowCount(batch))
        const encoder = new KeyEncoder()
        for (const [n, row] of rows.entries()) {
          const index = rowIndex(batch, n)
          // The bytes of a key are those of its value, so equal bytes are equal rows.
          const expected = Buffer.from(encoder.encode(batch.columns, index)).toString('hex')
          expect(bytesOfKey(form.fields, row).toString('hex')).toBe(expected)
          expect(hashOfKey(form.fields, row)).toBe(hashKeyRow(batch.columns, index) >>> 0)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('reads values that are encoded in cells', () => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.string({ unit: 'grapheme' }),
      fc.boolean(),
      fc.bigInt(),
      fc.constantFrom(null, undefined),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
        fc.array(fc.tuple(leaf, tie('value'))).map((entries) => new Map(entries)),
        fc.array(leaf).map((values) => new Set(values)),
      ),
    }))
    const encoder = new ValueEncoder({ faithful: true })
    const encoded = (of: unknown): Uint8Array => {
      encoder.encode(of)
      return encoder.bytes.slice(0, encoder.length)
    }
    fc.assert(
      fc.property(value, (of) => {
        expect(readEncoded(encoded(of))).toEqual(of)
      }),
    )
    expect(readEncoded(encoded([Uint8Array.of(7, 0), Float64Array.of(0.5), BigInt64Array.of(-1n)]))).toEqual([
      Buffer.of(7, 0),
      { kind: 7, values: [0.5] },
      { kind: 8, values: [-1n] },
    ])
  })

  it('reads the state of a job from its directory', async () => {
    const host = createManualHost()
    await run(host, counting.build(), { stopWhenIdleMs: 1, epochIntervalMs: 60_000 })
    const newest = manifestsOf(host).at(-1) as Manifest
    const blocks = newest.state.flatMap((file) =>
      readStateFile(host.files.get(`/state/${file.name}`) as Uint8Array, file),
    )
    const rowsOf = (part: string): unknown[] =>
      blocks
        .filter((block) => block.part === part)
        .flatMap(({ rows }) => rows.map(readable))
        .toSorted((left, right) => (String(left) < String(right) ? -1 : 1))
    // key, /removed, last, big: a bigint is an encoded value
    const values = rowsOf('values') as [string, number, number, string][]
    expect(
      values.map(([key, removed, last, big]) => [key, removed, last, readEncoded(Buffer.from(big))]),
    ).toEqual([
      ['a', 0, 3, 2n ** 60n + 3n],
      ['b', 0, 2, 2n ** 60n + 2n],
    ])
    // key, /pane, rows: the windows before it have fired.
    expect(rowsOf('panes')).toEqual([['a', 2000, 1]])
    for (const { part, fields, groups, rows } of blocks) {
      if (part !== 'values' && part !== 'panes') continue
      for (const row of rows) {
        const group = hashOfKey(fields.slice(0, 1), row.slice(0, 1)) % 128
        expect(group >= groups[0] && group < groups[1]).toBe(true)
      }
    }
  })

  it('reads what an output of files holds back', async () => {
    const host = createManualHost()
    await run(host, writing.build(), { epochIntervalMs: 15, batchRows: 4 })
    const committable = manifestsOf(host)
      .flatMap(({ pending }) => pending.map((owed) => owed.committable as unknown as Committable))
      .findLast(({ held }) => held.journals.length > 0)
    const { journals, files } = (committable as Committable).held
    const open = new Set(files.map(({ number }) => number))
    const found = journals.flatMap((reference) =>
      readJournalBytes(host.files.get(`/out/${reference.name}`) as Uint8Array, reference),
    )
    const held = found.filter(([file]) => open.has(file)).map(([, row]) => readable(row))
    // Rows go into the one open file in their order.
    const [first] = held.map(([n]) => n as number)
    expect(held.length).toBeGreaterThan(3)
    expect(held).toEqual(held.map((_, at) => [(first as number) + at, `row ${(first as number) + at}`, null]))
  })
})

const Reading = schema({ key: t.string(), n: t.int32(), at: t.timestamp('ms') })
const readings = [
  { key: 'a', n: 1, at: 0 },
  { key: 'b', n: 2, at: 1000 },
  { key: 'a', n: 3, at: 2000 },
]

const counting = pipeline('counting', (p) => {
  const stream = memoryStream(Reading)
  stream.push(...readings)
  const keyed = p.read('rows', stream, { eventTime: 'at' }).keyBy('by-key', 'key')
  keyed
    .process('keep', {
      state: { last: state.value(t.int32()), big: state.value(t.int64().bigint()) },
      output: Reading,
      onRow({ n }, { state: kept }) {
        kept.last.set(n)
        kept.big.set(2n ** 60n + BigInt(n))
      },
    })
    .write('out', memorySink() as never)
  keyed
    .window(tumbling('1 s'))
    .aggregate('count', (a) => ({ rows: a.count() }))
    .write('counts', memorySink() as never)
})

const Line = schema({ n: t.int32(), text: t.string(), none: t.float64().nullable() })
const lines = Array.from({ length: 400 }, (_, n) => ({ n, text: `row ${n}`, none: null }))

const writing = pipeline('writing', (p) => {
  p.read('rows', memoryRows(Line, lines)).write('out', ndjson('out', { roll: { size: 2000 } }))
})

interface Committable {
  readonly held: {
    readonly journals: readonly { readonly name: string; readonly bytes: number; readonly checksum: number }[]
    readonly files: readonly { readonly number: number }[]
  }
}

/** Runs with a clock that moves when it is looked at, so that epochs come. */
async function run(host: ManualHost, plan: ConstructorParameters<typeof Job>[0], options: Partial<JobOptions>): Promise<void> {
  let now = 1_700_000_000_000
  const real = createNodeHost()
  const moving = {
    ...host,
    clock: { ...host.clock, now: () => now, monotonic: () => now++ },
    timers: { ...real.timers, set: (_: number, callback: () => void) => real.timers.set(0, callback) },
  }
  const store = new DirectoryStore(moving, '/state')
  await new Job(plan, { host: moving, state: store, mode: 'continuous', ...options }).run()
} // prettier-ignore

/** The manifests of a log, oldest first. */
function manifestsOf(host: ManualHost): readonly Manifest[] {
  return host.files
    .paths('/state/log')
    .toSorted()
    .map((path) => readEntry(host.files.get(path) as Uint8Array, Number(path.slice(-12))) as Manifest)
    .filter(({ kind }) => kind === 'manifest')
}

/** Texts as texts. */
function readable(row: readonly RawValue[]): readonly unknown[] {
  return row.map((value) => (Buffer.isBuffer(value) ? value.toString('utf8') : value))
}
