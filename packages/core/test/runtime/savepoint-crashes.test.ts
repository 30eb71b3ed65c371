// Savepoints on a machine that dies at any moment: while one is made, of a job that runs and of one that has stopped, and
// while another job begins with it. What was put out up to its epoch and what the job behind it puts out are all rows,
// each once; a savepoint that is half made is none, and can be made again.
import { describe, expect, it } from 'vitest'
import { writeSavepoint } from '../../src/checkpoint/index.ts'
import type { Manifest } from '../../src/checkpoint/index.ts'
import type { Host } from '../../src/host/host.ts'
import { isMillraceError } from '../../src/errors.ts'
import { overlay, suiteSeed } from '../testing/crashes.ts'
import { answer, SmallWorld, textOf } from './small-jobs.ts'
import type { Between, SmallJob } from './small-jobs.ts'

/** These tests wait for nothing; a machine with much else to do is slow. */
const TEST_MS = 300_000
/** How long the first job runs before it is stopped, or a savepoint of it is made. */
const MIDST_MS = 80
/** Turning points of a job that begins with a savepoint; behind them it goes on as any other does. */
const BEGINNING = 45

/** Numbers of events behind which processes are killed. */
interface Kills {
  readonly making?: number
  readonly beginning?: number
}

/** Where the moments of a life lie that nobody cuts short. */
interface Life {
  readonly making: readonly number[]
  readonly beginning: readonly number[]
  readonly faults: readonly string[]
}

/** One life of a job, of its savepoint and of the job that begins with it. */
class SavepointLife {
  readonly world: SmallWorld
  readonly branch: SmallWorld
  readonly #of: 'running' | 'stopped'
  readonly #kills: Kills
  /** Events before the savepoint is made, and behind it. */
  #saved: readonly [number, number] = [0, 0]

  constructor(job: SmallJob, of: 'running' | 'stopped', kills: Kills, between: Between = {}) {
    this.world = new SmallWorld(suiteSeed, job, between)
    this.branch = new SmallWorld(suiteSeed, job, {}, this.world)
    this.#of = of
    this.#kills = kills
  }

  async live(): Promise<Life> {
    const { machine } = this.world
    if (this.#of === 'stopped') await this.#stopped()
    const began = machine.events
    let saved = await this.#cut(this.#kills.making, (host) => this.#making(host))
    const [making, made] = this.#saved
    // It goes on, or has nothing left to do.
    await this.#whole((host) => this.world.job(host).run())
    const ended = machine.events
    const first = await this.#cut(this.#kills.beginning, (host) => this.#beginning(host))
    const begun = machine.events
    if (first === 'killed' || first === 'none') {
      if (first === 'none') saved = await this.#whole((host) => this.#saving(host))
      await this.#whole((host) => this.#beginning(host))
    }
    return {
      making: pointsOf(machine.turningPoints, making, made).map((point) => point + making - began),
      beginning: pointsOf(machine.turningPoints, ended, begun).slice(0, BEGINNING),
      faults: await this.#faults(saved),
    }
  }

  /** What is wrong in the end. */
  async #faults(saved: Manifest | 'killed'): Promise<readonly string[]> {
    const epoch = saved === 'killed' ? await this.#epochBegun() : saved.epoch
    const before = this.world.table.rows.filter((row) => row.epoch <= epoch)
    const texts = [...before, ...this.branch.table.rows].map(({ row }) => textOf(row)).toSorted()
    const faults: string[] = []
    if (texts.join() !== answer.join()) faults.push(`behind epoch ${epoch}: ${texts.join()}`)
    const own = (await this.world.visible()).join()
    if (own !== answer.join()) faults.push(`the first job: ${own}`)
    return faults
  }

