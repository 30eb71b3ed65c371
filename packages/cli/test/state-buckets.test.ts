// The commands with state in a bucket, over HTTP: a strict S3 on the loopback that checks signatures and conditions.
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { S3Server } from '../../connector-s3/test/s3-server.ts'
import { openStore } from '../src/commands/state-store.ts'
import { jsonLines, millrace, workshop } from './start-millrace.ts'
import type { Finished } from './start-millrace.ts'

const made = workshop({
  'pipe.ts': `
import { pipeline, schema, state, t } from 'millrace'
import { ndjson } from 'millrace/files'
const Row = schema({ key: t.string(), n: t.int64() })
export default pipeline('counting', (p) => {
  p.read('rows', ndjson('in', { schema: Row }))
    .keyBy('by-key', 'key')
    .process('sum', {
      state: { total: state.value(t.int64()) },
      output: Row,
      onRow({ key, n }, { state: { total }, emit }) {
        total.set((total.get() ?? 0) + n)
        emit({ key, n: total.get() ?? 0 })
      },
    })
    .write('out', ndjson('out', { roll: 'epoch' }))
})
`,
})
const keys = { accessKeyId: 'test-key-id', secretAccessKey: 'test-secret' }
const region = 'us-east-1'
const place = 's3://checkpoints/jobs/counting'

let server: S3Server
beforeAll(async () => {
  server = await S3Server.start({ ...keys, bucket: 'checkpoints', region, pageSize: 1000 })
})
afterAll(async () => {
  await server.close()
  made.remove()
})

const tool = (...words: readonly string[]): Promise<Finished> =>
  millrace(words, {
    cwd: made.path,
    env: {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_ENDPOINT_URL_S3: server.url,
    },
  })
const run = (...more: readonly string[]): Promise<Finished> =>
  tool('run', 'pipe.ts', '--mode', 'micro-batch', '--trigger', 'available-now', ...more)

function push(name: string, ...rows: readonly object[]): void {
  const path = made.file(`in/${name}.ndjson`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  // A file that was written just now may still be in the making.
  utimesSync(path, 0, 0)
}

const output = (): readonly unknown[] =>
  readdirSync(join(made.path, 'out'))
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => jsonLines(readFileSync(join(made.path, 'out', name), 'utf8')))
    .toSorted((a, b) => Number(a['n']) - Number(b['n']))

describe('state in a bucket', () => {
  it('is kept, told of, looked into, checked and begun with, by every command that takes --state', async () => {
    push('1', { key: 'a', n: 5 })
    expect(await run('--state', place)).toMatchObject({ code: 0 })
    push('2', { key: 'a', n: 6 })
    // An endpoint in the URL goes before that of the environment.
    const other = `${place}?endpoint=${encodeURIComponent(server.url)}&region=${region}`
    expect(await run('--state', other)).toMatchObject({ code: 0 })
    expect(output()).toEqual([
      { key: 'a', n: 5 },
      { key: 'a', n: 11 },
    ])

    const epochs = jsonLines((await tool('checkpoints', 'ls', '--state', place, '--json')).stdout)
    expect(epochs.at(-1)).toMatchObject({ attempt: 2, rows: { out: 1 } })
    expect(await tool('checkpoints', 'verify', '--state', place)).toMatchObject({ code: 0 })
    const got = await tool('state', 'get', 'sum', 'a', '--state', place)
    expect(jsonLines(got.stdout)).toEqual([{ table: 'values', key: 'a', total: 11 }])
    const check = await tool('check', 'pipe.ts', '--state', place, '--mode', 'micro-batch', '--json')
    expect([check.code, jsonLines(check.stdout)[0]]).toMatchObject([
      0,
      { kind: 'resume', refusals: [], place: expect.stringMatching(/\/checkpoints\/jobs\/counting$/) },
    ])

    expect(await tool('savepoint', '--state', place, '--to', 'saved')).toMatchObject({ code: 0 })
    const copied = await tool('savepoint', '--state', place, '--to', 's3://checkpoints/saved')
    expect([copied.code, copied.stdout]).toEqual([
      0,
      expect.stringContaining('--from-savepoint s3://checkpoints/saved --output-mode append'),
    ])
    for (const [state, saved] of [
      ['fresh', 'saved'],
      ['s3://checkpoints/jobs/second', 's3://checkpoints/saved'],
    ] as const) {
      const words = ['check', 'pipe.ts', '--state', state, '--from-savepoint', saved, '--mode', 'micro-batch']
      const begun = await tool(...words, '--json')
      expect([begun.code, jsonLines(begun.stdout)[0]]).toMatchObject([0, { kind: 'resume', refusals: [] }])
    }
    // No URL became a directory.
    expect(readdirSync(made.path).filter((name) => name.startsWith('s3'))).toEqual([])
  })

  it('that is not there is said so, and so are wrong keys', async () => {
    const missing = await tool('state', 'ls', '--state', 's3://checkpoints/nothing')
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('does not exist')])
    const wrong = await millrace(['state', 'ls', '--state', place], {
      cwd: made.path,
      env: { AWS_ENDPOINT_URL: server.url, AWS_ACCESS_KEY_ID: 'test-key-id', AWS_SECRET_ACCESS_KEY: 'x' },
    })
    expect(wrong.code).not.toBe(0)
    expect(wrong.stderr).toContain('AWS_SECRET_ACCESS_KEY')
  })
})

describe('the package for buckets', () => {
  it('is asked for with the command that installs it', async () => {
    const surroundings = {
      environment: {},
      workingDirectory: made.path,
      packageUrl: pathToFileURL(join(made.path, 'package.json')).href,
    }
    const opened = openStore(place, { host: createNodeHost(), surroundings })
    await expect(opened).rejects.toMatchObject({
      message: expect.stringContaining('@millrace/connector-s3'),
      hint: 'install it beside millrace; it is not on a registry yet: "Connectors" in docs/guide/own-project.md has the commands',
    })
    expect(existsSync(join(made.path, 'node_modules'))).toBe(false)
  })
})
