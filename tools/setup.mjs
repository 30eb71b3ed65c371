// Gets a fresh clone ready: installs when `node_modules` is missing or older than the lockfile, and builds.
// Plain Node, no dependencies: it runs before there are any.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository, without a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')

/** Where tools keep what they may lose: reports, extracted examples, other Node versions. */
export const cacheFolder = join(root, 'node_modules', '.cache', 'millrace')

/** Holds when the packages were bundled last, in milliseconds: sources that are newer are not in `dist`. */
export const bundleMark = join(cacheFolder, 'bundled')

const oldestNode = { major: 20, minor: 19 }

/** Says so, and ends, when this Node is older than the oldest that Millrace runs on. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > oldestNode.major || (major === oldestNode.major && minor >= oldestNode.minor)) return
  console.error(
    `Millrace needs Node ${oldestNode.major}.${oldestNode.minor} or newer; this is ${process.versions.node}.`,
  )
  process.exit(1)
}

/** Installs exactly what the lockfile names, unless that was done already. */
export function ensureInstalled() {
  requireNode()
  if (isInstalled()) return
  console.log('installing dependencies (npm ci)')
  runOrExit('npm', ['ci', '--no-audit', '--no-fund'])
}

/** Builds the packages: declarations by the compiler, JavaScript by bundle.mjs. About a second when nothing has changed. */
export function ensureBuilt() {
  runOrExit(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...builtPackages])
  runOrExit(process.execPath, [join(root, 'tools/bundle.mjs')])
}

export const builtPackages = [
  'packages/core',
  'packages/cli',
  'packages/millrace',
  'packages/connector-postgres',
  'packages/connector-s3',
  'packages/connector-sqlite',
]

function isInstalled() {
  // npm writes this file last, so it dates the whole installation.
  const written = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(written)) return false
  return statSync(written).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
}

/**
 * Runs a program with the terminal as its own, in the root of the repository.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] - added to this process's environment
 * @returns {number} its exit code; 1 when it could not start or was ended by a signal
 */
export function run(program, args, env = {}) {
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
    shell: process.platform === 'win32' && program === 'npm',
  })
  if (result.error !== undefined) console.error(result.error.message)
  return result.status ?? 1
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function runOrExit(program, args) {
  const code = run(program, args)
  if (code !== 0) process.exit(code)
}
