/** From the MODULE of the command line to the file to import. */
import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { MillraceError } from '@millrace/core/errors'

/** Index modules of a directory, by preference: the source before what was built from it. */
const indexFiles = ['index.ts', 'index.mts', 'index.js', 'index.mjs']

/** Endings that a name may lack. */
const endings = ['.ts', '.mts', '.js', '.mjs']

/**
 * The absolute path of the module that a word of the command line names.
 *
 * @throws MillraceError `pipeline/not-found`
 */
export function findModule(name: string, workingDirectory: string): string {
  const path = resolve(workingDirectory, name)
  switch (kindOf(path)) {
    case 'file':
      return checkEnding(name, path)
    case 'directory':
      return findIndex(name, path)
    case undefined:
      throw missing(name, path)
  }
}

function checkEnding(name: string, path: string): string {
  if (/\.(ts|mts|js|mjs|cts|cjs|tsx|jsx)$/.test(path)) return path
  throw new MillraceError('pipeline/not-found', {
    what: `"${name}" is not a module`,
    detail: `its name does not end in ${endings.join(', ')}`,
    hint: /\.(parquet|csv|tsv|ndjson|jsonl|json)(\.(gz|zst))?$/.test(path)
      ? `to look into a data file: millrace schema ${name}`
      : 'give a TypeScript or JavaScript file whose default export is a pipeline',
  })
}

function findIndex(name: string, directory: string): string {
  const found = indexFiles.map((file) => join(directory, file)).find((path) => kindOf(path) === 'file')
  if (found !== undefined) return found
  throw new MillraceError('pipeline/not-found', {
    what: `directory "${name}" has no index module`,
    detail: `looked for ${indexFiles.join(', ')}`,
    hint: 'name the module itself, or add an index.ts whose default export is the pipeline',
  })
}

function missing(name: string, path: string): MillraceError {
  const near = endings.find((ending) => kindOf(path + ending) === 'file')
  return new MillraceError('pipeline/not-found', {
    what: `module "${name}" does not exist`,
    hint:
      near === undefined
        ? 'give the path of a TypeScript or JavaScript file, or of a directory with an index.ts'
        : `did you mean ${name}${near}?`,
  })
}

function kindOf(path: string): 'file' | 'directory' | undefined {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return undefined
  return status.isDirectory() ? 'directory' : 'file'
}
