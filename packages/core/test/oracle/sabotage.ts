/**
 * Plans that mean something else than what was written: what an engine would run that had the defect. Each has to be noticed.
 */
import type { Source } from '../../src/connect/index.ts'
import type { Json, Schema } from '../../src/data/index.ts'
import { bindExpression, sqlText } from '../../src/expr/index.ts'
import type { BuiltPlan, LogicalNode, NamedExpression } from '../../src/plan/index.ts'
import type { Sabotage } from '../../src/testing/pipelines/run.ts'

type WindowNode = Extract<LogicalNode, { kind: 'window-aggregate' }>
type Call = WindowNode['aggregates'][number]

function nodes(change: (node: LogicalNode) => LogicalNode): Sabotage {
  return (built) => ({ ...built, plan: { ...built.plan, nodes: built.plan.nodes.map(change) } })
}

function windows(change: (node: WindowNode) => WindowNode): Sabotage {
  return nodes((node) => (node.kind === 'window-aggregate' ? change(node) : node))
}

function calls(change: (call: Call) => Call): Sabotage {
  return windows((node) => ({ ...node, aggregates: node.aggregates.map(change) }))
}

function sources(change: (source: Source) => Source): Sabotage {
  return (built) => ({
    ...built,
    bindings: {
      ...built.bindings,
      sources: new Map([...built.bindings.sources].map(([step, source]) => [step, change(source)])),
    },
  })
}

/** Positions that are some rows off, as those are that are asked for at the wrong moment. */
function positions(off: (row: number) => number): Sabotage {
  return sources((source) => ({
    ...source,
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return new Proxy(reader, {
        get(of, name: keyof typeof reader) {
          if (name !== 'position')
            return typeof of[name] === 'function' ? (of[name] as () => unknown).bind(of) : of[name]
          return (): Json => ({ v: 1, row: off((of.position() as { row: number }).row) })
        },
      })
    },
  }))
}

/** Windows of one kind changed, and the bounds of their results put right, so that only the rows in them tell. */
function rebound(
  change: (node: WindowNode) => { node: WindowNode; bounds: { [column: string]: string } } | undefined,
): Sabotage {
  return (built) => {
    const made = built.plan.nodes.flatMap((node): readonly LogicalNode[] => {
      const changed = node.kind === 'window-aggregate' ? change(node) : undefined
      if (changed === undefined) return [node]
      return [changed.node, mended(changed.node, changed.bounds)]
    })
    const names = new Set(made.map(({ step }) => step))
    const plan = {
      ...built.plan,
      nodes: made.map((node) => ({
        ...node,
        inputs: node.inputs.map((input) => {
          const other = `${input.step}/mended`
          return input.port === 'main' && names.has(other) && node.step !== other
            ? { ...input, step: other }
            : input
        }),
      })),
    }
    return { ...built, plan } as BuiltPlan
  }
}

function mended(node: WindowNode, bounds: { readonly [column: string]: string }): LogicalNode {
  const outputs = node.schema.fields.map(({ name }): NamedExpression => ({
    name,
    expression: bindExpression(
      sqlText(bounds[name] ?? `"${name.replaceAll('"', '""')}"`),
      node.schema as Schema,
    ),
  }))
  return {
    kind: 'transform',
    step: `${node.step}/mended`,
    schema: node.schema,
    inputs: [{ step: node.step, port: 'main' }],
    sidePorts: {},
    predicate: undefined,
    outputs,
  }
}

