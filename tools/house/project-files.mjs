// The files of the project: what git tracks or would track; without git, a walk that leaves out what is made.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup.mjs'

const made = new Set(['node_modules', 'dist', 'coverage', 'out', '.git'])

/**
 * @returns {string[]} paths relative to the root, with `/`, sorted
 */
export function projectFiles() {
  return (filesFromGit() ?? walk('')).filter((path) => existsSync(join(root, path))).sort()
}

/**
 * Sources of the packages: what the import graph, the ban on globals and the size limits look at.
 *
 * @returns {string[]}
 */
export function packageSources() {
  return projectFiles().filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path))
}

/**
 * @param {string} path - relative to the root
 */
export function readProjectFile(path) {
  return readFileSync(join(root, path), 'utf8')
}

/** @returns {string[] | undefined} */
function filesFromGit() {
  try {
    const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
    const output = execFileSync('git', args, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const paths = output.split('\0').filter((path) => path !== '')
    return paths.length > 0 ? [...new Set(paths)] : undefined
  } catch {
    return undefined
  }
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function walk(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return made.has(entry.name) ? [] : walk(path)
    return entry.isFile() ? [path] : []
  })
}
