/**
 * Parses type names as they stand in CAST, `::` and typed literals. What a name means is type-names.ts.
 */
import type { TypeName } from './syntax.ts'
import type { TokenReader } from './token-reader.ts'

/** Parses the type name that stands next: `decimal(10, 2)`, `timestamp with time zone`, `text[]`. */
export function parseTypeName(reader: TokenReader): TypeName {
  const start = reader.peek()
  if (start.kind !== 'name' && start.kind !== 'quoted') {
    throw reader.expected('a type', 'types are, for example, integer, decimal(10, 2), text, timestamp')
  }
  reader.next()
  let name = start.word.toLowerCase()
  if (name === 'double') reader.acceptWords('precision')
  if (name === 'character' && reader.acceptWords('varying')) name = 'varchar'
  const parameters = reader.isOperator('(') ? parseParameters(reader) : []
  let zoned = name === 'timestamptz'
  if (name === 'timestamp' || name === 'time') {
    if (reader.acceptWords('with', 'time', 'zone')) zoned = true
    else reader.acceptWords('without', 'time', 'zone')
  }
  let dimensions = 0
  while (reader.isOperator('[') && reader.isOperator(']', 1)) {
    reader.next()
    reader.next()
    dimensions++
  }
  return { name, parameters, zoned, dimensions, at: reader.spanFrom(start.at) }
}

function parseParameters(reader: TokenReader): number[] {
  const parameters: number[] = []
  reader.expectOperator('(', 'here')
  do {
    const token = reader.peek()
    if (token.kind !== 'number' || !/^\d{1,9}$/.test(token.text)) throw reader.expected('a whole number')
    reader.next()
    parameters.push(Number(token.text))
  } while (reader.acceptOperator(','))
  reader.expectOperator(')', 'after the parameters of a type')
  return parameters
}
