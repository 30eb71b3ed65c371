/** Tables, strings, blocks and timers against plain maps and arrays. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tableSeed } from '../../src/data/table-seed.ts'
import type { TableSeed } from '../../src/data/table-seed.ts'
import {
  ArrayPool,
  BlockHeap,
  GroupTable,
  RecordLayout,
  StringTable,
  TimerHeap,
  ValueEncoder,
  decodeValue,
  hashSource,
  hashWords,
} from '../../src/state/index.ts'

/** One step of a model test: equal, −0 and 0 too. */
function same(actual: unknown, expected: unknown): void {
  expect(
    actual === expected || (actual !== actual && expected !== expected),
    `${String(actual)}, not ${String(expected)}`,
  ).toBe(true)
}

function makeTable(keyWords: number, pool = new ArrayPool()) {
  const layout = new RecordLayout(keyWords)
  const value = layout.add('f64', -1)
  const table = new GroupTable({ keyWords, template: layout.template(), pool })
  const at = (id: number): number => id * (table.words >> 1) + value.offset
  return { table, at }
}

describe('record layout', () => {
  it('aligns doubles, fills the holes with words, and starts records from their initial values', () => {
    const layout = new RecordLayout(1)
    const first = layout.add('f64', 2.5)
    const small = layout.add('i32', 7)
    const second = layout.add('f64', -1)
    expect(first.offset * 2).toBe(2)
    expect(small.offset).toBe(1)
    expect(second.offset * 2).toBe(4)
    expect(layout.words).toBe(6)
    const template = layout.template()
    expect(new Float64Array(template.buffer)[first.offset]).toBe(2.5)
    expect(template[small.offset]).toBe(7)
  })
})

describe('group table', () => {
  const keys = (words: number) =>
    fc.array(
      fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.integer(),
        fc.integer({ min: 0, max: 64 }).map((n) => n << 16),
      ),
      {
        minLength: words,
        maxLength: words,
      },
    )

  for (const words of [0, 1, 2, 3, 5]) {
    it(`finds what a map finds through insertions and deletions, with keys of ${words} words (G1–G4, R1, R2)`, () => {
      const operation = fc.record({
        kind: fc.constantFrom('put', 'put', 'put', 'put', 'put', 'remove', 'remove', 'reserve'),
        key: keys(words),
      })
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
          const { table, at } = makeTable(words)
          const model = new Map<string, { id: number; value: number; key: number[] }>()
          for (const [n, { kind, key }] of operations.entries()) {
            if (kind === 'reserve') table.reserve(2 * model.size + 40)
            table.key.set(key)
            const id = table.find()
            const known = model.get(String(key))
            expect(id).toBe(known?.id ?? -1)
            if (kind === 'put') {
              const record = table.findOrInsert()
              if (known === undefined) same(table.f64[at(record)], -1)
              table.f64[at(record)] = n
              model.set(String(key), { id: record, value: n, key })
            } else if (kind === 'remove' && known !== undefined) {
              table.remove(known.id)
              model.delete(String(key))
            }
          }
          expect(table.size).toBe(model.size)
          expect(table.live).toBe(model.size)
          expect(table.size).toBeLessThanOrEqual(0.6 * (table.mask + 1))
          for (const { id, value, key } of model.values()) {
            table.key.set(key)
            expect(table.find()).toBe(id)
            expect(table.f64[at(id)]).toBe(value)
          }
          const seen = new Set<number>()
          table.forEachEntry((id) => seen.add(id))
          expect(seen).toEqual(new Set([...model.values()].map(({ id }) => id)))
        }),
        { numRuns: 100 },
      )
    })
  }

  it('leaves no entry behind when all are removed, whatever collided (G3)', () => {
    const { table } = makeTable(1)
    for (let round = 0; round < 5; round++) {
      const ids = Array.from({ length: 20_000 }, (_, n) => {
        table.key[0] = n << 12
        return table.findOrInsert()
      })
      for (const id of ids) table.remove(id)
      expect(table.index.every((word) => word === 0)).toBe(true)
    }
    expect(table.high).toBe(20_000)
  })

  it('is empty after `clear`, and gives memory back that it no longer needs', () => {
    const pool = new ArrayPool()
    const { table } = makeTable(1, pool)
    for (let n = 0; n < 100_000; n++) {
      table.key[0] = n
      table.findOrInsert()
    }
    const bytes = table.index.byteLength
    for (let round = 0; round < 6; round++) {
      table.clear()
      table.key[0] = 5
      expect(table.find()).toBe(-1)
      table.findOrInsert()
    }
    expect(table.index.byteLength).toBeLessThan(bytes / 100)
  })

  it('keeps probes short for keys that are multiples of powers of two', () => {
    for (const step of [1, 2, 64, 1 << 12, 1 << 18]) {
      const { table } = makeTable(1)
      for (let n = 0; n < 8000; n++) {
        table.key[0] = n * step
        table.findOrInsert()
      }
      let distance = 0
      for (let slot = 0; slot <= table.mask; slot++) {
        if (table.index[2 * slot + 1] === 0) continue
        const home = Math.imul(table.index[2 * slot] as number, table.seed.home) >>> table.shift
        distance += (slot - home) & table.mask
      }
      expect(distance / table.size).toBeLessThan(3)
    }
  })

  it('hashes in generated code as in the method', () => {
    for (const words of [0, 2, 3, 4]) {
      const names = Array.from({ length: words }, (_, w) => `k[${w}]`)
      const { seeds, tag, statements } = hashSource(names)
      const hash = new Function('k', 'shift', 'seed', `${seeds} ${statements} return ${tag}`) as (
        k: Int32Array,
        shift: number,
        seed: TableSeed,
      ) => number
      fc.assert(
        fc.property(fc.array(fc.integer(), { minLength: words, maxLength: words }), (key) => {
          const k = Int32Array.from(key)
          expect(hash(k, 20, tableSeed())).toBe(hashWords(tableSeed(), k, words))
        }),
      )
    }
  })
})

