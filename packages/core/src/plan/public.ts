/**
 * The door `plan`: what a built pipeline is made of, and how it is shown.
 *
 * The other rooms share more of each other: that is index.ts.
 */
export type {
  AggregateCall,
  BuiltPlan,
  EventTime,
  Input,
  IntervalJoinNode,
  JoinColumn,
  JoinKind,
  KeyByNode,
  LogicalNode,
  LogicalPlan,
  LookupJoinNode,
  PlanBindings,
  ProcessNode,
  RowFunctionNode,
  SinkNode,
  SourceNode,
  StateDeclaration,
  TransformNode,
  UnionNode,
  WatermarkStrategy,
  WindowAggregateNode,
  WindowSpec,
} from './logical.ts'
export type { Exchange, ExchangeKind, PhysicalPlan, Stage } from './physical.ts'
export { explain } from './explain/explanation.ts'
export type { ExplainedExchange, ExplainedStage, ExplainedStep, Explanation } from './explain/explanation.ts'
export type { Detail, StepDescription } from './explain/step-description.ts'
export { explanationToMermaid } from './explain/explanation-mermaid.ts'
export { explanationToText } from './explain/explanation-text.ts'
export { inputSchema, nodesByStep } from './plan-graph.ts'
export { optimizePlan } from './optimize.ts'
export { planPhysical } from './plan-physical.ts'
export type { PhysicalOptions } from './plan-physical.ts'
export { planHash, stateHash } from './plan-hash.ts'
export { planFromJson, planToJson } from './plan-json.ts'
