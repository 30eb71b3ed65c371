// Files that are shown: known to every later attempt, also when somebody has taken them away, and when two attempts
// show them at the same time.
import { describe, expect, it } from 'vitest'
import { batchOfRows } from '../../../src/data/batch-builder.ts'
import { schema, t } from '../../../src/data/builder.ts'
import { ndjson } from '../../../src/connect/files/index.ts'
import type { FileCommittable } from '../../../src/connect/files/file-writer.ts'
import { ShownMarks } from '../../../src/connect/files/shown-marks.ts'
import type { CommitOutcome, OpenSink, SinkContext, SinkWriter } from '../../../src/connect/sink.ts'
import type { Files, Host } from '../../../src/host/index.ts'
import { createNodeHost } from '../../../src/host/node/index.ts'
import { createManualHost } from '../../../src/testing/index.ts'
import { SimulatedDisk } from '../../../src/testing/simulated-disk.ts'
import { SimulatedFiles } from '../../../src/testing/simulated-files.ts'
import { overlay } from '../../testing/crashes.ts'

const Row = schema({ n: t.int32() })

function open(
  host: Host,
  attempt: number,
  more: Partial<SinkContext> = {},
): Promise<OpenSink<FileCommittable>> {
  return ndjson('/data/out', { schema: Row, roll: 'epoch' }).toSink().open({
    host, schema: Row, step: 's', outputMode: 'refuse', lineage: 'aaaa', attempt, bounded: false,
    resumable: true, resumed: attempt > 1, ...more,
  }) as Promise<OpenSink<FileCommittable>> // prettier-ignore
}

const writers = new WeakMap<OpenSink<FileCommittable>, Map<number, SinkWriter<FileCommittable>>>()

/** Commits of `tasks` tasks of an epoch, one row each. */
async function prepare(
  sink: OpenSink<FileCommittable>,
  epoch: number,
  tasks = 1,
): Promise<FileCommittable[]> {
  const prepared: FileCommittable[] = []
  for (let task = 0; task < tasks; task++) {
    const own = writers.get(sink) ?? new Map<number, SinkWriter<FileCommittable>>()
    writers.set(sink, own)
    const writer = own.get(task) ?? (await sink.writer(task))
    own.set(task, writer)
    await writer.write(batchOfRows(Row, [{ n: epoch * 10 + task }]))
    writer.seal(epoch, { final: false })
    const committable = await writer.prepare(epoch)
    if (committable !== undefined) prepared.push(JSON.parse(JSON.stringify(committable)) as FileCommittable)
  }
  return prepared
}

const kinds = (outcomes: readonly CommitOutcome[]): string[] => outcomes.map(({ kind }) => kind)
const finals = (committables: readonly FileCommittable[]): string[] =>
  committables.flatMap(({ files }) => files.map(({ final }) => `/data/out/${final}`))

/** A process of a simulated machine. */
function processOf(disk: SimulatedDisk, pid: number, files: Files = new SimulatedFiles(disk)): Host {
  const self = { machine: 'simulated', boot: '', space: '', pid, start: '' }
  return {
    ...createNodeHost(),
    files,
    processes: {
      self: () => Promise.resolve(self),
      state: (of) => Promise.resolve(of.pid === pid ? 'alive' : 'dead'),
    },
  }
}

async function exists(files: Files, paths: readonly string[]): Promise<boolean[]> {
  return Promise.all(paths.map(async (path) => (await files.status(path)) !== undefined))
}

