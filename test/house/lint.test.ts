// The linter is set up to refuse what law L4 forbids, so that an editor says it while the line is written.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'millrace-lint-'))
cpSync('.oxlintrc.json', join(folder, '.oxlintrc.json'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const code = `import { readFile } from 'node:fs/promises'
import { join } from 'path'
export const all = [Date.now(), performance.now(), Math.random(), process.env, readFile, join]
export const later = (run: () => void): unknown => [setTimeout(run, 1), queueMicrotask(run), fetch('x')]
`

function lint(path: string): string {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), code)
  const args = [resolve('node_modules/oxlint/bin/oxlint'), '--format', 'unix', path]
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }).stdout
}

describe('lint', () => {
  it('refuses banned globals and imports in the core', () => {
    const output = lint('packages/core/src/engine/some-file.ts')
    const names = [
      'node:fs/promises',
      'path',
      'Date',
      'performance',
      'Math.random',
      'process',
      'setTimeout',
      'queueMicrotask',
    ]
    for (const name of [...names, 'fetch']) expect(output).toContain(`'${name}'`)
  })

  it('allows them in the Node host and in the command line', () => {
    expect(lint('packages/core/src/host/node/some-file.ts')).not.toContain('restricted')
    expect(lint('packages/cli/src/some-file.ts')).not.toContain('restricted')
  })
})
