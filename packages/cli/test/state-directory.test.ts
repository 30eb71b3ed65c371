// State directories as people meet them: real processes, one directory, whatever happens to it.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonLines, millrace, startMillrace, workshop } from './start-millrace.ts'
import type { Finished, Running, Workshop } from './start-millrace.ts'

let open: Workshop[] = []
const running: Running[] = []

afterEach(async () => {
  for (const one of running.splice(0)) {
    one.signal('SIGCONT')
    one.signal('SIGKILL')
    await one.finished
  }
  for (const one of open) one.remove()
  open = []
})

/** Counts rows by key; `type` is that of the count. */
const counting = (type: string, extra = ''): string => `
import { pipeline, schema, state, t } from 'millrace'
import { ndjson } from 'millrace/files'
const Row = schema({ key: t.string() })
const Out = schema({ key: t.string(), count: t.int64() })
export default pipeline('counting', (p) => {
  p.read('rows', ndjson('in', { schema: Row }))
    .keyBy('by-key', 'key')
    .process('count', {
      state: { count: ${type}${extra} },
      output: Out,
      onRow({ key }, { state: { count }, emit }) {
        count.set(((count.get() ?? 0) as number) + 1 as never)
        emit({ key, count: Number(count.get()) })
      },
    })
    .write('out', ndjson('out', { roll: 'epoch' }))
})
`

/** A directory with the pipeline; files are put into its input one by one. */
class Scene {
  readonly made: Workshop = workshop({ 'pipe.ts': counting('state.value(t.int32())') })
  #files = 0

  constructor() {
    open.push(this.made)
  }

  push(...keys: readonly string[]): void {
    const name = `in/${++this.#files}.ndjson`
    const path = this.made.file(name, keys.map((key) => `${JSON.stringify({ key })}\n`).join(''))
    // A file that was written just now may still be in the making.
    utimesSync(path, 0, 0)
  }

  args(...more: readonly string[]): string[] {
    return ['run', 'pipe.ts', '--mode', 'continuous', '--state', 'kept', ...more]
  }

  /** Runs until nothing comes. */
  run(...more: readonly string[]): Promise<Finished> {
    return this.tool(...this.args('--epoch-interval', '1min', '--stop-when-idle', '300ms', ...more))
  }

  start(...more: readonly string[]): Running {
    const started = startMillrace(this.args('--epoch-interval', '20ms', '--json', ...more), {
      cwd: this.made.path,
    })
    running.push(started)
    return started
  }

  tool(...words: readonly string[]): Promise<Finished> {
    return millrace(words, { cwd: this.made.path })
  }

  /** All counts that are visible. */
  get counts(): readonly number[] {
    const folder = join(this.made.path, 'out')
    return readdirSync(folder)
      .filter((name) => !/^[._]/.test(name))
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { count: number }).count)
      .toSorted((a, b) => a - b)
  }

  files(folder: string): readonly string[] {
    return readdirSync(join(this.made.path, 'kept', folder))
      .toSorted()
      .map((name) => join(this.made.path, 'kept', folder, name))
  }

  /** The newest manifests' files, newest first. */
  get manifests(): readonly string[] {
    return this.files('log')
      .filter((path) => readFileSync(path, 'utf8').startsWith('millrace-log 1 manifest'))
      .toReversed()
  }

  /** The newest epoch. */
  get epoch(): number {
    const text = readFileSync(this.manifests[0] ?? '', 'utf8').split('\n')[1] ?? ''
    return (JSON.parse(text) as { epoch: number }).epoch
  }

  get everything(): readonly string[] {
    return ['log', 'state'].flatMap((folder) => this.files(folder)).map((path) => `${path} ${digestOf(path)}`)
  }
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

