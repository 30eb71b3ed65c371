// State belongs to a pipeline by its name: another one is refused before anything else is said, unless it is the same under
// a new name. Names of steps to drop that nobody knows are refused as well.
import { describe, expect, test } from 'vitest'
import { DirectoryStore, writeSavepoint } from '../../src/checkpoint/index.ts'
import { memorySink } from '../../src/connect/index.ts'
import type { MemorySink } from '../../src/connect/index.ts'
import { pipeline } from '../../src/index.ts'
import type { BuiltPipeline } from '../../src/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, StartCheck } from '../../src/runtime/index.ts'
import { refusal, Scene } from './evolving-job.ts'

const copying = (scene: Scene, name: string, source = 'rows'): BuiltPipeline => {
  const sink: MemorySink<never> = memorySink()
  scene.sink = sink
  return pipeline(name, (p) => {
    p.read(source, scene.stream, { eventTime: 'at' }).write('out', sink as never)
  }).build()
}

const check = async (
  scene: Scene,
  built: BuiltPipeline,
  options: Partial<JobOptions> = {},
): Promise<StartCheck> => {
  const job = new Job(built, { host: scene.host, mode: 'continuous', state: scene.state, ...options })
  return (await job.check()) as StartCheck
}

const begun = async (): Promise<Scene> => {
  const scene = new Scene()
  scene.push(['a', 1])
  await scene.start(copying(scene, 'shop'))
  scene.push(['b', 2])
  return scene
}

describe('the state of another pipeline', () => {
  const told = {
    code: 'checkpoint/incompatible',
    what: 'the state is of pipeline "shop", and this is pipeline "db"',
    hint: expect.stringContaining('--renamed-from shop'),
  }

  test('is refused, by the start and by check, although its steps have the same names', async () => {
    const scene = await begun()
    expect(await refusal(scene.start(copying(scene, 'db')))).toMatchObject(told)
    expect((await check(scene, copying(scene, 'db'))).refusals).toMatchObject([told])
    expect(scene.sink.rows).toEqual([])
  })

  test('is told of alone: what else does not fit gives no advice to drop it', async () => {
    const scene = await begun()
    const { refusals } = await check(scene, copying(scene, 'db', 'others'))
    expect(refusals).toMatchObject([told])
    const error = await refusal(scene.start(copying(scene, 'db', 'others'), { dropState: ['rows'] }))
    expect(error).toMatchObject(told)
    expect(error.hint).not.toContain('--drop-state')
  })

  test('is refused in a savepoint, and when its job has come to its end', async () => {
    const scene = await begun()
    const saved = new DirectoryStore(scene.host, '/saved')
    await writeSavepoint(scene.state, saved, { checks: scene.host.bytes })
    const other = { state: new DirectoryStore(scene.host, '/other'), savepoint: saved }
    expect(await refusal(scene.start(copying(scene, 'db'), other))).toMatchObject(told)
    expect((await check(scene, copying(scene, 'db'), other)).refusals).toMatchObject([told])
    await scene.start(copying(scene, 'shop'), { drain: true })
    expect(await refusal(scene.start(copying(scene, 'db')))).toMatchObject(told)
  })

  test('is that of the pipeline under its old name where that is said, then and with every later start', async () => {
    const scene = await begun()
    expect(await refusal(scene.start(copying(scene, 'db'), { renamedFrom: 'store' }))).toMatchObject(told)
    const wish = { renamedFrom: 'shop' }
    expect((await check(scene, copying(scene, 'db'), wish)).refusals).toEqual([])
    await scene.start(copying(scene, 'db'), wish)
    expect(scene.sink.rows).toMatchObject([{ key: 'b' }])
    scene.push(['c', 3])
    await scene.start(copying(scene, 'db'), wish)
    expect(scene.sink.rows).toMatchObject([{ key: 'c' }])
    expect((await refusal(scene.start(copying(scene, 'shop')))).what).toContain('of pipeline "db"')
  })

  test.each(['', 7])('is not named by %j', async (renamedFrom) => {
    const scene = new Scene()
    await expect(check(scene, copying(scene, 'db'), { renamedFrom: renamedFrom as never })).rejects.toThrow(
      'the option "renamedFrom" of a job cannot be',
    )
  })
})

describe('a step to drop that nobody knows', () => {
  const told = {
    code: 'plan/invalid-argument',
    what: 'there is no step "rowss" whose state could be dropped',
    hint: 'did you mean "rows"?',
  }

  test('is refused with what is near, at the beginning and later', async () => {
    const scene = new Scene()
    const wish = { dropState: ['rowss'] }
    const refused = async (): Promise<void> => {
      expect(await refusal(scene.start(copying(scene, 'shop'), wish))).toMatchObject(told)
      expect((await check(scene, copying(scene, 'shop'), wish)).refusals).toMatchObject([told])
    }
    await refused()
    expect((await scene.state.list('log/')).length).toBe(0)
    await scene.start(copying(scene, 'shop'))
    await refused()
    const far = { dropState: ['nonsense'] }
    expect((await refusal(scene.start(copying(scene, 'shop'), far))).hint).toBe(
      'leave --drop-state nonsense out',
    )
  })

  test('may be one that an earlier start has dropped: the wish stays in the command of a supervisor', async () => {
    const scene = await begun()
    const wish = { dropState: ['rows'] }
    for (let start = 0; start < 3; start++) await scene.start(copying(scene, 'shop', 'orders'), wish)
    expect(await scene.keptSteps()).toEqual(['orders'])
    expect((await check(scene, copying(scene, 'shop', 'orders'), wish)).refusals).toEqual([])
  })
})
