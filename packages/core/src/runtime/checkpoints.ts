/**
 * The durable side of a run's epochs: state files, manifests, and what of older ones may go.
 *
 * Belongs to one attempt, which has taken over the log (take-over.ts). Invariants (tests quote them):
 *  CP1  A manifest is appended when every file that it names is durable, and names all outputs that are not delivered.
 *  CP2  An attempt that finds itself taken over stops at its next entry, whatever it was about to do.
 *  CP3  A step's files in a manifest are one whole one and the changes since, oldest first (state-chain.ts).
 */
import { assert, isMillraceError, MillraceError } from '../errors.ts'
import type { ByteChecks, ProcessIdentity } from '../host/host.ts'
import { joinStateFiles, stateFileName, StateFileWriter } from '../checkpoint/index.ts'
import type {
  Branch,
  CheckpointLog,
  CheckpointStore,
  Entry,
  EpochPlan,
  Manifest,
  NumberedEntry,
  PendingCommit,
  RunEnd,
  StageBorder,
  StateFileReference,
} from '../checkpoint/index.ts'
import type { Json } from '../data/index.ts'
import type { ScopeOfStep, SnapshotScope, StepState } from '../engine/index.ts'
import type { StepMeaning } from '../plan/step-meaning.ts'
import { CheckpointUpkeep } from './checkpoint-upkeep.ts'
import { chainFiles, chainsOf, grown, joined, nextScope, toJoin } from './state-chain.ts'
import type { StateChain } from './state-chain.ts'

/** What one attempt of one job writes as. */
export interface AttemptIdentity {
  readonly attempt: number
  readonly lineage: string
  readonly parent: Branch | undefined
}

/** What checkpoints are made with. */
export interface CheckpointsOptions extends AttemptIdentity {
  readonly store: CheckpointStore
  readonly log: CheckpointLog
  /** All entries that count, up to this attempt's takeover. */
  readonly entries: readonly NumberedEntry[]
  readonly checks: ByteChecks
  readonly planHash: string
  readonly stateHash: string
  readonly mode: string
  /** The name of the pipeline. */
  readonly pipeline: string
  /** Steps whose state may be dropped. */
  readonly dropState: readonly string[]
  /** What the state of each step means, for programs that restore it. */
  readonly meanings: ReadonlyMap<string, StepMeaning>
  readonly keyGroups: number
  readonly now: () => number
  /** The manifest that the run goes on from. */
  readonly from: Manifest | undefined
  /** Whether running state is written: of a batch it is not. */
  readonly keepsState: boolean
  /** A batch in phases, whose epochs are borders. */
  readonly inPhases: boolean
  /** Older checkpoints were given up; told of the output that those which stay name. */
  readonly gaveUp: (kept: readonly PendingCommit[]) => Promise<void>
}

/** What a manifest says of a run that only the run knows. */
export interface EpochFacts {
  readonly epoch: number
  readonly watermarks: ReadonlyMap<string, number>
  readonly pending: readonly PendingCommit[]
  /** By output step, without those that got none. */
  readonly rows: ReadonlyMap<string, number>
  readonly end: RunEnd | undefined
  /** The epoch is the border of a batch in phases. */
  readonly border: StageBorder | undefined
}

/** Writes the epochs of one attempt down. */
export class Checkpoints {
  readonly attempt: number
  /** Whether running state is written: of a batch it is not. */
  readonly keepsState: boolean
  readonly #options: CheckpointsOptions
  readonly #upkeep: CheckpointUpkeep
  readonly #owner: ProcessIdentity | undefined
  readonly #chains: Map<string, StateChain>
  readonly #mayDrop: readonly string[]
  /** Files that are being joined. */
  #joining: Promise<void> | undefined
  #isClosing = false
  /** Steps of which a file cannot be read back. */
  readonly #damaged = new Set<string>()
  /** What was asked of steps for the epoch that is being made. */
  #scopes = new Map<string, SnapshotScope>()
  #delivered: number
  /** What the log says of deliveries. */
  #toldDelivered: number
  #files = 0