/** Defects by what they do. */
export const defects: { readonly [what: string]: Sabotage } = {
  'count counts nulls': calls((call) => (call.aggregate === 'count' ? { ...call, columns: [] } : call)),
  'filters of aggregates are passed over': calls((call) => ({ ...call, filter: undefined })),
  'first gives the last': calls((call) =>
    call.aggregate === 'first' ? { ...call, aggregate: 'last' } : call,
  ),
  'min gives the largest': calls((call) => (call.aggregate === 'min' ? { ...call, aggregate: 'max' } : call)),
  'equal values are counted as different': calls((call) =>
    call.aggregate === 'count-distinct' ? { ...call, aggregate: 'count' } : call,
  ),
  'top keeps one more': calls((call) =>
    call.aggregate === 'top'
      ? { ...call, parameters: { ...call.parameters, n: (call.parameters['n'] as number) + 1 } }
      : call,
  ),
  'a row at the border of a window is in the one before': rebound((node) => {
    if (node.window.kind !== 'tumbling') return undefined
    const { window } = node
    const moved = { ...node, window: { ...window, offsetMs: (window.offsetMs + 1) % window.sizeMs } }
    const back = `- interval '1 millisecond'`
    return { node: moved, bounds: { windowStart: `"windowStart" ${back}`, windowEnd: `"windowEnd" ${back}` } }
  }),
  'a row exactly a gap later opens a session of its own': rebound((node) => {
    if (node.window.kind !== 'session' || node.window.gapMs === 1) return undefined
    const shorter = { ...node, window: { ...node.window, gapMs: node.window.gapMs - 1 } }
    return { node: shorter, bounds: { windowEnd: `"windowEnd" + interval '1 millisecond'` } }
  }),
  'sliding windows lose their last row': rebound((node) => {
    if (node.window.kind !== 'sliding' || node.window.sizeMs === 1) return undefined
    const shorter = { ...node, window: { ...node.window, sizeMs: node.window.sizeMs - 1 } }
    return { node: shorter, bounds: { windowEnd: `"windowEnd" + interval '1 millisecond'` } }
  }),
  'late rows are let in': windows((node) => ({ ...node, allowedLatenessMs: 1e12 })),
  'the watermark runs ahead of the disorder': nodes((node) => {
    if (node.kind !== 'source' || node.eventTime === undefined) return node
    const watermark = { kind: 'bounded-disorder', disorderMs: 0 } as const
    return { ...node, eventTime: { ...node.eventTime, watermark } }
  }),
  'windows wait longer than they have to': nodes((node) => {
    if (node.kind !== 'source' || node.eventTime?.watermark.kind !== 'bounded-disorder') return node
    const { disorderMs } = node.eventTime.watermark
    const watermark = { kind: 'bounded-disorder', disorderMs: disorderMs + 1_000 } as const
    return { ...node, eventTime: { ...node.eventTime, watermark } }
  }),
  'a left join drops rows without a partner': nodes((node) =>
    node.kind === 'lookup-join' ? { ...node, join: 'inner' } : node,
  ),
  'an interval ends before its last moment': nodes((node) =>
    node.kind === 'interval-join' ? { ...node, upperMs: node.upperMs - 1 } : node,
  ),
  'rows stay for which a condition is null': nodes((node) => {
    if (node.kind !== 'transform' || node.predicate === undefined) return node
    const { predicate } = node
    const isTrue = { kind: 'literal', value: true, type: { kind: 'boolean' }, nullable: false } as const
    const call = { kind: 'call', name: 'coalesce', arguments: [predicate, isTrue] } as const
    return { ...node, predicate: { ...call, type: predicate.type, nullable: false } }
  }),
  'a union forgets an input': nodes((node) =>
    node.kind === 'union' ? { ...node, inputs: node.inputs.slice(0, 1) } : node,
  ),
  'timers at the end do not fire': (built) => ({
    ...built,
    bindings: {
      ...built.bindings,
      functions: new Map([...built.bindings.functions].map(([id, fn]) => [id, withoutLastTimers(fn)])),
    },
  }),
  'rows are read again after a crash': positions((row) => Math.max(0, row - 2)),
  'rows are passed over after a crash': positions((row) => row + 2),
}

function withoutLastTimers(fn: unknown): unknown {
  const { onTimer } = fn as { onTimer?: (context: object, timer: { readonly time: number }) => void }
  if (onTimer === undefined) return fn
  return {
    ...(fn as object),
    onTimer: (context: object, timer: { readonly time: number }) =>
      timer.time < 8e15 ? onTimer(context, timer) : undefined,
  }
}
