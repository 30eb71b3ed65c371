// After `npm install` against a registry that lacks some platform packages: adds them to package-lock.json, so that
// `npm ci` accepts it on every platform.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingOptionalPackages, withOptionalPackages } from './house/lockfile.mjs'
import { root } from './setup.mjs'

const path = join(root, 'package-lock.json')
const lockfile = JSON.parse(readFileSync(path, 'utf8'))
const missing = missingOptionalPackages(lockfile)
if (missing.length > 0) writeFileSync(path, `${JSON.stringify(withOptionalPackages(lockfile), null, 2)}\n`)
console.log(`${missing.length} optional packages added to package-lock.json`)
