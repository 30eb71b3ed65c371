// Whole files as they lie on a disk are frozen: what is written today is read for ever. Another byte here needs another
// version of the format, and code that still reads this one. docs/internals says what each byte is.
import { describe, expect, it } from 'vitest'
import { DirectoryStore, StateFileReader, StateFileWriter } from '../../src/checkpoint/index.ts'
import { JournalEncoder, readBlocks } from '../../src/connect/journal-blocks.ts'
import { batchOfRows, batchToRows, encodeBatch, schema, t } from '../../src/data/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import { readJournalBytes, readStateFile } from './independent-reader.ts'

const host = createManualHost()
const checks = host.bytes
const lost = (reason: string): Error => new Error(reason)
const fromHex = (lines: readonly string[]): Buffer => Buffer.from(lines.join(''), 'hex')
const hexLines = (bytes: Uint8Array): readonly string[] | null =>
  Buffer.from(bytes)
    .toString('hex')
    .match(/.{1,64}/g)

describe('a whole file of state', () => {
  const values = schema({ key: t.string().nullable(), total: t.int64().bigint(), '/removed': t.boolean() })
  const timers = schema({ key: t.string().nullable(), '/time': t.timestamp() })
  const valueRows = [
    { key: 'é', total: 3n, '/removed': false },
    { key: null, total: 2n ** 60n, '/removed': true },
  ]
  const timerRows = [{ key: 'b', '/time': -5 }]
  const reference = {
    name: 'state/a1-e7-0',
    bytes: 859,
    checksum: '9b8275e22257cadb7bfcc082168b96e6143833c4772b0fe771685e30b27fe83e',
  }
  // The first block to the first half of the fifth line, then the second.
  const blocks = [
    '4d52434201000000900000000200000003000000000000000000000000000000',
    '020000000c0000000200000001000000fd000000000000000200000000000000',
    '00000000000000000200000000000000c3a90000000000000100000004000000',
    '0200000000000000030000000000000000000000000000100000000000000000',
    '020000000000000000010000000000004d524342010000006800000001000000',
    '02000000000000000000000000000000020000000c0000000100000000000000',
    '0100000000000000000000000000000001000000000000006200000000000000',
    '0000000010000000010000000000000000000000000014c0',
  ]
  const footer =
    '{"about":{"kind":"process","keys":[{"name":"key","of":["ä"]}],"state":[]},' +
    '"parts":[{"name":"values","schema":{"version":1,"fields":[' +
    '{"name":"key","type":{"kind":"string"},"nullable":true},' +
    '{"name":"total","type":{"kind":"int64","rows":"bigint"},"nullable":false},' +
    '{"name":"/removed","type":{"kind":"boolean"},"nullable":false}]}},' +
    '{"name":"timers","schema":{"version":1,"fields":[' +
    '{"name":"key","type":{"kind":"string"},"nullable":true},' +
    '{"name":"/time","type":{"kind":"timestamp","unit":"ms","zoned":false},"nullable":false}]}}],' +
    '"blocks":[[0,0,144,2698727902,0,64,2,1],[1,144,104,2602857251,64,128,1]]}'
  const trailer = '4d5253540100000057020000'
  const bytes = Buffer.concat([fromHex(blocks), Buffer.from(footer), fromHex([trailer])])

  it('is written as it was', async () => {
    const store = new DirectoryStore(host, '/written')
    const parts = [
      { name: 'values', schema: values },
      { name: 'timers', schema: timers },
    ]
    const about = { kind: 'process', keys: [{ name: 'key', of: ['ä'] }], state: [] }
    const writer = await StateFileWriter.begin(store, reference.name, { checks, parts, about })
    const batch = batchOfRows(values, valueRows)
    await writer.append({ part: 'values', groups: [0, 64], batch, following: 1 })
    await writer.append({ part: 'timers', groups: [64, 128], batch: batchOfRows(timers, timerRows) })
    expect(await writer.finish()).toEqual(reference)
    const written = Buffer.from(host.files.get(`/written/${reference.name}`) as Uint8Array)
    expect(hexLines(written.subarray(0, 248))).toEqual(blocks)
    expect(written.toString('utf8', 248, written.length - 12)).toBe(footer)
    expect(written.toString('hex', written.length - 12)).toBe(trailer)
  })

  it('is read as it was written', async () => {
    const store = new DirectoryStore(host, '/read')
    await store.create(reference.name, bytes)
    const reader = await StateFileReader.open(store, reference, checks)
    const found: unknown[] = []
    for await (const { part, groups, batch } of reader.read()) found.push([part, groups, batchToRows(batch)])
    expect(found).toEqual([
      ['values', [0, 64], valueRows],
      ['timers', [64, 128], timerRows],
    ])
    expect(readStateFile(bytes, reference).map(({ part, rows }) => [part, rows])).toEqual([
      ['values', [[Buffer.from('é'), 3n, 0], [null, 2n ** 60n, 1]]],
      ['timers', [[Buffer.from('b'), -5]]],
    ]) // prettier-ignore
  })
})

