/**
 * An explanation as a Mermaid flowchart: a box per stage, a node per step, thick arrows for exchanges.
 */
import type { Explanation } from './explanation.ts'

/** The explanation as Mermaid source, ending with a line break. */
export function explanationToMermaid({ stages }: Explanation): string {
  // Step names may hold characters that Mermaid gives a meaning: numbers stand for them.
  const ids = new Map(stages.flatMap(({ steps }) => steps).map(({ step }, at) => [step, `n${at}`]))
  const idOf = (step: string): string => ids.get(step) ?? 'unknown'
  const lines = ['flowchart TD']
  for (const { stage, tasks, steps } of stages) {
    lines.push(`  subgraph s${stage}["stage ${stage}, ${tasks} ${tasks === 1 ? 'task' : 'tasks'}"]`)
    for (const { step, kind, summary } of steps) {
      const [open, close] = kind === 'source' || kind === 'sink' ? ['([', '])'] : ['[', ']']
      lines.push(`    ${idOf(step)}${open}"<b>${escape(step)}</b><br/>${escape(summary)}"${close}`)
    }
    lines.push('  end')
  }
  for (const { receives, steps } of stages) {
    const exchanged = new Set(receives.map(({ from, to }) => `${from} ${to}`))
    for (const { step, inputs } of steps) {
      for (const input of inputs) {
        const [from, port] = splitPort(input, ids)
        if (exchanged.has(`${from} ${step}`)) continue
        lines.push(`  ${idOf(from)} -->${port === undefined ? '' : `|${escape(port)}|`} ${idOf(step)}`)
      }
    }
    for (const { from, to, how } of receives) lines.push(`  ${idOf(from)} ==>|"${escape(how)}"| ${idOf(to)}`)
  }
  return `${lines.join('\n')}\n`
}

/** A step name may itself hold a dot: the longest name that exists is the step. */
function splitPort(input: string, ids: ReadonlyMap<string, string>): [string, string?] {
  if (ids.has(input)) return [input]
  const dot = input.lastIndexOf('.')
  return [input.slice(0, dot), input.slice(dot + 1)]
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('|', '&#124;')
}
