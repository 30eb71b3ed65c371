/** `millrace check`: the command's data. What it does is check.ts. */
import type { Command } from '../command-line/command.ts'

export const checkCommand: Command = {
  name: 'check',
  summary: 'say what a start with kept state would do, without starting',
  operand: { name: 'MODULE', description: 'a module with a pipeline, as for millrace run' },
  flags: [
    { name: 'state', value: 'DIR', description: 'the state directory, or s3://bucket/prefix' },
    {
      name: 'mode',
      short: 'm',
      value: 'MODE',
      choices: ['batch', 'micro-batch', 'continuous'],
      description: 'how it would run; default: as the run before',
    },
    {
      name: 'from',
      value: 'EPOCH',
      description: 'start from this epoch: says what would be put out a second time',
    },
    { name: 'from-savepoint', value: 'DIR', description: 'begin the state with this savepoint' },
    { name: 'go-on', description: 'read new input although the run before came to its end' },
    {
      name: 'drop-state',
      value: 'STEP',
      repeated: true,
      description: 'give up what this step has kept where it does not fit',
    },
    { name: 'renamed-from', value: 'NAME', description: 'the pipeline had this name before' },
    { name: 'refresh-tables', description: 'read the tables of lookup joins anew' },
    { name: 'takeover', description: 'also from a process that runs or may still run' },
    {
      name: 'set',
      short: 's',
      value: 'NAME=VALUE',
      repeated: true,
      description: 'give an option of the pipeline a value',
    },
    { name: 'json', description: 'as one JSON object on standard output, for programs' },
  ],
  details: [
    'Says whether a start begins, resumes behind which epoch, or has nothing left to do; who owns the job; which outputs of earlier epochs it would commit first; which steps keep, gain, convert or drop state; and why it would be refused. Every byte of the epoch that would be gone on from is read; nothing is written, and no source or output is opened.',
    'The exit code is 0 when the start would go ahead, and otherwise that with which millrace run would end: 2 when the pipeline or the command has to be changed, 1 when a file is damaged or the state cannot be read.',
  ],
  examples: [
    { line: 'millrace check pipeline.ts --state .state', meaning: 'Before a new version is started.' },
    {
      line: 'millrace check pipeline.ts --state .state --from 41',
      meaning: 'What going back to epoch 41 would put out a second time.',
    },
  ],
  load: async () => (await import('./check.ts')).check,
}