describe('members that came with a later release', () => {
  it('are passed over, in the footer and in schemas', async () => {
    const name = 'state/a1-e1-0'
    const batch = encodeBatch(batchOfRows(schema({ n: t.int32() }), [{ n: 7 }]))
    const block = [0, 0, batch.length, checks.crc32(batch, checks.crc32(Buffer.from(`${name} 0`))), 0, 128, 1]
    const field = { name: 'n', type: { kind: 'int32', later: 1 }, nullable: false, later: 1 }
    const part = { name: 'values', schema: { version: 1, fields: [field], later: 1 }, later: 1 }
    const footer = Buffer.from(JSON.stringify({ later: 1, parts: [part], blocks: [block] }))
    const trailer = Buffer.from('4d5253540100000000000000', 'hex')
    trailer.writeUInt32LE(footer.length, 8)
    const bytes = Buffer.concat([batch, footer, trailer])
    const checksum = checks.sha256([Buffer.from(`${name}\n`), footer])
    const store = new DirectoryStore(host, '/later')
    await store.create(name, bytes)
    const reader = await StateFileReader.open(store, { name, bytes: bytes.length, checksum }, checks)
    const found: unknown[] = []
    for await (const rows of reader.read()) found.push(...batchToRows(rows.batch))
    expect(found).toEqual([{ n: 7 }])
  })
})

describe('a whole journal', () => {
  const Line = schema({ n: t.int32(), text: t.string().nullable() })
  const first = [
    { n: 1, text: 'é' },
    { n: 2, text: null },
    { n: 3, text: '' },
  ]
  const second = [{ n: 4, text: 'x' }]
  const reference = { name: '_staged/0123456789ab-a1-t0-0.journal', bytes: 448, checksum: 2981719905 }
  const header = '4d524a4c010000008800000000000000'
  const text =
    '{"version":1,"fields":[{"name":"n","type":{"kind":"int32"},"nullable":false},' +
    '{"name":"text","type":{"kind":"string"},"nullable":true}]} '
  const blocks = [
    '9800000003000000fa154a980000000000000000010000000000000000000000',
    '4d52434201000000880000000300000002000000000000000000000000000000',
    '0000000003000000030000000000000001000000020000000300000000000000',
    '020000000c0000000300000001000000fd000000000000000200000000000000',
    '0000000000000000000000000000000002000000000000000000000000000000',
    'c3a90000000000007000000001000000616fb9b1000000000200000000000000',
    '4d52434201000000680000000100000002000000000000000000000000000000',
    '000000000300000001000000000000000400000000000000020000000c000000',
    '0100000000000000010000000000000000000000000000000100000000000000',
    '7800000000000000',
  ]
  const bytes = Buffer.concat([fromHex([header]), Buffer.from(text), fromHex(blocks)])

  it('is written as it was', () => {
    const encoder = new JournalEncoder(checks, reference.name, Line)
    const written = [Buffer.from(encoder.header)]
    for (const { rows, files } of [{ rows: first, files: Int32Array.of(0, 1, 0) }, { rows: second, files: 2 }])
      for (const piece of encoder.encode({ batch: batchOfRows(Line, rows), files })) written.push(Buffer.from(piece))
    expect(encoder.header.length).toBe(16 + text.length)
    expect(hexLines(encoder.header.subarray(0, 16))).toEqual([header])
    expect(Buffer.from(encoder.header).toString('utf8', 16)).toBe(text)
    expect(hexLines(Buffer.concat(written.slice(1)))).toEqual(blocks)
    expect(encoder.checksum).toBe(reference.checksum)
  }) // prettier-ignore

  it('is read as it was written', async () => {
    const read = async (at: number, length: number): Promise<Uint8Array> =>
      Uint8Array.from(bytes.subarray(at, at + length))
    const found: unknown[] = []
    for await (const { batch, files } of readBlocks({ checks, reference, read, lost: lost as never }))
      found.push([[...files], batchToRows(batch)])
    expect(found).toEqual([
      [[0, 1, 0], first],
      [[2], second],
    ])
    expect(readJournalBytes(bytes, reference)).toEqual([
      [0, [1, Buffer.from('é')]],
      [1, [2, null]],
      [0, [3, Buffer.from('')]],
      [2, [4, Buffer.from('x')]],
    ])
  })
})
