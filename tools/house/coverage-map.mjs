// docs/coverage.md maps what was promised to the tests that hold it. This finds the tests that it names, and says
// which of them do not exist. A test is named in backticks: `path/to/file.test.ts > title`, where the title is
// that of a suite or a test, with or without those around it (`suite > test`).
// Names may hold what a loop fills in: `%s`, `$name`, or an interpolation count as "anything". Where no test of the suite
// holds a promise, the row names a command, or steps of `npm run verify`.
import { parseSource } from './syntax.mjs'

/** @typedef {import('./syntax.mjs').SyntaxNode} SyntaxNode */

/**
 * @typedef {object} NamedTest
 * @property {string} file
 * @property {string | undefined} title - undefined when the whole file is meant
 * @property {number} line
 */

/**
 * @param {string} markdown
 * @returns {NamedTest[]}
 */
function namedTests(markdown) {
  return markdown.split('\n').flatMap((text, index) =>
    // Rows of the table only: prose may show the form of a name.
    [...(text.startsWith('|') ? text : '').matchAll(/`([\w./-]+\.test(?:-d)?\.ts)(?: > ([^`]+))?`/g)].map(
      ([, file = '', title]) => ({
        file,
        title: title?.trim(),
        line: index + 1,
      }),
    ),
  )
}

/**
 * The titles of a test file, each as the path of suites that leads to it.
 *
 * @param {string} path
 * @param {string} text
 * @returns {string[]}
 */
export function testTitles(path, text) {
  /** @type {string[]} */
  const titles = []
  collectTitles(parseSource(path, text), [], titles)
  return titles
}

/**
 * @param {string} title - as the map names it
 * @param {readonly string[]} titles - as the file has them
 */
export function hasTitle(title, titles) {
  const wanted = title.replaceAll(/\s+/g, ' ')
  return titles.some((full) => titlePattern(full).test(wanted))
}

/**
 * What there is beside tests.
 *
 * @typedef {object} Commands
 * @property {readonly string[]} scripts - of package.json
 * @property {readonly string[]} steps - of `npm run verify`
 */

/**
 * Rows that name a command or a step which does not exist, and those that name nothing at all.
 *
 * @param {string} markdown
 * @param {Commands} commands
 * @returns {string[]} one sentence for each fault
 */
export function commandFaults(markdown, { scripts, steps }) {
  return markdown.split('\n').flatMap((text, index) => {
    const [, promise = '', held = ''] = text.startsWith('|') ? text.split(/(?<!\\)\|/) : []
    if (promise === '' || /^[ :-]+$/.test(promise) || held.trim() === 'held by') return []
    const line = `line ${index + 1}:`
    const named = [...held.matchAll(/`npm (?:run )?([\w:-]+)[^`]*`/g)].map(([, name = '']) => name)
    const ofVerify = [...held.matchAll(/steps? ((?:`[\w-]+`(?:, | and )?)+) of `npm run verify`/g)].flatMap(
      ([, list = '']) => [...list.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name),
    )
    const faults = [
      ...named
        .filter((name) => !scripts.includes(name))
        .map((name) => `${line} there is no script "${name}"`),
      ...ofVerify
        .filter((name) => !steps.includes(name))
        .map((name) => `${line} verify has no step "${name}"`),
    ]
    const isHeld = named.length > 0 || /\.test(?:-d)?\.ts/.test(held)
    return isHeld ? faults : [...faults, `${line} nothing holds "${promise.trim()}"`]
  })
}

/**
 * Tests that the map names and the project does not have.
 *
 * @param {string} markdown
 * @param {(file: string) => string | undefined} read - the text of a test file, undefined when there is none
 * @returns {string[]} one sentence for each fault
 */
export function coverageFaults(markdown, read) {
  /** @type {Map<string, string[] | undefined>} */
  const known = new Map()
  return namedTests(markdown).flatMap(({ file, title, line }) => {
    if (!known.has(file)) {
      const text = read(file)
      known.set(file, text === undefined ? undefined : testTitles(file, text))
    }
    const titles = known.get(file)
    if (titles === undefined) return [`line ${line}: ${file} does not exist`]
    if (title === undefined) return titles.length > 0 ? [] : [`line ${line}: ${file} has no test`]
    return hasTitle(title, titles) ? [] : [`line ${line}: ${file} has no test "${title}"`]
  })
}

/**
 * A pattern for everything the map may call a test: its whole path of titles, or the end of it.
 *
 * @param {string} full
 */
function titlePattern(full) {
  const parts = full.split(' > ').map((part) =>
    part
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/[.*+?^{}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll(/%[sdifjo#]|\$[\w.]+|%~/g, '.+'),
  )
  const [last = '', ...outer] = parts.reverse()
  const optionalOuter = outer.reduceRight((inner, part) => `(?:${inner}${part} > )?`, '')
  return new RegExp(`^${optionalOuter}${last}$`)
}

/** Stands for an interpolation in a title. */
const interpolated = '%~'

const titleCalls = new Set(['describe', 'suite', 'it', 'test'])
const neverRuns = new Set(['skip', 'todo'])

/**
 * @param {SyntaxNode} node
 * @param {readonly string[]} outer
 * @param {string[]} titles
 */
function collectTitles(node, outer, titles) {
  const title = node.type === 'CallExpression' ? calledTitle(node) : undefined
  const path = title === undefined ? outer : [...outer, title]
  if (title !== undefined) titles.push(path.join(' > '))
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') collectTitles(child, path, titles)
    }
  }
}

/**
 * The title of a call like `it('…')`, `describe.concurrent('…')` or `it.each(rows)('…')`.
 *
 * @param {SyntaxNode} call
 * @returns {string | undefined}
 */
function calledTitle(call) {
  let callee = call['callee']
  while (callee.type === 'MemberExpression' || callee.type === 'CallExpression') {
    // What never runs holds nothing.
    if (callee.type === 'MemberExpression' && neverRuns.has(callee.property.name)) return undefined
    callee = callee.type === 'MemberExpression' ? callee.object : callee.callee
  }
  const [argument] = call['arguments']
  if (!titleCalls.has(callee.name) || argument === undefined) return undefined
  if (argument.type === 'Literal' && typeof argument.value === 'string') return argument.value
  if (argument.type !== 'TemplateLiteral') return undefined
  return argument.quasis.map((/** @type {any} */ quasi) => quasi.value.cooked).join(interpolated)
}
