// `npm run errors:update`: writes the tables of docs/reference/errors.md from the catalogue of error codes.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withCatalogue } from './house/error-reference.mjs'
import { root } from './setup.mjs'

const path = join(root, 'docs/reference/errors.md')
const { errorCatalogue } = await import('@millrace/core/errors')
writeFileSync(path, withCatalogue(readFileSync(path, 'utf8'), errorCatalogue))
