/**
 * `npm run bench -- [OPTION…] [NAME…]`: each case in a process of its own, the median of N. request.ts has the options.
 *
 * The machine is shared and noisy: compare figures of one run, and believe only ratios above 1.3.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BenchCase } from './case.ts'
import { HELP, readRequest } from './request.ts'
import type { BenchRequest } from './request.ts'
import type { CaseResult } from './run-case.ts'

const { cases, json, repeat, scale, eventRate } = requested()
const results = cases
  .filter((bench) => bench.missing?.() === undefined)
  .map((bench) => ({ bench, ...measure(bench) }))
compareAnswers()
for (const { name, missing } of cases) {
  const command = missing?.()
  if (command !== undefined) process.stderr.write(`${name.padEnd(24)}not installed: ${command}\n`)
}
if (json) process.stdout.write(`${JSON.stringify(results.map(report), undefined, 2)}\n`)
else printTable()

function requested(): BenchRequest {
  try {
    const request = readRequest(process.argv.slice(2))
    if (request !== 'help') return request
    process.stdout.write(HELP)
    process.exit()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exit(2)
  }
}

/** The run with the median rate, and the rates of all. */
function measure(bench: BenchCase): { readonly result: CaseResult; readonly rates: readonly number[] } {
  const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  if (bench.needs !== undefined)
    execFileSync(process.execPath, [file('make-data.js'), ...bench.needs], { stdio: 'inherit' })
  const runs = Array.from({ length: bench.long === true ? 1 : repeat }, (): CaseResult => {
    const args = [bench.name, String(scale), ...(eventRate === undefined ? [] : [String(eventRate)])]
    const output = execFileSync(process.execPath, [file('run-case.js'), ...args], { encoding: 'utf8' })
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as CaseResult
  }).toSorted((a, b) => a.rate - b.rate)
  return { result: runs[Math.floor(runs.length / 2)] as CaseResult, rates: runs.map(({ rate }) => rate) }
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
