/**
 * `npm run bench [-- --json] [--repeat N] [--scale F] [NAME…]`: each case in a process of its own, the median of N.
 *
 * The machine is shared and noisy: compare figures of one run, and believe only ratios above 1.3.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { allCases } from './all-cases.ts'
import type { BenchCase } from './case.ts'
import type { CaseResult } from './run-case.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    repeat: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
  },
})

const chosen = allCases.filter(({ name, long = false }) =>
  positionals.length === 0
    ? !long
    : positionals.some((word) => name === word || (name.startsWith(word) && !long)),
)
if (chosen.length === 0) throw new Error(`no benchmark is named ${positionals.join(', ')}`)

const fixed = chosen.filter((bench) => bench.fixed === true).map(({ name }) => name)
if (values.scale !== '1' && fixed.length > 0)
  throw new Error(`--scale has no meaning for ${fixed.join(', ')}: name other cases`)

const results = chosen.map((bench) => ({ bench, ...measure(bench) }))
compareAnswers()
if (values.json) process.stdout.write(`${JSON.stringify(results.map(report), undefined, 2)}\n`)
else printTable()

/** The run with the median rate, and the rates of all. */
function measure(bench: BenchCase): { readonly result: CaseResult; readonly rates: readonly number[] } {
  const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  if (bench.needs !== undefined)
    execFileSync(process.execPath, [file('make-data.js'), ...bench.needs], { stdio: 'inherit' })
  const runs = Array.from({ length: bench.long === true ? 1 : Number(values.repeat) }, (): CaseResult => {
    const output = execFileSync(process.execPath, [file('run-case.js'), bench.name, values.scale], {
      encoding: 'utf8',
    })
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as CaseResult
  }).toSorted((a, b) => a.rate - b.rate)
  const result = runs[Math.floor(runs.length / 2)]
  if (result === undefined) throw new Error('--repeat has to be 1 or more')
  return { result, rates: runs.map(({ rate }) => rate) }
}

/** Cases that answer the same question must give the same answer, in every figure that is shown. */
function compareAnswers(): void {
  const known = new Map<string, { readonly name: string; readonly answer: string }>()
  for (const { result } of results) {
    for (const [question, answer] of Object.entries(result.answers)) {
      const first = known.get(question)
      if (first === undefined) known.set(question, { name: result.name, answer })
      else if (first.answer !== answer)
        throw new Error(
          `${result.name} and ${first.name} differ in "${question}": ${answer}, ${first.answer}`,
        )
    }
  }
}

function report({ bench, result, rates }: (typeof results)[number]): object {
  const { about, goal, peers } = bench
  return { ...result, rates, about, goal, peers, node: process.version }
}

function printTable(): void {
  for (const { bench, result, rates } of results) {
    const spread = `${Math.min(...rates).toFixed(2)}-${Math.max(...rates).toFixed(2)}`
    const goal = bench.goal === undefined ? '' : `  goal ${bench.goal.toFixed(2)}`
    const peers = (bench.peers ?? []).map((peer) => `${peer.name} ${peer.rate.toFixed(2)}`).join(', ')
    const extra = Object.entries(result.extra).map(([name, value]) => `${name} ${value.toFixed(2)}`)
    process.stdout.write(
      `${bench.name.padEnd(24)}${result.rate.toFixed(2).padStart(8)} M ${bench.unit}/CPU-s (${spread})${goal}` +
        `  wall ${result.wallSeconds.toFixed(1)} s  peak ${result.peakMemoryMb.toFixed(0)} MB` +
        `${peers === '' ? '' : `  [${peers}]`}${extra.length === 0 ? '' : `  ${extra.join(', ')}`}\n`,
    )
  }
}
