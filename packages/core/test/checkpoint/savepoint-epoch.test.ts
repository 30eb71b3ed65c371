// Which epoch of a log can become a savepoint.
import { describe, expect, it } from 'vitest'
import { chooseSavepointEpoch } from '../../src/checkpoint/savepoint-epoch.ts'
import type { Entry, Manifest, NumberedEntry, PendingCommit } from '../../src/checkpoint/index.ts'

const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }
const takeover: Entry = { kind: 'takeover', attempt: 1, lineage: 'l', owner, token: 't', atMs: 0 }

function pending(epoch: number, holds: boolean | undefined = false): PendingCommit {
  const says = holds === undefined ? {} : { holds }
  return { step: 'out', epoch, attempt: 1, task: 0, ...says, committable: epoch }
}

function manifest(epoch: number, more: Partial<Manifest> = {}): Manifest {
  const rest = { planHash: 'p', stateHash: 's', atMs: 0, watermarks: {}, state: [] }
  const common = { attempt: 1, lineage: 'l', epoch, base: 1, pending: [pending(epoch)], delivered: epoch - 1 }
  return { kind: 'manifest', ...rest, ...common, ...more }
}

function choose(entries: readonly Entry[], epoch?: number): Manifest {
  const numbered = entries.map((entry, at): NumberedEntry => ({ number: at + 1, entry }))
  return chooseSavepointEpoch(numbered, '/state', epoch)
}

/** Without the flag, as earlier releases wrote it. */
const older = (epoch: number): PendingCommit => {
  const { holds: _, ...rest } = pending(epoch)
  return rest
}

describe('the epoch of a savepoint', () => {
  it('is the newest one that a later manifest knows to be delivered, and owes nothing', () => {
    const log = [takeover, manifest(1), manifest(2), manifest(3)]
    expect(choose(log)).toMatchObject({ epoch: 2, pending: [], delivered: 2 })
    expect(choose(log, 1)).toMatchObject({ epoch: 1, pending: [], delivered: 1 })
  })

  it('is not one whose delivery was late when the manifest behind it was written', () => {
    const late = manifest(3, { pending: [pending(2), pending(3)], delivered: 1 })
    expect(choose([takeover, manifest(1), manifest(2), late])).toMatchObject({ epoch: 1 })
  })

  it('is the newest one where the log says that it is delivered, or that it put nothing out', () => {
    const told: Entry = { kind: 'delivered', attempt: 1, epoch: 2 }
    expect(choose([takeover, manifest(1), manifest(2), told])).toMatchObject({ epoch: 2 })
    const quiet = manifest(3, { pending: [] })
    expect(choose([takeover, manifest(1), manifest(2), quiet])).toMatchObject({ epoch: 3, delivered: 3 })
    // What it owes of the epoch before counts, too.
    const owing = manifest(3, { pending: [pending(2)], delivered: 1 })
    expect(choose([takeover, manifest(1), manifest(2), owing])).toMatchObject({ epoch: 1 })
  })

  it('is the last one of a run when it is delivered: a run that was killed behind it owes it still', () => {
    const last = manifest(2, { end: 'stopped' })
    const told: Entry = { kind: 'delivered', attempt: 1, epoch: 2 }
    expect(choose([takeover, manifest(1), last, told])).toEqual({ ...last, pending: [], delivered: 2 })
    expect(choose([takeover, manifest(1), last])).toMatchObject({ epoch: 1 })
    const isOwed = expect.objectContaining({ code: 'checkpoint/incompatible' }) as Error
    expect(() => choose([takeover, manifest(1), last], 2)).toThrow(isOwed)
    expect(() => choose([takeover, manifest(1), last], 2)).toThrow('is not known to be delivered')
  })

  it('is none that holds rows back, or was written when nothing said so', () => {
    const holding = manifest(2, { pending: [pending(2, true)] })
    expect(choose([takeover, manifest(1), holding, manifest(3)])).toMatchObject({ epoch: 1 })
    const unknown = (epoch: number): Manifest => manifest(epoch, { pending: [older(epoch)] })
    expect(() => choose([takeover, unknown(1), unknown(2), unknown(3)])).toThrow(
      'epoch 3 has rows that "out" may hold back for later epochs, as files do that are still open',
    )
    // An earlier epoch's rows that were shown since hold nothing back here.
    const behind = manifest(3, { pending: [older(2), pending(3)], delivered: 1 })
    const log = [takeover, unknown(1), unknown(2), behind, manifest(4)]
    expect(choose(log)).toMatchObject({ epoch: 3 })
  })

  it('is refused with what helps when it was asked for and does not stand for itself', () => {
    const holding = manifest(2, { pending: [pending(2, true), { ...pending(2, true), step: 'files' }] })
    const log = [takeover, manifest(1), holding, manifest(3)]
    expect(() => choose(log, 2)).toThrow('epoch 2 has rows that "out", "files" may hold back')
    expect(() => choose(log, 3)).toThrow('epoch 3 has output that is not known to be delivered')
    expect(() => choose(log, 4)).toThrow('epoch 4 is not kept')
    expect(() => choose([takeover, manifest(1)])).toThrow(
      'epoch 1 has output that is not known to be delivered',
    )
    const border = { done: 1, of: 2, hash: 'h', tasks: 1, files: [] }
    expect(() => choose([takeover, manifest(1, { border })])).toThrow('is a border between two phases')
  })

  it('D5: is not believed to be delivered by a history that was left', () => {
    const branch: Entry = {
      ...(takeover as Extract<Entry, { kind: 'takeover' }>),
      attempt: 2,
      lineage: 'm',
      parent: { lineage: 'l', epoch: 1 },
    }
    const own = manifest(2, { attempt: 2, lineage: 'm', parent: { lineage: 'l', epoch: 1 } })
    const left = [manifest(2), manifest(3), manifest(4)]
    expect(choose([takeover, manifest(1), ...left, branch, own])).toMatchObject({ epoch: 1, lineage: 'l' })
  })
})
