import { spawn } from 'node:child_process'
import { openSync, closeSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../../millrace/bin/millrace.js', import.meta.url))

/** Runs the command with its standard output, or both, on a device that is always full. */
function onFullDevice(
  words: readonly string[],
  both: boolean,
): Promise<{ code: number | null; stderr: string }> {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [bin, ...words], { stdio: ['ignore', full, both ? full : 'pipe'] })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      closeSync(full)
      resolve({ code, stderr })
    })
  })
}

describe.skipIf(!existsSync('/dev/full'))('standard output on a full device', () => {
  it('is an error with a code, not a stack', async () => {
    const { code, stderr } = await onFullDevice(['--help'], false)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error output\/disk-full: no space is left to write standard output/)
    expect(stderr).toContain('at: standard output')
    expect(stderr).not.toMatch(/node:|\n {4}at /)
  })

  it('and standard error, too, is an exit code', async () => {
    expect((await onFullDevice(['--help'], true)).code).toBe(1)
    expect((await onFullDevice([], true)).code).not.toBe(0)
  })
})
