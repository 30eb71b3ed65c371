/**
 * A small world that runs the epoch protocol in every order in which its steps can happen.
 *
 * Attempts are little programs over a shared log and a shared output. Any attempt may take its next step at any moment,
 * may take none ever again (it died), and may go on after others have taken over (it slept). Creating an entry and
 * looking where it stands are two steps, and so is each removal of an old entry. A start may ask for epoch 1, with every
 * start anew. Decisions are the real ones of `checkpoint/recovery.ts` and `checkpoint/base.ts`; what is modelled is only
 * who does what when.
 */
import { cutToBase, decideStart } from '../../src/checkpoint/index.ts'
import type { Branch, Entry, Manifest, NumberedEntry, PendingCommit } from '../../src/checkpoint/index.ts'

/** What an attempt does next. */
type Step =
  | 'read'
  | 'take over'
  | 'look'
  | 'commit again'
  | 'tell again'
  | 'sweep'
  | 'prepare'
  | 'publish'
  | 'trim'
  | 'commit'
  | 'tell'
  | 'gone'

interface AttemptState {
  readonly step: Step
  readonly attempt: number
  /** `l`, or `<lineage>/<epoch>.<attempt>`: the name says where it began. */
  readonly lineage: string
  readonly parent: Branch | undefined
  /** The last number that it knows to be taken; while it looks: the one that it created. */
  readonly seen: number
  /** What it does when the entry counts. */
  readonly then: Step
  readonly base: number
  /** The number of the manifest that it goes on from. */
  readonly behind: number
  /** The epoch that it works on, and where its input begins and ends. */
  readonly epoch: number
  readonly from: number
  readonly to: number
  readonly owing: readonly string[]
  readonly delivered: number
  /** Its last manifest says that the input has come to its end. */
  readonly hasEnded: boolean
}

/** By number, from 1; undefined: not created, or removed. */
type Log = readonly (Entry | undefined)[]

/** All there is: plain data, so that worlds can be compared. */
export interface World {
  readonly log: Log
  readonly attempts: readonly AttemptState[]
  /** Prepared output by name, `lineage:attempt:epoch:from:to`. */
  readonly prepared: readonly string[]
  readonly visible: readonly string[]
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
  | 'remove an entry that others wrote behind'
  | 'count back to the first gap'
  | 'trust the neighbour below'
  | 'believe what another lineage delivered'
  | 'resume a history that was left'
  | 'go back with every start'
  | 'believe that an end was delivered'

/** How large a world is. */
export interface Bounds {
  readonly attempts: number
  /** Rows of input. */
  readonly rows: number
  /** Whether old entries may be removed, and whether starts may ask for epoch 1. */
  readonly trims: boolean
  readonly goesBack: boolean
  /** Whether the input may end behind its last row: then a job that starts again has nothing left to read. */
  readonly ends: boolean
}

/** What exploring found. */
export interface Exploration {
  readonly worlds: number
  /** Worlds in which all input came out, and of these: with entries removed, in a second lineage, behind an end. */
  readonly complete: number
  readonly trimmed: number
  readonly branched: number
  readonly ended: number
  readonly violation: string | undefined
}

const start: AttemptState = {
  step: 'read',
  attempt: 0,
  lineage: 'l',
  parent: undefined,
  seen: 0,
  then: 'read',
  base: 1,
  behind: 0,
  epoch: 1,
  from: 0,
  to: 0,
  owing: [],
  delivered: 0,
  hasEnded: false,
}

const gone: AttemptState = { ...start, step: 'gone' }

/** Visits every world that can be reached, and stops at the first that breaks a promise. */
export function explore(bounds: Bounds, defect?: Defect): Exploration {
  const seen = new Set<string>()
  const open: World[] = [
    { log: [], attempts: new Array<AttemptState>(bounds.attempts).fill(start), prepared: [], visible: [] },
  ]
  const found = { complete: 0, trimmed: 0, branched: 0, ended: 0 }
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const key = keyOf(world)
    if (seen.has(key)) continue
    seen.add(key)
    const violation = violationOf(world, bounds, defect)
    if (violation !== undefined)
      return { worlds: seen.size, ...found, violation: `${violation}: ${JSON.stringify(world)}` }
    if (isComplete(world, bounds)) {
      found.complete++
      if (world.log[0] === undefined) found.trimmed++
      if (lineageOf(world.log) !== 'l') found.branched++
      if (world.log.some((entry) => entry?.kind === 'manifest' && entry.end !== undefined)) found.ended++
    }
    open.push(...successors(world, bounds, defect))
  }
  return { worlds: seen.size, ...found, violation: undefined }
}

