// Decisions of a start, one mixture of entries at a time.
import { describe, expect, it } from 'vitest'
import { decideStart } from '../../src/checkpoint/index.ts'
import type { Branch, Entry, Manifest, NumberedEntry, PendingCommit } from '../../src/checkpoint/index.ts'

const owner = { machine: 'm', boot: 'b', space: 's', pid: 1, start: '1' }

function takeover(attempt: number, lineage = 'l', parent?: Branch): Entry {
  const branch = parent === undefined ? {} : { parent }
  return { kind: 'takeover', attempt, lineage, ...branch, owner, token: `t${attempt}`, atMs: 0 }
}

function pending(epoch: number, attempt = 1): PendingCommit {
  return { step: 'out', epoch, attempt, task: 0, committable: `${attempt}/${epoch}` }
}

function manifest(epoch: number, more: Partial<Manifest> = {}): Manifest {
  return {
    kind: 'manifest',
    attempt: 1,
    lineage: 'l',
    epoch,
    base: 1,
    planHash: 'p',
    stateHash: 's',
    atMs: 0,
    watermarks: {},
    state: [],
    pending: [pending(epoch)],
    delivered: epoch - 1,
    ...more,
  }
}

function delivered(epoch: number, attempt = 1): Entry {
  return { kind: 'delivered', attempt, epoch }
}

function plan(epoch: number, attempt = 1): Entry {
  return { kind: 'plan', attempt, epoch, ranges: { in: [0, 10] }, clockMs: 5 }
}

function log(...entries: readonly Entry[]): readonly NumberedEntry[] {
  return entries.map((entry, at) => ({ number: at + 40, entry }))
}

describe('a start', () => {
  it('begins where there is no log', () => {
    expect(decideStart([])).toEqual({ kind: 'begin', attempt: 1, lineage: undefined, replay: undefined })
  })

  it('begins again, in the same lineage, when no epoch was ever complete', () => {
    expect(decideStart(log(takeover(1), takeover(2)))).toEqual({
      kind: 'begin',
      attempt: 3,
      lineage: 'l',
      replay: undefined,
    })
  })

  it('D3: reads the first epoch again as it was planned', () => {
    expect(decideStart(log(takeover(1), plan(1)))).toMatchObject({ kind: 'begin', replay: plan(1) })
  })

  it('D1: goes on behind the newest manifest', () => {
    const newest = manifest(2)
    expect(decideStart(log(takeover(1), manifest(1), delivered(1), newest, delivered(2)))).toEqual({
      kind: 'resume',
      attempt: 2,
      lineage: 'l',
      parent: undefined,
      manifest: newest,
      commitAgain: [],
      replay: undefined,
      repeats: [],
    })
  })

  it('D2: commits again what nobody is known to have delivered, oldest first', () => {
    const newest = manifest(3, { pending: [pending(3), pending(2)], delivered: 1 })
    expect(decideStart(log(manifest(2), newest))).toMatchObject({ commitAgain: [pending(2), pending(3)] })
    expect(decideStart(log(manifest(2), newest, delivered(2)))).toMatchObject({ commitAgain: [pending(3)] })
    expect(decideStart(log(manifest(2), newest, delivered(3)))).toMatchObject({ commitAgain: [] })
  })

  it('D2: believes what an earlier attempt said it delivered', () => {
    expect(decideStart(log(manifest(1), takeover(2), delivered(1, 2), takeover(3)))).toMatchObject({
      kind: 'resume',
      attempt: 4,
      commitAgain: [],
    })
  })

  it('D3: reads the planned epoch behind the newest manifest again, whoever planned it', () => {
    const entries = log(plan(1), manifest(1), delivered(1), plan(2), takeover(2))
    expect(decideStart(entries)).toMatchObject({ kind: 'resume', replay: plan(2) })
    expect(decideStart(log(plan(1), manifest(1)))).toMatchObject({ replay: undefined })
  })

  it('does nothing more for a job that has ended, but what it owes', () => {
    const last = manifest(4, { end: 'drained' })
    expect(decideStart(log(last))).toEqual({
      kind: 'ended',
      attempt: 2,
      lineage: last.lineage,
      parent: undefined,
      end: 'drained',
      manifest: last,
      commitAgain: [pending(4)],
    })
    expect(decideStart(log(last), { goOn: true })).toMatchObject({
      kind: 'resume',
      commitAgain: [pending(4)],
    })
  })

  it('goes on after a stop without being asked', () => {
    for (const end of ['stopped', 'idle'] as const)
      expect(decideStart(log(manifest(4, { end })))).toMatchObject({ kind: 'resume' })
  })
})

