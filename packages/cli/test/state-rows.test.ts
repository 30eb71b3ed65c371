// Rows of state as lines of JSON.
import { schema, t } from '@millrace/core'
import { expect, it } from 'vitest'
import { rowLine } from '../src/commands/state-rows.ts'

it('moments are texts as in exported files, wherever they are; other values stay', () => {
  const zoned = t.timestamp('ms', { zoned: true })
  const Row = schema({
    at: zoned,
    local: t.timestamp(),
    none: zoned.nullable(),
    list: t.list(zoned),
    struct: t.struct({ at: zoned, n: t.int32() }),
    map: t.map(t.string(), zoned),
    long: t.int64().bigint(),
    bytes: t.bytes(),
  })
  const row = {
    at: 0,
    local: 1_772_922_600_123,
    none: null,
    list: [-1],
    struct: { at: 1, n: 1 },
    map: new Map([['a', 2]]),
    long: 3n,
    bytes: Uint8Array.of(0, 255),
  }
  const line = rowLine({ step: 's', table: 'values', keys: [], schema: Row, rows: [row] }, row)
  expect(JSON.parse(line)).toEqual({
    table: 'values',
    at: '1970-01-01T00:00:00.000Z',
    local: '2026-03-07T22:30:00.123',
    none: null,
    list: ['1969-12-31T23:59:59.999Z'],
    struct: { at: '1970-01-01T00:00:00.001Z', n: 1 },
    map: [['a', '1970-01-01T00:00:00.002Z']],
    long: '3',
    bytes: 'AP8=',
  })
})
