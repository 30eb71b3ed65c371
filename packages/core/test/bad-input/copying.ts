/**
 * Runs the pipeline that bad input is fed to: read, write to files, and what was rejected to files of its own.
 *
 * Every run is checked for what must hold whatever the input is: a run that failed shows nothing, and no file and no
 * timer is left open.
 */
import { expect } from 'vitest'
import { isMillraceError, pipeline, schema, t } from '../../src/index.ts'
import type { MillraceError, RejectingStream, Stream } from '../../src/index.ts'
import { ndjson } from '../../src/connect/files/index.ts'
import type { Source } from '../../src/connect/index.ts'
import { Job } from '../../src/runtime/index.ts'
import type { JobOptions, JobResult } from '../../src/runtime/index.ts'
import { createManualHost } from '../../src/testing/index.ts'
import type { ManualHost } from '../../src/testing/index.ts'

/** A stream of any rows, to be written. */
export type Written = Pick<Stream<never>, 'write'>

export const Item: ReturnType<typeof makeItem> = makeItem()

function makeItem() {
  return schema({ id: t.int32(), name: t.string() })
}

/** What can be read: a dataset of files or a source. */
export type Input<Row> =
  | Source<Row>
  | { toSource(): Source<Row>; readonly onError?: 'fail' | 'reject' | undefined }

/** How a run ended. */
export interface Outcome {
  readonly error: MillraceError | undefined
  readonly result: JobResult | undefined
  readonly rows: readonly object[]
  readonly rejected: readonly Rejected[]
}

export interface Rejected {
  readonly source: string
  readonly raw: string
  readonly reason: string
  readonly code: string
  readonly file?: string
  readonly line?: number
  readonly byte?: number
}

/** A host with these files. */
export function hostWith(files: { readonly [path: string]: string | Uint8Array }): ManualHost {
  const host = createManualHost()
  for (const [path, content] of Object.entries(files)) host.files.put(path, content)
  return host
}

/** Files that a reader of the folder would take for data. */
export function visibleFiles(host: ManualHost, folder: string): string[] {
  return host.files.paths(folder).filter((path) => !/\/[._]/.test(path))
}

/** Reads `input`, lets `change` do something with it, writes to the folder `out`; rejected rows go to `rejected`. */
export async function copyOn<Row>(
  host: ManualHost,
  input: Input<Row>,
  options: Partial<JobOptions> & {
    readonly reject?: boolean
    readonly change?: (stream: Stream<Row>) => Written
    readonly eventTime?: string
    readonly onMissing?: 'reject'
  } = {},
): Promise<Outcome> {
  const { reject = false, change = (stream) => stream, eventTime, onMissing, ...rest } = options
  const built = await pipeline('copying', (p) => {
    const stream = p.read('items', input as Source<Row>, {
      ...(reject ? { onError: 'reject' } : {}),
      ...(eventTime === undefined
        ? {}
        : { eventTime: { column: eventTime as never, ...(onMissing === undefined ? {} : { onMissing }) } }),
    }) as RejectingStream<Row>
    change(stream).write('out', ndjson('out'))
    if (reject || onMissing !== undefined) stream.rejected.write('dead-letters', ndjson('rejected'))
  }).buildOn(host)
  return outcomeOf(host, new Job(built, { host, ...rest }).run())
}

/** Moves the clock until `run` has ended; fails when an hour was not enough. */
export async function untilEnded<Result>(host: ManualHost, run: Promise<Result>): Promise<Result> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  run.then(end, end)
  for (let elapsedMs = 0; !ended; elapsedMs += STEP_MS) {
    if (elapsedMs > HOUR_MS) throw new Error('the run does not end')
    await host.advance(STEP_MS)
  }
  return run
}

const STEP_MS = 250
const HOUR_MS = 3_600_000

/** The end of a run that writes to `out` and `rejected`, with what must hold after any run. */
export async function outcomeOf(host: ManualHost, run: Promise<JobResult>): Promise<Outcome> {
  let result: JobResult | undefined
  let error: MillraceError | undefined
  try {
    result = await untilEnded(host, run)
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause
    error = cause
  }
  if (error !== undefined) {
    expect([...visibleFiles(host, 'out'), ...visibleFiles(host, 'rejected')]).toEqual([])
    expect(error.domain).not.toBe('internal')
  }
  expect(host.files.openFiles).toBe(0)
  expect(host.timersSet).toBe(0)
  return {
    error,
    result,
    rows: writtenRows(host, 'out'),
    rejected: writtenRows(host, 'rejected') as Rejected[],
  }
}

/** The rows of all visible NDJSON files of a folder; every line must be whole. */
export function writtenRows(host: ManualHost, folder: string): object[] {
  const lines = visibleFiles(host, folder).filter((path) => path.endsWith('.ndjson'))
  return lines.flatMap((path) => {
    const text = Buffer.from(host.files.get(path) as Uint8Array).toString()
    expect(text === '' || text.endsWith('\n')).toBe(true)
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object)
  })
}
