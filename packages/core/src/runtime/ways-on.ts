/**
 * What a person can do whose program does not fit what is kept: a hint for each case, and what giving the state up costs.
 * Pure; the error around it is refuse-start.ts.
 */
import type { Misfit } from './column-fit.ts'

/** The hint for these misfits; there is at least one. */
export function waysOn(misfits: readonly Misfit[]): string {
  const ways = [...new Set(misfits.flatMap(waysOf))]
  const defaults = misfits.some(({ canDefault }) => canDefault === true)
    ? ['make what is new .nullable() or give it a .default(value)']
    : []
  return [...ways, ...defaults, dropText(misfits)].join('; or ')
}

function waysOf(misfit: Misfit): readonly string[] {
  const { state = '', canMigrate } = misfit
  const migrate = `say how old values become new ones: { migrate: { from: the old type, with: (old) => … } } behind the type of state "${state}"`
  return [wayOf(misfit), ...(canMigrate === true ? [migrate] : [])]
}

/** How to go on without another definition. */
function wayOf(misfit: Misfit): string {
  const { step, state = '', successors = [], before = 'what it read' } = misfit
  switch (misfit.case) {
    case 'gone-step':
      return goneText(step, successors)
    case 'input':
      return `let "${step}" read ${before} again, or a path that covers that too: a folder that was moved goes back there, or gets a link of its old name`
    case 'source':
      return `leave the source "${step}" as it was`
    case 'step':
      return `keep step "${step}" as it was, and add the new one beside it under another name, where it begins empty`
    case 'aggregate':
      return `keep the aggregate "${state}" as it was (what it has belongs to its name), and add the new one beside it, where it begins empty`
    case 'state':
      return `keep the state "${state}" as it was (what it has belongs to its name), and add the new one beside it, where it begins empty`
    default:
      return 'keep the old definition'
  }
}

/** State belongs to the name of its step, and nothing tells a renamed step from another one. */
function goneText(step: string, successors: readonly string[]): string {
  if (successors.length === 0) return `put step "${step}" back, since state belongs to the name of its step`
  const now = successors.map((name) => `"${name}"`).join(' or ')
  return `if ${now} is what "${step}" was, give it that name back, since state belongs to the name of its step; else put "${step}" back`
}

function dropText(misfits: readonly Misfit[]): string {
  const sources = new Set(misfits.flatMap(({ step, isSource }) => (isSource === true ? [step] : [])))
  const steps = [...new Set(misfits.map(({ step }) => step))]
  const flags = steps.map((step) => `--drop-state ${step}`).join(' ')
  const again = [...sources].map((step) => `"${step}"`).join(', ')
  const cost =
    sources.size === 0
      ? ''
      : `, after which all of the input of ${again} is read from its beginning, and what its rows give is put out a second time`
  return `give up what does not fit with ${flags}${cost}`
}
