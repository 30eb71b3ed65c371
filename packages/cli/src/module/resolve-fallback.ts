/**
 * `import 'millrace'` in modules that live outside any project with Millrace installed: resolved to the package that
 * this command belongs to.
 *
 * Only where the ordinary resolution finds nothing; a project's own installation always goes first.
 */
import { register } from 'node:module'

/**
 * The hooks, as a module of text: they run on Node's loader thread, where nothing of ours is loaded.
 * `data.parent` is a URL inside the installed package, from which the second try resolves.
 */
const hooks = `
let parent
export function initialize(data) { parent = data.parent }
export async function resolve(specifier, context, next) {
  if (!/^(millrace|@millrace\\/[a-z-]+)(\\/|$)/.test(specifier)) return next(specifier, context)
  try {
    return await next(specifier, context)
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    try {
      return await next(specifier, { ...context, parentURL: parent })
    } catch {
      throw error
    }
  }
}
`

let registered = false

/** Makes Millrace's own packages resolvable from everywhere. Does it once. */
export function registerResolveFallback(packageUrl: string): void {
  if (registered) return
  registered = true
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, {
    parentURL: packageUrl,
    data: { parent: packageUrl },
  })
}
