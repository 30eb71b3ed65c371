// What must not stand in a tracked file: a path of somebody's machine, or the host of a package registry.
// The patterns are put together from pieces so that this file does not find itself.

const slash = '/'

const machinePaths = [
  // Not after a letter, a digit, a dot or a slash: `./home/x` and `https://host/home/x` are no machine's paths.
  new RegExp(`(?<![\\w.${slash}-])${slash}(?:home|Users|root|work)${slash}[\\w.-]+`),
  /(?<!\w)[A-Z]:\\Users\\/,
]

const registryHosts = [
  new RegExp(`https?:${slash}{2}[\\w.-]*(?:registry|artifactory|nexus|verdaccio)[\\w.-]*`),
  /^\s*(?:@[\w-]+:)?registry\s*=/m,
]

/**
 * @param {string} path
 * @param {string} text
 * @returns {string[]} one sentence for each fault
 */
export function hygieneFaults(path, text) {
  const faults = [
    ...machinePaths.map((pattern) => [pattern, 'a path of one machine']),
    ...registryHosts.map((pattern) => [pattern, 'the host of a package registry']),
  ].flatMap(([pattern, what]) => {
    const found = /** @type {RegExp} */ (pattern).exec(text)?.[0]
    return found === undefined ? [] : [`${path} holds ${what}: ${found}`]
  })
  return path.endsWith('package-lock.json') ? [...faults, ...lockfileFaults(path, text)] : faults
}

/**
 * @param {string} path
 * @param {string} text
 */
function lockfileFaults(path, text) {
  /** @type {Record<string, { resolved?: string }>} */
  const packages = JSON.parse(text).packages ?? {}
  return Object.entries(packages)
    .filter(([, entry]) => entry.resolved !== undefined && /^[a-z+]+:/.test(entry.resolved))
    .map(([name]) => `${path} says where ${name} was downloaded from`)
}
