// Borders between phases: what senders say reaches receivers as it was sent, whatever the writing has to wait for.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StateRows } from '../../src/checkpoint/state-file.ts'
import { batchOfRows, batchToRows, decodeBatch, encodeBatch, schema, t } from '../../src/data/index.ts'
import type { Batch } from '../../src/data/index.ts'
import { borderParts, BorderReader, BorderWriter } from '../../src/engine/index.ts'
import type { BorderChannel } from '../../src/engine/index.ts'
import type { Receiver } from '../../src/engine/output-port.ts'

const Row = schema({ n: t.int32().nullable(), text: t.string() })

const channels: readonly BorderChannel[] = [0, 1, 2].map((task) => ({
  exchange: { from: { step: 'a', port: 'main' }, to: { step: 'b', input: 0 }, exchange: { kind: 'gather' } },
  task,
  tasks: 3,
  schema: Row,
}))

type Said =
  | { readonly channel: number; readonly rows: readonly object[] }
  | { readonly channel: number; readonly say: 'watermark' | 'idle' | 'end'; readonly value: number | boolean }

const said = fc.array(
  fc.oneof(
    fc.record({
      channel: fc.nat(2),
      rows: fc.array(fc.record({ n: fc.option(fc.integer({ min: -9, max: 9 })), text: fc.string() }), {
        maxLength: 4,
      }),
    }),
    fc.record({
      channel: fc.nat(2),
      say: fc.constant('watermark' as const),
      value: fc.oneof(fc.integer(), fc.constantFrom(-Infinity, Infinity)),
    }),
    fc.record({
      channel: fc.nat(2),
      say: fc.constantFrom('idle' as const, 'end' as const),
      value: fc.boolean(),
    }),
  ),
  { maxLength: 30 },
)

/** A sender's batch: every other row is there, and all of it is overwritten behind the call. */
function push(receiver: Receiver, rows: readonly object[]): void {
  const between = rows.flatMap((row) => [row, { n: 0, text: 'not there' }])
  const batch = batchOfRows(Row, between as { n: number; text: string }[])
  const selection = Int32Array.from(rows, (_, at) => 2 * at)
  receiver.push({ ...batch, selection, selectedCount: rows.length })
  selection.fill(0)
}

function tell(receiver: Receiver, one: Said): void {
  if ('rows' in one) push(receiver, one.rows)
  else if (one.say === 'watermark') receiver.watermark(one.value as number)
  else receiver[one.say](one.value as boolean)
}

/** Says things on one side of a border and gives what is heard on the other. */
async function across(things: readonly Said[], slow: boolean): Promise<readonly Said[]> {
  const blocks: { readonly part: string; readonly bytes: Uint8Array }[] = []
  const schemas = new Map(borderParts(channels).map((part) => [part.name, part.schema]))
  let appending = 0
  const writer = new BorderWriter({
    channels,
    groups: [0, 128],
    append: async ({ part, batch }) => {
      expect(appending++).toBe(0)
      blocks.push({ part, bytes: encodeBatch(batch) })
      if (slow) for (let turns = 0; turns < 3; turns++) await Promise.resolve()
      appending--
    },
    failed: (error) => expect.unreachable(String(error)),
  })
  for (const [at, one] of things.entries()) {
    tell((writer.channels[one.channel] as (typeof writer.channels)[number]).receiver, one)
    // Several things are said in one step.
    if (at % 3 === 0) await writer.busy
  }
  await writer.finish()

  const heard: Said[] = []
  async function* rows(): AsyncGenerator<StateRows> {
    for (const { part, bytes } of blocks)
      yield { part, groups: [0, 128], batch: decodeBatch(bytes, schemas.get(part) ?? Row) }
  }
  const reader = new BorderReader({
    forTable: false,
    rows: rows(),
    channels: channels.map(({ exchange, task, tasks }) => ({ exchange, sender: { task, tasks } })),
    events: { wake: () => undefined, failed: (error) => expect.unreachable(String(error)) },
  })
  reader.connect((_, { task: channel }) => {
    const receiver: Receiver = {
      push: () => undefined,
      watermark: (value) => heard.push({ channel, say: 'watermark', value }),
      idle: (value) => heard.push({ channel, say: 'idle', value }),
      end: (value) => heard.push({ channel, say: 'end', value }),
    }
    const route = (batch: Batch): void => void heard.push({ channel, rows: batchToRows(batch) })
    return { route, receivers: [receiver] }
  })
  await reader.open()
  while (!reader.done) {
    const before = heard.length
    if (!reader.turn(true)) await Promise.resolve()
    expect(heard.length - before).toBeLessThanOrEqual(1)
  }
  await reader.close()
  return heard
}

describe('a border between two phases', () => {
  it('BO1, BO2, BO3: hands on everything in the order in which it was said, one thing at a time', async () => {
    await fc.assert(
      fc.asyncProperty(said, fc.boolean(), async (things, slow) => {
        const some = things.filter((one) => !('rows' in one) || one.rows.length > 0)
        expect(await across(some, slow)).toEqual(some)
      }),
    )
  })

  it('BO4: reads only a few batches ahead', async () => {
    let read = 0
    async function* endless(): AsyncGenerator<StateRows> {
      const batch = batchOfRows(Row, [{ n: 1, text: 'a' }])
      for (;;) {
        read++
        yield { part: 'rows 0', groups: [0, 128], batch }
      }
    }
    const reader = new BorderReader({
      forTable: false,
      rows: endless(),
      channels: [{ exchange: (channels[0] as BorderChannel).exchange, sender: { task: 0, tasks: 1 } }],
      events: { wake: () => undefined, failed: () => undefined },
    })
    let rows = 0
    reader.connect(() => ({ route: () => void rows++, receivers: [] }))
    await reader.open()
    for (let turn = 0; turn < 200; turn++) {
      reader.turn(true)
      await Promise.resolve()
      expect(read - rows).toBeLessThanOrEqual(5)
    }
    expect(rows).toBeGreaterThan(20)
    await reader.close()
    expect(reader.turn(false)).toBe(false)
  })

  it('tells at once when it cannot be written, and takes nothing more', async () => {
    const failures: unknown[] = []
    const full = new Error('the disk is full')
    const writer = new BorderWriter({
      channels,
      groups: [0, 128],
      append: () => Promise.reject(full),
      failed: (error) => failures.push(error),
    })
    const { receiver } = writer.channels[0] as (typeof writer.channels)[number]
    push(receiver, [{ n: 1, text: '' }])
    await writer.busy
    expect(failures).toEqual([full])
    expect(() => push(receiver, [{ n: 2, text: '' }])).toThrow(full)
    await expect(writer.finish()).rejects.toBe(full)
  })
})
