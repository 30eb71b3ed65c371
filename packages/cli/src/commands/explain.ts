/** `millrace explain`: the plan of a pipeline as it will run, without running it. */
import type { BuiltPipeline } from '@millrace/core'
import { explain as explainPlan, explanationToMermaid, explanationToText } from '@millrace/core/plan'
import { createNodeHost } from '@millrace/core/host/node'
import { countOf, settingsOf, valueOf } from '../command-line/flag-values.ts'
import type { ParsedWords } from '../command-line/command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { loadPipeline } from '../module/load-pipeline.ts'
import { codeText } from '../report/code-text.ts'
import { inferredText } from '../report/schema-text.ts'
import { textWidth, wrapLine } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'

const PARALLELISM_MAX = 1024
/** Columns beside the values that are too few for descriptions. */
const DESCRIPTION_ROOM = 30

/** Runs the command. */
export async function explain(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const parallelism = countOf(words, 'parallelism', PARALLELISM_MAX)
  const set = settingsOf(words)
  const module = await loadPipeline(words.operands[0] ?? '', surroundings)
  const built = await module.pipeline.buildOn(createNodeHost(), { set })
  const explanation = explainPlan(built, parallelism === undefined ? {} : { parallelism })
  switch (valueOf(words, 'format')) {
    case 'json':
      surroundings.stdout.write(
        `${JSON.stringify({ ...explanation, options: built.options, inferred: built.inferred }, null, 2)}\n`,
      )
      break
    case 'mermaid':
      surroundings.stdout.write(explanationToMermaid(explanation))
      break
    default: {
      const width = textWidth(surroundings.stdout)
      surroundings.stdout.write(
        explanationToText(explanation, width) + optionsText(built, width) + inferredText(built.inferred),
      )
      if (words.given.has('code')) surroundings.stdout.write(codeText(built.plan))
    }
  }
  return exitCodes.done
}

function optionsText({ options }: BuiltPipeline, columns: number): string {
  if (options.length === 0) return ''
  const width = Math.max(...options.map(({ name, value }) => name.length + value.length)) + 1
  const lines = options.map(({ name, value, description, ...declared }) => {
    const changed = value === declared.default ? '' : ` (default ${declared.default})`
    const head = `  --set ${`${name}=${value}`.padEnd(width)}  `
    const text = `${description ?? ''}${changed}`
    if (head.length + text.length <= columns || text === '') return `${head}${text}`.trimEnd()
    // Where there is little room behind long values, descriptions stand below.
    if (columns - head.length < DESCRIPTION_ROOM)
      return `${head.trimEnd()}\n${wrapLine(`      ${text.trim()}`, columns)}`
    return wrapLine(head + text, columns, head.length)
  })
  return `\noptions\n${lines.join('\n')}\n`
}