  constructor(options: CheckpointsOptions) {
    this.#options = options
    this.attempt = options.attempt
    this.keepsState = options.keepsState
    this.#upkeep = new CheckpointUpkeep(options, (step) => this.#damaged.add(step))
    const takeover = options.entries.findLast(({ entry }) => entry.kind === 'takeover')?.entry
    this.#owner = takeover?.kind === 'takeover' ? takeover.owner : undefined
    this.#delivered = options.from?.delivered ?? 0
    this.#toldDelivered = this.#delivered
    this.#mayDrop = [...new Set([...(options.from?.mayDrop ?? []), ...options.dropState])]
    this.#chains = chainsOf(options.from?.state ?? [])
  }

  /** What the next state of a step has. */
  readonly scopeOf: ScopeOfStep = (step, remembersWhole) => {
    const scope = this.#damaged.delete(step) ? 'whole' : nextScope(this.#chains.get(step), remembersWhole)
    this.#scopes.set(step, scope)
    return scope
  }

  /** Lets go of what is kept of steps that came back changed, or not at all: what they keep next is whole. */
  renew(steps: readonly string[]): void {
    for (const step of steps) this.#chains.delete(step)
  }

  /** Writes what the steps gave; resolves to the bytes when all of it is durable. */
  async writeStates(epoch: number, states: readonly StepState[]): Promise<number> {
    const scopes = this.#scopes
    this.#scopes = new Map()
    const files = await Promise.all(
      states.map((state) => this.#write(epoch, state, scopes.get(state.step) === 'whole')),
    )
    for (const [step, scope] of scopes) {
      const file = files.find((of) => of.step === step)
      const chain = grown(this.#chains.get(step), scope, file)
      if (chain === undefined) this.#chains.delete(step)
      else this.#chains.set(step, chain)
    }
    return files.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /**
   * Decides that an epoch counts (CP1).
   *
   * @throws MillraceError `checkpoint/fenced` when another attempt has taken over (CP2).
   */
  async writeManifest({ epoch, watermarks, pending, rows, end, border }: EpochFacts): Promise<void> {
    const { attempt, lineage, parent, planHash, stateHash, mode, pipeline, inPhases, now } = this.#options
    this.#toldDelivered = this.#delivered
    await this.#upkeep.ready()
    const base = inPhases ? this.#upkeep.baseInPhases(end !== undefined) : this.#upkeep.base
    await this.#append({
      kind: 'manifest',
      attempt,
      lineage,
      ...(parent === undefined ? {} : { parent }),
      ...(this.#owner === undefined ? {} : { owner: this.#owner }),
      epoch,
      base,
      planHash,
      stateHash,
      pipeline,
      ...(this.#mayDrop.length === 0 ? {} : { mayDrop: this.#mayDrop }),
      mode,
      atMs: now(),
      watermarks: Object.fromEntries(Array.from(watermarks, ([step, of]) => [step, watermarkText(of)])),
      state: [...this.#chains.values()].flatMap(chainFiles),
      pending,
      ...(rows.size === 0 ? {} : { rows: Object.fromEntries(rows) }),
      delivered: this.#delivered,
      ...(end === undefined ? {} : { end }),
      ...(border === undefined ? {} : { border }),
    })
    if (inPhases) return
    this.#upkeep.afterManifest(base)
    this.#joining ??= this.#joinFiles(epoch).finally(() => (this.#joining = undefined))
  }

  /** A batch in phases, between two of them and at both ends: removes the files that no checkpoint needs. */
  async sweepFiles(): Promise<void> {
    await this.#upkeep.sweepFiles()
  }

  /** The name of a file of state that no one else uses. */
  newFileName(epoch: number): string {
    return stateFileName({ attempt: this.attempt, epoch, number: this.#files++ })
  }

  /** Fixes what the next epoch reads, before any of it is read (CP2). */
  async writePlan(plan: Omit<EpochPlan, 'kind' | 'attempt'>): Promise<void> {
    await this.#append({ kind: 'plan', attempt: this.attempt, ...plan })
  }

  /** The outputs of an epoch stand. The next manifest says so; with `final` none comes, and the log is told at once. */
  async delivered(epoch: number, final: boolean): Promise<void> {
    assert(epoch >= this.#delivered, `epoch ${epoch} was delivered behind epoch ${this.#delivered}`)
    this.#delivered = epoch
    if (final) await this.#tellDelivered()
  }

  /** Tells the log what is delivered, if it does not know. */
  async #tellDelivered(): Promise<void> {
    if (this.#toldDelivered >= this.#delivered) return
    this.#toldDelivered = this.#delivered
    await this.#append({ kind: 'delivered', attempt: this.attempt, epoch: this.#delivered })
  }

  /**
   * What to report of a failure: who was taken over fails in many ways, since its successor removes what it was at, and
   * there is one reason for all of them.
   */
  async explained(error: unknown): Promise<unknown> {
    if (isMillraceError(error) && error.code === 'checkpoint/fenced') return error
    const { log, store } = this.#options
    const entries = await log.read().catch(() => [])
    const isOver = entries.some(({ entry }) => entry.attempt > this.attempt)
    return isOver ? fenced(store.place, this.attempt, entries, error) : error
  }

  /** Lets upkeep that is under way come to its end. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#upkeep.close()
    await this.#joining
  }

  /** Beside the epochs: the next manifest names what is joined. Never throws. */
  async #joinFiles(epoch: number): Promise<void> {
    for (const [step, chain] of this.#chains) {
      if (this.#isClosing) return
      // A step whose files cannot be joined has more of them, and in the end a whole one.
      await this.#joinFilesOf(step, chain, epoch).catch(() => undefined)
    }
  }

  async #joinFilesOf(step: string, chain: StateChain, epoch: number): Promise<void> {
    const { store, checks, keyGroups } = this.#options
    const changes = toJoin(chain)
    if (changes.length === 0) return
    const name = this.newFileName(epoch)
    const files = changes.map(({ file }) => file)
    const finished = await joinStateFiles(files, name, { store, checks })
    const newest = (files.at(-1) as StateFileReference).epoch
    const file = { ...finished, step, groups: [0, keyGroups], epoch: newest, full: false } as const
    const now = this.#chains.get(step)
    const shorter = now && joined(now, changes, file)
    if (shorter !== undefined) this.#chains.set(step, shorter)
    else await store.remove(name)
  }

  async #append(entry: Entry): Promise<void> {
    const answer = await this.#options.log.append(entry)
    if (answer.kind === 'behind') throw fenced(this.#options.store.place, this.attempt, answer.entries)
    this.#upkeep.appended({ number: answer.number, entry })
  }

  async #write(epoch: number, { step, parts, rows }: StepState, full: boolean): Promise<StateFileReference> {
    const { store, checks, keyGroups, meanings } = this.#options
    const writer = await StateFileWriter.begin(store, this.newFileName(epoch), {
      checks,
      parts,
      about: meanings.get(step) as unknown as Json | undefined,
    })
    try {
      for (const part of rows) await writer.append(part)
      const finished = await writer.finish()
      return { ...finished, step, groups: [0, keyGroups], epoch, full }
    } catch (error) {
      await writer.abort().catch(() => undefined)
      throw error
    }
  }
}

function watermarkText(watermark: number): number | '-inf' | '+inf' {
  if (watermark === Infinity) return '+inf'
  return watermark === -Infinity ? '-inf' : watermark
}

function fenced(
  place: string,
  attempt: number,
  entries: readonly NumberedEntry[],
  cause?: unknown,
): MillraceError {
  const takeover = entries.findLast(({ entry }) => entry.kind === 'takeover')?.entry
  const who =
    takeover?.kind === 'takeover'
      ? `attempt ${takeover.attempt} of process ${takeover.owner.pid} on ${takeover.owner.machine}`
      : 'another attempt'
  return new MillraceError('checkpoint/fenced', {
    what: `${who} has taken over this job`,
    detail: `this is attempt ${attempt}; nothing that it did since the last epoch counts`,
    hint: 'end one of the two; see why both were started',
    cause,
    place: { file: place },
  })
}
