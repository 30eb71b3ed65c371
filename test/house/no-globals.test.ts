// Law L4, no globals: "the engine reaches time, randomness, files, network and threads only through `host`".
import { describe, expect, it } from 'vitest'
import { bannedUses, isUnderLawL4 } from '../../tools/house/globals.mjs'
import { packageSources, readProjectFile } from '../../tools/house/project-files.mjs'

const uses = (code: string): string[] => bannedUses('packages/core/src/engine/some-file.ts', code)

describe('law L4, no globals', () => {
  it('the core reaches the world only through host', () => {
    const paths = packageSources().filter(isUnderLawL4)
    expect(paths.flatMap((path) => bannedUses(path, readProjectFile(path)))).toEqual([])
  })

  it('covers every room of the core but the Node host', () => {
    expect(isUnderLawL4('packages/core/src/host/clock.ts')).toBe(true)
    expect(isUnderLawL4('packages/core/src/host/node/clock.ts')).toBe(false)
    expect(isUnderLawL4('packages/cli/src/main.ts')).toBe(false)
  })
})

describe('the checker of law L4', () => {
  it.each([
    'const now = Date.now()',
    'const now = new Date()',
    'const started = performance.now()',
    'const chance = Math.random()',
    "const chance = Math['random']()",
    'const { random } = Math',
    'setTimeout(() => {}, 10)',
    'const env = process.env',
    "await fetch('x')",
    'crypto.randomUUID()',
    'queueMicrotask(tick)',
    'const clock = { Date }',
    'const clock = globalThis',
    'console.log(row)',
    "const make = new Function('return Date.now()')",
    'const code = `let at = performance.now() + ${delay}`',
  ])('refuses %s', (code) => {
    expect(uses(code)).toHaveLength(1)
  })

  it.each([
    'step.process(row)',
    'class Step { process(row: Row): void {} }',
    'const spec = { process: 1, fetch: 2 }',
    'function apply(process: Process): void { process(1) }',
    'function read(value: Date): number { return value.getTime() }',
    'interface Clock { readonly Date: number; setTimeout(ms: number): void }',
    'const half = Math.floor(1.5)',
    "const message = 'the Date of the process'",
    "import { createProcess } from './process.env.ts'",
    '// Date.now() is not for us',
  ])('allows %s', (code) => {
    expect(uses(code)).toEqual([])
  })

  it('names the place and the global', () => {
    expect(uses('const a = 1\nconst b = Date.now()')).toEqual([
      'packages/core/src/engine/some-file.ts:2: Date is reached through host only (law L4)',
    ])
  })
})
