/**
 * From the logical to the physical plan: stages between exchanges, and how many tasks each has.
 *
 * A stage is cut where rows must change tasks: in front of a key-by (by key group), in front of the table side of a
 * lookup join (to every task), and in front of an aggregation without a key (into one task). Everything else runs where
 * its input runs. The key-by is the first step of its stage, so that an exchange always ends at a step's input.
 */
import { MillraceError } from '../errors.ts'
import type { LogicalNode, LogicalPlan } from './logical.ts'
import { checkPlan, freezeDeep, nodesByStep, tableSources } from './plan-graph.ts'
import { KEY_GROUPS_DEFAULT } from './physical.ts'
import type { Exchange, ExchangeKind, PhysicalPlan, Stage } from './physical.ts'
import { aggregateBeforeExchange } from './rules/aggregate-before-exchange.ts'

/** How a plan is laid out. */
export interface PhysicalOptions {
  /** Tasks per stage; default 1. */
  readonly parallelism?: number
  /** Slices of the key space, a power of two; default 128. Fixed for the life of the state. */
  readonly keyGroups?: number
  /** Whether aggregations may begin in front of their exchange; default true. False is for measuring and testing. */
  readonly preAggregate?: boolean
}

/** A stage while it is put together. */
interface StageDraft {
  readonly steps: string[]
  readonly tasks: number
  /** The stages that send to it over exchanges, and through them all before. */
  readonly before: Set<StageDraft>
}

/**
 * Lays a plan out in stages. With several tasks, aggregations begin in front of their exchange where they can
 * (rules/aggregate-before-exchange.ts): the physical plan's `logical` is the plan with those steps.
 *
 * @throws MillraceError `plan/invalid-argument` when parallelism or key groups are out of range.
 */
export function planPhysical(plan: LogicalPlan, options: PhysicalOptions = {}): PhysicalPlan {
  const { parallelism = 1, keyGroups = KEY_GROUPS_DEFAULT, preAggregate = true } = options
  checkNumbers(parallelism, keyGroups)
  const logical = preAggregate && parallelism > 1 ? withPartialAggregates(plan, parallelism) : plan
  const layout = layOut(logical, parallelism)
  return Object.freeze({ logical, stages: layout.stages(), exchanges: layout.exchanges(), keyGroups })
}

/** The plan with aggregations begun in front of exchanges that rows really cross. */
function withPartialAggregates(plan: LogicalPlan, parallelism: number): LogicalPlan {
  const layout = layOut(plan, parallelism)
  const rewritten = aggregateBeforeExchange((step) => layout.crossesTasks(step)).apply(plan)
  if (rewritten === plan) return plan
  checkPlan(rewritten)
  return freezeDeep(rewritten)
}

function layOut(plan: LogicalPlan, parallelism: number): Layout {
  const layout = new Layout(plan, parallelism)
  for (const node of plan.nodes) layout.place(node)
  return layout
}

class Layout {
  private readonly nodes: ReadonlyMap<string, LogicalNode>
  private readonly tables: ReadonlySet<string>
  private readonly parallelism: number
  private readonly stageOf = new Map<string, StageDraft>()
  private readonly cuts: Exchange[] = []

  constructor(plan: LogicalPlan, parallelism: number) {
    this.nodes = nodesByStep(plan)
    this.tables = tableSources(plan)
    this.parallelism = parallelism
  }

  /** Puts a node, whose inputs are placed, into a stage. */
  place(node: LogicalNode): void {
    const kinds = node.inputs.map((_, input) => this.exchangeFor(node, input))
    const forward = node.inputs.filter((_, at) => kinds[at] === undefined).map(({ step }) => this.stage(step))
    const stage = this.joinStages(forward) ?? this.newStage(this.tasksOf(node, kinds))
    stage.steps.push(node.step)
    this.stageOf.set(node.step, stage)
    node.inputs.forEach((from, input) => {
      const kind =
        kinds[input] ?? (this.stage(from.step) === stage ? undefined : { kind: 'forward' as const })
      if (kind === undefined) return
      const sender = this.stage(from.step)
      this.cuts.push({ from, to: { step: node.step, input }, exchange: kind })
      stage.before.add(sender)
      for (const earlier of sender.before) stage.before.add(earlier)
    })
  }

