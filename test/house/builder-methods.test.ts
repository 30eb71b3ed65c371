// docs/guide/expressions.md lists every method of the typed builder, by what it is called on.
import { describe, expect, it } from 'vitest'
import { column } from '../../packages/core/src/expr/builder.ts'
import { readProjectFile } from '../../tools/house/project-files.mjs'

/** The interface of builder.ts that each table of the page shows. */
const tables = [
  ['Any value', 'AnyMethods'],
  ['Numbers and decimals', 'NumberMethods'],
  ['Dates, times and timestamps', 'TimeMethods'],
  ['Text', 'TextMethods'],
  ['Truth values', 'BooleanMethods'],
  ['Structs', 'NestedMethods'],
] as const

const page = readProjectFile('docs/guide/expressions.md')
const source = readProjectFile('packages/core/src/expr/builder.ts')

describe('methods of the typed builder in the guide', () => {
  it.each(tables)('%s: the table has every method once, in the order of %s', (heading, type) => {
    expect(methodsOfTable(heading)).toEqual(methodsOfInterface(type))
  })

  it('knows every method that a value has', () => {
    const listed = tables.flatMap(([heading]) => methodsOfTable(heading))
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(column('x')))
    expect([...new Set(listed)].toSorted()).toEqual(
      methods.filter((name) => name !== 'constructor').toSorted(),
    )
  })

  it('shows every interface of methods', () => {
    const interfaces = [...source.matchAll(/^export interface (\w+Methods)</gm)].map(([, name]) => name ?? '')
    expect(interfaces).toEqual(tables.map(([, type]) => type))
  })
})

function methodsOfTable(heading: string): string[] {
  const section = page.split(`\n### ${heading}\n`)[1]?.split(/\n##/)[0] ?? ''
  return [...section.matchAll(/^\| `(\w+)\([^`]*` *\| *[^ |].*\|$/gm)].map(([, name]) => name ?? '')
}

function methodsOfInterface(type: string): string[] {
  const body = source.split(`export interface ${type}<`)[1]?.split(/\n\}/)[0] ?? ''
  return [...body.matchAll(/^ {2}(\w+)[<(]/gm)].map(([, name]) => name ?? '')
}
