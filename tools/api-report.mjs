// The public API, one report per door, in etc/api. Without arguments it fails when a report is out of date;
// with --update it writes the reports anew. A change of a report is a change of the API: it belongs in CHANGELOG.md.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { builtPackages, cacheFolder, root } from './setup.mjs'

const reportFolder = join(root, 'etc/api')
const freshFolder = join(cacheFolder, 'api')
const update = process.argv.includes('--update')

rmSync(freshFolder, { recursive: true, force: true })
mkdirSync(freshFolder, { recursive: true })
mkdirSync(reportFolder, { recursive: true })
for (const folder of builtPackages) writeReports(join(root, folder))
process.exitCode = compareReports() ? 0 : 1

/** @param {string} folder */
function writeReports(folder) {
  /** @type {{ name: string, exports: Record<string, { types: string } | string> }} */
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const doors = Object.entries(manifest.exports).flatMap(([door, target]) =>
    typeof target === 'string' ? [] : [{ door, types: join(folder, target.types) }],
  )
  const missing = doors.filter(({ types }) => !existsSync(types))
  for (const { types } of missing) console.error(`${types.slice(root.length + 1)} is not built`)
  if (missing.length > 0) process.exit(1)
  const configs = doors.map(({ door, types }) =>
    configOf({ folder, types, name: reportName(manifest.name, door) }),
  )
  const [first] = configs
  if (first === undefined) return
  // One program for all doors of a package: parsing it is most of the work.
  const additionalEntryPoints = doors.map(({ types }) => types)
  const compilerState = CompilerState.create(first, { additionalEntryPoints })
  for (const config of configs) {
    Extractor.invoke(config, {
      localBuild: true,
      compilerState,
      messageCallback: (message) => {
        message.handled = true
        if (message.logLevel === 'error') console.error(message.text)
      },
    })
  }
}

/**
 * @param {string} packageName
 * @param {string} door
 */
function reportName(packageName, door) {
  const base = packageName.replace('@', '').replace('/', '-')
  return `${base}${door.slice(1).replaceAll('/', '.')}.api.md`
}

/** @param {{ folder: string, types: string, name: string }} options */
function configOf({ folder, types, name }) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: types,
      compiler: { overrideTsconfig: { compilerOptions: compilerOptions() } },
      apiReport: {
        enabled: true,
        reportFolder: freshFolder,
        reportTempFolder: join(freshFolder, 'temp'),
        reportFileName: name.replace('.api.md', ''),
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: /** @type {any} */ ('none') } },
        extractorMessageReporting: { default: { logLevel: /** @type {any} */ ('none') } },
        tsdocMessageReporting: { default: { logLevel: /** @type {any} */ ('none') } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  })
}

/** What the declarations need to be read; the rules for writing code do not matter here. */
function compilerOptions() {
  return {
    target: 'ES2023',
    lib: ['ES2023'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    allowImportingTsExtensions: true,
  }
}

function compareReports() {
  const fresh = readdirSync(freshFolder).filter((name) => name.endsWith('.api.md'))
  const known = readdirSync(reportFolder).filter((name) => name.endsWith('.api.md'))
  const read = (/** @type {string} */ path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  const changed = fresh.filter((name) => read(join(freshFolder, name)) !== read(join(reportFolder, name)))
  const gone = known.filter((name) => !fresh.includes(name))
  if (update) {
    for (const name of changed) writeFileSync(join(reportFolder, name), read(join(freshFolder, name)) ?? '')
    for (const name of gone) rmSync(join(reportFolder, name))
    console.log(`${fresh.length} API reports, ${changed.length + gone.length} changed`)
    return true
  }
  for (const name of [...changed, ...gone]) console.error(`etc/api/${name} is out of date`)
  if (changed.length + gone.length > 0)
    console.error('see the difference with: npm run api:update && git diff etc/api')
  return changed.length + gone.length === 0
}
