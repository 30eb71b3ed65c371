// Borders and logs of a batch in phases that cannot be read: what is refused, and the way back over what is whole.
import { describe, expect, it } from 'vitest'
import { CheckpointLog, DirectoryStore } from '../../src/checkpoint/index.ts'
import { isMillraceError } from '../../src/errors.ts'
import type { SimulatedMachine } from '../../src/testing/simulated-host.ts'
import { SimulatedFiles } from '../../src/testing/simulated-files.ts'
import { STATE, real, starting, visible, kept, answerOf, breakingInLast, stopped } from './phased-batch.ts'
import type { Calls } from './phased-batch.ts'

describe('a damaged border', () => {
  it.each(['missing', 'cut', 'turned'] as const)(
    'refuses a border with a file that is %s, and computes it again from the one before when asked to',
    async (how) => {
      const machine = await stopped(starting({}, breakingInLast))
      const newest = await borderFile(machine, 2)
      await damage(machine, newest, how)
      const host = machine.boot()
      const failure: unknown = await machine.run(starting()(host, [0, 0, 0])).catch((error: unknown) => error)
      expect(isMillraceError(failure) && failure.code).toBe('checkpoint/damaged')
      expect(String(failure)).toContain('go back with --from 1: what comes behind phase 1 is computed again')
      expect(await visible(machine)).toEqual([])
      const calls: Calls = [0, 0, 0]
      await machine.run(starting({ from: 1, takeOver: true })(machine.boot(), calls))
      expect(calls).toEqual([0, 25, 25])
      expect(await visible(machine)).toEqual(await answerOf(1))
      expect((await kept(machine)).files).toEqual([])
    },
  )

  it('goes back over a damaged log, and keeps what the phases before have prepared', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    await damage(machine, `${STATE}/log/000000000003`, 'turned')
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(isMillraceError(failure) && failure.code).toBe('checkpoint/damaged')
    expect(String(failure)).toContain('behind phase 1 is computed again, and nothing was put out yet')
    const calls: Calls = [0, 0, 0]
    await machine.run(starting({ from: 1, takeOver: true })(machine.boot(), calls))
    expect(calls).toEqual([0, 25, 25])
    expect(await visible(machine)).toEqual(await answerOf(1))
  })

  it('does not say that nothing was put out where what cannot be read may be its end', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const store = (): DirectoryStore =>
      new DirectoryStore({ ...real, files: new SimulatedFiles(machine.disk) }, STATE)
    const newest = async (): Promise<string> => {
      const entries = await new CheckpointLog(store(), real.bytes).read()
      const number = entries.findLast(({ entry }) => entry.kind === 'manifest')?.number ?? 0
      return `log/${String(number).padStart(12, '0')}`
    }
    const border = await newest()
    const bytes = (await store().read(border)) as Uint8Array
    await machine.run(starting()(machine.boot(), [0, 0, 0]))
    machine.kill('process')
    await damage(machine, `${STATE}/${await newest()}`, 'turned')
    // As where the run was killed right behind its end, before it removed what it needs no more.
    const file = await new SimulatedFiles(machine.disk).open(`${STATE}/${border}`, 'create')
    await file.write(bytes)
    await file.close()
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(String(failure)).toContain('its output stands already')
    expect(String(failure)).not.toContain('nothing was put out yet')
  })

  it('says how to begin anew when no border is whole', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    for (const epoch of [1, 2]) await damage(machine, await borderFile(machine, epoch), 'turned')
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(String(failure)).toContain('begin anew in an empty state directory: all phases are computed again')
  })
})

describe('staged output of a batch in phases that is gone', () => {
  it('is told at the end, with a way on that there is', async () => {
    const machine = await stopped(starting({}, breakingInLast))
    const files = new SimulatedFiles(machine.disk)
    const folder = '/data/out/windows/_staged'
    const staged = (await files.list(folder)).map(({ name }) => name).find((name) => name.endsWith('.tmp'))
    await files.remove(`${folder}/${staged ?? ''}`)
    const failure: unknown = await machine
      .run(starting()(machine.boot(), [0, 0, 0]))
      .catch((error: unknown) => error)
    expect(isMillraceError(failure) && [failure.code, failure.step]).toEqual(['output/lost', 'windows-out'])
    expect(String(failure)).toContain(`${staged ?? ''}" is gone`)
    expect(String(failure)).toContain('begin anew in an empty state directory')
    expect(String(failure)).not.toContain('--from')
  })
})

/** The file of a border, by the epoch that wrote it. */
async function borderFile(machine: SimulatedMachine, epoch: number): Promise<string> {
  const { files } = await kept(machine)
  return `${STATE}/${files.findLast((name) => name.includes(`-e${epoch}-`)) ?? ''}`
}

async function damage(
  machine: SimulatedMachine,
  path: string,
  how: 'missing' | 'cut' | 'turned',
): Promise<void> {
  const files = new SimulatedFiles(machine.disk)
  const bytes = new Uint8Array((await files.status(path))?.size ?? 0)
  await (await files.open(path, 'read')).read(bytes, 0, bytes.length, 0)
  await files.remove(path)
  if (how === 'missing') return
  // In the first block: nothing but reading it finds it.
  if (how === 'turned') bytes[100] = (bytes[100] as number) ^ 1
  const file = await files.open(path, 'create')
  await file.write(how === 'cut' ? bytes.subarray(0, -7) : bytes)
  await file.close()
}
