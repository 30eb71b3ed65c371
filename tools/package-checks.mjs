// publint and are-the-types-wrong over each package, as it would be packed.
import { join } from 'node:path'
import { builtPackages, root, run } from './setup.mjs'

const failed = builtPackages.flatMap((folder) => {
  const publint = run(process.execPath, [join(root, 'node_modules/publint/src/cli.js'), folder, '--strict'])
  const attw = run(process.execPath, [
    join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'),
    '--pack',
    folder,
    '--profile',
    'esm-only',
    '--format',
    'ascii',
    '--quiet',
  ])
  return publint === 0 && attw === 0 ? [] : [folder]
})
for (const folder of failed) console.error(`${folder}: its package does not hold what it promises`)
process.exitCode = failed.length === 0 ? 0 : 1
