/**
 * What `npm run bench` is asked for: which cases, how often, how large.
 *
 * An option that a chosen case has no use for is refused: its figure would not be what it says.
 */
import { parseArgs } from 'node:util'
import { allCases } from './all-cases.ts'
import type { BenchCase } from './case.ts'

/** A request that can be carried out. */
export interface BenchRequest {
  readonly cases: readonly BenchCase[]
  readonly json: boolean
  readonly repeat: number
  readonly scale: number
  /** `undefined`: each case has its own. */
  readonly eventRate: number | undefined
}

const names = allCases.map(({ name, long = false }) => (long ? `${name} (only when named in full)` : name))

/** What `--help` shows. */
export const HELP: string = `Usage: npm run bench -- [OPTION…] [NAME…]

Runs benchmark cases, each in a process of its own, and prints the median of their rates: rows read per second of user
plus system time. NAME is a case or how names begin; without one, all cases that are not long.

  --json            print a JSON array instead of a line for each case
  --repeat N        runs of each case, of which the median counts; 3 unless given
  --scale F         events, passes or seconds times F, for a shorter run; not for cases over files
  --event-rate N    events per second of event time, for the cases with a generator: 100,000 unless given
                    (window-100k: 166,667); without a NAME only these cases run
  --help            this text

Cases:
${names.map((name) => `  ${name}\n`).join('')}`

/** @throws Error - an option or name that is not known, or that has no meaning for a case that was named */
export function readRequest(args: readonly string[]): BenchRequest | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      'event-rate': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const rate = values['event-rate']
  const request = {
    json: values.json,
    repeat: positive('repeat', values.repeat, true),
    scale: positive('scale', values.scale, false),
    eventRate: rate === undefined ? undefined : positive('event-rate', rate, true),
  }
  const cases = chosenCases(positionals, request.eventRate !== undefined)
  if (request.scale !== 1) refuse('scale', cases, ({ fixed = false }) => fixed)
  if (request.eventRate !== undefined) refuse('event-rate', cases, (one) => one.eventRate === undefined)
  return { cases, ...request }
}

function chosenCases(names: readonly string[], hasRate: boolean): readonly BenchCase[] {
  if (names.length === 0)
    return allCases.filter(({ long = false, eventRate }) => !long && (!hasRate || eventRate !== undefined))
  for (const name of names)
    if (!allCases.some((one) => isNamed(one, name))) throw new Error(`no benchmark is named ${name}`)
  return allCases.filter((one) => names.some((name) => isNamed(one, name)))
}

function isNamed({ name, long = false }: BenchCase, word: string): boolean {
  return name === word || (name.startsWith(word) && !long)
}

function refuse(option: string, cases: readonly BenchCase[], isWithout: (one: BenchCase) => boolean): void {
  const without = cases.filter(isWithout).map(({ name }) => name)
  if (without.length > 0)
    throw new Error(`--${option} has no meaning for ${without.join(', ')}: name other cases`)
}

function positive(option: string, text: string, isWhole: boolean): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value)))
    return value
  throw new Error(`--${option} is a ${isWhole ? 'whole ' : ''}number above 0, not "${text}"`)
}
