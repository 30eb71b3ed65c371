/**
 * Imports a user's module and takes its pipeline out. What the module exports beside it is module-exports' business.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { isPipeline } from '@millrace/core'
import type { Pipeline } from '@millrace/core'
import { isMillraceError, MillraceError } from '@millrace/core/errors'
import { findModule } from './find-module.ts'
import { registerFallback } from './loader-hooks.ts'
import type { Report } from './report.ts'
import { mayNeedTsx, registerTsx, stripsTypes } from './typescript-support.ts'
import { userPlace } from './user-stack.ts'

/** What was found in a module. */
export interface PipelineModule {
  readonly path: string
  readonly pipeline: Pipeline
  /** The module's own last word on a run that ended well. */
  readonly report: Report | undefined
}

/** Where modules are looked for. */
export interface LoadOptions {
  readonly workingDirectory: string
  readonly packageUrl: string
}

/**
 * Loads the pipeline of a module.
 *
 * @throws MillraceError `pipeline/not-found`, `pipeline/module-failed`, or what the module itself threw of Millrace's.
 */
export async function loadPipeline(name: string, options: LoadOptions): Promise<PipelineModule> {
  const path = findModule(name, options.workingDirectory)
  const exports = await importModule(name, path, options.packageUrl)
  return { path, pipeline: pipelineOf(name, exports), report: reportOf(name, exports['report']) }
}

type ModuleExports = { readonly [name: string]: unknown }

async function importModule(name: string, path: string, packageUrl: string): Promise<ModuleExports> {
  const isTypeScript = /\.[cm]?tsx?$/.test(path)
  // Loader hooks make every import dearer: what nearly all pipelines need is loaded before there are any.
  await Promise.all([import('@millrace/core/files'), import('@millrace/core/connect')])
  try {
    // A module in a project with Millrace finds it by itself, and needs no loader thread for it.
    if (!findsMillrace(path)) registerFallback(packageUrl)
    if (isTypeScript && !stripsTypes()) await registerTsx()
    return await importOrRetry(path, isTypeScript)
  } catch (error) {
    throw moduleFailure(name, error, await doorHint(error))
  }
}

async function importOrRetry(path: string, isTypeScript: boolean): Promise<ModuleExports> {
  const url = pathToFileURL(path).href
  try {
    return (await import(url)) as ModuleExports
  } catch (first) {
    if (!isTypeScript || !mayNeedTsx(first)) throw first
    await registerTsx()
    try {
      // Node remembers the failed import by its URL; with a query it is another one.
      return (await import(`${url}?tsx`)) as ModuleExports
    } catch (second) {
      // Two ways of not finding a module: Node's own words are the clearer ones.
      throw isNotFound(first) && isNotFound(second) ? first : second
    }
  }
}

function isNotFound(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
}

function findsMillrace(path: string): boolean {
  try {
    createRequire(path).resolve('millrace/package.json')
    return true
  } catch {
    return false
  }
}

function moduleFailure(name: string, error: unknown, hint: string | undefined): unknown {
  if (isMillraceError(error)) return error
  const place = userPlace(error)
  return new MillraceError('pipeline/module-failed', {
    what: `module "${name}" failed while it was loaded`,
    detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    hint: hint ?? hintOf(error),
    ...(place === undefined ? {} : { place }),
    cause: error,
  })
}

/** Where things are that people look for in `millrace` itself. */
const doors: readonly (readonly [string, () => Promise<object>])[] = [
  ['millrace/files', () => import('@millrace/core/files')],
  ['millrace/connect', () => import('@millrace/core/connect')],
  ['millrace/runtime', () => import('@millrace/core/runtime')],
  ['millrace/host', () => import('@millrace/core/host')],
]

/** The entry that has a name which was imported from another one. */
async function doorHint(error: unknown): Promise<string | undefined> {
  const wanted = /module '(millrace(?:\/\w+)?)' does not provide an export named '([^']+)'/.exec(
    String(error),
  )
  const [, from, name = ''] = wanted ?? []
  if (from === undefined) return undefined
  for (const [door, load] of doors) {
    if (door !== from && name in (await load())) return `write: import { ${name} } from '${door}'`
  }
  return undefined
}

function hintOf(error: unknown): string | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (code === 'ERR_MODULE_NOT_FOUND' && /Cannot find package/.test(String(message))) {
    return 'install the package in the project of the module'
  }
  if (code === 'ERR_MODULE_NOT_FOUND' && /Cannot find module '[^']*[\\/][^'.\\/]+'/.test(String(message))) {
    return 'write relative imports with their ending: ./schema.ts'
  }
  return undefined
}

function pipelineOf(name: string, exports: ModuleExports): Pipeline {
  const { default: found } = exports
  if (isPipeline(found)) return found
  const named = Object.keys(exports).find((key) => isPipeline(exports[key]))
  throw new MillraceError('pipeline/not-found', {
    what:
      found === undefined
        ? `module "${name}" has no default export`
        : `the default export of module "${name}" is no pipeline`,
    detail: found === undefined ? undefined : `it is ${kindOf(found)}`,
    hint:
      named === undefined
        ? "write: export default pipeline('name', (p) => { … })"
        : `"${named}" is a pipeline: write export default ${named}`,
  })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' || typeof value === 'undefined' ? 'an object' : `a ${typeof value}`
}

function reportOf(name: string, found: unknown): Report | undefined {
  if (found === undefined) return undefined
  if (typeof found === 'function') return found as Report
  throw new MillraceError('pipeline/not-found', {
    what: `the export "report" of module "${name}" is no function`,
    detail: `it is ${kindOf(found)}`,
    hint: 'make it a function that gives text, or give the export another name',
  })
}