describe('a start from an earlier epoch', () => {
  const entries = log(manifest(2), delivered(2), manifest(3), delivered(3), manifest(4))

  it('makes a new lineage and says which output is made a second time', () => {
    expect(decideStart(entries, { from: 2 })).toEqual({
      kind: 'resume',
      attempt: 2,
      lineage: undefined,
      parent: { lineage: 'l', epoch: 2 },
      manifest: manifest(2),
      commitAgain: [],
      replay: undefined,
      repeats: [3, 4],
    })
  })

  it('still delivers what was owed of that epoch and before', () => {
    const owing = log(manifest(2), manifest(3, { pending: [pending(2), pending(3)], delivered: 1 }))
    expect(decideStart(owing, { from: 2 })).toMatchObject({ commitAgain: [pending(2)] })
  })

  it('D6: begins a new lineage from the newest, too: a later start with the same wish must know', () => {
    expect(decideStart(entries, { from: 4 })).toMatchObject({
      lineage: undefined,
      parent: { lineage: 'l', epoch: 4 },
      commitAgain: [pending(4)],
      repeats: [],
    })
  })

  it('is the end that it was when the newest is an end', () => {
    const ended = log(manifest(4, { end: 'drained' }))
    expect(decideStart(ended, { from: 4 })).toMatchObject({ kind: 'ended' })
    expect(decideStart(ended, { from: 4, goOn: true })).toMatchObject({ kind: 'resume', lineage: undefined })
  })

  it('names the epochs that there are', () => {
    expect(decideStart(entries, { from: 7 })).toEqual({ kind: 'no-such-epoch', epochs: [2, 3, 4] })
    expect(decideStart([], { from: 1 })).toEqual({ kind: 'no-such-epoch', epochs: [] })
  })
})

describe('D7: a start behind the border of a batch in phases', () => {
  const border = { done: 1, of: 2, hash: 'h', tasks: 1, files: [] }
  const first = manifest(1, { border, delivered: 0 })

  it('owes nothing yet', () => {
    expect(decideStart(log(takeover(1), first))).toMatchObject({ kind: 'resume', commitAgain: [] })
  })

  it('owes nothing when it goes back there', () => {
    const second = manifest(2, { border: { ...border, done: 2, of: 3 }, delivered: 0 })
    expect(decideStart(log(takeover(1), first, second), { from: 1 })).toMatchObject({
      kind: 'resume',
      manifest: { epoch: 1 },
      commitAgain: [],
    })
  })

  it('owes the output of all phases behind the last epoch', () => {
    const last = manifest(2, { end: 'finished', pending: [pending(1), pending(2)], delivered: 0 })
    expect(decideStart(log(takeover(1), first, last))).toMatchObject({
      kind: 'ended',
      commitAgain: [pending(1), pending(2)],
    })
  })
})