  stages(): Stage[] {
    const order = new Map([...this.nodes.keys()].map((step, at) => [step, at]))
    return [...new Set(this.stageOf.values())].map((stage, id) => ({
      id,
      steps: stage.steps.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)),
      tasks: stage.tasks,
    }))
  }

  exchanges(): readonly Exchange[] {
    return this.cuts
  }

  /** Whether rows on their way to a step may change tasks. */
  crossesTasks(step: string): boolean {
    return this.cuts.some(
      ({ from, to }) =>
        to.step === step && (this.stage(from.step).tasks > 1 || this.stage(to.step).tasks > 1),
    )
  }

  private stage(step: string): StageDraft {
    return this.stageOf.get(step) as StageDraft
  }

  private newStage(tasks: number): StageDraft {
    return { steps: [], tasks, before: new Set() }
  }

  private tasksOf(node: LogicalNode, kinds: readonly (ExchangeKind | undefined)[]): number {
    if (kinds.some((kind) => kind?.kind === 'gather')) return 1
    // A table is small and is read once: one task does it.
    return node.kind === 'source' && this.tables.has(node.step) ? 1 : this.parallelism
  }

  /** How rows come to a node's input, when not simply from the same task. */
  private exchangeFor(node: LogicalNode, input: number): ExchangeKind | undefined {
    if (node.kind === 'key-by') return { kind: 'key-group', keys: node.keys }
    if (node.kind === 'lookup-join' && input === 1) return { kind: 'broadcast' }
    const keyless = (node.kind === 'window-aggregate' || node.kind === 'process') && node.keys.length === 0
    return keyless ? { kind: 'gather' } : undefined
  }

  /**
   * The stage for a node that reads several stages directly: they become one where none waits for another and all
   * have as many tasks; else the last of them takes the node, and the others send to it.
   */
  private joinStages(stages: readonly StageDraft[]): StageDraft | undefined {
    let joined = stages[0]
    for (const other of stages.slice(1)) {
      if (joined === undefined || joined === other) continue
      if (joined.before.has(other)) continue
      if (other.before.has(joined)) joined = other
      else if (other.tasks === joined.tasks) joined = this.merge(joined, other)
      else joined = other.tasks > joined.tasks ? other : joined
    }
    return joined
  }

  private merge(a: StageDraft, b: StageDraft): StageDraft {
    for (const step of b.steps) this.stageOf.set(step, a)
    a.steps.push(...b.steps)
    for (const stage of b.before) a.before.add(stage)
    for (const stage of new Set(this.stageOf.values())) {
      if (stage.before.delete(b)) stage.before.add(a)
      if (stage.before.has(a)) for (const earlier of a.before) stage.before.add(earlier)
    }
    return a
  }
}

function checkNumbers(parallelism: number, keyGroups: number): void {
  if (
    !Number.isInteger(keyGroups) ||
    keyGroups < 1 ||
    keyGroups > 32_768 ||
    (keyGroups & (keyGroups - 1)) !== 0
  ) {
    throw new MillraceError('plan/invalid-argument', {
      what: `${keyGroups} key groups are not possible`,
      hint: 'give a power of two up to 32768; the default is 128',
    })
  }
  if (!Number.isInteger(parallelism) || parallelism < 1 || parallelism > keyGroups) {
    throw new MillraceError('plan/invalid-argument', {
      what: `a parallelism of ${parallelism} is not possible`,
      hint: `give a whole number from 1 to the number of key groups (${keyGroups})`,
    })
  }
}
