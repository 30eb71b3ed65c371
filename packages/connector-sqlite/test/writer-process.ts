// A process that writes epochs of ten rows to a table until it is killed, and tells each one that it has
// committed. What it commits is its log: it goes on behind it.
import Database from 'libsql'
import { batchOfRows, schema, t } from '../../core/src/data/index.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { sqlite } from '../src/index.ts'

const [path = '', attempt = ''] = process.argv.slice(2)
const Keys = schema({ id: t.int32() })
const database = new Database(path)
const run = await sqlite({ path, table: 'results', mode: 'append' }).open({
  host: createNodeHost(),
  schema: Keys,
  step: 'write',
  outputMode: 'append',
  lineage: 'aaaa',
  attempt: Number(attempt),
  bounded: false,
  resumable: true,
})
await run.sweep([])
const { n } = database.prepare('SELECT count(*) AS n FROM millrace_commits WHERE epoch > 0').get() as {
  n: number
}
const writer = await run.writer(0)
for (let epoch = n + 1; ; epoch++) {
  const rows = Array.from({ length: 10 }, (_, at) => ({ id: (epoch - 1) * 10 + at }))
  await writer.write(batchOfRows(Keys, rows))
  writer.seal(epoch, { final: false })
  const committable = await writer.prepare(epoch)
  if (committable !== undefined) await run.commit([committable])
  process.stdout.write(`${epoch}\n`)
}
