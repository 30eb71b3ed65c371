/** Files of the npm package vega-datasets, wherever npm has put it. */
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'

/** The path of a file of the package, from the working directory when it lies below it. */
export function datasetFile(name: string): string {
  const main = createRequire(import.meta.url).resolve('vega-datasets')
  const path = join(main, '..', '..', 'data', name)
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}
