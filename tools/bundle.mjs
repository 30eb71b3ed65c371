// Makes the JavaScript of the packages in `dist`, beside the declarations of the compiler: a file for each door and those
// that doors share, since a program that loads hundreds of small modules pays a fifth of a second for it. Nothing is
// shortened; source maps lead to `src`, which is packed too.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { rolldown } from 'rolldown'
import { builtPackages, bundleMark, root } from './setup.mjs'

const began = Date.now()
for (const name of builtPackages) await bundle(join(root, name))
replace(bundleMark, `${began}\n`)

/** @param {string} folder - of a package */
async function bundle(folder) {
  /** @type {{ exports: Record<string, { 'millrace-source': string } | string> }} */
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const doors = Object.values(exports).flatMap((door) =>
    typeof door === 'string' ? [] : [door['millrace-source']],
  )
  const built = await rolldown({
    cwd: folder,
    platform: 'node',
    input: Object.fromEntries(doors.map((path) => [path.slice('./src/'.length, -'.ts'.length), path])),
    // Other packages stay imports, whoever they are.
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    transform: { target: 'es2023' },
  })
  const { output } = await built.generate({
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
  })
  const dist = join(folder, 'dist')
  for (const file of output) {
    // A source map is in the output twice: as a file of its own, and with its code.
    replace(join(dist, file.fileName), file.type === 'chunk' ? file.code : file.source)
  }
  removeOthers(dist, new Set(output.map(({ fileName }) => fileName)))
}

/**
 * Programs may load the file meanwhile: they find the old one or the new one, whole.
 *
 * @param {string} path
 * @param {string | Uint8Array} content
 */
function replace(path, content) {
  const bytes = Buffer.from(content)
  if (existsSync(path) && readFileSync(path).equals(bytes)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
}

/**
 * Removes JavaScript of earlier builds; what has not changed is still there for programs that run meanwhile.
 *
 * @param {string} dist
 * @param {ReadonlySet<string>} written
 */
function removeOthers(dist, written) {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (/\.js(\.map)?$/.test(name) && !written.has(name.replaceAll('\\', '/'))) rmSync(join(dist, name))
  }
}
