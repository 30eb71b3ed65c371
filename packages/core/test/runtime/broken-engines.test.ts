// Whole jobs on engines and with connectors that are broken in one place each: killed at their crash points, every one is
// seen to lose or to repeat rows. What goes unseen here would go unseen in the engine.
import { afterEach, describe, expect, it } from 'vitest'
import { CheckpointLog } from '../../src/checkpoint/index.ts'
import type { Manifest, NumberedEntry } from '../../src/checkpoint/index.ts'
import type { OpenSink, Sink } from '../../src/connect/index.ts'
import { LoopGround } from '../../src/engine/loop/loop-ground.ts'
import { PaneState } from '../../src/engine/window/pane-state.ts'
import type { Host } from '../../src/host/host.ts'
import { overlay } from '../testing/crashes.ts'
import { patch } from '../testing/patch.ts'
import { killedEverywhere } from './small-jobs.ts'
import type { Between, SmallJob } from './small-jobs.ts'

/** These tests wait for nothing; a machine with much else to do is slow. */
const TEST_MS = 300_000

interface BrokenEngine {
  readonly job?: Partial<SmallJob>
  readonly between?: Between
  /** Breaks it; the function mends it. */
  readonly patch?: () => () => void
}

/** The newest manifest with the state of the one before it. */
function setBack(entries: readonly NumberedEntry[]): readonly NumberedEntry[] {
  const manifests = entries.flatMap(({ entry }) => (entry.kind === 'manifest' ? [entry] : []))
  const [before, newest] = manifests.slice(-2) as [Manifest?, Manifest?]
  if (before === undefined || newest?.end !== undefined) return entries
  const { state, watermarks } = before
  return entries.map((numbered) =>
    numbered.entry === newest ? { ...numbered, entry: { ...newest, state, watermarks } } : numbered,
  )
}

function opened(change: (open: OpenSink) => Partial<OpenSink>): (sink: Sink) => Sink {
  return (sink) => ({
    ...sink,
    open: async (context) => {
      const open = await sink.open(context)
      return overlay(open, change(open))
    },
  })
}

/** Requests of each process have keys of their own. */
function withOwnKeys(host: Host): Host {
  const process = host.random.hex(8)
  return {
    ...host,
    http: {
      request: ({ headers, ...rest }) =>
        host.http.request({
          ...rest,
          headers: { ...headers, 'idempotency-key': `${headers['idempotency-key']} ${process}` },
        }),
    },
  }
}

const engines: { readonly [what: string]: BrokenEngine } = {
  'the state has rows of one input from behind its border': {
    between: { position: (row, input) => (input === 'right' ? Math.max(0, row - 3) : row) },
  },
  'the state lacks rows of one input from before its border': {
    between: { position: (row, input) => (input === 'right' ? row + 3 : row) },
  },
  'the state of one task of several has rows from behind its border': {
    between: {
      options: { parallelism: 2 },
      position: (row, input, split) => (input === 'left' && split === 1 ? Math.max(0, row - 3) : row),
    },
  },
  'epochs are cut while rows are under way': {
    patch: () => patch<() => Promise<void>>(LoopGround.prototype, 'settle', () => async () => undefined),
  },
  'an epoch that was committed is read again': {
    patch: () =>
      patch<() => Promise<readonly NumberedEntry[]>>(
        CheckpointLog.prototype,
        'read',
        (own) =>
          async function (this: CheckpointLog) {
            return setBack(await own.call(this))
          },
      ),
  },
  'state is not restored': {
    patch: () => patch(PaneState.prototype, 'restore', () => () => undefined),
  },
  'rows that are held back are forgotten': {
    job: { output: 'held files' },
    between: { sink: opened((open) => ({ writer: (task) => open.writer(task, []) })) },
  },
  'what a manifest names is swept away': {
    between: { sink: opened((open) => ({ sweep: () => open.sweep([]) })) },
  },
  'rows that a table owes are swept away': {
    job: { output: 'table' },
    between: { table: 'sweeps what is owed' },
  },
  'a transaction sets no mark': { job: { output: 'table' }, between: { table: 'sets no mark' } },
  'a table shows rows before the manifest stands': {
    job: { output: 'table' },
    between: { table: 'shows rows when they are staged' },
  },
  'requests that are sent again have other keys': {
    job: { output: 'service' },
    between: { host: withOwnKeys },
  },
}

describe('a broken engine', () => {
  let mend = (): void => undefined
  afterEach(() => mend())

  it.each(Object.entries(engines))(
    'is seen to lose or repeat rows: %s',
    async (_, { job, between = {}, ...engine }) => {
      mend = engine.patch?.() ?? mend
      const whole: SmallJob = { mode: 'continuous', output: 'files', store: 'directory', ...job }
      const faults = await killedEverywhere(1, whole, { between, faultsMax: 1 })
      expect(faults.join()).toMatch(/too often|lost/)
    },
    TEST_MS,
  )
})