/** Attempts are told apart by what they know only: worlds that differ in their order are one. */
const keys = new WeakMap<object, string>()

function keyOf({ log, attempts, prepared, visible }: World): string {
  const parts = [
    ...log.map(partKey),
    '',
    ...attempts.map(partKey).toSorted(),
    '',
    ...prepared,
    '',
    ...visible,
  ]
  return parts.join('|')
}

/** Entries and attempts are shared between worlds: each is made text once, and short. */
const numbers = new Map<string, string>()
function partKey(part: object | undefined): string {
  if (part === undefined) return '-'
  let key = keys.get(part)
  if (key === undefined) {
    const text = JSON.stringify(part)
    key = numbers.get(text) ?? String(numbers.size)
    numbers.set(text, key)
    keys.set(part, key)
  }
  return key
}

function* successors(world: World, bounds: Bounds, defect: Defect | undefined): Generator<World> {
  for (const [at, state] of world.attempts.entries()) {
    if (state.step === 'gone' || world.attempts.indexOf(state) < at) continue
    for (const next of advance(world, state, bounds, defect)) {
      const { attempt, ...rest } = next
      yield { ...world, ...rest, attempts: world.attempts.with(at, attempt) }
    }
  }
}

type Next = Partial<Pick<World, 'log' | 'prepared' | 'visible'>> & { readonly attempt: AttemptState }

function* advance(
  world: World,
  state: AttemptState,
  bounds: Bounds,
  defect: Defect | undefined,
): Generator<Next> {
  switch (state.step) {
    case 'read':
      if (defect === 'sweep before the takeover' && state.delivered === 0) {
        const prepared = swept(world, { ...state, attempt: Infinity }, defect)
        return yield { prepared, attempt: { ...state, delivered: -1 } }
      }
      yield* read(world, state, undefined, defect)
      return bounds.goesBack ? yield* read(world, state, 1, defect) : undefined
    case 'take over':
      return yield create(world, state, takeoverOf(state), state.then, defect)
    case 'look':
      return yield look(world, state, defect)
    case 'commit again':
      return yield commitOwing(world, state, 'tell again')
    case 'tell again':
      return yield create(world, state, tellOf(state), 'sweep', defect)
    case 'sweep':
      return yield {
        prepared: swept(world, state, defect),
        attempt: { ...state, step: 'prepare', owing: [] },
      }
    case 'prepare': {
      if (state.from === bounds.rows) return yield { attempt: gone }
      // How much had arrived is chance.
      for (let to = state.from + 1; to <= bounds.rows; to++) yield prepare(world, { ...state, to }, defect)
      return
    }
    case 'publish':
      for (const hasEnded of bounds.ends && state.to === bounds.rows ? [false, true] : [false]) {
        yield publish(world, { ...state, hasEnded }, defect)
        if (bounds.trims && state.behind > state.base)
          yield publish(world, { ...state, hasEnded, base: state.behind }, defect)
      }
      return
    case 'trim':
      return yield trim(world, state)
    case 'commit':
      return yield commitOwing(world, state, 'tell')
    case 'tell': {
      const further = {
        ...state,
        epoch: state.epoch + 1,
        from: state.to,
        to: 0,
        delivered: state.epoch,
        owing: [],
      }
      // Told by an entry of its own, or by the next manifest, if there is one.
      yield create(world, further, tellOf(state), 'prepare', defect)
      return state.hasEnded ? undefined : yield { attempt: { ...further, step: 'prepare' } }
    }
    case 'gone':
      return
  }
}

