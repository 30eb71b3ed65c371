// L2 with real processes: their state in a bucket over HTTP, killed at any request, or asleep while another takes over.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomOf } from '../../core/test/testing/crashes.ts'
import { S3Server } from './s3-server.ts'
import type { S3Effect } from './s3-server.ts'
import { bucket, environment, keys } from './servers.ts'

const ROWS = 900
const script = fileURLToPath(new URL('killed-job.ts', import.meta.url))
/** Row n is number floor(n / 7) of its key, from 0. */
const answer = Array.from({ length: ROWS }, (_, number) => ({ number, before: Math.floor(number / 7) }))

let folder = ''
let server: S3Server
/** What is done at a request, by its number since the start of the test. */
let atRequest: (number: number) => S3Effect | undefined = () => undefined
const children = new Set<ChildProcess>()

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
  let requests = 0
  const strike = (): S3Effect | undefined => atRequest(++requests)
  server = await S3Server.start({ ...keys, bucket, region: 'eu-test-1', pageSize: 50, strike })
})

afterEach(async () => {
  atRequest = () => undefined
  for (const child of children) child.kill('SIGKILL')
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly printed: string
}

function start(how = ''): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const url = `s3://${bucket}/jobs/counting?region=eu-test-1&endpoint=${encodeURIComponent(server.url)}`
  const options = ['--conditions=millrace-source', '--import', 'tsx']
  const settings = [url, join(folder, 'out'), String(ROWS), how]
  const child = spawn(process.execPath, [...options, script, ...settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  children.add(child)
  let printed = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      children.delete(child)
      resolve({ code, signal, printed })
    })
  })
  return { child, ended }
}

/** The number of the newest entry of the log; 0: there is none. */
function newestEntry(): number {
  const numbers = Array.from(server.bucket.objects.keys(), (key) => Number(/\/log\/(\d{12})$/.exec(key)?.[1]))
  return Math.max(0, ...numbers.filter((number) => number > 0))
}

/** Stops a process in the middle of its work. Its last request is carried out, and the answer waits for it. */
async function asleep({ child, ended }: ReturnType<typeof start>): Promise<void> {
  const stopped = new Promise<string>((resolve) => {
    atRequest = () => {
      // Its takeover and a manifest.
      if (newestEntry() >= 2) {
        atRequest = () => undefined
        child.kill('SIGSTOP')
        resolve('asleep')
      }
      return undefined
    }
  })
  expect(await Promise.race([stopped, ended])).toBe('asleep')
}

/** All rows that a reader of the output finds, in order. */
function visible(): readonly { number: number; before: number }[] {
  const out = join(folder, 'out')
  if (!existsSync(out)) return []
  return readdirSync(out)
    .filter((name) => /^[^._].*\.ndjson$/.test(name))
    .flatMap((name) => readFileSync(join(out, name), 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as { number: number; before: number })
    .toSorted((a, b) => a.number - b.number)
}

/** Rows that are visible twice, or with a wrong count. */
function strays(): readonly unknown[] {
  const rows = visible()
  return rows.filter(
    (row, at) => row.number === rows[at - 1]?.number || row.before !== Math.floor(row.number / 7),
  )
}

describe('a process with its state in a bucket', () => {
  it('gives each row once, killed again and again, whatever became of its last request', async () => {
    const choose = randomOf(5)
    const effects: readonly (S3Effect | undefined)[] = [undefined, 'lost', 'cut', 'late']
    let kills = 0
    let last: Ended | undefined
    for (let attempt = 0; attempt < 8 && last?.code !== 0; attempt++) {
      const running = start()
      // Behind some entries of its own, at any request.
      const entry = attempt < 5 ? newestEntry() + choose(3) : Infinity
      let requests = choose(6)
      atRequest = () => {
        if (newestEntry() < entry || requests-- > 0) return undefined
        running.child.kill('SIGKILL')
        return effects[choose(effects.length)]
      }
      last = await running.ended
      if (last.signal === 'SIGKILL') kills++
      // What the dead had sent arrives now, or while the next one runs.
      if (choose(2) === 0) server.arrive()
      expect(strays()).toEqual([])
    }
    expect(last).toMatchObject({ code: 0, printed: '' })
    expect(visible()).toEqual(answer)
    expect(kills).toBeGreaterThan(2)
  }, 120_000)

  it('is fenced when it slept while another one took over, and gives each row once with it', async () => {
    const sleeping = start()
    await asleep(sleeping)
    const successor = start('take over')
    expect(await successor.ended).toMatchObject({ code: 0, printed: '' })
    expect(visible()).toEqual(answer)
    sleeping.child.kill('SIGCONT')
    // It learns so from the log, or before that from its staged files, which its successor has swept.
    expect(await sleeping.ended).toMatchObject({
      code: 1,
      printed: expect.stringMatching(/^(checkpoint\/fenced|output\/write-failed)$/),
    })
    expect(visible()).toEqual(answer)
  }, 120_000)

  it('is refused while another one lives', async () => {
    const first = start()
    await asleep(first)
    const second = start()
    expect(await second.ended).toMatchObject({ code: 1, printed: 'checkpoint/owned' })
    first.child.kill('SIGCONT')
    expect(await first.ended).toMatchObject({ code: 0, printed: '' })
    expect(visible()).toEqual(answer)
  }, 120_000)
})
