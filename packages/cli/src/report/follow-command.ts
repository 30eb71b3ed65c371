/** The command that follows the input of a batch run which has just ended: what the user wrote, in the other mode. */
import type { LogicalNode } from '@millrace/core/plan'
import type { ParsedWords } from '../command-line/command.ts'
import { shellWord } from '../command-line/invocation.ts'

/** Flags with a value that mean the same in both modes. */
const kept = ['set', 'output-mode', 'parallelism', 'batch-rows']

/** The command as words for a shell; a flag and its value are one. */
export function followCommand(
  words: ParsedWords,
  { invocation, nodes }: { readonly invocation: string; readonly nodes: readonly LogicalNode[] },
): string[] {
  const flags = kept.flatMap((flag) =>
    (words.values.get(flag) ?? []).map((value) => `--${flag} ${shellWord(value)}`),
  )
  // The batch run has just filled the output, and a run refuses an output that holds something.
  const filled = nodes.some((node) => node.kind === 'sink' && typeof node.sink.options['path'] === 'string')
  if (filled && !words.values.has('output-mode')) flags.push('--output-mode overwrite')
  const module = words.operands.map(shellWord)
  return [invocation, 'run', ...module, ...flags, '--mode continuous']
}
