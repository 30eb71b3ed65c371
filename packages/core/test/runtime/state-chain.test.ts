import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StateFileReference } from '../../src/checkpoint/index.ts'
import type { SnapshotScope } from '../../src/engine/index.ts'
import { chainFiles, chainsOf, grown, joined, nextScope, toJoin } from '../../src/runtime/state-chain.ts'
import type { ChangeFile, StateChain } from '../../src/runtime/state-chain.ts'

/** Records of a step: by number, the epoch of their last change. */
class Records {
  readonly changedAt = new Map<number, number>()
  /** Epochs of the last snapshot and of the last whole one; records changed at or after them are in scope. */
  last = 0
  whole = 0

  inScope(scope: SnapshotScope): readonly number[] {
    const from = { whole: 0, 'since-whole': this.whole, changes: this.last }[scope]
    return [...this.changedAt].filter(([, epoch]) => epoch >= from).map(([record]) => record)
  }
}

/** What a file holds: by record, the epoch of the change. */
type Content = ReadonlyMap<number, number>

class Writer {
  chain: StateChain | undefined
  readonly contents = new Map<string, Content>()
  readonly scopes: SnapshotScope[] = []
  written = 0
  changed = 0
  /** Records that were copied by joining. */
  copied = 0
  #joining: readonly ChangeFile[] = []
  readonly records: Records = new Records()

  epoch(epoch: number, changes: readonly number[], remembersWhole: boolean): void {
    for (const record of changes) this.records.changedAt.set(record, epoch)
    this.changed += new Set(changes).size
    const scope = nextScope(this.chain, remembersWhole)
    const inScope = this.records.inScope(scope)
    const file = inScope.length === 0 ? undefined : this.#file(epoch, scope, inScope)
    this.chain = grown(this.chain, scope, file)
    this.scopes.push(scope)
    this.records.last = epoch + 1
    if (scope === 'whole') this.records.whole = epoch + 1
  }

  /** Joining begins, or comes to its end. */
  join(): void {
    const { chain } = this
    if (chain === undefined) return
    if (this.#joining.length === 0) {
      this.#joining = toJoin(chain)
      return
    }
    const files = this.#joining.map(({ file }) => file)
    const name = `joined ${files.map((file) => file.name).join(' ')}`
    const rows = files.flatMap((file) => [...(this.contents.get(file.name) ?? [])])
    this.contents.set(name, new Map(rows))
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    this.copied += bytes / 100
    const newest = files.at(-1) as StateFileReference
    this.chain = joined(chain, this.#joining, { ...newest, name, bytes, checksum: name }) ?? chain
    this.#joining = []
  }

  /** The next attempt has what the manifest says, and remembers nothing. */
  restart(epoch: number): void {
    this.chain = this.chain && chainsOf(chainFiles(this.chain)).get('step')
    this.#joining = []
    this.records.last = epoch + 1
    this.records.whole = epoch + 1
  }

  restored(): Content {
    const found = new Map<number, number>()
    for (const { name } of this.chain === undefined ? [] : chainFiles(this.chain))
      for (const [record, epoch] of this.contents.get(name) ?? []) found.set(record, epoch)
    return found
  }

  #file(epoch: number, scope: SnapshotScope, records: readonly number[]): StateFileReference {
    const name = `${epoch}`
    this.contents.set(name, new Map(records.map((n) => [n, this.records.changedAt.get(n) as number])))
    this.written += records.length
    return {
      name,
      bytes: 100 * records.length,
      checksum: name,
      step: 'step',
      groups: [0, 128],
      epoch,
      full: scope === 'whole',
    }
  }
}

const epochs = fc.array(
  fc.record({
    changes: fc.array(fc.nat(60), { maxLength: 12 }),
    restart: fc.boolean(),
    joins: fc.boolean(),
  }),
  { minLength: 1, maxLength: 160 },
)