function* read(
  world: World,
  state: AttemptState,
  from: number | undefined,
  defect: Defect | undefined,
): Generator<Next> {
  const { entries, base } = countedOf(world.log, defect)
  const decision = decide(entries, from, defect)
  if (decision.kind === 'no-such-epoch') return
  if (decision.kind === 'impossible') throw new Error(JSON.stringify(decision))
  const manifest = decision.kind === 'begin' ? undefined : decision.manifest
  const again = decision.kind === 'begin' ? [] : decision.commitAgain
  const position = manifest === undefined ? 0 : positionOf(manifest)
  const { attempt } = decision
  const branch = `${manifest?.lineage}/${manifest?.epoch}.${attempt}`
  yield {
    attempt: {
      ...state,
      step: 'take over',
      attempt,
      lineage: manifest === undefined ? 'l' : (decision.lineage ?? branch),
      parent: decision.kind === 'begin' ? undefined : decision.parent,
      then:
        again.length === 0 || defect === 'forget what is owed'
          ? 'sweep'
          : defect === 'believe that an end was delivered' && decision.kind === 'ended'
            ? 'tell again'
            : 'commit again',
      seen: entries.at(-1)?.number ?? 0,
      base,
      behind: entries.find(({ entry }) => entry === manifest)?.number ?? 0,
      epoch: (manifest?.epoch ?? 0) + 1,
      from: defect === 'read an epoch again' && manifest !== undefined ? Number(manifest.planHash) : position,
      owing: again.map(nameOf),
      delivered: manifest?.epoch ?? 0,
    },
  }
}

/** The decision of a start, with the defects that one can have. */
function decide(
  entries: readonly NumberedEntry[],
  from: number | undefined,
  defect: Defect | undefined,
): ReturnType<typeof decideStart> {
  const decision = decideStart(entries, from === undefined ? {} : { from })
  if (decision.kind !== 'resume') return decision
  const { attempt, lineage, manifest } = decision
  if (defect === 'believe what another lineage delivered') {
    const told = entries.flatMap(({ entry }) => (entry.kind === 'delivered' ? [entry.epoch] : []))
    const last = Math.max(0, ...told)
    return { ...decision, commitAgain: decision.commitAgain.filter(({ epoch }) => epoch > last) }
  }
  if (defect === 'resume a history that was left' && lineage !== undefined && lineage !== manifest.lineage) {
    const began = entries.findIndex(({ entry }) => entry.kind === 'takeover' && entry.lineage === lineage)
    return { ...decideStart(entries.slice(0, began)), attempt } as typeof decision
  }
  if (defect === 'go back with every start' && from !== undefined && lineage !== undefined) {
    const first = entries.flatMap(({ entry }) =>
      entry.kind === 'manifest' && entry.epoch === from ? [entry] : [],
    )[0]
    if (first !== undefined) {
      const parent = { lineage: first.lineage, epoch: from }
      const commitAgain = decision.commitAgain.filter(({ epoch }) => epoch <= from)
      return { ...decision, lineage: undefined, parent, manifest: first, commitAgain }
    }
  }
  return decision
}

function prepare(world: World, state: AttemptState, defect: Defect | undefined): Next {
  const name = `${state.lineage}:${state.attempt}:${state.epoch}:${state.from}:${state.to}`
  const prepared = [...world.prepared, name].toSorted()
  const attempt = { ...state, owing: [name], step: 'publish' } as const
  if (defect !== 'commit before the manifest') return { prepared, attempt }
  return { ...commitOwing({ ...world, prepared }, attempt, 'publish'), prepared }
}

