/**
 * What this command adds to Node's module loader. Two hooks, both on `resolve`:
 *
 * - *fallback*: `import 'millrace'` in modules outside any project with Millrace is resolved to the package that the
 *   command belongs to. Only where the ordinary resolution finds nothing: a project's own installation goes first.
 * - *modules*: a TypeScript file is an ES module, also where no package.json says `"type": "module"`. tsx would take
 *   it for CommonJS, in which a pipeline cannot import ES modules.
 *
 * Newer Nodes (22.15, 23.5) run hooks in place. Older ones run them on a thread of their own, where nothing of ours is
 * loaded: there the same hooks are the text of a module.
 */
import * as nodeModule from 'node:module'

interface Context {
  readonly parentURL?: string | undefined
}

interface Resolved {
  readonly url: string
  readonly format?: string | null | undefined
}

type Next = (specifier: string, context: Context) => Resolved
type Resolve = (specifier: string, context: Context, next: Next) => Resolved

/** What `module.registerHooks` takes; the types of Node 20 do not know it. */
type RegisterHooks = (hooks: { readonly resolve: Resolve }) => void

const registerHooks = (nodeModule as { readonly registerHooks?: RegisterHooks }).registerHooks

const ownPackages = /^(millrace|@millrace\/[a-z-]+)(\/|$)/
const typescriptFile = /^file:(?!.*\/node_modules\/).*\.m?tsx?([?#]|$)/

const registered = new Set<string>()

/** Makes Millrace's own packages resolvable from everywhere, by a URL inside the installed one. Does it once. */
export function registerFallback(packageUrl: string): void {
  if (registered.has('fallback')) return
  registered.add('fallback')
  if (registerHooks === undefined) registerText(fallbackText(packageUrl))
  else registerHooks({ resolve: fallback(packageUrl) })
}

/** Makes every TypeScript file an ES module. To be called before tsx is registered, which believes it. Does it once. */
export function registerModules(): void {
  if (registered.has('modules')) return
  registered.add('modules')
  if (registerHooks === undefined) registerText(modulesText)
  else registerHooks({ resolve: modules })
}

function fallback(packageUrl: string): Resolve {
  return (specifier, context, next) => {
    try {
      return next(specifier, context)
    } catch (error) {
      if (!ownPackages.test(specifier)) throw error
      try {
        return next(specifier, { ...context, parentURL: packageUrl })
      } catch {
        throw error
      }
    }
  }
}

const modules: Resolve = (specifier, context, next) => {
  const found = next(specifier, context)
  return typescriptFile.test(found.url) ? { ...found, format: 'module' } : found
}

function registerText(text: string): void {
  nodeModule.register(`data:text/javascript,${encodeURIComponent(text)}`)
}

const fallbackText = (packageUrl: string): string => `
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (error) {
    if (!${String(ownPackages)}.test(specifier)) throw error
    return next(specifier, { ...context, parentURL: ${JSON.stringify(packageUrl)} }).catch(() => { throw error })
  }
}
`

const modulesText = `
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  return ${String(typescriptFile)}.test(found.url) ? { ...found, format: 'module' } : found
}
`
