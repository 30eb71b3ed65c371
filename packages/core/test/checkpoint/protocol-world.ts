/**
 * A small world that runs the epoch protocol in every order in which its steps can happen.
 *
 * Attempts are little programs over a shared log and a shared output. Any attempt may take its next step at any moment,
 * may die at any moment, and may go on after others have taken over (a process that slept). Decisions are the real
 * ones of `checkpoint/recovery.ts`; what is modelled is only who does what when.
 */
import { decideStart, owed } from '../../src/checkpoint/index.ts'
import type { Entry, Manifest, NumberedEntry, PendingCommit } from '../../src/checkpoint/index.ts'

/** What an attempt does next. */
type Step =
  | 'take over'
  | 'commit again'
  | 'tell again'
  | 'sweep'
  | 'prepare'
  | 'publish'
  | 'commit'
  | 'tell'
  | 'gone'

interface AttemptState {
  readonly step: Step
  readonly attempt: number
  /** Entries that it has seen. */
  readonly seen: number
  /** The epoch that it works on, and where its input begins and ends. */
  readonly epoch: number
  readonly from: number
  readonly to: number
  readonly owing: readonly string[]
  readonly delivered: number
}

/** All there is: plain data, so that worlds can be compared. */
export interface World {
  readonly log: readonly Entry[]
  readonly attempts: readonly AttemptState[]
  /** Prepared output by name, `attempt:epoch:from:to`. */
  readonly prepared: readonly string[]
  readonly visible: readonly string[]
  readonly crashes: number
}

/** Defects that can be switched on, to see that they are caught. */
export type Defect =
  | 'commit before the manifest'
  | 'append without looking'
  | 'forget what is owed'
  | 'sweep before the takeover'
  | 'sweep what a manifest names'
  | 'read an epoch again'
  | 'tell before committing'

/** How large a world is. */
export interface Bounds {
  readonly attempts: number
  readonly crashes: number
  /** Rows of input. */
  readonly rows: number
}

/** What exploring found. */
export interface Exploration {
  readonly worlds: number
  /** Worlds in which an attempt came to the end of the input. */
  readonly complete: number
  readonly violation: string | undefined
}

const start: AttemptState = {
  step: 'take over',
  attempt: 0,
  seen: 0,
  epoch: 1,
  from: 0,
  to: 0,
  owing: [],
  delivered: 0,
}

/** Visits every world that can be reached, and stops at the first that breaks a promise. */
export function explore(bounds: Bounds, defect?: Defect): Exploration {
  const first: World = { log: [], attempts: [start], prepared: [], visible: [], crashes: 0 }
  const seen = new Set<string>()
  const open: World[] = [first]
  let complete = 0
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const key = JSON.stringify(world)
    if (seen.has(key)) continue
    seen.add(key)
    const violation = violationOf(world, bounds)
    if (violation !== undefined)
      return { worlds: seen.size, complete, violation: `${violation}: ${JSON.stringify(world)}` }
    if (isComplete(world, bounds)) complete++
    open.push(...successors(world, bounds, defect))
  }
  return { worlds: seen.size, complete, violation: undefined }
}

function* successors(world: World, bounds: Bounds, defect: Defect | undefined): Generator<World> {
  for (const [at, state] of world.attempts.entries()) {
    if (state.step === 'gone') continue
    for (const next of advance(world, state, bounds, defect)) {
      const { attempt, ...rest } = next
      yield { ...world, ...rest, attempts: world.attempts.with(at, attempt) }
    }
    if (world.crashes < bounds.crashes) {
      yield {
        ...world,
        crashes: world.crashes + 1,
        attempts: world.attempts.with(at, { ...state, step: 'gone' }),
      }
    }
  }
  // Another process starts, whatever became of the ones before it.
  if (world.attempts.length < bounds.attempts) yield { ...world, attempts: [...world.attempts, start] }
}

type Next = Partial<Pick<World, 'log' | 'prepared' | 'visible'>> & { readonly attempt: AttemptState }

function* advance(
  world: World,
  state: AttemptState,
  bounds: Bounds,
  defect: Defect | undefined,
): Generator<Next> {
  switch (state.step) {
    case 'take over':
      if (defect === 'sweep before the takeover' && state.delivered === 0) {
        const prepared = swept(world, { ...state, attempt: Infinity }, defect)
        return yield { prepared, attempt: { ...state, delivered: -1 } }
      }
      return yield takeOver(world, state, defect)
    case 'commit again':
      return yield commitOwing(world, state, 'tell again')
    case 'tell again':
      return yield append(world, state, tellOf(state), 'sweep', defect)
    case 'sweep':
      return yield { prepared: swept(world, state, defect), attempt: { ...state, step: 'prepare' } }
    case 'prepare': {
      if (state.from === bounds.rows) return yield { attempt: { ...state, step: 'gone' } }
      // How much had arrived is chance.
      for (let to = state.from + 1; to <= bounds.rows; to++) yield prepare(world, { ...state, to }, defect)
      return
    }
    case 'publish':
      return yield publish(world, state, defect)
    case 'commit':
      return yield commitOwing(world, state, 'tell')
    case 'tell': {
      const further = { ...state, epoch: state.epoch + 1, from: state.to, delivered: state.epoch, owing: [] }
      // Told by an entry of its own, or by the next manifest.
      yield append(world, further, tellOf(state), 'prepare', defect)
      return yield { attempt: { ...further, step: 'prepare' } }
    }
    case 'gone':
      return
  }
}