function publish(world: World, state: AttemptState, defect: Defect | undefined): Next {
  const manifest: Manifest = {
    kind: 'manifest',
    attempt: state.attempt,
    lineage: state.lineage,
    ...(state.parent === undefined ? {} : { parent: state.parent }),
    epoch: state.epoch,
    base: state.base,
    // Carries where the epoch began, for the defect that goes back to it.
    planHash: String(state.from),
    stateHash: '',
    atMs: 0,
    watermarks: { input: state.to },
    state: [],
    pending: state.owing.map((name) => pendingOf(name, state)),
    delivered: defect === 'tell before committing' ? state.epoch : state.delivered,
    ...(state.hasEnded ? { end: 'finished' } : {}),
  }
  return create(world, { ...state, behind: state.seen + 1 }, manifest, 'trim', defect)
}

/** Creates the next number, or finds it taken: whoever is behind finds a takeover. */
function create(
  world: World,
  state: AttemptState,
  entry: Entry,
  then: Step,
  defect: Defect | undefined,
): Next {
  if (defect === 'append without looking' && entry.kind !== 'takeover') {
    const log = [...world.log, entry]
    return { log, attempt: { ...state, step: then, seen: log.length } }
  }
  const number = state.seen + 1
  if (world.log[number - 1] !== undefined) return { attempt: outrun(entry.kind === 'takeover') }
  const log = number > world.log.length ? [...world.log, entry] : world.log.with(number - 1, entry)
  return { log, attempt: { ...state, step: 'look', then, seen: number } }
}

/** Whether what was created counts. */
function look(world: World, state: AttemptState, defect: Defect | undefined): Next {
  const { seen, then } = state
  const isBelow =
    defect === 'trust the neighbour below'
      ? seen > 1 && world.log[seen - 2] === undefined
      : seen < countedOf(world.log, defect).base
  const isOver =
    defect === 'remove an entry that others wrote behind'
      ? seen < world.log.length
      : seen < world.log.length && isBelow
  if (!isOver) return { attempt: { ...state, step: then, then: 'read' } }
  const isTakeover = world.log[seen - 1]?.kind === 'takeover'
  return { log: world.log.with(seen - 1, undefined), attempt: outrun(isTakeover) }
}

/** A start looks again; others are fenced. */
function outrun(isTakeover: boolean): AttemptState {
  return isTakeover ? start : gone
}

/** Removes the oldest entry below the base, one with each step. */
function trim({ log }: World, state: AttemptState): Next {
  const oldest = log.findIndex((entry) => entry !== undefined)
  if (oldest + 1 >= state.base) return { attempt: { ...state, step: 'commit' } }
  return { log: log.with(oldest, undefined), attempt: state }
}

function commitOwing(world: World, state: AttemptState, step: Step): Next {
  return {
    visible: [...new Set([...world.visible, ...state.owing])].toSorted(),
    attempt: { ...state, step },
  }
}

/** Prepared output that is left when older attempts' output is removed that no manifest names and nobody sees. */
function swept(world: World, state: AttemptState, defect: Defect | undefined): readonly string[] {
  const named = new Set(
    countedOf(world.log, defect)
      .entries.flatMap(({ entry }) => (entry.kind === 'manifest' ? entry.pending : []))
      .map(nameOf),
  )
  return world.prepared.filter((name) => {
    const isOlder = Number(name.split(':')[1]) < state.attempt
    // What is seen lies where it was prepared.
    if (defect === 'sweep what a manifest names' && named.has(name)) return !isOlder
    return !isOlder || named.has(name) || world.visible.includes(name)
  })
}

/** What one log says, found once. */
interface Findings {
  readonly violation: string | undefined
  readonly position: number
  readonly owing: ReadonlySet<number>
}
let findings = new WeakMap<Log, Findings>()
let findingsOf: Defect | undefined

function findingsIn(log: Log, defect: Defect | undefined): Findings {
  if (findingsOf !== defect) findings = new WeakMap()
  findingsOf = defect
  let found = findings.get(log)
  if (found === undefined) findings.set(log, (found = lookInto(log, defect)))
  return found
}

