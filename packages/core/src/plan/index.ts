/** The door of `plan`: the logical graph, its rewriting, the physical plan, and how they are shown. */
export type {
  AggregateCall,
  BuiltPlan,
  EpochLimits,
  EventTime,
  Input,
  IntervalJoinNode,
  JoinKind,
  LogicalNode,
  LogicalPlan,
  LookupJoinNode,
  RowFunctionNode,
  SourceNode,
  StateDeclaration,
  TransformNode,
  WatermarkStrategy,
  WindowAggregateNode,
  WindowSpec,
} from './logical.ts'
export { LATE_PORT, LATE_RIGHT_PORT, MAIN_PORT, REJECTED_PORT } from './logical.ts'
export type { Sink, SinkOf, Source } from './connectors.ts'
export type { Expression, NamedExpression } from '../expr/expression.ts'
export { aggregateType } from './aggregate-type.ts'
export type { AggregateName } from './aggregate-type.ts'
export { digest, digestText } from './digest.ts'
export { explain } from './explain/explanation.ts'
export type { Explanation } from './explain/explanation.ts'
export { explanationToMermaid } from './explain/explanation-mermaid.ts'
export { explanationToText } from './explain/explanation-text.ts'
export { ancestorsOf, checkPlan, freezeDeep, inputSchema, nodesByStep, tableSources } from './plan-graph.ts'
export { optimize } from './optimize.ts'
export { planPhysical } from './plan-physical.ts'
export type { PhysicalOptions } from './plan-physical.ts'
export { buildHash, planHash, stateHash } from './plan-hash.ts'
export { planFromJson, planToJson } from './plan-json.ts'
export { rejectedRowSchema } from './rejected-row.ts'
export type { RejectedRowColumns } from './rejected-row.ts'
