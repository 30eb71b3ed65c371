// `npm run test:servers`: the suites that need servers which others wrote. What cannot be started is skipped, and said.
//
// s3proxy comes from Maven Central (needs Java and mvn). It checks signatures, and of 20 racing creators it let one win
// 1,500 times out of 1,500. Other servers for tests are not so careful (moto 5.2.5: two winners once in 300 times), so a
// test of fencing on them proves nothing.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, ensureInstalled, root, run } from './setup.mjs'

const S3PROXY = 'org.gaul:s3proxy:4.1.0:jar:jar-with-dependencies'
const jar = join(cacheFolder, 's3proxy-4.1.0-jar-with-dependencies.jar')
const bucket = 'checkpoints'
const startMsMax = 60_000
const maven = 'mvn'

/** @typedef {{ name: string, endpoint: string }} S3Server */
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** @type {ChildProcess[]} */
const started = []
const folder = mkdtempSync(join(tmpdir(), 'millrace-servers-'))

ensureInstalled()
try {
  const servers = [await startS3Proxy()].filter((one) => one !== undefined)
  if (servers.length === 0) {
    console.log('no server could be started: nothing was tested')
  } else {
    const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--typecheck.enabled=false']
    const suites = ['packages/connector-s3/test/real-servers.test.ts']
    process.exitCode = run(process.execPath, [...vitest, ...suites, ...process.argv.slice(2)], {
      MILLRACE_S3_SERVERS: JSON.stringify(servers),
    })
  }
} finally {
  for (const child of started) child.kill()
  rmSync(folder, { recursive: true, force: true })
}

/** @returns {Promise<S3Server | undefined>} */
async function startS3Proxy() {
  if (!isThere('java', '-version')) return skipped('s3proxy', 'there is no java on the PATH')
  if (!existsSync(jar) && !fetchJar()) return skipped('s3proxy', `mvn did not bring ${S3PROXY}`)
  const port = await freePort()
  const data = join(folder, 's3proxy')
  mkdirSync(join(data, bucket), { recursive: true })
  const endpoint = `http://127.0.0.1:${port}`
  const settings = {
    's3proxy.endpoint': endpoint,
    's3proxy.authorization': 'aws-v4',
    's3proxy.identity': 'local-identity',
    's3proxy.credential': 'local-credential',
    'jclouds.provider': 'filesystem-nio2',
    'jclouds.filesystem.basedir': data,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(folder, 's3proxy.conf'), lines.join(''))
  start('java', ['-XX:+UseSerialGC', '-Xmx256m', '-jar', jar, '--properties', join(folder, 's3proxy.conf')])
  if (!(await answers(endpoint))) return skipped('s3proxy', 'it does not answer')
  return { name: 's3proxy', endpoint }
}

function fetchJar() {
  mkdirSync(cacheFolder, { recursive: true })
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy'
  const args = ['-q', '-B', plugin, `-Dartifact=${S3PROXY}`, `-DoutputDirectory=${cacheFolder}`]
  // Maven takes an empty folder for a project when it is told that there is none.
  return spawnSync(maven, args, { cwd: folder, stdio: 'inherit' }).status === 0 && existsSync(jar)
}

/**
 * @param {string} program
 * @param {string} probe
 */
function isThere(program, probe) {
  return spawnSync(program, [probe], { stdio: 'ignore' }).error === undefined
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function start(program, args) {
  started.push(spawn(program, args, { stdio: 'ignore' }))
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/**
 * @param {string} endpoint
 * @returns {Promise<boolean>} whether anything came back in time
 */
async function answers(endpoint) {
  const until = performance.now() + startMsMax
  while (performance.now() < until) {
    const answer = await fetch(endpoint).catch(() => undefined)
    if (answer !== undefined) return true
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
  }
  return false
}

/**
 * @param {string} name
 * @param {string} reason
 * @returns {undefined}
 */
function skipped(name, reason) {
  console.log(`${name} is skipped: ${reason}`)
  return undefined
}