describe('the chain of a step', () => {
  it('has every record as it was changed last, also behind restarts', () => {
    fc.assert(
      fc.property(epochs, fc.boolean(), (all, remembersWhole) => {
        const writer = new Writer()
        const many = Array.from({ length: 400 }, (_, n) => n + 100)
        writer.epoch(0, many, remembersWhole)
        for (const [at, { changes, restart, joins }] of all.entries()) {
          const epoch = at + 1
          writer.epoch(epoch, changes, remembersWhole)
          if (joins) writer.join()
          expect(writer.restored()).toEqual(writer.records.changedAt)
          if (restart && epoch % 50 === 49) writer.restart(epoch)
        }
      }),
    )
  })

  it('SC1: has at most twice the bytes of its whole file and one file more, and a bound of files', () => {
    fc.assert(
      fc.property(epochs, fc.boolean(), (all, remembersWhole) => {
        const writer = new Writer()
        for (const [epoch, { changes }] of all.entries()) {
          writer.epoch(epoch, changes, remembersWhole)
          if (writer.chain === undefined) continue
          const files = chainFiles(writer.chain)
          const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
          const largest = Math.max(...files.slice(1).map((file) => file.bytes), 0)
          expect(bytes).toBeLessThanOrEqual(2 * writer.chain.whole.bytes + largest)
          expect(files.length).toBeLessThanOrEqual(128)
        }
      }),
    )
  })

  it('writes a few hot records again and again, and the others never', () => {
    const writer = new Writer()
    const all = Array.from({ length: 10_000 }, (_, n) => n)
    const hot = all.filter((n) => n % 20 === 0)
    writer.epoch(0, all, true)
    for (let epoch = 1; epoch <= 500; epoch++) writer.epoch(epoch, hot, true)
    expect(writer.scopes.filter((scope) => scope === 'whole')).toHaveLength(1)
    expect(writer.written).toBe(all.length + 500 * hot.length)
    expect(chainFiles(writer.chain as StateChain).length).toBeLessThan(12)
  })

  it('writes records that are all new a few times, however many there are', () => {
    const writer = new Writer()
    for (let epoch = 0; epoch < 400; epoch++)
      writer.epoch(epoch, [4 * epoch, 4 * epoch + 1, 4 * epoch + 2, 4 * epoch + 3], true)
    expect(writer.written).toBeLessThan(5 * writer.changed)
  })

  it('is whole again for a step that does not remember, when changes outgrow it', () => {
    const writer = new Writer()
    const all = Array.from({ length: 100 }, (_, n) => n)
    writer.epoch(0, all, false)
    for (let epoch = 1; epoch <= 100; epoch++) writer.epoch(epoch, all.slice(0, 30), false)
    expect(writer.scopes).not.toContain('since-whole')
    expect(writer.scopes.filter((scope) => scope === 'whole').length).toBeGreaterThan(10)
  })

  it('SC2: what an earlier attempt changed stays beside what is merged', () => {
    const writer = new Writer()
    const all = Array.from({ length: 100 }, (_, n) => n)
    writer.epoch(0, all, true)
    writer.epoch(1, [1, 2], true)
    writer.restart(1)
    for (let epoch = 2; epoch < 14; epoch++) writer.epoch(epoch, [2, 3], true)
    expect(writer.scopes).toContain('since-whole')
    expect(writer.restored().get(1)).toBe(1)
    expect((writer.chain as StateChain).before.map(({ epoch }) => epoch)).toEqual([1])
  })

  it('SC3: joins small changes of a large state, and never writes it whole again before they outweigh it', () => {
    const writer = new Writer()
    const all = Array.from({ length: 5000 }, (_, n) => n)
    writer.epoch(0, all, false)
    for (let epoch = 1; epoch <= 4000; epoch++) {
      writer.epoch(epoch, [(epoch * 7) % 5000], false)
      // It begins behind one manifest, and is done some later.
      if (epoch % 2 === 0) writer.join()
      expect(chainFiles(writer.chain as StateChain).length).toBeLessThan(100)
    }
    expect(writer.scopes.filter((scope) => scope === 'whole')).toHaveLength(1)
    expect(writer.restored()).toEqual(writer.records.changedAt)
    expect(writer.copied).toBeLessThan(3 * 4000)
  })
})
