// `npm start`: what is around the command must not end before it does.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { jsonLines } from './start-millrace.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const output = mkdtempSync(join(tmpdir(), 'millrace-start-'))

beforeEach(() => void mkdirSync(output, { recursive: true }))
afterEach(() => rmSync(output, { recursive: true, force: true }))

it('ends by saying where the results lie and what to try next', async () => {
  const input = join(output, 'flights.ndjson')
  const flight = { date: '2001-01-01T10:00:00', delay: 50, distance: 1, origin: 'SEA', destination: 'ATL' }
  writeFileSync(input, `${JSON.stringify(flight)}\n`)
  const results = join(output, 'results')
  const set = [`input=${input}`, `output=${results}`, 'busy=1'].flatMap((option) => ['--set', option])
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'tools/start.mjs'), ...set], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(status).toBe(0)
  for (const folder of ['hourly', 'daily']) {
    expect(stderr).toContain(join(results, folder))
    expect(readdirSync(join(results, folder)).filter((name) => name.endsWith('.parquet'))).toHaveLength(1)
  }
  expect(stdout).toMatch(/SEA +2001-01-01 10:00 +1 +100 % +50 min/)
  expect(stdout).toContain('Try next')
}, 60_000)

it('passes signals on to the job, and ends behind it with its exit code', async () => {
  const words = ['--mode', 'continuous', '--json', '--set', `output=${join(output, 'out')}`]
  const child = spawn(process.execPath, [join(root, 'tools/start.mjs'), ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let signalled = false
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (signalled || !text.includes('"type":"progress"')) return
    signalled = true
    child.kill('SIGINT')
  })
  const ended = await new Promise((resolve) =>
    child.on('exit', (code, signal) => resolve({ code, signal, last: jsonLines(text).at(-1)?.type })),
  )
  expect(ended).toEqual({ code: 0, signal: null, last: 'end' })
}, 60_000)
