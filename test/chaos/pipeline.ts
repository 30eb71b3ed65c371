/** The pipelines that are killed: one module, so that every start runs exactly what the one before ran. */
import { memoryRows, pipeline, rate, schema, session, state, t, tumbling } from 'millrace'
import { csv, ndjson, parquet } from 'millrace/files'
import { toHttp } from 'millrace/connect'
import { postgres } from '@millrace/connector-postgres'
import { sqlite } from '@millrace/connector-sqlite'
import { accounts, GAP_MS, paymentOf } from './scenario.ts'

/** What is read. */
export const Payment = schema({
  id: t.int32(),
  account: t.string(),
  at: t.timestamp('ms'),
  amount: t.int32(),
})

const Account = schema({ account: t.string(), holder: t.string() })
/** Rows that are made in a second. */
const RATE = 150

const Running = schema({ id: t.int32(), account: t.string(), payments: t.int32(), total: t.int32() })

export default pipeline('chaos', (p) => {
  const shape = p.option('shape', { default: 'pass', description: 'pass, total, window, session or join' })
  const follow = p.option('follow', { default: 'lines', description: 'lines, files or rate' })
  const made = p.option('made', { default: 0, description: 'rows that are made at a rate' })
  const format = p.option('format', { default: 'ndjson', description: 'ndjson, csv or parquet' })
  const gzip = p.option('gzip', { default: false, description: 'whether files are compressed' })
  const input = p.option('input', { default: 'in', description: 'directory of NDJSON files' })
  const output = p.option('output', { default: 'out', description: 'directory for the results' })
  const rollBytes = p.option('roll', { default: 0, description: 'bytes of a file; 0: with every epoch' })
  const rollMs = p.option('roll-ms', { default: 0, description: 'milliseconds of a file; 0: not by time' })
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

  const toFiles = () => {
    const options = {
      roll:
        rollMs > 0
          ? ({ interval: `${rollMs} ms` } as const)
          : rollBytes > 0
            ? { size: rollBytes }
            : ('epoch' as const),
      ...(partition === '' ? {} : { partitionBy: [partition] }),
    }
    if (format === 'parquet') return parquet(output, options)
    const packed = gzip ? ({ ...options, compression: 'gzip' } as const) : options
    return format === 'csv' ? csv(output, packed) : ndjson(output, packed)
  }
  const upserted = {
    mode: 'upsert',
    key: shape === 'window' || shape === 'session' ? ['account', 'windowStart'] : ['id'],
  } as const
  const way = sink.endsWith('-append') ? ({ mode: 'append' } as const) : upserted
  const toTable = () =>
    sink.startsWith('sqlite') ? sqlite({ path: database, table, ...way }) : postgres({ table, ...way })
  const to = sink === 'files' ? toFiles() : sink === 'http' ? toHttp(url, { maxRows: 100 }) : toTable()
  const limits = rows === 0 ? {} : { perEpoch: { maxRows: rows } }
  const fromFiles = () =>
    p.read(
      'payments',
      ndjson(input, {
        schema: Payment,
        eventTime: { column: 'at', disorder: '2 s' },
        follow: follow === 'files' ? 'files' : 'lines',
        pollInterval: '20 ms',
      }),
      limits,
    )
  const fromRate = () =>
    p
      .read('ticks', rate({ rowsPerSecond: RATE, rows: made }), limits)
      .map('payments', Payment, ({ number }) => paymentOf(number))
  const payments = follow === 'rate' ? fromRate() : fromFiles()
  if (shape === 'pass') payments.write('results', to)
  if (shape === 'join') {
    const holders = p.read('holders', memoryRows(Account, accounts))
    payments
      .lookupJoin('with-holder', holders, { on: 'account', select: { holder: 'holder' } })
      .write('results', to)
  }
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
  if (shape === 'window' || shape === 'session') {
    payments
      .keyBy('by-account', 'account')
      .window(shape === 'window' ? tumbling('5 s') : session(`${GAP_MS} ms`))
      .aggregate('per-window', (a) => ({
        payments: a.count(),
        total: a.sum('amount'),
        most: a.max('amount'),
      }))
      .write('results', to)
  }
})
