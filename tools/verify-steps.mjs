// The steps of `npm run verify` by name: what each runs with Node.
import { join } from 'node:path'
import { root } from './setup.mjs'

/** @param {string} path */
const bin = (path) => join(root, 'node_modules', path)
/** @param {string} name */
const houseTest = (name) => [
  bin('vitest/vitest.mjs'),
  'run',
  '--typecheck.enabled=false',
  `test/house/${name}.test.ts`,
]

/** @type {Readonly<Record<string, readonly string[]>>} */
export const steps = {
  types: [bin('typescript/bin/tsc'), '-b'],
  lint: [bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings'],
  format: [bin('oxfmt/bin/oxfmt'), '--check', '.'],
  imports: houseTest('import-graph'),
  globals: houseTest('no-globals'),
  sizes: houseTest('sizes'),
  hygiene: houseTest('hygiene'),
  labels: houseTest('labels'),
  coverage: houseTest('coverage-map'),
  errors: houseTest('error-catalogue'),
  unused: [bin('knip/bin/knip.js'), '--no-progress', '--no-config-hints'],
  packages: ['tools/package-checks.mjs'],
  api: ['tools/api-report.mjs'],
  examples: ['tools/docs-examples.mjs'],
  packed: ['tools/packed-smoke.mjs'],
}
