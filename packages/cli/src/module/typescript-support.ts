/**
 * TypeScript without a build step: by Node itself where it strips types, by tsx elsewhere.
 *
 * tsx costs a loader thread and a compiler process, so it is loaded only when a TypeScript module is imported on a
 * Node that needs it, or when Node's own stripping refuses what tsx can do (enums, `./x.js` meaning `./x.ts`, paths
 * of a tsconfig).
 */
import { registerModules } from './loader-hooks.ts'

/** Whether this Node strips types by itself (22.18, 23.6 and newer). */
export function stripsTypes(): boolean {
  return 'typescript' in process.features && process.features.typescript !== false
}

let registered = false

/** Lets tsx compile everything that is imported from now on. Loads it once. */
export async function registerTsx(): Promise<void> {
  if (registered) return
  registered = true
  const { register } = await import('tsx/esm/api')
  registerModules()
  register()
}

/** Failures of Node's own type stripping that tsx may do better; they come before any module has run. */
export function mayNeedTsx(error: unknown): boolean {
  if (registered || !(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  return (
    code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' ||
    code === 'ERR_INVALID_TYPESCRIPT_SYNTAX' ||
    code === 'ERR_MODULE_NOT_FOUND' ||
    code === 'ERR_UNSUPPORTED_DIR_IMPORT' ||
    code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING'
  )
}
