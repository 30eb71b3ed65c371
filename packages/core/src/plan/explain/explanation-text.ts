/**
 * An explanation as text for a terminal: stages from top to bottom, steps with their particulars.
 */
import type { ExplainedStage, ExplainedStep, Explanation } from './explanation.ts'

/** Columns that long lines are broken at, when nobody says how many there are. */
const WIDTH = 110
/** What a reader has to know of stages. */
const legend =
  'The steps of a stage run together in each of its tasks; rows change tasks only where "<-" stands.'
/** Room that text has behind a long prefix all the same. */
const ROOM_LEAST = 30

/** The explanation as text, ending with a line break. Lines are broken at `width` columns, between words. */
export function explanationToText(explanation: Explanation, width: number = WIDTH): string {
  const { pipeline, stages, keyGroups } = explanation
  const steps = stages.reduce((sum, stage) => sum + stage.steps.length, 0)
  const lines = [
    `pipeline ${pipeline}: ${plural(steps, 'step')} in ${plural(stages.length, 'stage')}`,
    ...wrap('', legend, width),
    ...wrap('plan  ', `${explanation.planHash.slice(0, 12)} (changes with what is computed)`, width),
    ...wrap(
      'state ',
      `${explanation.stateHash.slice(0, 12)} (changes with what is kept between rows)`,
      width,
    ),
    ...wrap('keys  ', `in ${keyGroups} groups, which are shared out among the tasks`, width),
    ...phaseLines(explanation, width),
  ]
  for (const stage of stages) lines.push('', ...stageLines(stage, width))
  return `${lines.join('\n')}\n`
}

/** Only where there are several: else nothing is sealed. */
function phaseLines({ phases }: Explanation, width: number): string[] {
  if (phases.length === 1) return []
  const stages = phases.map((ids) => `${ids.length === 1 ? 'stage' : 'stages'} ${ids.join(', ')}`)
  const text = `with --state in ${phases.length} phases, each sealed before the next begins: ${stages.join('; then ')}`
  return wrap('batch ', text, width)
}

function stageLines({ stage, tasks, receives, steps }: ExplainedStage, columns: number): string[] {
  return [
    `stage ${stage}, ${plural(tasks, 'task')}`,
    ...receives.flatMap(({ from, to, how }) => wrap('  <- ', `from ${from} to ${to}: ${how}`, columns)),
    ...steps.flatMap((step, at) => {
      const exchanged = receives.filter(({ to }) => to === step.step).map(({ from }) => from)
      return stepLines(withInput(step, steps[at - 1], exchanged), columns)
    }),
  ]
}

/** The step, saying what it reads where that is not simply the step above. */
function withInput(
  step: ExplainedStep,
  above: ExplainedStep | undefined,
  exchanged: readonly string[],
): ExplainedStep {
  const isExchanged = (input: string): boolean =>
    exchanged.some((from) => input === from || input.startsWith(`${from}.`))
  const inputs = step.inputs.filter((input) => !isExchanged(input))
  if (step.kind === 'union' || inputs.length === 0 || inputs.join() === above?.step) return step
  return { ...step, details: [{ label: 'from', text: inputs.join(', ') }, ...step.details] }
}

function stepLines({ step, merged, summary, details }: ExplainedStep, columns: number): string[] {
  const labels = [...new Set(details.map(({ label }) => label))]
  const width = Math.max(0, ...labels.map((label) => label.length))
  const lines = wrap(`  ${step}  `, summary, columns)
  if (merged.length > 1) lines.push(...wrap('      ', `(does the work of ${merged.join(', ')})`, columns))
  let last: string | undefined
  for (const { label, text } of details) {
    const shown = label === last ? '' : label
    lines.push(...wrap(`      ${shown.padEnd(width)}  `, text, columns))
    last = label
  }
  return lines
}

/** Text behind a prefix, broken between words; further lines are indented as far. */
function wrap(prefix: string, text: string, columns: number): string[] {
  const room = Math.max(ROOM_LEAST, columns - prefix.length)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(line)
  return lines.map((part, at) => (at === 0 ? prefix : ' '.repeat(prefix.length)) + part)
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