function lookInto(log: Log, defect: Defect | undefined): Findings {
  const none = { violation: undefined, position: 0, owing: new Set<number>() }
  const { entries, missing } = countedOf(log, defect)
  if (missing !== undefined) return { ...none, violation: `entry ${missing} is lost` }
  const lineages = entries.flatMap(({ entry }) => (entry.kind === 'takeover' ? [entry.lineage] : []))
  // Every wish is the same one.
  if (new Set(['l', ...lineages]).size > 2)
    return { ...none, violation: 'output is repeated: a start went back again' }
  const decision = decide(entries, undefined, defect)
  if (decision.kind === 'impossible') return { ...none, violation: `impossible: ${decision.reason}` }
  if (decision.kind !== 'resume' && decision.kind !== 'ended') return none
  const owing = new Set(decision.commitAgain.flatMap((commit) => [...rowsOf(nameOf(commit))]))
  return { violation: undefined, position: positionOf(decision.manifest), owing }
}

function violationOf(world: World, bounds: Bounds, defect: Defect | undefined): string | undefined {
  const { violation, position, owing } = findingsIn(world.log, defect)
  if (violation !== undefined) return violation
  const visible = visibleOf(world)
  const lost = visible.find((name) => !world.prepared.includes(name))
  if (lost !== undefined) return `output ${lost} was committed and is gone`
  const times = new Array<number>(bounds.rows).fill(0)
  for (const name of visible) for (const row of rowsOf(name)) times[row] = (times[row] as number) + 1
  if (times.some((count) => count > 1)) return 'a row is repeated'
  for (let row = 0; row < position; row++) {
    if (times[row] === 0 && !owing.has(row)) return `row ${row} is lost`
  }
  return undefined
}

/** All input is in the output of the history that goes on. */
function isComplete(world: World, bounds: Bounds): boolean {
  return new Set(visibleOf(world).flatMap((name) => [...rowsOf(name)])).size === bounds.rows
}

/** Output of the history that goes on: what a lineage did behind the epoch at which it was left is not of it. */
function visibleOf({ log, visible }: World): readonly string[] {
  const current = lineageOf(log)
  return visible.filter((name) => {
    const [lineage = '', , epoch] = name.split(':')
    if (lineage === current) return true
    return (
      current.startsWith(`${lineage}/`) &&
      Number(epoch) <= Number.parseInt(current.slice(lineage.length + 1), 10)
    )
  })
}

/** The newest lineage that anyone wrote; not what the code under test takes for it. */
function lineageOf(log: Log): string {
  const newest = log.findLast((entry) => entry?.kind === 'takeover' || entry?.kind === 'manifest')
  return newest?.kind === 'takeover' || newest?.kind === 'manifest' ? newest.lineage : 'l'
}

function countedOf(log: Log, defect: Defect | undefined): ReturnType<typeof cutToBase> {
  const all = log.flatMap((entry, at) => (entry === undefined ? [] : [{ number: at + 1, entry }]))
  const counted = cutToBase(all)
  if (defect !== 'count back to the first gap') return counted
  return { ...counted, entries: all.filter(({ number }) => number > log.lastIndexOf(undefined) + 1) }
}

function* rowsOf(name: string): Generator<number> {
  const [, , , from, to] = name.split(':').map(Number)
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

function takeoverOf({ attempt, lineage, parent }: AttemptState): Entry {
  const owner = { machine: '', boot: '', space: '', pid: 0, start: '' }
  const branch = parent === undefined ? {} : { parent }
  return { kind: 'takeover', attempt, lineage, ...branch, owner, token: String(attempt), atMs: 0 }
}

function tellOf({ attempt, epoch, step, delivered }: AttemptState): Entry {
  return { kind: 'delivered', attempt, epoch: step === 'tell again' ? delivered : epoch }
}
