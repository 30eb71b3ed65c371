/** The command that follows the input of a batch run which has just ended: what the user wrote, in the other mode. */
import type { LogicalNode } from '@millrace/core/plan'
import type { ParsedWords } from '../command-line/command.ts'
import { shellWord } from '../command-line/invocation.ts'

/** Flags with a value that mean the same in both modes. */
const kept = ['set', 'output-mode', 'parallelism', 'batch-rows']

/** A command as words for a shell; a flag and its value are one. */
export interface FollowCommand {
  readonly words: readonly string[]
  /** Whether it puts its output in the place of what the batch run has written. */
  readonly replaces: boolean
}

/** The command; undefined: no output mode suits all outputs, as an upsert is not overwritten and others hold something. */
export function followCommand(
  words: ParsedWords,
  { invocation, nodes }: { readonly invocation: string; readonly nodes: readonly LogicalNode[] },
): FollowCommand | undefined {
  const flags = kept.flatMap((flag) =>
    (words.values.get(flag) ?? []).map((value) => `--${flag} ${shellWord(value)}`),
  )
  const outputs = nodes.flatMap((node) => (node.kind === 'sink' ? [node.sink.options] : []))
  const isUpsert = (options: (typeof outputs)[number]): boolean => options['mode'] === 'upsert'
  // The batch run has just filled the others, and a run refuses an output that holds something.
  const filled = outputs.some(
    (options) => !isUpsert(options) && ['path', 'table'].some((name) => typeof options[name] === 'string'),
  )
  const given = words.values.get('output-mode')?.at(-1)
  if (filled && given === undefined) {
    if (outputs.some(isUpsert)) return undefined
    flags.push('--output-mode overwrite')
  }
  const module = words.operands.map(shellWord)
  return {
    words: [invocation, 'run', ...module, ...flags, '--mode continuous'],
    replaces: filled && given !== 'append',
  }
}
