// docs/reference/functions.md and the catalogue of functions say the same: this writes the page's tables from the
// catalogue; a page that differs from what would be written is out of date.

/** @typedef {{ readonly family: string, readonly signature: string, readonly doc: string }} Entry */

const begin = '<!-- catalogue: written by npm run functions:update -->'
const end = '<!-- end of catalogue -->'

/**
 * @param {string} page
 * @param {Iterable<Entry>} catalogue
 * @param {Iterable<readonly [string, string]>} aliases - other name and name
 * @returns {string} the page with its tables written anew
 */
export function withFunctions(page, catalogue, aliases) {
  const [before = '', rest = ''] = page.split(begin)
  const after = rest.split(end)[1] ?? '\n'
  return `${before}${begin}\n\n${tables([...catalogue])}\n${aliasTable([...aliases])}\n${end}${after}`
}

/** @param {readonly Entry[]} entries */
function tables(entries) {
  const families = [...new Set(entries.map(({ family }) => family))]
  return families
    .map((family) => {
      const rows = entries
        .filter((entry) => entry.family === family)
        .map(({ signature, doc }) => `| \`${escape(signature)}\` | ${escape(doc)} |`)
      return `### ${family}\n\n| function | what it gives |\n| --- | --- |\n${rows.join('\n')}\n`
    })
    .join('\n')
}

/** @param {readonly (readonly [string, string])[]} aliases */
function aliasTable(aliases) {
  const rows = aliases.map(([other, name]) => `| \`${other}\` | \`${name}\` |`)
  return `### Other names\n\n| name | means |\n| --- | --- |\n${rows.join('\n')}\n`
}

/**
 * A bar would end the cell, also inside code.
 *
 * @param {string} text
 */
function escape(text) {
  return text.replaceAll('|', '\\|')
}