function takeOver(world: World, state: AttemptState, defect: Defect | undefined): Next {
  const decision = decideStart(numbered(world.log))
  if (decision.kind === 'impossible' || decision.kind === 'no-such-epoch')
    throw new Error(JSON.stringify(decision))
  const manifest = decision.kind === 'begin' ? undefined : decision.manifest
  const again = decision.kind === 'begin' ? [] : decision.commitAgain
  const position = manifest === undefined ? 0 : positionOf(manifest)
  const { attempt } = decision
  const owner = { machine: '', boot: '', space: '', pid: 0, start: '' }
  const entry: Entry = { kind: 'takeover', attempt, lineage: 'l', owner, token: String(attempt), atMs: 0 }
  return {
    log: [...world.log, entry],
    attempt: {
      ...state,
      attempt,
      step: again.length === 0 || defect === 'forget what is owed' ? 'sweep' : 'commit again',
      seen: world.log.length + 1,
      epoch: (manifest?.epoch ?? 0) + 1,
      from: defect === 'read an epoch again' && manifest !== undefined ? Number(manifest.planHash) : position,
      owing: again.map(nameOf),
      delivered: manifest?.epoch ?? 0,
    },
  }
}

function prepare(world: World, state: AttemptState, defect: Defect | undefined): Next {
  const name = `${state.attempt}:${state.epoch}:${state.from}:${state.to}`
  const prepared = [...world.prepared, name].toSorted()
  const attempt = { ...state, owing: [name], step: 'publish' } as const
  if (defect !== 'commit before the manifest') return { prepared, attempt }
  return { ...commitOwing({ ...world, prepared }, attempt, 'publish'), prepared }
}

function publish(world: World, state: AttemptState, defect: Defect | undefined): Next {
  const manifest: Manifest = {
    kind: 'manifest',
    attempt: state.attempt,
    lineage: 'l',
    epoch: state.epoch,
    base: 1,
    // Carries where the epoch began, for the defect that goes back to it.
    planHash: String(state.from),
    stateHash: '',
    atMs: 0,
    watermarks: { input: state.to },
    state: [],
    pending: state.owing.map((name) => pendingOf(name, state)),
    delivered: defect === 'tell before committing' ? state.epoch : state.delivered,
  }
  return append(world, state, manifest, 'commit', defect)
}

/** Writes under the next number, or is fenced: whoever is behind finds a takeover. */
function append(
  world: World,
  state: AttemptState,
  entry: Entry,
  step: Step,
  defect: Defect | undefined,
): Next {
  if (state.seen < world.log.length && defect !== 'append without looking')
    return { attempt: { ...state, step: 'gone' } }
  // A log in which fenced attempts write is no log any more: keep what the readers decide by.
  const log = [...world.log, entry]
  return { log, attempt: { ...state, step, seen: log.length } }
}

function commitOwing(world: World, state: AttemptState, step: Step): Next {
  return {
    visible: [...new Set([...world.visible, ...state.owing])].toSorted(),
    attempt: { ...state, step },
  }
}

/** Prepared output that is left when older attempts' output is removed which no manifest names. */
function swept(world: World, state: AttemptState, defect: Defect | undefined): readonly string[] {
  const named = new Set(
    world.log.flatMap((entry) => (entry.kind === 'manifest' ? entry.pending : [])).map(nameOf),
  )
  return world.prepared.filter((name) => {
    const isOlder = Number(name.split(':')[0]) < state.attempt
    return !isOlder || (named.has(name) && defect !== 'sweep what a manifest names')
  })
}

function violationOf(world: World, bounds: Bounds): string | undefined {
  const lost = world.visible.find((name) => !world.prepared.includes(name))
  if (lost !== undefined) return `output ${lost} was committed and is gone`
  const times = new Array<number>(bounds.rows).fill(0)
  for (const name of world.visible) for (const row of rowsOf(name)) times[row] = (times[row] as number) + 1
  if (times.some((count) => count > 1)) return 'a row is repeated'
  const newest = world.log.findLast((entry): entry is Manifest => entry.kind === 'manifest')
  if (newest === undefined) return undefined
  const owing = new Set(owed(numbered(world.log)).flatMap((commit) => [...rowsOf(nameOf(commit))]))
  for (let row = 0; row < positionOf(newest); row++) {
    if (times[row] === 0 && !owing.has(row)) return `row ${row} is lost`
  }
  return undefined
}

/** All input is in a manifest, and nothing is owed. */
function isComplete(world: World, bounds: Bounds): boolean {
  const newest = world.log.findLast((entry): entry is Manifest => entry.kind === 'manifest')
  if (newest === undefined || positionOf(newest) < bounds.rows) return false
  return new Set(world.visible.flatMap((name) => [...rowsOf(name)])).size === bounds.rows
}

function* rowsOf(name: string): Generator<number> {
  const [, , from, to] = name.split(':').map(Number)
  for (let row = from as number; row < (to as number); row++) yield row
}

function positionOf({ watermarks }: Manifest): number {
  return Number(watermarks['input'])
}

function pendingOf(name: string, { epoch, attempt }: AttemptState): PendingCommit {
  return { step: 'out', epoch, attempt, task: 0, committable: name }
}

/** Output is named by its committable here. */
function nameOf({ committable }: PendingCommit): string {
  return committable as string
}

function tellOf({ attempt, epoch, step, delivered }: AttemptState): Entry {
  return { kind: 'delivered', attempt, epoch: step === 'tell again' ? delivered : epoch }
}

function numbered(log: readonly Entry[]): readonly NumberedEntry[] {
  return log.map((entry, at) => ({ number: at + 1, entry }))
}
