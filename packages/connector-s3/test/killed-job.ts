/**
 * A job in a process of its own, with its state in a bucket: `killed-processes.test.ts` starts it, and kills it.
 *
 * Counts the rows of seven keys; a row shows how many rows of its key came before it. Ends with 0 when all is written, and
 * prints the code of what it failed with.
 */
import { ObjectStore } from '../../core/src/checkpoint/index.ts'
import { rate } from '../../core/src/connect/index.ts'
import { ndjson } from '../../core/src/connect/files/index.ts'
import { schema, t } from '../../core/src/data/index.ts'
import { isMillraceError } from '../../core/src/errors.ts'
import { createNodeHost } from '../../core/src/host/node/index.ts'
import { pipeline, sql, state } from '../../core/src/index.ts'
import { Job } from '../../core/src/runtime/index.ts'
import { parseS3Url, s3Objects } from '../src/index.ts'

const [url = '', output = '', rows = '', takeOver = ''] = process.argv.slice(2)
const Counted = schema({ number: t.int64(), before: t.int32() })

const counting = pipeline('counting', (p) => {
  p.read('ticks', rate({ rowsPerSecond: 1000, rows: Number(rows) }))
    .extend('key', { key: sql`number % 7` })
    .keyBy('by-key', 'key')
    .process('count', {
      state: { count: state.value(t.int32()) },
      output: Counted,
      onRow({ number }, { state: { count }, emit }) {
        const before = count.get() ?? 0
        count.set(before + 1)
        emit({ number, before })
      },
    })
    .write('out', ndjson(output, { roll: 'epoch' }))
})

const host = createNodeHost()
const { options, prefix } = parseS3Url(url)
const limits = { firstWaitMs: 1, longestWaitMs: 20 }
const store = new ObjectStore(host, s3Objects(options), { prefix, limits })
try {
  await new Job(counting.build(), {
    host,
    mode: 'continuous',
    state: store,
    epochIntervalMs: 30,
    takeOver: takeOver === 'take over',
  }).run()
} catch (error) {
  process.stdout.write(isMillraceError(error) ? error.code : String(error))
  process.exitCode = 1
}
