// The import rules of ARCHITECTURE.md as data, and the check that a file keeps them.
// A room is a folder of packages/core/src, or a package beside the core.
import { posix } from 'node:path'
import { lineOf, parseSource, walkSyntax } from './syntax.mjs'

/**
 * What a room may import.
 *
 * @typedef {object} RoomRule
 * @property {readonly string[]} rooms - rooms of the core, by relative path
 * @property {readonly string[]} [typesFrom] - rooms of which only types may be imported
 * @property {readonly string[]} [packages] - npm packages, with the doors that are allowed
 * @property {boolean} [node] - whether Node's built-in modules may be imported
 */

const everyRoom = [
  'time', 'data', 'expr', 'plan', 'state', 'checkpoint', 'engine', 'sdk', 'sql', 'connect', 'runtime', 'testing',
  'host', 'host/node', 'objects',
] // prettier-ignore

/** @type {Readonly<Record<string, RoomRule>>} */
export const roomRules = {
  time: { rooms: [] },
  data: { rooms: ['time'], packages: ['apache-arrow', '@standard-schema/spec'] },
  expr: { rooms: ['data', 'time'] },
  plan: { rooms: ['expr', 'data', 'time'], typesFrom: ['connect'] },
  state: { rooms: ['data', 'time', 'host'] },
  objects: { rooms: ['host'] },
  checkpoint: { rooms: ['data', 'host', 'objects'] },
  engine: {
    rooms: ['plan', 'expr', 'state', 'checkpoint', 'data', 'time', 'host'],
    typesFrom: ['connect'],
  },
  sdk: { rooms: ['plan', 'expr', 'data', 'time'], packages: ['@standard-schema/spec'] },
  sql: { rooms: ['plan', 'expr', 'data', 'time'] },
  connect: {
    rooms: ['plan', 'data', 'time', 'host', 'objects'],
    typesFrom: ['checkpoint', 'expr'],
  },
  runtime: { rooms: everyRoom.filter((room) => !['sdk', 'sql', 'testing'].includes(room)) },
  testing: { rooms: everyRoom },
  host: { rooms: [] },
  'host/node': {
    rooms: ['host'],
    packages: ['hysnappy', 'fzstd', '@bokuweb/zstd-wasm'],
    node: true,
  },
  errors: { rooms: [] },
  // The core's main door, src/index.ts: the typed builder, what its signatures name, and the small connectors.
  index: { rooms: ['sdk', 'sql', 'plan', 'expr', 'data', 'time', 'connect'] },
  // '(computed)': the command imports the user's module by its path.
  cli: { rooms: [], packages: ['@millrace/core', 'tsx', '(computed)'], node: true },
  millrace: { rooms: [], packages: ['@millrace/core', '@millrace/cli'] },
  connector: {
    rooms: [],
    packages: [
      '@millrace/core/connect',
      '@millrace/core/data',
      '@millrace/core/errors',
      '@millrace/core/files',
      '@millrace/core/host',
      '@millrace/core/time',
      'aws4fetch',
      'libsql',
      'pg',
    ],
    node: true,
  },
}

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {boolean} typeOnly
 * @property {number} line
 */

/**
 * Every import, re-export, dynamic import and import type of a file.
 *
 * @param {string} path
 * @param {string} text
 * @returns {Import[]}
 */
export function importsOf(path, text) {
  /** @type {Import[]} */
  const imports = []
  walkSyntax(parseSource(path, text), (node) => {
    const source = node['source']
    if (!importingNodes.has(node.type) || source === null || source === undefined) return
    imports.push({
      specifier: source.type === 'Literal' ? String(source.value) : '(computed)',
      typeOnly: node.type === 'TSImportType' || isTypeOnly(node),
      line: lineOf(text, node.start),
    })
  })
  return imports
}

const importingNodes = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

/** @param {import('./syntax.mjs').SyntaxNode} node */
function isTypeOnly(node) {
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true
  /** @type {any[]} */
  const specifiers = node['specifiers'] ?? []
  return (
    specifiers.length > 0 && specifiers.every((one) => one.importKind === 'type' || one.exportKind === 'type')
  )
}

/**
 * The room a source file belongs to; undefined for files that no rule knows.
 *
 * @param {string} path - relative to the root of the repository
 */
export function roomOf(path) {
  const [, packageName = '', inside = ''] = /^packages\/([^/]+)\/src\/(.+)$/.exec(path) ?? []
  if (packageName.startsWith('connector-')) return 'connector'
  if (packageName !== 'core') return packageName === '' ? undefined : packageName
  if (inside.startsWith('host/node/')) return 'host/node'
  return inside.includes('/') ? inside.split('/')[0] : inside.replace(/\.ts$/, '')
}

/**
 * The wrong arrows of one file, each as a sentence; empty when the file keeps the rules.
 *
 * @param {string} path - relative to the root of the repository
 * @param {string} text
 * @returns {string[]}
 */
export function wrongArrows(path, text) {
  const room = roomOf(path)
  const rule = room === undefined ? undefined : roomRules[room]
  if (room === undefined || rule === undefined) return [`${path}: no import rule for this place`]
  return importsOf(path, text).flatMap((one) => {
    const reason = one.specifier.startsWith('.')
      ? whyNotRelative({ path, room, rule, one })
      : whyNotBare({ path, room, rule, one })
    return reason === undefined ? [] : [`${path}:${one.line}: ${reason}`]
  })
}

/**
 * @typedef {{ path: string, room: string, rule: RoomRule, one: Import }} Question
 * @param {Question} question
 * @returns {string | undefined}
 */
function whyNotRelative({ path, room, rule, one }) {
  const target = posix.normalize(posix.join(posix.dirname(path), one.specifier))
  if (packageOf(target) !== packageOf(path)) {
    return `${room} reaches into another package by path ("${one.specifier}")`
  }
  const targetRoom = roomOf(target)
  if (targetRoom === room || targetRoom === 'errors' || packageOf(path) !== 'core') return undefined
  if (targetRoom !== undefined && rule.rooms.includes(targetRoom)) return undefined
  if (targetRoom !== undefined && rule.typesFrom?.includes(targetRoom) === true) {
    return one.typeOnly ? undefined : `${room} may import only types from ${targetRoom} ("${one.specifier}")`
  }
  return `${room} may not import ${targetRoom ?? 'this file'} ("${one.specifier}")`
}

/**
 * @param {Question} question
 * @returns {string | undefined}
 */
function whyNotBare({ path, room, rule, one }) {
  if (isNodeBuiltin(one.specifier)) {
    return rule.node === true ? undefined : `${room} may not import Node's "${one.specifier}" (law L4)`
  }
  if (one.specifier === '@millrace/core/testing') {
    return path === 'packages/millrace/src/testing.ts' ? undefined : `${room} may not import the testing door`
  }
  const allowed = (rule.packages ?? []).some(
    (name) => one.specifier === name || one.specifier.startsWith(`${name}/`),
  )
  return allowed ? undefined : `${room} may not import "${one.specifier}"`
}

/** @param {string} path */
function packageOf(path) {
  return /^packages\/([^/]+)\//.exec(path)?.[1]
}

const bareBuiltins = new Set(
  (
    'assert async_hooks buffer child_process cluster console crypto dgram diagnostics_channel dns events fs http ' +
    'http2 https inspector module net os path perf_hooks process punycode querystring readline repl stream ' +
    'string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib'
  ).split(' '),
)

/** @param {string} specifier */
function isNodeBuiltin(specifier) {
  return specifier.startsWith('node:') || bareBuiltins.has(specifier.split('/')[0] ?? '')
}
