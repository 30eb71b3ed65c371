/**
 * Binds calls: finds the function, picks the overload, converts the arguments; errors show what was given and what could be.
 */
import { nearestNames } from '../data/nearest-names.ts'
import { typeToString } from '../data/type-text.ts'
import { located } from './binder.ts'
import type { Binder } from './binder.ts'
import { aliases, catalogue } from './catalogue.ts'
import { convert, literal } from './coerce.ts'
import { checkConstants, wrongUnit } from './constant-arguments.ts'
import type { Expression } from './expression.ts'
import type { FunctionDefinition } from './functions/define.ts'
import { isTextLiteral, isUntypedNull } from './functions/define.ts'
import { argumentsAsInRows } from './row-constants.ts'
import type { CallSyntax } from './syntax.ts'
import { dateType, isNumeric } from './types.ts'

/** Binds a call or an operator. */
export function bindCall(syntax: CallSyntax, binder: Binder): Expression {
  const bound = syntax.arguments.map((part) => binder.bind(part))
  const parts = argumentsAsInRows(syntax.name, syntax.arguments, bound)
  switch (syntax.name) {
    case 'between':
      return bindBetween(syntax, parts, binder)
    case 'between_symmetric':
      return bindSymmetric(syntax, parts, binder)
    case 'in':
      // SQL's parser has no empty list; its rule for one (`= any('{}')`) is false, whatever stands on the left.
      if (parts.length === 1) return literal({ kind: 'boolean' }, false)
      break
    case 'now':
    case 'current_date':
      if (parts.length === 0) return bindNow(syntax, binder)
      break
  }
  return makeCall(syntax, syntax.name, parts, binder)
}

/** Makes a typed call of bound arguments. */
function makeCall(
  syntax: CallSyntax,
  name: string,
  parts: readonly Expression[],
  binder: Binder,
): Expression {
  const definition = catalogue.get(aliases.get(name) ?? name)
  if (definition === undefined) return unknownFunction(syntax, name, binder)
  const resolution = definition.resolve(parts)
  if (resolution === undefined) return wrongArguments(syntax, definition, parts, binder)
  const converted = parts.map((part, index) =>
    located(() => convert(part, resolution.parameters[index] ?? part.type), syntax.at, binder),
  )
  checkConstants(definition.name, converted, (argument, read) =>
    located(read, syntax.arguments[argument]?.at ?? syntax.at, binder),
  )
  const nullable = resolution.nullable ?? converted.some((part) => part.nullable)
  return { kind: 'call', name: definition.name, type: resolution.type, nullable, arguments: converted }
}

function unknownFunction(syntax: CallSyntax, name: string, binder: Binder): never {
  const known = [...catalogue.keys(), ...aliases.keys()].filter((candidate) => /^[a-z]/.test(candidate))
  const near = nearestNames(name, known)
  const aggregate = /^(count|sum|avg|mean|min|max|stddev|variance)$/.test(name)
  const hint = aggregate
    ? 'it is an aggregate: aggregates stand in the .aggregate(…) of a window'
    : near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : undefined
  return binder.fail('expression/unknown-function', syntax.nameAt, `function "${name}" does not exist`, hint)
}

function wrongArguments(
  syntax: CallSyntax,
  definition: FunctionDefinition,
  parts: readonly Expression[],
  binder: Binder,
): never {
  const unit = wrongUnit(definition.name, parts)
  if (unit !== undefined) {
    return binder.fail('expression/type', syntax.arguments[0]?.at ?? syntax.at, unit.what, unit.hint)
  }
  const given = parts.map((part) => (isUntypedNull(part) ? 'null' : typeToString(part.type)))
  const what =
    given.length === 0
      ? `${definition.name} was called without arguments`
      : `${definition.name} does not take ${joinWords(given)}`
  return binder.fail('expression/type', syntax.at, what, argumentHint(definition, parts))
}

function argumentHint(definition: FunctionDefinition, parts: readonly Expression[]): string {
  const hasNumber = parts.some((part) => isNumeric(part.type))
  if (definition.family === 'comparison' && hasNumber && parts.some(isTextLiteral)) {
    return 'write the number without quotes, or cast the text'
  }
  if (definition.family === 'comparison') return 'cast one side so that both have the same type'
  const temporal = parts.some((part) => ['timestamp', 'date', 'time'].includes(part.type.kind))
  if (definition.family === 'arithmetic' && temporal) return "times move by intervals: ts + interval '1 hour'"
  if (definition.name === '||') return 'it joins texts and lists; between conditions write or'
  return `it is used as ${definition.signature}`
}

function joinWords(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) as string}`
}

function bindBetween(syntax: CallSyntax, parts: readonly Expression[], binder: Binder): Expression {
  const [value, low, high] = parts as [Expression, Expression, Expression]
  const above = makeCall(syntax, '>=', [value, low], binder)
  const below = makeCall(syntax, '<=', [value, high], binder)
  return makeCall(syntax, 'and', [above, below], binder)
}

function bindSymmetric(syntax: CallSyntax, parts: readonly Expression[], binder: Binder): Expression {
  const [value, low, high] = parts as [Expression, Expression, Expression]
  const straight = bindBetween(syntax, [value, low, high], binder)
  return makeCall(syntax, 'or', [straight, bindBetween(syntax, [value, high, low], binder)], binder)
}

function bindNow(syntax: CallSyntax, binder: Binder): Expression {
  const { nowMs } = binder.options
  if (nowMs === undefined) {
    return binder.fail(
      'expression/type',
      syntax.at,
      `${syntax.name} is not deterministic: running again would give other results`,
      'pass the time as a parameter or an option of the pipeline, or use event time',
    )
  }
  const now = literal({ kind: 'timestamp', unit: 'ms', zoned: true }, BigInt(Math.floor(nowMs)))
  return syntax.name === 'now' ? now : convert(now, dateType)
}
