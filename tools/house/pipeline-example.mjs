// Examples marked ```ts in-pipeline: a few lines that stand inside the function of a pipeline. They may use the streams
// below without saying where these come from; the pipeline around them is built, which checks every step, and not run.

/** What the lines may use: how it is made, in the order in which one needs the other. */
const context = {
  Flight:
    'const Flight = schema({ date: t.timestamp("ms"), origin: t.string(), destination: t.string(), ' +
    'delay: t.int32().nullable(), distance: t.int32(), minutes: t.int32() })',
  Airport: 'const Airport = schema({ iata: t.string(), name: t.string() })',
  flights: "const flights = p.read('flights', memoryRows(Flight, []), { eventTime: 'date' })",
  moreFlights: "const moreFlights = p.read('more-flights', memoryRows(Flight, []), { eventTime: 'date' })",
  airports: "const airports = p.read('airports', memoryRows(Airport, []))",
  hourly:
    "const hourly = flights.keyBy('by-origin', 'origin').window(tumbling('1 hour'))" +
    ".aggregate('hours', (a) => ({ flights: a.count(), meanDelay: a.mean('delay') }))",
  limit: 'const limit = 15',
}

/** What the text around the lines imports for itself. */
const own = ['isMillraceError', 'pipeline']

/** What else each needs, those that need most first. */
const needs = { hourly: ['flights'], moreFlights: ['Flight'], airports: ['Airport'], flights: ['Flight'] }

/**
 * A whole module around the lines of an example.
 *
 * @param {string} code
 * @param {readonly { door: string, names: readonly string[] }[]} doors - what the lines may leave out to import
 */
export function inPipeline(code, doors) {
  const declared = (/** @type {string} */ name) => new RegExp(`\\b(?:const|let) ${name}\\b`).test(code)
  const uses = (/** @type {string} */ text, /** @type {string} */ name) =>
    new RegExp(`(?<![\\w.$'"])${name}\\b`).test(text)
  const wanted = new Set(
    Object.keys(context).filter((name) => !declared(name) && uses(withoutTexts(code), name)),
  )
  for (const [name, others] of Object.entries(needs)) {
    if (wanted.has(name)) for (const other of others) if (!declared(other)) wanted.add(other)
  }
  const lines = Object.entries(context).flatMap(([name, line]) => (wanted.has(name) ? [line] : []))
  const imported = code.match(/^import .*$/gm) ?? []
  const rest = code.replaceAll(/^import .*\n/gm, '')
  const body = `${lines.join('\n')}\n{\n${rest}}\n`
  /** @type {Set<string>} */
  const known = new Set(own)
  const imports = doors.map(({ door, names }) => {
    const used = names.filter(
      (name) => uses(body, name) && !uses(imported.join('\n'), name) && !known.has(name),
    )
    for (const name of used) known.add(name)
    return used.length === 0 ? '' : `import { ${used.join(', ')} } from '${door}'\n`
  })
  return [
    "import { isMillraceError, pipeline } from '@millrace/core'\n",
    ...imports,
    ...imported.map((line) => `${line}\n`),
    'try {\n',
    `pipeline('example', (p) => {\n${body}}).build()\n`,
    // Lines that show one step lead nowhere; everything else that is wrong with them is an error before that.
    "} catch (error) { if (!isMillraceError(error) || error.code !== 'plan/no-sink') throw error }\n",
  ].join('')
}

/**
 * Names inside quotes are no uses; those inside templates may be.
 *
 * @param {string} code
 */
function withoutTexts(code) {
  return code.replaceAll(/'[^'\n]*'/g, "''")
}