describe('millrace check', () => {
  it('says what a start would do, and writes nothing', async () => {
    const scene = new Scene()
    const check = (...more: readonly string[]) => scene.tool('check', 'pipe.ts', '--state', 'kept', ...more)
    const begins = await check()
    expect([begins.code, begins.stderr]).toEqual([0, ''])
    expect(begins.stdout).toMatch(/kept: a start would begin at the beginning: no epoch is kept\n/)
    expect(begins.stdout).toMatch(/ {4}count {2}begins empty\n/)
    expect(readdirSync(scene.made.path)).not.toContain('kept')
    scene.push('a', 'a')
    await scene.run()
    const before = scene.everything
    const resumes = await check()
    expect(resumes.stdout).toMatch(
      /kept: a start would go on behind epoch \d+ of \d{4}-.*, with which the run before had read all there was\n {2}nobody runs the job\n/,
    )
    expect(resumes.stdout).toMatch(/count {2}goes on as it is/)
    scene.made.file('pipe.ts', counting('state.value(t.int64())'))
    expect((await check()).stdout).toContain('goes on, changed; "count" becomes int64, was int32')
    scene.made.file('pipe.ts', counting('state.value(t.string())'))
    const refused = await check()
    expect(refused.code).toBe(2)
    expect(refused.stdout).toContain('kept: refused: a start would go on')
    expect(refused.stderr).toMatch(/^error checkpoint\/incompatible: .*it was int32 and is string/)
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain('hint: keep the old definition; or')
    const dropped = await check('--drop-state', 'count', '--json')
    const steps = expect.arrayContaining([
      {
        step: 'count',
        verdict: 'converts',
        changes: [
          { kind: 'drops', state: 'count' },
          { kind: 'gains', state: 'count' },
        ],
      },
    ]) as unknown
    expect([dropped.code, jsonLines(dropped.stdout)]).toMatchObject([
      0,
      [{ type: 'check', kind: 'resume', steps }],
    ])
    expect(scene.everything).toEqual(before)
    expect((await scene.tool('check', 'pipe.ts')).stderr).toContain('add --state DIR')
  })

  it('with --from says what would be put out a second time, and so does the run before it begins', async () => {
    const scene = new Scene()
    scene.push('a')
    await scene.run()
    const first = scene.epoch
    scene.push('a', 'a')
    await scene.run()
    const check = await scene.tool('check', 'pipe.ts', '--state', 'kept', '--from', String(first))
    const told = /put out again: epochs? [\d to]+, whose output stands already: 2 rows of "out"/
    expect([check.code, check.stdout]).toEqual([0, expect.stringMatching(told)])
    const again = await scene.run('--from', String(first))
    expect(again.stderr).toMatch(new RegExp(`^goes back behind epoch ${first}, with a history of its own\n`))
    expect(again.stderr).toMatch(told)
    expect(scene.counts).toEqual([1, 2, 2, 3, 3])
    const [, begins = '', contains = ''] =
      /as files (part-\d+-)\*[^"]* with "(-[0-9a-f]{12}\.)" in their names: remove these/.exec(
        check.stdout.replaceAll(/\s+/g, ' '),
      ) ?? []
    const folder = join(scene.made.path, 'out')
    const named = readdirSync(folder).filter((name) => name >= begins && name.includes(contains))
    expect(named.length).toBeGreaterThan(0)
    for (const name of named) rmSync(join(folder, name))
    expect(scene.counts).toEqual([1, 2, 3])
    const gone = await scene.tool('check', 'pipe.ts', '--state', 'kept', '--from', '9999')
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('checkpoint/no-such-epoch')])
  })
})

describe('a pipeline that has changed', () => {
  it('goes on by a migration, or without what --drop-state gives up', async () => {
    const scene = new Scene()
    scene.push('a', 'a')
    await scene.run()
    scene.push('a')
    scene.made.file('pipe.ts', counting('state.value(t.string())'))
    const refused = await scene.run()
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('checkpoint/incompatible')])
    const migration =
      'state.value(t.string(), { migrate: { from: t.int32(), with: (old) => String(old * 10) } })'
    const typed = counting(migration).replace(
      '((count.get() ?? 0) as number) + 1 as never',
      'String(Number(count.get() ?? 0) + 1)',
    )
    scene.made.file('pipe.ts', typed)
    expect(await scene.run()).toMatchObject({ code: 0 })
    expect(scene.counts).toEqual([1, 2, 21])
    scene.push('a')
    scene.made.file('pipe.ts', counting('state.value(t.int32())'))
    expect(await scene.run('--drop-state', 'count')).toMatchObject({ code: 0 })
    expect(scene.counts).toEqual([1, 1, 2, 21])
  })
})

describe('two processes on one state directory', () => {
  it('the second is refused with the pid of the first; after kill -9 it takes over at once', async () => {
    const scene = new Scene()
    scene.push('a')
    const first = scene.start()
    await first.shows(/"rowsOut":1,/)
    const second = await scene.run()
    expect([second.code, second.stderr]).toEqual([
      2,
      expect.stringContaining(`error checkpoint/owned: process ${first.pid} runs this job`),
    ])
    const check = await scene.tool('check', 'pipe.ts', '--state', 'kept')
    expect([check.code, check.stdout]).toEqual([2, expect.stringContaining(`process ${first.pid} on`)])
    first.signal('SIGKILL')
    await first.finished
    const gone = await scene.tool('check', 'pipe.ts', '--state', 'kept')
    expect([gone.code, gone.stdout]).toEqual([
      0,
      expect.stringContaining('is gone: it would be taken over at once'),
    ])
    scene.push('a')
    expect(await scene.run()).toMatchObject({ code: 0 })
    expect(scene.counts).toEqual([1, 2])
  })

  it('--takeover fences one that sleeps: it ends when it wakes up, and has put out nothing more', async () => {
    const scene = new Scene()
    scene.push('a')
    const first = scene.start()
    await first.shows(/"rowsOut":1,/)
    first.signal('SIGSTOP')
    scene.push('a', 'a')
    expect(await scene.run('--takeover')).toMatchObject({ code: 0 })
    expect(scene.counts).toEqual([1, 2, 3])
    first.signal('SIGCONT')
    const { code, stdout } = await first.finished
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([1, { type: 'error', code: 'checkpoint/fenced' }])
    expect(scene.counts).toEqual([1, 2, 3])
    scene.push('a')
    await scene.run()
    expect(scene.counts).toEqual([1, 2, 3, 4])
  })
})

