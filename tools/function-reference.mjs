// `npm run functions:update`: writes the tables of docs/reference/functions.md from the catalogue of functions.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { withFunctions } from './house/function-reference.mjs'
import { root } from './setup.mjs'

const path = join(root, 'docs/reference/functions.md')
const source = pathToFileURL(join(root, 'packages/core/src/expr/catalogue.ts')).href
const { aliases, catalogue } = await import(source)
writeFileSync(path, withFunctions(readFileSync(path, 'utf8'), catalogue.values(), aliases))
