/** The pipelines that are killed: one module, so that every start runs exactly what the one before ran. */
import { pipeline, schema, state, t, tumbling } from 'millrace'
import { csv, ndjson } from 'millrace/files'
import { toHttp } from 'millrace/connect'
import { postgres } from '@millrace/connector-postgres'
import { sqlite } from '@millrace/connector-sqlite'

/** What is read. */
export const Payment = schema({
  id: t.int32(),
  account: t.string(),
  at: t.timestamp('ms'),
  amount: t.int32(),
})

const Running = schema({ id: t.int32(), account: t.string(), payments: t.int32(), total: t.int32() })

export default pipeline('chaos', (p) => {
  const shape = p.option('shape', { default: 'pass', description: 'pass, total or window' })
  const follow = p.option('follow', { default: 'lines', description: 'lines or files' })
  const format = p.option('format', { default: 'ndjson', description: 'ndjson or csv' })
  const input = p.option('input', { default: 'in', description: 'directory of NDJSON files' })
  const output = p.option('output', { default: 'out', description: 'directory for the results' })
  const rollBytes = p.option('roll', { default: 0, description: 'bytes of a file; 0: with every epoch' })
  const partition = p.option('partition', {
    default: '',
    description: 'column to partition by; none when empty',
  })

  const sink = p.option('sink', {
    default: 'files',
    description: 'files, http, or postgres or sqlite with -append or -upsert',
  })
  const database = p.option('database', { default: '', description: 'file of SQLite' })
  const url = p.option('url', { default: '', description: 'service that takes the results' })
  const table = p.option('table', { default: '', description: 'table for the results' })

  const rows = p.option('rows', { default: 0, description: 'rows of an epoch, at most; 0: all' })

  const written = format === 'csv' ? csv : ndjson
  const toFiles = () =>
    written(output, {
      roll: rollBytes === 0 ? 'epoch' : { size: rollBytes },
      ...(partition === '' ? {} : { partitionBy: [partition] }),
    })
  const upserted = { mode: 'upsert', key: shape === 'window' ? ['account', 'windowStart'] : ['id'] } as const
  const way = sink.endsWith('-append') ? ({ mode: 'append' } as const) : upserted
  const toTable = () =>
    sink.startsWith('sqlite') ? sqlite({ path: database, table, ...way }) : postgres({ table, ...way })
  const to = sink === 'files' ? toFiles() : sink === 'http' ? toHttp(url, { maxRows: 100 }) : toTable()
  const payments = p.read(
    'payments',
    ndjson(input, {
      schema: Payment,
      eventTime: { column: 'at', disorder: '2 s' },
      follow: follow === 'files' ? 'files' : 'lines',
      pollInterval: '20 ms',
    }),
    rows === 0 ? {} : { perEpoch: { maxRows: rows } },
  )
  if (shape === 'pass') payments.write('results', to)
  if (shape === 'total') {
    payments
      .keyBy('by-account', 'account')
      .process('total', {
        state: { payments: state.value(t.int32()), total: state.value(t.int32()) },
        output: Running,
        onRow({ id, account, amount }, { state: kept, emit }) {
          const count = (kept.payments.get() ?? 0) + 1
          const total = (kept.total.get() ?? 0) + amount
          kept.payments.set(count)
          kept.total.set(total)
          emit({ id, account, payments: count, total })
        },
      })
      .write('results', to)
  }
  if (shape === 'window') {
    payments
      .keyBy('by-account', 'account')
      .window(tumbling('5 s'))
      .aggregate('per-window', (a) => ({
        payments: a.count(),
        total: a.sum('amount'),
        most: a.max('amount'),
      }))
      .write('results', to)
  }
})
