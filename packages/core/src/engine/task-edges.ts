/**
 * The edges between tasks of one thread: which outputs there are, and who hears them.
 *
 * Tasks of one thread hand batches on directly (run to completion): every queue between them would only be walked at
 * once. Edges go through `Receiver`, which is also what a channel to another thread will implement. How rows are dealt
 * out over an edge is exchange.ts.
 */
import type { Schema } from '../data/type.ts'
import { assert } from '../errors.ts'
import type { LogicalNode } from '../plan/logical.ts'
import { portSchema } from '../plan/plan-graph.ts'
import type { Exchange, PhysicalPlan, Stage } from '../plan/physical.ts'
import type { BorderWriter } from './border/border-writer.ts'
import { createRoute } from './exchange.ts'
import type { Route } from './exchange.ts'
import { portOf } from './output-port.ts'
import type { OpenChannel, OutputPort, TaskPlace } from './output-port.ts'
import type { StepRunner } from './step-runner.ts'

/** Connects the tasks of a plan. */
export class TaskEdges {
  private readonly physical: PhysicalPlan
  private readonly nodes: ReadonlyMap<string, LogicalNode>
  private readonly runners: ReadonlyMap<string, readonly StepRunner[]>
  private readonly outputs = new Map<string, Map<string, OutputPort>[]>()

  /** @param runners - of each step by task, as they are made: those of a stage are there before it is connected */
  constructor(
    physical: PhysicalPlan,
    nodes: ReadonlyMap<string, LogicalNode>,
    runners: ReadonlyMap<string, readonly StepRunner[]>,
  ) {
    this.physical = physical
    this.nodes = nodes
    this.runners = runners
  }

  /** Gives every task of a step its outputs, which lead nowhere yet. */
  addStep(step: string, tasks: number): void {
    this.outputs.set(
      step,
      Array.from({ length: tasks }, () => new Map<string, OutputPort>()),
    )
  }

  /** The outputs of a step in a task. */
  ports(step: string, task: number): Map<string, OutputPort> {
    const ports = this.outputs.get(step)?.[task]
    assert(ports !== undefined, `task ${task} of step "${step}" does not exist`)
    return ports
  }

  /** An edge between stages: every sending task gets a channel to every receiving task. */
  connectExchange(exchange: Exchange): void {
    const { step, port } = exchange.from
    const senders = this.outputs.get(step) ?? []
    senders.forEach((ports, task) => {
      const { route, receivers } = this.receivers(exchange, { task, tasks: senders.length })
      const output = portOf(ports, port)
      output.routes.push(route)
      output.receivers.push(...receivers)
    })
  }

  /** The receiving end of an edge between stages, for one of its sending tasks. */
  receivers({ from, to, exchange }: Exchange, { task, tasks }: TaskPlace): OpenChannel {
    const targets = this.runners.get(to.step) ?? []
    const reached =
      exchange.kind === 'forward' && targets.length === tasks ? [targets[task] as StepRunner] : targets
    const receivers = reached.map((target) => target.addChannel(to.input))
    const send: Route[] = receivers.map((receiver) => receiver.push)
    const schema = this.schemaOf(from.step, from.port)
    return {
      route: createRoute(exchange, schema, send, { task, keyGroups: this.physical.keyGroups }),
      receivers,
    }
  }

  /** Edges to a later phase: every sending task has a channel to the border. */
  connectWriter(writer: BorderWriter): void {
    for (const { exchange, task, receiver } of writer.channels) {
      const { step, port } = exchange.from
      const output = portOf(this.ports(step, task), port)
      output.routes.push(receiver.push)
      output.receivers.push(receiver)
    }
  }

  /** Edges inside a stage: task i to task i. */
  connectStage(stage: Stage): void {
    const inStage = new Set(stage.steps)
    for (const step of stage.steps) this.connectInStage(step, inStage)
  }

  private connectInStage(step: string, inStage: ReadonlySet<string>): void {
    this.nodes.get(step)?.inputs.forEach((input, at) => {
      if (!inStage.has(input.step) || this.isExchanged(step, at)) return
      const targets = this.runners.get(step) ?? []
      targets.forEach((target, task) => {
        const receiver = target.addChannel(at)
        const port = portOf(this.ports(input.step, task), input.port)
        port.routes.push(receiver.push)
        port.receivers.push(receiver)
      })
    })
  }

  private isExchanged(step: string, input: number): boolean {
    return this.physical.exchanges.some(({ to }) => to.step === step && to.input === input)
  }

  private schemaOf(step: string, port: string): Schema {
    const node = this.nodes.get(step)
    const schema = node === undefined ? undefined : portSchema(node, port)
    assert(schema !== undefined, `step "${step}" has no output "${port}"`)
    return schema
  }
}
