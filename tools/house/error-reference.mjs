// docs/reference/errors.md and the catalogue of error codes say the same: this writes the page's tables from the
// catalogue, reads them back, and tells the differences.

/** @typedef {{ readonly domain: string, readonly retry: string, readonly meaning: string }} Entry */
/** @typedef {Readonly<Record<string, Entry>>} Catalogue */

const begin = '<!-- catalogue: written by npm run errors:update -->'
const end = '<!-- end of catalogue -->'

/** @type {Readonly<Record<string, string>>} */
const whoActs = {
  user: 'you: the pipeline or the command',
  external: 'the outside: files, network, machine',
  internal: 'Millrace: please report it',
}

/**
 * @param {string} page
 * @param {Catalogue} catalogue
 * @returns {string} the page with its tables written anew
 */
export function withCatalogue(page, catalogue) {
  const [before = '', rest = ''] = page.split(begin)
  const after = rest.split(end)[1] ?? '\n'
  return `${before}${begin}\n\n${tables(catalogue)}\n${end}${after}`
}

/**
 * The entries that the page describes, by code.
 *
 * @param {string} page
 * @returns {Catalogue}
 */
function describedErrors(page) {
  const rows = page.matchAll(/^\| `([a-z][\w/-]*)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)
  return Object.fromEntries(
    [...rows].map(([, code = '', actor = '', again = '', meaning = '']) => {
      const domain = Object.keys(whoActs).find((key) => whoActs[key] === actor.trim()) ?? actor.trim()
      return [code, { domain, retry: again.trim() === 'yes' ? 'retry' : 'no-retry', meaning: meaning.trim() }]
    }),
  )
}

/**
 * Both ways: what the page lacks or tells differently, and what only the page has.
 *
 * @param {string} page
 * @param {Catalogue} catalogue
 * @returns {string[]}
 */
export function referenceFaults(page, catalogue) {
  const described = describedErrors(page)
  const lacking = Object.entries(catalogue).flatMap(([code, entry]) => {
    const other = described[code]
    if (other === undefined) return [`docs/reference/errors.md does not describe ${code}`]
    const same =
      other.domain === entry.domain && other.retry === entry.retry && other.meaning === entry.meaning
    return same ? [] : [`docs/reference/errors.md tells ${code} differently from the catalogue`]
  })
  const extra = Object.keys(described).filter((code) => !(code in catalogue))
  return [
    ...lacking,
    ...extra.map((code) => `docs/reference/errors.md describes ${code}, which does not exist`),
  ]
}

/** @param {Catalogue} catalogue */
function tables(catalogue) {
  const groups = [...new Set(Object.keys(catalogue).map((code) => code.split('/')[0] ?? ''))]
  return groups
    .map((group) => {
      const rows = Object.entries(catalogue)
        .filter(([code]) => code.startsWith(`${group}/`))
        .map(([code, { domain, retry, meaning }]) => {
          return `| \`${code}\` | ${whoActs[domain] ?? domain} | ${retry === 'retry' ? 'yes' : 'no'} | ${meaning} |`
        })
      const head = '| code | who acts | may succeed when tried again | meaning |\n| --- | --- | --- | --- |'
      return `### ${group}\n\n${head}\n${rows.join('\n')}\n`
    })
    .join('\n')
}
