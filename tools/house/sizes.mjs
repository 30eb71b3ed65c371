// Size limits with a ratchet: a file has at most 600 lines, a function at most 70 (blank and comment lines not
// counted for functions). The few exceptions are named in size-ratchet.json with their size; they may only shrink.
import { lineOf, parseSource, walkSyntax } from './syntax.mjs'

const fileLinesMax = 600
const functionLinesMax = 70

/** How far a listed exception may have shrunk before its entry has to be lowered. */
const slackLines = 20

/**
 * What is over a limit, by key: a path for a file, `path#name` for a function.
 *
 * @param {string} path
 * @param {string} text
 * @param {{ functions: boolean }} options - whether functions are measured too
 * @returns {Record<string, number>}
 */
export function oversizes(path, text, { functions }) {
  /** @type {Record<string, number>} */
  const found = {}
  const lines = text.split('\n').length - 1
  if (lines > fileLinesMax) found[path] = lines
  if (!functions) return found
  for (const { name, size } of functionSizes(path, text)) {
    const key = `${path}#${name}`
    if (size > functionLinesMax) found[key] = Math.max(size, found[key] ?? 0)
  }
  return found
}

/**
 * Compares what is over the limits with the exceptions that are allowed.
 *
 * @param {Readonly<Record<string, number>>} found
 * @param {Readonly<Record<string, number>>} allowed
 * @returns {string[]} one sentence for each fault
 */
export function ratchetFaults(found, allowed) {
  const grown = Object.entries(found).flatMap(([key, size]) => {
    const limit = allowed[key]
    if (limit === undefined) {
      const max = key.includes('#') ? functionLinesMax : fileLinesMax
      return [`${key} has ${size} lines; the limit is ${max}`]
    }
    return size > limit ? [`${key} has grown to ${size} lines; its exception says ${limit}`] : []
  })
  const stale = Object.entries(allowed).flatMap(([key, limit]) => {
    const size = found[key]
    if (size === undefined) return [`${key} is within the limits now; take it off the list`]
    return size + slackLines < limit
      ? [`${key} has shrunk to ${size} lines; lower its exception from ${limit}`]
      : []
  })
  return [...grown, ...stale]
}

/**
 * @param {string} path
 * @param {string} text
 */
function functionSizes(path, text) {
  /** @type {{ name: string, size: number }[]} */
  const sizes = []
  const codeLines = linesWithCode(text)
  walkSyntax(parseSource(path, text), (node, parent) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
    const first = lineOf(text, node.start)
    const last = lineOf(text, node.end - 1)
    const size = codeLines.slice(first - 1, last).filter(Boolean).length
    const name = node['id']?.name ?? parent?.['key']?.name ?? parent?.['id']?.name ?? `line-${first}`
    sizes.push({ name, size })
  })
  return sizes
}

/**
 * Whether each line holds more than blanks and comments; by line shape, which is enough for formatted code.
 *
 * @param {string} text
 */
function linesWithCode(text) {
  let inComment = false
  return text.split('\n').map((line) => {
    const trimmed = line.trim()
    if (inComment) {
      inComment = !trimmed.includes('*/')
      return false
    }
    if (trimmed.startsWith('/*')) {
      inComment = !trimmed.includes('*/')
      return false
    }
    return trimmed !== '' && !trimmed.startsWith('//')
  })
}
