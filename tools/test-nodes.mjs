// `npm run test:nodes`: the whole suite on the other Node lines that Millrace supports. Their binaries come as npm
// packages (`node-<platform>-<arch>`, what npm's `node` package installs) into a cache folder, on demand.
// Arguments choose versions: `npm run test:nodes -- 24.9.0`.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, ensureBuilt, ensureInstalled, root, run } from './setup.mjs'

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20.19.6', '22.23.3', '24.9.0']

ensureInstalled()
ensureBuilt()
const failed = versions.filter((version) => {
  console.log(`\n== Node ${version}`)
  const node = install(version)
  const suite = run(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=dot'])
  const command = run(node, [join(root, 'packages/millrace/bin/millrace.js'), '--version'])
  return suite !== 0 || command !== 0
})
console.log(
  `\n${versions.length - failed.length} Node versions passed, ${failed.length} failed ${failed.join(' ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1

/**
 * @param {string} version
 * @returns {string} the path of the program
 */
function install(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = join(cacheFolder, 'nodes', version)
  const program = join(folder, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node')
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', `${name}@${version}`])
  }
  return program
}
