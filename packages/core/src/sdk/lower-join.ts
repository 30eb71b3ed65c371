/** Joins of two keyed streams, lowered to the plan. */
import { checkOptionNames } from '../data/option-names.ts'
import { fieldOf, findColumn, makeSchema } from '../data/schema.ts'
import type { Field, Schema } from '../data/type.ts'
import { sameType, typeToString } from '../data/type-text.ts'
import { MillraceError } from '../errors.ts'
import { LATE_PORT, LATE_RIGHT_PORT } from '../plan/index.ts'
import type { IntervalJoinNode, JoinKind } from '../plan/index.ts'
import { parseDuration, parseSignedDuration } from '../time/index.ts'
import type { Duration } from '../time/index.ts'
import { refuseChanges } from './changes.ts'
import type { Output } from './draft.ts'
import { bindCondition } from './expression-input.ts'
import type { ExpressionInput } from './expression-input.ts'
import { noEventTime } from './lower-keyed.ts'
import type { KeyedOutput } from './lower-keyed.ts'

/** The untyped shape of the options. */
export interface IntervalJoinInput {
  readonly within: readonly [Duration, Duration]
  readonly join?: JoinKind
  readonly select: { readonly [name: string]: string }
  readonly where?: ExpressionInput
  readonly allowedLateness?: Duration
}

/** The outputs of a join. */
export interface JoinOutputs {
  readonly main: Output
  readonly late: Output
  readonly lateRight: Output
}

const kinds: ReadonlySet<string> = new Set<JoinKind>(['inner', 'left', 'right', 'full', 'semi', 'anti'])

/** A join of rows that are near each other in event time. */
export function lowerIntervalJoin(
  left: KeyedOutput,
  right: KeyedOutput,
  step: string,
  options: IntervalJoinInput,
): JoinOutputs {
  const { draft } = left.output
  return draft.step(step, () => {
    draft.checkOwn(right.output)
    for (const { output } of [left, right]) {
      refuseChanges(output, 'a join')
      if (output.time === undefined) throw noEventTime('joins')
    }
    checkOptions(options)
    const { join = 'inner', select, where, allowedLateness = 0 } = options
    const on = keyPairs(left, right)
    const [lowerMs, upperMs] = bounds(options.within)
    const taken = takenFields(left.output.schema, right.output.schema, select)
    const own = left.output.schema.fields
    const condition = where === undefined ? undefined : bindCondition(where, makeSchema([...own, ...taken]))
    const node: IntervalJoinNode = {
      kind: 'interval-join',
      step,
      inputs: [left.output.connect(), right.output.connect()],
      schema: resultSchema(join, own, taken),
      sidePorts: { [LATE_PORT]: left.output.schema, [LATE_RIGHT_PORT]: right.output.schema },
      join,
      on,
      lowerMs,
      upperMs,
      allowedLatenessMs: parseDuration(allowedLateness),
      columns: [
        ...own.map(({ name }) => ({ name, side: 'left' as const, column: name })),
        ...Object.entries(select).map(([name, column]) => ({ name, side: 'right' as const, column })),
      ],
      condition,
    }
    const main = draft.add(node, left.output)
    return {
      main,
      late: draft.output({ step, port: LATE_PORT }, left.output.schema, left.output),
      lateRight: draft.output({ step, port: LATE_RIGHT_PORT }, right.output.schema, right.output),
    }
  })
}

function checkOptions(options: unknown): void {
  checkOptionNames('a join', options, ['within', 'join', 'select', 'where', 'allowedLateness'])
  const { within, join, select } = (options ?? {}) as Partial<IntervalJoinInput>
  if (join !== undefined && !kinds.has(join))
    throw invalid(`the join is "${String(join)}"`, `use ${[...kinds].map((kind) => `'${kind}'`).join(', ')}`)
  if (!Array.isArray(within) || within.length !== 2)
    throw invalid(
      'the join does not say how far apart rows may be',
      "give within: ['-5 min', '10 s']: the right row's event time, seen from the left one's",
    )
  if (typeof select !== 'object' || select === null)
    throw invalid(
      'the join does not say which columns of the right side it takes',
      "give select: { newName: 'columnOfTheRight' }; {} takes none",
    )
}

function bounds(within: IntervalJoinInput['within']): readonly [number, number] {
  const [lowerMs, upperMs] = [parseSignedDuration(within[0]), parseSignedDuration(within[1])]
  if (lowerMs <= upperMs) return [lowerMs, upperMs]
  throw invalid(
    'the bounds of the join are the wrong way round',
    "the smaller one comes first, as in ['-5 min', '10 s']",
  )
}

/** Keys are equal by place: they need the same types, since equal values of others have other hashes. */
function keyPairs(left: KeyedOutput, right: KeyedOutput): IntervalJoinNode['on'] {
  if (left.keys.length !== right.keys.length)
    throw invalid(
      `the left side has a key of ${columnsText(left.keys)}, the right side one of ${columnsText(right.keys)}`,
      'key both sides by as many columns, in the same order',
    )
  return left.keys.map((name, at) => {
    const other = right.keys[at] as string
    const [a, b] = [fieldOf(left.output.schema, name), fieldOf(right.output.schema, other)]
    if (sameType(a.type, b.type)) return { left: name, right: other }
    throw new MillraceError('plan/type-mismatch', {
      what: `the keys "${name}" and "${other}" cannot be equal`,
      detail: `"${name}" is of type ${typeToString(a.type)}, "${other}" of the right side is ${typeToString(b.type)}`,
      hint: 'bring them to one type first, with .extend(…) and a cast, or a computed key in keyBy',
    })
  })
}

function takenFields(
  left: Schema,
  right: Schema,
  select: { readonly [name: string]: string },
): readonly Field[] {
  return Object.entries(select).map(([name, column]) => {
    const field = fieldOf(right, column)
    if (findColumn(left, name) < 0) return { ...field, name }
    throw new MillraceError('plan/invalid-name', {
      what: `the left side has a column "${name}" already`,
      hint: 'take the column of the right side under another name: select: { newName: "column" }',
    })
  })
}

function resultSchema(join: JoinKind, own: readonly Field[], taken: readonly Field[]): Schema {
  if (join === 'semi' || join === 'anti') return makeSchema([...own])
  const orNull = (fields: readonly Field[], isMissing: boolean): readonly Field[] =>
    isMissing ? fields.map((field) => ({ ...field, nullable: true })) : fields
  return makeSchema([
    ...orNull(own, join === 'right' || join === 'full'),
    ...orNull(taken, join === 'left' || join === 'full'),
  ])
}

function columnsText(keys: readonly string[]): string {
  return `${keys.length} column${keys.length === 1 ? '' : 's'}`
}

function invalid(what: string, hint: string): MillraceError {
  return new MillraceError('plan/invalid-argument', { what, hint })
}
