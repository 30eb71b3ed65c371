/** The door of `plan`: the logical graph, its rewriting, the physical plan, and how they are shown. */
export type {
  AggregateCall,
  BuiltPlan,
  EventTime,
  Input,
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
export { LATE_PORT, MAIN_PORT, REJECTED_PORT } from './logical.ts'
export type { Exchange, ExchangeKind, PhysicalPlan, Stage } from './physical.ts'
export { KEY_GROUPS_DEFAULT } from './physical.ts'
export type {
  ChangeSupport,
  RejectedRow,
  Sink,
  SinkDescription,
  Source,
  SourceDescription,
} from './connectors.ts'
export type { Expression, NamedExpression } from '../expr/expression.ts'
export { aggregateType, isNumeric, isOrdered } from './aggregate-type.ts'
export type { AggregateName, AggregateType } from './aggregate-type.ts'
export { digest, digestText } from './digest.ts'
export { explain, explainPhysical } from './explain/explanation.ts'
export type { ExplainedExchange, ExplainedStage, ExplainedStep, Explanation } from './explain/explanation.ts'
export type { Detail, StepDescription } from './explain/describe-step.ts'
export { explanationToMermaid } from './explain/explanation-mermaid.ts'
export { explanationToText } from './explain/explanation-text.ts'
export {
  ancestorsOf,
  checkPlan,
  freezeDeep,
  inputSchema,
  nodesByStep,
  portSchema,
  readersByStep,
  tableSources,
} from './plan-graph.ts'
export type { Reader } from './plan-graph.ts'
export { optimize, optimizePlan } from './optimize.ts'
export { planPhysical } from './plan-physical.ts'
export type { PhysicalOptions } from './plan-physical.ts'
export { buildHash, planHash, stateHash } from './plan-hash.ts'
export { planFromJson, planToJson } from './plan-json.ts'
export { rejectedRowSchema } from './rejected-row.ts'
export type { RejectedRowColumns } from './rejected-row.ts'