describe('a state directory that is damaged', () => {
  const turned = (path: string): void => {
    const bytes = readFileSync(path)
    const at = bytes.length >> 1
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
  }
  const cut = (path: string): void => writeFileSync(path, readFileSync(path).subarray(0, -5))
  /** Of the newest epoch that changed something. */
  const newestState = (scene: Scene): string => {
    const text = readFileSync(scene.manifests[0] ?? '', 'utf8').split('\n')[1] ?? ''
    const { state } = JSON.parse(text) as { state: { name: string; epoch: number }[] }
    const newest = state.toSorted((a, b) => b.epoch - a.epoch)[0]?.name ?? ''
    return join(scene.made.path, 'kept', newest)
  }

  it.each<[string, (scene: Scene) => void]>([
    ['a manifest that is cut', (scene) => cut(scene.manifests[0] ?? '')],
    ['a manifest with one bit turned', (scene) => turned(scene.manifests[0] ?? '')],
    ['a state file that is cut', (scene) => cut(newestState(scene))],
    ['a state file with one bit turned', (scene) => turned(newestState(scene))],
  ])('by %s stops the run, names what would repeat, and goes back only with --from', async (_, damage) => {
    const scene = new Scene()
    for (const key of ['a', 'a', 'a']) {
      scene.push(key)
      await scene.run()
    }
    expect(scene.counts).toEqual([1, 2, 3])
    damage(scene)
    const before = scene.everything
    const stopped = await scene.run()
    const hint = stopped.stderr.replaceAll(/\s+/g, ' ')
    expect([stopped.code, hint]).toEqual([1, expect.stringContaining('checkpoint/damaged')])
    expect(hint).toMatch(/at: \S*kept\/(log|state)\//)
    const back = /go back with --from (\d+): the output behind epoch \1.* is put out again/.exec(hint)?.[1]
    expect([hint, back]).toEqual([hint, expect.any(String)])
    expect(scene.everything.filter((file) => !before.includes(file))).toEqual([])
    const check = await scene.tool('check', 'pipe.ts', '--state', 'kept')
    expect([check.code, check.stderr.includes('checkpoint/damaged')]).toEqual([1, true])
    expect(await scene.run('--from', back ?? '')).toMatchObject({ code: 0 })
    expect(new Set(scene.counts)).toEqual(new Set([1, 2, 3]))
    scene.push('a')
    expect(await scene.run()).toMatchObject({ code: 0 })
    expect(scene.counts.at(-1)).toBe(4)
  })

  it('of a newer format is refused by its number, and not gone back over', async () => {
    const scene = new Scene()
    scene.push('a')
    await scene.run()
    const [newest = ''] = scene.manifests
    writeFileSync(newest, readFileSync(newest, 'utf8').replace('millrace-log 1', 'millrace-log 7'))
    for (const more of [[], ['--from', '1']]) {
      const refused = await scene.run(...more)
      expect([refused.code, refused.stderr]).toEqual([
        2,
        expect.stringMatching(/checkpoint\/newer-format: .*format 7/),
      ])
    }
  })
})

describe('--restart', () => {
  const failing = (times: number): string =>
    counting('state.value(t.int32())')
      .replace("ndjson('out', { roll: 'epoch' })", 'away')
      .replace(
        'export default',
        `const real = ndjson('out', { schema: Out, roll: 'epoch' }).toSink()
let tries = 0
const away = {
  ...real,
  open: async (context: never) => {
    if (++tries <= ${times}) throw new Error('the disk is away')
    return real.open(context)
  },
} as never
export default`,
      )

  it('starts again after failures that may pass, tells them, and says at the end how it began', async () => {
    const scene = new Scene()
    scene.made.file('pipe.ts', failing(2))
    scene.push('a', 'a')
    const { code, stdout } = await scene.run('--restart', 'fixed:20ms', '--json')
    expect([code, jsonLines(stdout).at(-1)]).toMatchObject([
      0,
      {
        type: 'end',
        start: { kind: 'begin', attempt: 3, changes: [] },
        failures: [{ code: 'output/write-failed' }, { code: 'output/write-failed' }],
        lastEpoch: { epoch: 1, stateBytes: expect.any(Number) as number },
      },
    ])
    expect(scene.counts).toEqual([1, 2])
  })

  it('gives up where it was told to', async () => {
    const scene = new Scene()
    scene.made.file('pipe.ts', failing(9))
    scene.push('a')
    const once = await scene.run('--restart', 'fixed:20ms:1')
    expect([once.code, once.stderr]).toEqual([1, expect.stringContaining('output/write-failed')])
    const without = await scene.tool('run', 'pipe.ts', '--restart', 'exponential')
    expect([without.code, without.stderr]).toEqual([2, expect.stringContaining('add --state DIR')])
  })
})