describe('two attempts that commit the same files', () => {
  it('V9: both succeed, wherever the one passes the other', async () => {
    const seen = new Set<string>()
    for (let at = 0, isThrough = false; !isThrough; at++) {
      const disk = new SimulatedDisk()
      const first = await open(processOf(disk, 1), 1)
      const prepared = await prepare(first, 1, 2)
      const own = new SimulatedFiles(disk)
      let operations = -1
      let passed: Promise<readonly CommitOutcome[]> | undefined
      // Directly before one operation of the second attempt the first one does all of its own.
      const passing = new Proxy(own, {
        get(target, name: keyof Files) {
          const found = target[name]
          if (typeof found !== 'function' || name === 'resolve') return found
          return async (...given: never[]) => {
            if (operations >= 0 && operations++ === at) await (passed = first.commit(prepared))
            return (found as (...args: never[]) => unknown).apply(target, given)
          }
        },
      })
      const second = await open(processOf(disk, 2, passing), 2)
      await second.sweep(prepared)
      operations = 0
      const outcomes = kinds(await second.commit(prepared))
      isThrough = passed === undefined
      const both = `${kinds((await passed) ?? []).join()} | ${outcomes.join()}`
      seen.add(both)
      expect(both).toMatch(/^((already-)?committed,?)* \| ((already-)?committed,?)*$/)
      expect(await exists(own, finals(prepared))).toEqual([true, true])
      disk.restart(() => 0)
      expect(await exists(new SimulatedFiles(disk), finals(prepared))).toEqual([true, true])
    }
    expect(seen).toContain('committed,committed | already-committed,already-committed')
    expect(seen).toContain('already-committed,already-committed | committed,committed')
  })

  it('V9: both succeed when they begin at the same moment', async () => {
    const host = createManualHost()
    const first = await open(host, 1)
    const prepared = await prepare(first, 1, 5)
    const second = await open(host, 2)
    const [one, other] = await Promise.all([first.commit(prepared), second.commit(prepared)])
    for (const kind of [...kinds(one), ...kinds(other)]) expect(kind).toMatch(/committed/)
    expect(await exists(host.files, finals(prepared))).toEqual([true, true, true, true, true])
  })
})

describe('finished files that somebody takes away', () => {
  it('SM1, V8: are known to be delivered, wherever the process was killed behind that', async () => {
    for (let killedAfter = 0, isThrough = false; !isThrough; killedAfter++) {
      const disk = new SimulatedDisk()
      const first = await open(processOf(disk, 1), 1)
      const earlier = await prepare(first, 1, 2)
      await first.commit(earlier)
      const prepared = await prepare(first, 2, 3)
      await first.commit(prepared)
      const person = new SimulatedFiles(disk)
      for (const path of finals(prepared).slice(0, 2)) await person.remove(path)
      await person.syncDirectory('/data/out')
      disk.losePowerAfter(killedAfter)
      const second = await open(processOf(disk, 2), 2).catch(() => undefined)
      await second?.sweep([...earlier, ...prepared]).catch(() => undefined)
      await second?.commit(prepared).catch(() => undefined)
      isThrough = disk.hasPower
      disk.restart(() => 0)
      const third = await open(processOf(disk, 3), 3)
      await third.sweep(prepared)
      expect(kinds(await third.commit(prepared))).toEqual(prepared.map(() => 'already-committed'))
      expect(await exists(new SimulatedFiles(disk), finals(prepared))).toEqual([false, false, true])
    }
  })

  it('V8: do not come back from staged names that a kill has left', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    const staying = overlay(files, {
      remove: (path) =>
        path.endsWith('.tmp')
          ? Promise.reject(Object.assign(new Error('EBUSY'), { code: 'EBUSY' }))
          : files.remove(path),
    })
    const first = await open(processOf(disk, 1, staying), 1)
    const prepared = await prepare(first, 1)
    expect(kinds(await first.commit(prepared))).toEqual(['committed'])
    for (const path of finals(prepared)) await files.remove(path)
    const second = await open(processOf(disk, 2), 2)
    await second.sweep(prepared)
    expect(kinds(await second.commit(prepared))).toEqual(['already-committed'])
    expect(await exists(files, finals(prepared))).toEqual([false])
    expect((await files.list('/data/out/_staged')).filter(({ name }) => name.endsWith('.tmp'))).toEqual([])
  })

  it('may go with their folder while they are made durable', async () => {
    const disk = new SimulatedDisk()
    const files = new SimulatedFiles(disk)
    const sink = ndjson('/data/out', { roll: 'epoch', partitionBy: ['part'] }).toSink()
    const Parted = schema({ n: t.int32(), part: t.string() })
    const taking = overlay(files, {
      syncDirectory: async (path) => {
        if (path === '/data/out/part=a' && (await files.status(path)) !== undefined)
          await files.removeDirectory(path, { recursive: true })
        return files.syncDirectory(path)
      },
    })
    const run = await sink.open({
      host: processOf(disk, 1, taking), schema: Parted, step: 's', outputMode: 'refuse', lineage: 'aaaa', attempt: 1,
      bounded: false, resumable: true,
    }) // prettier-ignore
    const writer = await run.writer(0)
    await writer.write(batchOfRows(Parted, [{ n: 1, part: 'a' }]))
    writer.seal(1, { final: true })
    const committable = await writer.prepare(1)
    expect(kinds(await run.commit([committable ?? null]))).toEqual(['committed'])
    expect(kinds(await run.commit([committable ?? null]))).toEqual(['already-committed'])
  })

  it('are lost only when nobody has shown them, and then it is said what helps', async () => {
    const host = createManualHost()
    const first = await open(host, 1)
    const [one, two] = [await prepare(first, 1), await prepare(first, 2)]
    for (const path of host.files.paths('/data/out/_staged'))
      if (path.endsWith('.tmp')) await host.files.remove(path)
    const second = await open(host, 2)
    expect(await second.commit(one)).toMatchObject([
      {
        kind: 'lost',
        hint: expect.stringMatching(/^put the file back from a copy.*or begin with a new state/),
      },
    ])
    expect(await second.commit(two)).toMatchObject([
      {
        kind: 'lost',
        hint: expect.stringMatching(/--from to epoch 1 or earlier, which writes a second time/),
      },
    ])
  })
})

