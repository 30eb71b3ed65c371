/**
 * The catalogue of all functions and operators by name: what binding, evaluating, compiling and the docs go by.
 */
import { arithmeticFunctions } from './functions/arithmetic.ts'
import { comparisonFunctions } from './functions/comparison.ts'
import { collectionFunctions } from './functions/collection.ts'
import type { FunctionDefinition } from './functions/define.ts'
import { jsonFunctions } from './functions/json.ts'
import { logicFunctions } from './functions/logic.ts'
import { mathFunctions } from './functions/math.ts'
import { patternFunctions } from './functions/pattern.ts'
import { otherFunctions } from './functions/other.ts'
import { stringFunctions } from './functions/string.ts'
import { timeFunctions } from './functions/time.ts'

/** Every function, operators by their symbol; `cast` and CASE are nodes of their own. */
export const catalogue: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    ...arithmeticFunctions,
    ...comparisonFunctions,
    ...logicFunctions,
    ...mathFunctions,
    ...stringFunctions,
    ...patternFunctions,
    ...timeFunctions,
    ...jsonFunctions,
    ...collectionFunctions,
    ...otherFunctions,
  ].map((entry) => [entry.name, entry]),
)

/** Other names for the same function. */
export const aliases: ReadonlyMap<string, string> = new Map([
  ['pow', 'power'],
  ['ceiling', 'ceil'],
  ['char_length', 'length'],
  ['character_length', 'length'],
  ['trim', 'btrim'],
  ['substr', 'substring'],
  ['ifnull', 'coalesce'],
  ['mod', '%'],
  ['extract', 'date_part'],
  ['array_length', 'cardinality'],
  ['json_query', 'json_extract'],
])
