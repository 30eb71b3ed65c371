// Holds the import rules of ARCHITECTURE.md: every arrow between rooms is on the list, and nothing else is.
import { describe, expect, it } from 'vitest'
import { importsOf, roomOf, roomRules, wrongArrows } from '../../tools/house/import-graph.mjs'
import { packageSources, readProjectFile } from '../../tools/house/project-files.mjs'

const inRoom = (room: string): string => `packages/core/src/${room}/some-file.ts`

describe('import graph', () => {
  it('has only the arrows that the architecture allows', () => {
    const faults = packageSources().flatMap((path) => wrongArrows(path, readProjectFile(path)))
    expect(faults).toEqual([])
  })

  it('has a rule for every room that exists', () => {
    const rooms = new Set(packageSources().map((path) => roomOf(path) ?? path))
    expect([...rooms].filter((room) => roomRules[room] === undefined)).toEqual([])
  })
})

describe('the checker of the import graph', () => {
  it.each([
    ['time', "import { x } from '../data/batch.ts'", /time may not import data/],
    ['data', "export * from '../expr/index.ts'", /data may not import expr/],
    ['engine', "import type { Sdk } from '../sdk/index.ts'", /engine may not import sdk/],
    ['engine', "const host = await import('../host/node/index.ts')", /engine may not import host\/node/],
    ['engine', "type Built = import('../sdk/index.ts').Built", /engine may not import sdk/],
    ['engine', "const files = await import('../connect/files/index.ts')", /only types from connect/],
    ['runtime', "import { driver } from '../testing/driver.ts'", /runtime may not import testing/],
    ['host', "import { readFile } from 'node:fs/promises'", /Node's "node:fs\/promises"/],
    ['connect', "import { readFile } from 'fs/promises'", /Node's "fs\/promises"/],
    ['connect', "import { Manifest } from '../checkpoint/manifest.ts'", /only types from checkpoint/],
    ['engine', "import { tableFromArrays } from 'apache-arrow'", /engine may not import "apache-arrow"/],
    ['plan', "import { main } from '../../../cli/src/main.ts'", /another package by path/],
    ['sdk', "import { driver } from '@millrace/core/testing'", /testing door/],
  ])('refuses in %s: %s', (room, code, reason) => {
    const [fault, ...more] = wrongArrows(inRoom(room), code)
    expect(fault).toMatch(reason)
    expect(more).toEqual([])
  })

  it.each([
    ['data', "import { instant } from '../time/instant.ts'"],
    ['time', "import { MillraceError } from '../errors.ts'"],
    ['engine', "import { row } from './row.ts'"],
    ['connect', "import type { Manifest } from '../checkpoint/manifest.ts'"],
    ['connect', "import { type Manifest } from '../checkpoint/manifest.ts'"],
    ['engine', "type Files = import('../connect/files/index.ts').Files"],
    ['connect/files', "import { source } from '../source.ts'"],
    ['host/node', "import { readFile } from 'node:fs/promises'"],
    ['data', "// import { x } from '../sdk/index.ts'"],
    ['data', 'const text = "import { x } from \'../sdk/index.ts\'"'],
  ])('allows in %s: %s', (room, code) => {
    expect(wrongArrows(inRoom(room), code)).toEqual([])
  })

  it('lets the command line import doors of the core and nothing deeper', () => {
    const path = 'packages/cli/src/run.ts'
    expect(wrongArrows(path, "import { run } from '@millrace/core/runtime'")).toEqual([])
    expect(wrongArrows(path, "import { run } from '../../core/src/runtime/run.ts'")).toHaveLength(1)
    expect(wrongArrows(path, "import { pipeline } from 'millrace'")).toHaveLength(1)
  })

  it('sees every form of import with its line', () => {
    const code = "import './a.ts'\nexport { b } from './b.ts'\nconst c = import(name)\n"
    expect(importsOf('x.ts', code).map(({ specifier, line }) => `${line} ${specifier}`)).toEqual([
      '1 ./a.ts',
      '2 ./b.ts',
      '3 (computed)',
    ])
  })
})
