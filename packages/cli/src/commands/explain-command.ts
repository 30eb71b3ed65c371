/** `millrace explain`: the command's data. What it does is explain.ts. */
import type { Command } from '../command-line/command.ts'

export const explainCommand: Command = {
  name: 'explain',
  summary: 'show what a pipeline will do, without running it',
  operand: { name: 'MODULE', description: 'a module with a pipeline, as for millrace run' },
  flags: [
    {
      name: 'format',
      short: 'f',
      value: 'FORMAT',
      choices: ['text', 'json', 'mermaid'],
      default: 'text',
      description: 'text, json or mermaid (a diagram for Markdown)',
    },
    { name: 'code', description: 'add the generated code of expressions (format text)' },
    {
      name: 'set',
      short: 's',
      value: 'NAME=VALUE',
      repeated: true,
      description: 'give an option of the pipeline a value',
    },
    { name: 'parallelism', short: 'p', value: 'N', default: '1', description: 'tasks per stage' },
  ],
  details: [
    'The plan is shown as it will run: steps fused into stages, what is read from each source, where rows are exchanged between stages, and what state is kept. The options of the pipeline are listed with their values.',
    'Nothing is read or written, but for the first rows of a source that declares no schema.',
  ],
  examples: [
    { line: 'millrace explain pipeline.ts', meaning: 'The stages and steps, as text.' },
    {
      line: 'millrace explain pipeline.ts --format mermaid > plan.mmd',
      meaning: 'A diagram that GitHub, GitLab and many editors draw.',
    },
    { line: 'millrace explain pipeline.ts --code', meaning: 'With the code that will run over the columns.' },
  ],
  load: async () => (await import('./explain.ts')).explain,
}
