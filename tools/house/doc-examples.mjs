// Finds the TypeScript examples of the documentation: ```ts blocks in Markdown and in TSDoc @example sections.
// ```ts no-run marks one that is checked but not executed (it needs a broker, or a file that is not there);
// ```ts in-pipeline marks lines that stand inside the function of a pipeline (pipeline-example.mjs).
import { posix } from 'node:path'

/**
 * @typedef {object} DocExample
 * @property {string} file - where it stands
 * @property {number} line - of its first line
 * @property {string} code
 * @property {boolean} runs
 * @property {boolean} inPipeline
 */

/**
 * @param {string} file
 * @param {string} markdown
 * @returns {DocExample[]}
 */
export function markdownExamples(file, markdown) {
  return fencedBlocks(markdown.split('\n')).map((block) => ({ file, ...block }))
}

/**
 * @param {string} file
 * @param {string} source - TypeScript
 * @returns {DocExample[]}
 */
export function tsdocExamples(file, source) {
  const comments = source.matchAll(/^[ \t]*\/\*\*[\s\S]*?\*\//gm)
  return [...comments].flatMap((comment) => {
    const firstLine = source.slice(0, comment.index).split('\n').length
    const lines = comment[0].split('\n').map((line) => line.replace(/^\s*\* ?/, ''))
    const start = lines.findIndex((line) => line.startsWith('@example'))
    if (start === -1) return []
    return fencedBlocks(lines.slice(start)).map((block) => ({
      file,
      ...block,
      line: block.line + firstLine + start - 1,
    }))
  })
}

/**
 * A TSDoc example may leave out its imports: names that the room's door exports are imported for it.
 *
 * @param {string} code
 * @param {{ door: string, names: readonly string[] }} options
 */
export function withImports(code, { door, names }) {
  if (/^\s*import\b/m.test(code)) return code
  const used = names.filter((name) => new RegExp(`(?<![\\w.$])${name}\\b`).test(code))
  return used.length === 0 ? code : `import { ${used.join(', ')} } from '${door}'\n${code}`
}

/**
 * The door through which a source file of a package is reached.
 *
 * @param {string} file - relative to the root of the repository
 * @returns {{ door: string, index: string } | undefined} the name to import, and the source of the door
 */
export function doorOf(file) {
  const [, name = '', inside = ''] = /^packages\/([^/]+)\/src\/(.+)$/.exec(file) ?? []
  const base = { core: '@millrace/core', cli: '@millrace/cli', millrace: 'millrace' }[name]
  if (base === undefined) return undefined
  if (inside === 'errors.ts') return { door: `${base}/errors`, index: file }
  const folder = posix.dirname(inside)
  const room = doorFolders.find((one) => folder === one || folder.startsWith(`${one}/`)) ?? ''
  if (room === 'sdk' || room === '' || name !== 'core')
    return { door: base, index: `packages/${name}/src/index.ts` }
  const door = room === 'connect/files' ? 'files' : room
  return {
    door: `${base}/${door}`,
    index: `packages/${name}/src/${room}/${publicRooms.has(room) ? 'public' : 'index'}.ts`,
  }
}

// Rooms that share more with other rooms than they show at their door.
const publicRooms = new Set(['data', 'expr', 'time', 'plan'])

// Deeper folders first.
const doorFolders = [
  'connect/files', 'host/node', 'data', 'expr', 'time', 'plan', 'connect', 'host', 'runtime', 'testing', 'sdk',
] // prettier-ignore

/**
 * @param {readonly string[]} lines
 * @returns {{ line: number, code: string, runs: boolean, inPipeline: boolean }[]}
 */
function fencedBlocks(lines) {
  /** @type {{ line: number, code: string, runs: boolean, inPipeline: boolean }[]} */
  const blocks = []
  /** @type {{ line: number, code: string[], runs: boolean, inPipeline: boolean, fence: string } | undefined} */
  let open
  lines.forEach((text, index) => {
    const fence = /^\s*(`{3,})(.*)$/.exec(text)
    if (open === undefined) {
      const [language, ...marks] = (fence?.[2] ?? '').trim().split(/[\s,]+/)
      if (fence !== null) {
        const kept = language === 'ts' || language === 'typescript'
        open = {
          line: kept ? index + 2 : 0,
          code: [],
          runs: !marks.includes('no-run'),
          inPipeline: marks.includes('in-pipeline'),
          fence: fence[1] ?? '',
        }
      }
    } else if (fence !== null && text.trim() === open.fence) {
      const { line, code, runs, inPipeline } = open
      if (line > 0) blocks.push({ line, code: `${code.join('\n')}\n`, runs, inPipeline })
      open = undefined
    } else {
      open.code.push(text)
    }
  })
  return blocks
}