describe('string table', () => {
  const bytesOf = (text: string): Uint8Array => Buffer.from(text)

  it('gives equal strings one number, keeps what is held and frees the rest (S1–S4)', () => {
    const operation = fc.record({
      kind: fc.constantFrom('hold', 'hold', 'release', 'touch', 'sweep', 'sweep some'),
      text: fc.oneof(fc.constantFrom('', 'a', 'b', 'aa'), fc.string({ unit: 'binary', maxLength: 30 })),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const table = new StringTable()
        const held = new Map<string, { id: number; count: number }>()
        for (const { kind, text } of operations) {
          const bytes = bytesOf(text)
          if (kind === 'sweep') table.sweep()
          else if (kind === 'sweep some') table.sweepSome(2)
          else {
            const id = table.intern(bytes, 0, bytes.length)
            same(id > 0, true)
            const known = held.get(text)
            if (known !== undefined) same(id, known.id)
            if (kind === 'hold') {
              table.retain(id)
              held.set(text, { id, count: (known?.count ?? 0) + 1 })
            } else if (kind === 'release' && known !== undefined) {
              table.release(id)
              if (known.count === 1) held.delete(text)
              else known.count--
            }
          }
        }
        table.sweep()
        expect(table.size).toBe(held.size)
        for (const [text, { id }] of held) {
          const bytes = bytesOf(text)
          expect(table.find(bytes, 0, bytes.length)).toBe(id)
          expect(table.compareTo(id, bytes, 0, bytes.length)).toBe(0)
        }
        const ids = [...held].map(([text, { id }]) => ({ text, id }))
        for (const a of ids) {
          for (const b of ids) {
            expect(Math.sign(table.compare(a.id, b.id))).toBe(
              Buffer.compare(bytesOf(a.text), bytesOf(b.text)),
            )
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  it('does not grow with the strings that it has seen, and leaves old bytes alone (S3)', () => {
    const table = new StringTable()
    const first = bytesOf('first-and-kept')
    const kept = table.intern(first, 0, first.length)
    table.retain(kept)
    const before = table.bytes
    const start = table.starts[kept] as number
    for (let n = 0; n < 200_000; n++) {
      const bytes = bytesOf(`string-number-${n}-with-some-length`)
      const id = table.intern(bytes, 0, bytes.length)
      table.retain(id)
      table.release(id)
      if (n % 100 === 99) table.sweep()
    }
    expect(table.size).toBe(1)
    expect(table.memoryBytes).toBeLessThan(600_000)
    expect(table.compareTo(kept, first, 0, first.length)).toBe(0)
    expect(Buffer.from(before.subarray(start, start + first.length)).toString()).toBe('first-and-kept')
  })
})

describe('block heap', () => {
  it('never gives two owners the same memory, and reuses what was freed (H1, H2)', () => {
    const operation = fc.record({
      kind: fc.constantFrom('new', 'new', 'grow', 'free'),
      k: fc.integer({ min: 0, max: 6 }),
      pick: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const heap = new BlockHeap()
        const blocks: { at: number; k: number; mark: number }[] = []
        const fill = (b: { at: number; k: number; mark: number }): void => {
          heap.f64.fill(b.mark, b.at, b.at + (1 << b.k))
        }
        for (const [mark, { kind, k, pick }] of operations.entries()) {
          const block = blocks[pick % Math.max(1, blocks.length)]
          if (kind === 'new' || block === undefined) {
            blocks.push({ at: heap.allocate(k), k, mark })
            fill(blocks.at(-1)!)
          } else if (kind === 'free') {
            heap.free(block.at, block.k)
            blocks.splice(blocks.indexOf(block), 1)
          } else {
            block.at = heap.resize(block.at, block.k, block.k + 1, 1 << block.k)
            block.k++
            same(heap.f64[block.at], block.mark)
            fill(block)
          }
        }
        for (const b of blocks)
          expect(heap.f64.subarray(b.at, b.at + (1 << b.k)).every((v) => v === b.mark)).toBe(true)
        expect(heap.liveDoubles).toBe(blocks.reduce((sum, b) => sum + (1 << b.k), 0))
      }),
      { numRuns: 100 },
    )
  })
})

describe('timer heap', () => {
  it('gives out what is set in order of time, through moves and removals (T1, T2)', () => {
    const operation = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'remove', 'pop'),
      id: fc.integer({ min: 0, max: 200 }),
      time: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true })),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const heap = new TimerHeap()
        const model = new Map<number, number>()
        for (const { kind, id, time } of operations) {
          if (kind === 'set') {
            heap.set(id, time)
            model.set(id, time)
          } else if (kind === 'remove') {
            heap.remove(id)
            model.delete(id)
          } else {
            const earliest = Math.min(...model.values())
            same(heap.earliest, earliest)
            const popped = heap.pop()
            same(model.get(popped) ?? Infinity, earliest)
            same(popped < 0, model.size === 0)
            model.delete(popped)
          }
          expect(heap.size).toBe(model.size)
          expect(heap.isPending(id)).toBe(model.has(id))
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** Texts as they come: some begin with the mark that pasted files have. */
const markedText = fc
  .tuple(fc.constantFrom('', '\ufeff', '\ufeff\ufeff'), fc.string({ unit: 'binary', maxLength: 8 }))
  .map(([mark, rest]) => mark + rest)

describe('value codec', () => {
  it('gives back what it was given, and the same bytes for equal values', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.double(),
        markedText,
        fc.bigInt(),
        fc.uint8Array({ maxLength: 10 }),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(
          markedText.filter((key) => key !== '__proto__'),
          tie('value'),
          { maxKeys: 4, noNullPrototype: true },
        ),
        fc.array(fc.tuple(markedText, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
      ),
    })).value
    const encoder = new ValueEncoder()
    fc.assert(
      fc.property(value, (one) => {
        encoder.encode(one)
        const bytes = encoder.bytes.slice(0, encoder.length)
        const back = decodeValue(bytes, 0)
        expect(back).toEqual(withoutNegativeZero(one))
        encoder.encode(back)
        expect(encoder.bytes.slice(0, encoder.length)).toEqual(bytes)
      }),
    )
  })
})

/** State does not tell −0 from 0. */
function withoutNegativeZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutNegativeZero)
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, withoutNegativeZero(one)]))
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutNegativeZero(one)]))
  }
  return value
}
