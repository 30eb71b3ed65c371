/**
 * The borders of epochs at which the input is known: in micro-batch mode, of a pipeline that reads one split beside its tables.
 *
 * An epoch reads so many rows, and begins with the watermark that the rows before it have made. At its border the output has to
 * be the answer over exactly the rows so far, under that watermark (law L3).
 */
import type { BuiltPlan, SourceNode } from '../../plan/index.ts'
import { tableSources } from '../../plan/plan-graph.ts'
import type { OracleInputs } from '../oracle/oracle.ts'
import { watermarkBehind } from '../oracle/source.ts'

/** What had come at the border of an epoch. */
export interface Border {
  readonly epoch: number
  readonly inputs: OracleInputs
  readonly horizon: number
}

/** Borders that are looked at, of one run. */
const BORDERS_MAX = 4

/** Some borders before the last row; none where the input of an epoch does not follow from its number. */
export function bordersOf({ plan }: BuiltPlan, inputs: OracleInputs, rowsOfEpoch: number): readonly Border[] {
  // When rows without a partner leave is not part of the meaning of a join.
  if (plan.nodes.some((node) => node.kind === 'interval-join' && !['inner', 'semi'].includes(node.join)))
    return []
  const tables = tableSources(plan)
  const streams = plan.nodes.filter(
    (node): node is SourceNode => node.kind === 'source' && !tables.has(node.step),
  )
  const [stream] = streams
  const splits = inputs[stream?.step ?? ''] ?? []
  const [rows] = splits
  if (stream === undefined || rows === undefined || streams.length !== 1 || splits.length !== 1) return []
  const epochs = Math.ceil(rows.length / rowsOfEpoch) - 1
  const stride = Math.max(1, Math.ceil(epochs / BORDERS_MAX))
  return Array.from({ length: Math.floor(epochs / stride) }, (_, at) => {
    const epoch = (at + 1) * stride
    return {
      epoch,
      inputs: { ...inputs, [stream.step]: [rows.slice(0, epoch * rowsOfEpoch)] },
      horizon: watermarkBehind(stream, rows.slice(0, (epoch - 1) * rowsOfEpoch)),
    }
  })
}
