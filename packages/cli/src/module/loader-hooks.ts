/**
 * What this command adds to Node's module loader. Two hooks, both on `resolve`:
 *
 * - *fallback*: `import 'millrace'` in modules outside any project with Millrace is resolved to the package that the
 *   command belongs to. Only where the ordinary resolution finds nothing: a project's own installation goes first.
 * - *modules*: a TypeScript file is an ES module, also where no package.json says `"type": "module"`. tsx would take
 *   it for CommonJS, in which a pipeline cannot import ES modules.
 */
import * as nodeModule from 'node:module'

type Hook = 'fallback' | 'modules'

/**
 * The hooks as the text of a module: older Nodes run them on a thread of their own, where nothing of ours is loaded.
 * `data` is the name of the hook and, for the fallback, a URL inside the installed package.
 */
const hooksSource = `
let data
export function initialize(given) { data = given }
export async function resolve(specifier, context, next) {
  if (data.hook === 'modules') {
    const found = await next(specifier, context)
    const isModule = /^file:.*\\.m?tsx?([?#]|$)/.test(found.url) && !found.url.includes('/node_modules/')
    return isModule && found.format === 'commonjs' ? { ...found, format: 'module' } : found
  }
  if (!/^(millrace|@millrace\\/[a-z-]+)(\\/|$)/.test(specifier)) return next(specifier, context)
  try {
    return await next(specifier, context)
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    return next(specifier, { ...context, parentURL: data.parent }).catch(() => { throw error })
  }
}
`

const registered = new Set<Hook>()

/** Makes Millrace's own packages resolvable from everywhere. Does it once. */
export function registerFallback(packageUrl: string): void {
  registerOnce('fallback', packageUrl)
}

/** Makes every TypeScript file an ES module. To be called after tsx was registered. Does it once. */
export function registerModules(): void {
  registerOnce('modules', import.meta.url)
}

function registerOnce(hook: Hook, parent: string): void {
  if (registered.has(hook)) return
  registered.add(hook)
  nodeModule.register(`data:text/javascript,${encodeURIComponent(hooksSource)}#${hook}`, {
    parentURL: parent,
    data: { hook, parent },
  })
}
