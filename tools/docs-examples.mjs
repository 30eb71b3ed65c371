// Checks the examples of the documentation: writes each into a folder of its own, compiles all of them in one go,
// and executes those that are not marked `no-run`, one after the other, in an empty directory.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { doorOf, markdownExamples, tsdocExamples, withImports } from './house/doc-examples.mjs'
import { inPipeline } from './house/pipeline-example.mjs'
import { packageSources, projectFiles, readProjectFile } from './house/project-files.mjs'
import { parseSource, walkSyntax } from './house/syntax.mjs'
import { cacheFolder, root } from './setup.mjs'

const folder = join(cacheFolder, 'docs-examples')

/** @typedef {import('./house/doc-examples.mjs').DocExample & { slug: string }} Example */

const examples = collect()
rmSync(folder, { recursive: true, force: true })
mkdirSync(join(folder, 'run'), { recursive: true })
const passed = examples.length === 0 || (compile() && (await execute()))
console.log(`${examples.length} examples, ${examples.filter((one) => one.runs).length} of them executed`)
process.exit(passed ? 0 : 1)

/** @returns {Example[]} */
function collect() {
  const pages = projectFiles().filter((path) => path === 'README.md' || /^docs\/.*\.md$/.test(path))
  const found = [
    ...pages.flatMap((path) => markdownExamples(path, readProjectFile(path))),
    ...packageSources().flatMap((path) => tsdocExamples(path, readProjectFile(path)).map(withDoor)),
  ]
  return found
    .map(aroundLines)
    .map((one) => ({ ...one, slug: `${one.file.replaceAll(/[^\w]+/g, '-')}-${one.line}` }))
}

/** @param {import('./house/doc-examples.mjs').DocExample} example */
function withDoor(example) {
  const place = doorOf(example.file)
  if (place === undefined || example.inPipeline) return example
  return { ...example, code: withImports(example.code, { door: place.door, names: namesOf(place.index) }) }
}

/** @param {import('./house/doc-examples.mjs').DocExample} example */
function aroundLines(example) {
  return example.inPipeline ? { ...example, code: inPipeline(example.code, pipelineDoors()) } : example
}

/** What the author of a pipeline has at hand. */
function pipelineDoors() {
  const sources = 'packages/core/src'
  return [
    { door: '@millrace/core', names: namesOf(`${sources}/index.ts`) },
    { door: '@millrace/core/files', names: namesOf(`${sources}/connect/files/index.ts`) },
    { door: '@millrace/core/connect', names: namesOf(`${sources}/connect/index.ts`) },
  ]
}

/**
 * The names that a door exports by name.
 *
 * @param {string} path
 */
function namesOf(path) {
  if (!projectFiles().includes(path)) return []
  /** @type {string[]} */
  const names = []
  walkSyntax(parseSource(path, readProjectFile(path)), (node) => {
    if (node.type === 'ExportSpecifier') names.push(node['exported'].name)
    else if (node.type === 'ExportAllDeclaration' && node['source'].value.startsWith('./'))
      names.push(...namesOf(posix.join(posix.dirname(path), node['source'].value)))
    else if (node.type === 'ExportNamedDeclaration' && node['declaration']?.id)
      names.push(node['declaration'].id.name)
  })
  return names
}

function compile() {
  for (const { slug, code } of examples) writeFileSync(join(folder, `${slug}.ts`), `${code}\nexport {}\n`)
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      composite: false,
      declarationMap: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      verbatimModuleSyntax: false,
      customConditions: [],
      rootDir: '.',
      outDir: 'run',
      noEmitOnError: true,
    },
    files: examples.map(({ slug }) => `${slug}.ts`),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config, null, 2))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const result = spawnSync(process.execPath, [tsc, '--pretty', 'false', '-p', folder], {
    encoding: 'utf8',
    cwd: folder,
  })
  if (result.status === 0) return true
  console.error(withPlaces(result.stdout + result.stderr))
  return false
}

/**
 * Errors of the compiler name the extracted file; people look for the page.
 *
 * @param {string} output
 */
function withPlaces(output) {
  return examples.reduce(
    (text, { slug, file, line }) => text.replaceAll(`${slug}.ts(`, `example at ${file}:${line} (`),
    output,
  )
}

async function execute() {
  const failures = []
  for (const { slug, file, line, runs } of examples) {
    if (!runs) continue
    const cwd = join(folder, 'cwd', slug)
    mkdirSync(cwd, { recursive: true })
    process.chdir(cwd)
    try {
      await import(pathToFileURL(join(folder, 'run', `${slug}.js`)).href)
    } catch (error) {
      failures.push(
        `example at ${file}:${line} failed: ${error instanceof Error ? error.stack : String(error)}`,
      )
    }
  }
  for (const failure of failures) console.error(failure)
  return failures.length === 0
}
