// `npm start`: what is around the command must not end before it does.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { jsonLines } from './start-millrace.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const output = mkdtempSync(join(tmpdir(), 'millrace-start-'))

afterEach(() => rmSync(output, { recursive: true, force: true }))

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
