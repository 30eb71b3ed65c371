// The lockfile names every optional package that its packages list: compiled tools come as one package for each
// platform. npm leaves out those that its registry could not give, and then `npm ci` refuses the whole file.

/** @typedef {{ version?: string, optional?: boolean, dev?: boolean, optionalDependencies?: Record<string, string> }} LockEntry */
/** @typedef {{ packages: Record<string, LockEntry & Record<string, unknown>> }} Lockfile */

/**
 * @param {Lockfile} lockfile
 * @returns {{ name: string, version: string, dev: boolean }[]}
 */
export function missingOptionalPackages(lockfile) {
  const entries = Object.entries(lockfile.packages)
  const present = new Set(entries.map(([path]) => path.split('node_modules/').at(-1)))
  return entries.flatMap(([, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !present.has(name))
      .map(([name, version]) => ({ name, version, dev })),
  )
}

/**
 * The lockfile with an entry for each missing platform package, whose name tells the platform. The entries have no
 * checksum: nobody here could download what they stand for.
 *
 * @param {Lockfile} lockfile
 * @returns {Lockfile}
 */
export function withOptionalPackages(lockfile) {
  const added = missingOptionalPackages(lockfile).map(({ name, version, dev }) => ({
    path: `node_modules/${name}`,
    entry: { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) },
  }))
  const listed = Object.entries(lockfile.packages).map(([path, entry]) => ({ path, entry }))
  // The root has the empty path, and so stays first.
  const sorted = [...listed, ...added].sort((a, b) => a.path.localeCompare(b.path, 'en'))
  return { ...lockfile, packages: Object.fromEntries(sorted.map(({ path, entry }) => [path, entry])) }
}

/**
 * @param {string} name - like `@oxfmt/binding-linux-x64-musl`
 */
function platformOf(name) {
  const os = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'].find((one) =>
    name.includes(one),
  )
  const cpu = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64'].find((one) =>
    name.includes(`-${one}`),
  )
  const libc = name.endsWith('musl') ? 'musl' : /linux.*-gnu/.test(name) ? 'glibc' : undefined
  if (os === undefined || cpu === undefined) throw new Error(`the name "${name}" tells no platform`)
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] }
}
