/** From the MODULE of the command line to the file to import. */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { MillraceError } from '@millrace/core/errors'
import { nearName } from '../command-line/near-name.ts'

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
  switch (readableKind(name, path)) {
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
  const ending = endings.find((one) => kindOf(path + one) === 'file')
  const near = ending === undefined ? nearModule(name, path) : `${name}${ending}`
  return new MillraceError('pipeline/not-found', {
    what: `module "${name}" does not exist`,
    hint:
      near === undefined
        ? 'give the path of a TypeScript or JavaScript file, or of a directory with an index.ts'
        : `did you mean ${near}?`,
  })
}

/** What lies beside the name, and is written nearly like it. */
function nearModule(name: string, path: string): string | undefined {
  const near = nearName(basename(path), beside(path))
  return near === undefined ? undefined : name.slice(0, name.lastIndexOf(basename(path))) + near
}

/** Modules and folders in the folder of a path. */
function beside(path: string): string[] {
  try {
    return readdirSync(dirname(path), { withFileTypes: true }).flatMap((entry) => {
      const isModule = endings.some((ending) => entry.name.endsWith(ending))
      return isModule || entry.isDirectory() ? [entry.name] : []
    })
  } catch {
    return []
  }
}

function readableKind(name: string, path: string): ReturnType<typeof kindOf> {
  try {
    return kindOf(path)
  } catch (cause) {
    throw new MillraceError('pipeline/not-found', {
      what: `module "${name}" cannot be read`,
      detail: cause instanceof Error ? cause.message : String(cause),
      hint: 'see that the file is there, and that its folders may be read',
      cause,
    })
  }
}

function kindOf(path: string): 'file' | 'directory' | undefined {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return undefined
  return status.isDirectory() ? 'directory' : 'file'
}
