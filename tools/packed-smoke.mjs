// Packs the packages as they would be published, installs the tarballs in an empty project, imports every door
// with plain Node, compiles an import of every door, and runs `millrace --help`. The project is that of
// docs/guide/own-project.md: its files are the blocks of the page, and its commands are run.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { builtPackages, root } from './setup.mjs'

const folder = mkdtempSync(join(tmpdir(), 'millrace-packed-'))
try {
  smoke()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function smoke() {
  const tarballs = packAll()
  const page = ownProject()
  for (const [name, text] of Object.entries(page)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', ...tarballs], folder)
  const doors = builtPackages.flatMap(doorsOf)
  const imports = doors.map((door) => `await import(${JSON.stringify(door)})`).join('\n')
  writeFileSync(join(folder, 'doors.mjs'), `${imports}\n`)
  node(['doors.mjs'])
  checkTypes(doors)
  const help = node([join('node_modules', 'millrace', 'bin', 'millrace.js'), '--help'])
  if (!help.includes('millrace')) throw new Error(`millrace --help printed: ${help}`)
  runOwnProject()
  console.log(
    `${doors.length} doors imported from ${tarballs.length} tarballs on Node ${process.versions.node}`,
  )
}

function packAll() {
  mkdirSync(join(folder, 'tarballs'))
  const workspaces = builtPackages.flatMap((name) => ['--workspace', name])
  const destination = ['--pack-destination', join(folder, 'tarballs')]
  const output = npm(['pack', '--json', '--ignore-scripts', ...destination, ...workspaces], root)
  /** @type {{ filename: string }[] | Record<string, { filename: string }>} */
  const packed = JSON.parse(output)
  return Object.values(packed).map(({ filename }) => `./tarballs/${filename}`)
}

/**
 * The files of the project of the guide: each block by the name that stands before it.
 *
 * @returns {Record<string, string>}
 */
function ownProject() {
  const page = readFileSync(join(root, 'docs/guide/own-project.md'), 'utf8')
  const blocks = [...page.matchAll(/`([\w./-]+)`[^`]*:\n\n```(?:json|mts|ndjson)\n([^]*?)```\n/g)]
  const found = Object.fromEntries(blocks.map(([, name = '', text = '']) => [name, text]))
  const manifest = /```json\n([^]*?)```/.exec(page)?.[1] ?? ''
  const files = { 'package.json': manifest, 'tsconfig.json': tsconfigOf(page), ...found }
  const missing = ['src/order.ts', 'src/revenue.ts', 'data/orders.ndjson'].filter((name) => !(name in found))
  if (missing.length > 0) throw new Error(`docs/guide/own-project.md has no block of ${missing.join(', ')}`)
  return files
}

/** @param {string} page */
function tsconfigOf(page) {
  const [, text = ''] = [...page.matchAll(/```json\n([^]*?)```/g)][1] ?? []
  return text
}

/** What the page says to run, with the TypeScript and the types of Node of this repository. */
function runOwnProject() {
  const types = join(folder, 'node_modules/@types/node')
  if (!existsSync(types)) symlinkSync(join(root, 'node_modules/@types/node'), types)
  // With the options of the page declarations are checked too: none may need types that the tarballs do not bring.
  copyFileSync(join(folder, 'doors.ts'), join(folder, 'src/doors.ts'))
  node([join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false'])
  const ran = npm(['exec', '--', 'millrace', 'run', 'src/revenue.ts', '--json'], folder)
  const end = JSON.parse(ran.trim().split('\n').at(-1) ?? '')
  if (end.type !== 'end' || end.rowsOut !== 3) throw new Error(`the project of the guide ended with ${ran}`)
  npm(['run', '--silent', 'revenue', '--', '--set', 'input=data'], folder)
  node(['--import', 'tsx', '--test', 'src/revenue.test.ts', 'src/by-city.test.ts'])
}

/** @param {string} packageFolder */
function doorsOf(packageFolder) {
  /** @type {{ name: string, exports: Record<string, unknown> }} */
  const manifest = JSON.parse(readFileSync(join(root, packageFolder, 'package.json'), 'utf8'))
  return Object.keys(manifest.exports)
    .filter((door) => !door.endsWith('.json'))
    .map((door) => manifest.name + door.slice(1))
}

/** @param {readonly string[]} doors */
function checkTypes(doors) {
  const lines = doors.map((door, index) => `import * as door${index} from '${door}'\nexport { door${index} }`)
  writeFileSync(join(folder, 'doors.ts'), `${lines.join('\n')}\n`)
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023']
  // Types of Node come from this repository: an application brings its own.
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node', '--skipLibCheck']
  node([join(root, 'node_modules/typescript/bin/tsc'), ...options, ...types, 'doors.ts'])
}

/** @param {readonly string[]} args */
function node(args) {
  return output(process.execPath, args, folder)
}

/**
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  return output('npm', args, cwd)
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function output(program, args, cwd) {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error)
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}${stderr}`, { cause: error })
  }
}