describe('D5: a start behind one that went back', () => {
  const parent = { lineage: 'l', epoch: 1 }
  const old = [takeover(1), manifest(1), plan(2), manifest(2), plan(3), manifest(3), delivered(3)]
  const began = takeover(2, 'm', parent)
  const second = manifest(2, { attempt: 2, lineage: 'm', parent, delivered: 1 })

  it('owes what the new history promised, whatever the old one delivered', () => {
    expect(decideStart(log(...old, began, second))).toMatchObject({
      kind: 'resume',
      attempt: 3,
      lineage: 'm',
      parent,
      manifest: second,
      commitAgain: second.pending,
    })
    expect(decideStart(log(...old, began, second, delivered(2, 2)))).toMatchObject({ commitAgain: [] })
  })

  it('goes on from where it began when it has no manifest yet', () => {
    const found = { kind: 'resume', lineage: 'm', parent, manifest: manifest(1), replay: undefined }
    expect(decideStart(log(...old, began))).toMatchObject({ ...found, commitAgain: [], repeats: [] })
    expect(decideStart(log(...old, began, takeover(3, 'm', parent)))).toMatchObject(found)
  })

  it('still owes what was owed where it began, until it says that it delivered that', () => {
    const owing = [
      manifest(1, { delivered: 0 }),
      manifest(2, { pending: [pending(1), pending(2)], delivered: 0 }),
    ]
    expect(decideStart(log(...owing, began))).toMatchObject({ commitAgain: [pending(1)] })
    expect(decideStart(log(...owing, began, delivered(1, 2)))).toMatchObject({ commitAgain: [] })
  })

  it('replays plans of the new history only', () => {
    expect(decideStart(log(...old, began))).toMatchObject({ replay: undefined })
    expect(decideStart(log(...old, began, plan(2, 2)))).toMatchObject({ replay: plan(2, 2) })
    expect(decideStart(log(...old, began, plan(2, 2), second))).toMatchObject({ replay: undefined })
  })

  it('goes back to an epoch of the new history when both have its number', () => {
    const third = manifest(3, { attempt: 2, lineage: 'm', parent })
    const entries = log(...old, began, second, third)
    const to2 = decideStart(entries, { from: 2 })
    expect(to2).toMatchObject({ manifest: second, parent: { lineage: 'm', epoch: 2 }, repeats: [3] })
    expect(decideStart(log(...old, began, second), { from: 3 })).toEqual({
      kind: 'no-such-epoch',
      epochs: [1, 2],
    })
    // And from there to one that both share.
    const again = log(...old, began, second, takeover(3, 'n', { lineage: 'm', epoch: 2 }))
    expect(decideStart(again, { from: 1 })).toMatchObject({ manifest: manifest(1), parent, repeats: [2] })
  })

  it('D6: does not go back again for the same wish', () => {
    for (const more of [[], [second], [second, delivered(2, 2), takeover(3, 'm', parent)]]) {
      const entries = log(...old, began, ...more)
      expect(decideStart(entries, { from: 1 })).toEqual(decideStart(entries))
    }
    // Also when everything before the new lineage was cut away.
    expect(decideStart(log(second), { from: 1 })).toMatchObject({ lineage: 'm', manifest: second })
  })
})

describe('D4: a log that no run can have written', () => {
  const at1 = { lineage: 'l', epoch: 1 }
  const at2 = { lineage: 'l', epoch: 2 }

  it.each<readonly [string, readonly NumberedEntry[], number]>([
    ['has an epoch missing', log(manifest(1), manifest(3)), 41],
    ['has an epoch twice', log(manifest(1), manifest(1)), 41],
    ['has an attempt that wrote behind its successor', log(takeover(2), manifest(1)), 41],
    ['has an attempt that nobody began', log(manifest(1), manifest(2, { attempt: 2 })), 41],
    ['has two takeovers of one attempt', log(takeover(2), takeover(2)), 41],
    ['has a delivery before its manifest', log(manifest(1), delivered(2)), 41],
    ['goes back in one lineage', log(manifest(2), takeover(2), manifest(2, { attempt: 2 })), 42],
    ['changes its lineage and does not say from where', log(manifest(2), takeover(2, 'm')), 41],
    [
      'has a lineage that begins at two places',
      log(manifest(1), manifest(2), takeover(2, 'm', at1), takeover(3, 'm', at2)),
      43,
    ],
    ['has a lineage that begins nowhere', log(manifest(2), takeover(2, 'm', at1)), 41],
    [
      'has a lineage that leaves out an epoch',
      log(manifest(1), takeover(2, 'm', at1), manifest(3, { attempt: 2, lineage: 'm', parent: at1 })),
      42,
    ],
  ])('%s', (_, entries, number) => {
    expect(decideStart(entries)).toMatchObject({ kind: 'impossible', number })
  })
})