  /** Runs a process that may be killed; then the power fails. */
  async #cut<Result>(
    at: number | undefined,
    work: (host: Host) => Promise<Result>,
  ): Promise<Result | 'killed'> {
    const { machine } = this.world
    if (at !== undefined) machine.killAfter(at)
    const result = await this.world.alive(work(this.world.boot()))
    machine.kill('power')
    return result
  }

  async #whole<Result>(work: (host: Host) => Promise<Result>): Promise<Result> {
    const result = await this.#cut(undefined, work)
    if (result === 'killed') throw new Error('nobody kills it')
    return result
  }

  /** Runs the first job for a while. */
  async #stopped(): Promise<void> {
    const result = await this.#whole((host) => {
      const job = this.world.job(host)
      host.timers.set(MIDST_MS, () => job.stop())
      return job.run()
    })
    if (result.end !== 'stopped') throw new Error('it has come to its end')
  }

  /** Makes the savepoint; of a job that runs in its midst. */
  async #making(host: Host): Promise<Manifest> {
    if (this.#of === 'stopped') return this.#saving(host)
    const running = this.world.job(host).run()
    await new Promise<void>((resolve) => void host.timers.set(MIDST_MS, resolve))
    const [saved] = await Promise.all([this.#saving(host), running])
    return saved
  }

  async #saving(host: Host): Promise<Manifest> {
    const { machine } = this.world
    const [from, to] = [this.world.place('state', host), this.world.place('saved', host)]
    const before = machine.events
    const saved = await writeSavepoint(from, to, { checks: host.bytes })
    this.#saved = [before, machine.events]
    return saved
  }

  /** Begins the other job with the savepoint; `none`: there is none. */
  async #beginning(host: Host): Promise<'begun' | 'none'> {
    const [state, savepoint] = [this.world.place('branch', host), this.world.place('saved', host)]
    try {
      await this.branch.job(host, { state, savepoint }).run()
      return 'begun'
    } catch (error) {
      if (isMillraceError(error) && error.what === 'there is no savepoint') return 'none'
      throw error
    }
  }

  /** The epoch of a savepoint whose maker was killed. */
  async #epochBegun(): Promise<number> {
    const host = this.world.boot()
    const file = await this.world.machine.run(this.world.place('saved', host).read('savepoint'))
    const body =
      Buffer.from(file ?? new Uint8Array(0))
        .toString('utf8')
        .split('\n')[1] ?? ''
    return (JSON.parse(body) as Manifest).epoch
  }
}

function pointsOf(turningPoints: readonly number[], from: number, to: number): readonly number[] {
  return turningPoints.filter((point) => point > from && point <= to).map((point) => point - from)
}

const table = { mode: 'continuous', output: 'table' } as const

describe('a savepoint on a machine that is killed', () => {
  it.each([
    ['running', 'directory'],
    ['stopped', 'directory'],
    ['stopped', 'bucket'],
  ] as const)(
    'is whole or is none, and rows before it and behind it are all rows: of a %s job, in a %s',
    async (of, store) => {
      const job = { ...table, store }
      const calm = await new SavepointLife(job, of, {}).live()
      expect(calm.faults).toEqual([])
      expect(calm.making.length).toBeGreaterThan(8)
      expect(calm.beginning.length).toBeGreaterThan(30)
      const kills: readonly Kills[] = [
        ...calm.making.map((making) => ({ making })),
        ...(of === 'running' || store === 'bucket' ? [] : calm.beginning.map((beginning) => ({ beginning }))),
      ]
      const faults: string[] = []
      // A bucket has many requests for what takes a directory few operations: others with another seed.
      const step = store === 'bucket' ? 4 : 1
      for (const [at, kill] of kills.entries()) {
        if (at % step !== suiteSeed % step) continue
        const found = await new SavepointLife(job, of, kill).live().then(
          (life) => life.faults,
          (error: unknown) => [String(error)],
        )
        faults.push(...found.map((fault) => `${JSON.stringify(kill)}: ${fault}`))
      }
      expect(faults.slice(0, 5)).toEqual([])
    },
    TEST_MS,
  )

  it(
    'is seen to be wrong where its files are not synced',
    async () => {
      const host = (own: Host): Host => {
        const open: Host['files']['open'] = async (path, mode) => {
          const file = await own.files.open(path, mode)
          return path.startsWith('/data/saved') ? overlay(file, { sync: async () => undefined }) : file
        }
        return { ...own, files: overlay(own.files, { open }) }
      }
      const job = { ...table, store: 'directory' } as const
      const { making } = await new SavepointLife(job, 'stopped', {}).live()
      let wrong = 0
      for (const point of making) {
        const faults = await new SavepointLife(job, 'stopped', { making: point }, { host }).live().then(
          (life) => life.faults,
          (error: unknown) => [String(error)],
        )
        if (faults.length > 0) wrong++
      }
      expect(wrong).toBeGreaterThan(0)
    },
    TEST_MS,
  )
})
