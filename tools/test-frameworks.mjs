// `npm run test:frameworks`: the test driver in Jest, which comes as an npm package into a cache folder, on demand. The
// other frameworks are part of the suite: test/frameworks.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, ensureBuilt, ensureInstalled, root, run } from './setup.mjs'

const version = '30.5.2'
const folder = join(cacheFolder, 'jest', version)
const program = join(folder, 'node_modules/jest/bin/jest.js')

ensureInstalled()
ensureBuilt()
if (!existsSync(program)) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const quiet = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts']
  run('npm', ['install', '--prefix', folder, ...quiet, `jest@${version}`])
}
const config = {
  rootDir: join(root, 'test/frameworks'),
  testMatch: ['<rootDir>/jest.test.mjs'],
  // As in a project of one's own: packages and modules are used as they are.
  transform: {},
}
process.exitCode = run(
  process.execPath,
  ['--experimental-vm-modules', program, '--config', JSON.stringify(config), '--watchman=false'],
  { FORCE_COLOR: '0' },
)