describe('where files have no second names', () => {
  it('V2: what somebody puts under a finished name in between is not replaced', async () => {
    const host = createManualHost()
    const first = await open(host, 1)
    const prepared = await prepare(first, 1)
    const [final] = finals(prepared) as [string]
    const { files } = host
    const without = overlay(files, {
      link: () => {
        files.put(final, 'mine')
        return Promise.reject(Object.assign(new Error('ENOTSUP'), { code: 'ENOTSUP' }))
      },
    })
    const second = await open({ ...host, files: without }, 2)
    await expect(second.commit(prepared)).rejects.toMatchObject({ code: 'output/exists' })
    expect(Buffer.from(files.get(final) ?? []).toString()).toBe('mine')
  })
})

describe('marks of what is shown', () => {
  const writer = (attempt: number) => ({ id: 'aaaaaaaaaaaa', attempt })
  const final = (epoch: number, task = 0, id = 'aaaaaaaaaaaa'): string =>
    `p=1/part-${String(epoch).padStart(6, '0')}-${String(task).padStart(4, '0')}-0000-${id}.ndjson`
  const marksOf = (host: Host, attempt: number, left: readonly string[] = []): ShownMarks =>
    new ShownMarks(host, 'out/_staged', { writer: writer(attempt), left: new Set(left) })
  const begun = async () => {
    const host = createManualHost()
    await host.files.makeDirectory('out/_staged')
    const names = async () => (await host.files.list('out/_staged')).map(({ name }) => name)
    return { host, names }
  }

  it('SM1: stand for all epochs of their tasks, and for no others', async () => {
    const { host } = await begun()
    const first = marksOf(host, 1)
    await first.note([final(3), final(2, 1)])
    await first.note([final(4)])
    for (const marks of [first, marksOf(host, 2)]) {
      expect(await Promise.all([final(1), final(4), final(2, 1)].map((one) => marks.has(one)))).toEqual([true, true, true])
      expect(await Promise.all([final(5), final(3, 1), final(1, 2), final(1, 0, 'bbbbbbbbbbbb'), 'mine.ndjson'].map((one) => marks.has(one)))).toEqual([false, false, false, false, false])
    }
    expect(await marksOf(host, 2, []).has(final(4))).toBe(true)
    const other = new ShownMarks(host, 'out/_staged', { writer: { id: 'cccccccccccc', attempt: 2 }, left: new Set(['aaaaaaaaaaaa']) })
    expect(await other.has(final(4))).toBe(true)
  }) // prettier-ignore

  it('are written once for what is known already', async () => {
    const { host } = await begun()
    const marks = marksOf(host, 1)
    await marks.note([final(3), final(3, 1)])
    const before = host.files.log.length
    await marks.note([final(3), final(2)])
    expect(host.files.log.length).toBe(before)
    await marks.note([final(4), final(4, 1)])
    expect(host.files.log.slice(before).filter((line) => /sync/i.test(line))).toHaveLength(1)
  })

  it('are as good as the lines before one that is not whole', async () => {
    const { host } = await begun()
    const marks = marksOf(host, 1)
    await marks.note([final(1)])
    await marks.note([final(2)])
    const path = 'out/_staged/aaaaaaaaaaaa-a1.shown'
    const whole = host.files.get(path) ?? new Uint8Array()
    for (let cut = 0; cut < whole.length; cut++) {
      host.files.put(path, whole.slice(0, cut))
      const next = marksOf(host, 2)
      const [one, two] = [await next.has(final(1)), await next.has(final(2))]
      expect(two).toBe(cut === whole.length - 1)
      expect(one).toBe(cut >= whole.length / 2 - 1)
    }
    const turned = whole.slice()
    turned[12] = (turned[12] as number) ^ 1
    host.files.put(path, turned)
    expect(await marksOf(host, 2).has(final(1))).toBe(false)
  })

  it('begin a file anew before it is long, and after a failure', async () => {
    const { host, names } = await begun()
    const marks = marksOf(host, 1)
    for (let epoch = 1; epoch <= 3000; epoch++) await marks.note([final(epoch), final(epoch, 1)])
    expect(host.files.get('out/_staged/aaaaaaaaaaaa-a1.shown')?.length).toBeLessThan(66 * 1024)
    expect(await marksOf(host, 2).has(final(3000, 1))).toBe(true)
    const mend = host.files.inject({ operation: 'file-sync', path: /shown/, code: 'EIO' })
    await expect(marks.note([final(3001)])).rejects.toMatchObject({ code: 'EIO' })
    mend()
    expect(marks.isOwn(final(3001))).toBe(false)
    await marks.note([final(3001)])
    expect(await marksOf(host, 2).has(final(3001))).toBe(true)
    await marks.close()
    expect(host.files.openFiles).toBe(0)
    expect(await names()).toEqual(['aaaaaaaaaaaa-a1.shown'])
  })

  it('SM2: go when an attempt has noted everything that checkpoints name itself, or at the end', async () => {
    const { host, names } = await begun()
    await marksOf(host, 1).note([final(1), final(1, 1)])
    const second = marksOf(host, 2)
    await second.sweep(await names(), [final(1)])
    expect(await names()).toEqual(['aaaaaaaaaaaa-a1.shown'])
    await second.note([final(2)])
    await second.sweep(await names(), [final(2, 5)])
    expect(await names()).toHaveLength(2)
    await second.sweep(await names(), [final(1, 1), final(2)])
    expect(await names()).toEqual(['aaaaaaaaaaaa-a2.shown'])
    await second.end()
    expect(await names()).toEqual([])
    expect(host.files.openFiles).toBe(1)
  })

  it('V8: are gone when a run has ended well, and of no one else’s business until then', async () => {
    const host = createManualHost()
    const first = await open(host, 1)
    await first.commit(await prepare(first, 1))
    await first.close()
    const other = await open(host, 1, { lineage: 'bbbb', outputMode: 'append' })
    await host.advance(3 * 24 * 3_600_000)
    await other.sweep([])
    await other.close()
    expect(host.files.paths('/data/out/_staged').filter((path) => path.endsWith('.shown'))).toHaveLength(1)
    const second = await open(host, 2)
    await second.commit(await prepare(second, 2))
    await second.finish()
    await second.sweep([])
    await second.close()
    expect(host.files.paths('/data/out/_staged')).toEqual([])
  })
})
