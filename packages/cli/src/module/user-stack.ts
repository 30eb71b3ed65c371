/**
 * The frames of a stack that are the user's own: without Node's internals, loaders and Millrace itself.
 */

/** Frames shown at most. */
const FRAMES_MAX = 8

const notTheUsers = [
  /\(?node:/,
  /[\\/]node_modules[\\/](tsx|esbuild|millrace|@millrace)[\\/]/,
  /[\\/]packages[\\/](cli|core|millrace)[\\/](src|dist|bin)[\\/]/,
  /\bdata:text\/javascript/,
  /<anonymous>\)?$/,
]

/** `at name (file:line:column)` lines of user code, innermost first; files by path, without loaders' queries. */
export function userStack(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return []
  return error.stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !notTheUsers.some((pattern) => pattern.test(line)))
    .slice(0, FRAMES_MAX)
    .map((line) => readable(line.trim()))
}

/** `file:line:column` of the innermost frame of user code. */
export function userPosition(error: unknown): string | undefined {
  const [, position] =
    /\(?([^()\s][^()]*?:\d+:\d+)\)?$/.exec(userStack(error)[0]?.replace(/^at /, '') ?? '') ?? []
  return position
}

/** The place of the innermost frame of user code. */
export function userPlace(error: unknown): { readonly file: string; readonly line: number } | undefined {
  const [, file, line] =
    /\(?([^()\s][^()]*?):(\d+):\d+\)?$/.exec(userStack(error)[0]?.replace(/^at /, '') ?? '') ?? []
  return file === undefined || line === undefined ? undefined : { file, line: Number(line) }
}

function readable(frame: string): string {
  return frame.replace(/file:\/\/(\S+?)(\?[^:)\s]*)?(?=:\d)/, (_, path: string) => decodePath(path))
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
