/** `millrace run`: the command's data. What it does is run.ts. */
import type { Command } from '../command-line/command.ts'

export const runCommand: Command = {
  name: 'run',
  summary: 'run a pipeline',
  operand: {
    name: 'MODULE',
    description:
      'a .ts, .mts, .js or .mjs file whose default export is a pipeline, or a directory with such an index file',
  },
  flags: [
    {
      name: 'mode',
      short: 'm',
      value: 'MODE',
      default: 'batch',
      description:
        'batch: read what is there and end; continuous: follow what comes; micro-batch: read in epochs whose input is fixed before, see --trigger',
    },
    {
      name: 'trigger',
      value: 'WHEN',
      default: '10s',
      description:
        'micro-batch: a length of time makes an epoch each, where something is new; available-now makes as many as it takes to read what is there, once makes one, and the run ends',
    },
    {
      name: 'set',
      short: 's',
      value: 'NAME=VALUE',
      repeated: true,
      description: 'give an option of the pipeline a value',
    },
    {
      name: 'output-mode',
      value: 'MODE',
      choices: ['refuse', 'overwrite', 'append'],
      default: 'refuse',
      description:
        'what to do with an output that holds something already: refuse, overwrite or append; with --state the first start decides',
    },
    {
      name: 'stop-when-idle',
      value: 'DURATION',
      description:
        'continuous, or micro-batch by time: end when no rows came for so long, for example 5s; sources are asked at least once more before',
    },
    {
      name: 'drain',
      description:
        'continuous, or micro-batch by time: at the end fire every window that is still open and every timer that is set; a run that goes on later fires such a window again for the rows that come then',
    },
    {
      name: 'epoch-interval',
      value: 'DURATION',
      default: '1s',
      description: 'continuous: how often rows are committed; files appear as they roll',
    },
    {
      name: 'state',
      value: 'DIR',
      description:
        'keep the epochs of the run in this directory, or in s3://bucket/prefix: the same command goes on where this run ends, however it ends, with nothing lost and nothing repeated',
    },
    {
      name: 'from',
      value: 'EPOCH',
      description:
        'with --state: start from this epoch, not the newest; what was put out since is put out again',
    },
    {
      name: 'go-on',
      description:
        'with --state: read new input although the run before came to its end; windows that were fired there by --drain fire again, with the new rows only',
    },
    {
      name: 'drop-state',
      value: 'STEP',
      repeated: true,
      description:
        'with --state: give up what this step has kept where it does not fit the pipeline any more; what fits is never dropped',
    },
    {
      name: 'renamed-from',
      value: 'NAME',
      description: 'with --state: the pipeline had this name when its state was written',
    },
    {
      name: 'refresh-tables',
      description:
        'with --state: read the tables of lookup joins anew; without it they stay as the first run has read them',
    },
    {
      name: 'from-savepoint',
      value: 'DIR',
      description: 'with --state: let a new state directory begin with this savepoint',
    },
    {
      name: 'restart',
      value: 'HOW',
      default: 'none',
      description:
        'with --state: start again after a failure that may pass by itself: none, exponential (1s, 2s, … 1min), fixed:10s[:TIMES], failure-rate:3/1m:10s',
    },
    {
      name: 'takeover',
      description:
        'with --state: also from a process that runs or may still run: what it does from then on does not count',
    },
    {
      name: 'parallelism',
      short: 'p',
      value: 'N',
      default: '1',
      description: 'tasks per stage',
    },
    {
      name: 'batch-rows',
      value: 'N',
      default: '4096',
      description: 'rows that travel together, at most',
    },
    { name: 'json', description: 'report as JSON lines on standard output, for programs' },
    { name: 'quiet', short: 'q', description: 'show no progress and no summary' },
  ],
  details: [
    'Progress and the summary go to standard error, results for people (console sinks, the report of the module) to standard output. On a terminal progress is redrawn in place; elsewhere a line appears every few seconds.',
    'With --json standard output carries one JSON object per line, with a field "type": start, progress, end, error. What the pipeline itself prints then goes to standard error.',
    'Ctrl-C (or SIGTERM) ends a run cleanly: a continuous run commits what it has and ends well; a batch run leaves no output behind. A second one ends the process at once.',
    'TypeScript runs as it is, with no build step: Node strips the types where it can (22.18, 23.6 and newer), else tsx does.',
    'A module may also export a function report(run): the text that it gives is printed when the run has ended well.',
  ],
  examples: [
    { line: 'millrace run pipeline.ts', meaning: 'Reads what is there, writes the results, ends.' },
    {
      line: 'millrace run pipeline.ts --set input=data/2024 --set output=out/2024 --output-mode overwrite',
      meaning: 'Points the options of the pipeline elsewhere and replaces the results of an earlier run.',
    },
    {
      line: 'millrace run pipeline.ts --mode continuous',
      meaning: 'Follows the input until Ctrl-C.',
    },
    {
      line: 'millrace run pipeline.ts --mode continuous --stop-when-idle 5s --drain',
      meaning: 'Follows the input until nothing came for five seconds, then fires every open window.',
    },
    {
      line: 'millrace run pipeline.ts --mode continuous --state .state',
      meaning: 'Follows the input; kill it at any moment and start it again: every row counts once.',
    },
    {
      line: 'millrace run pipeline.ts --mode micro-batch --trigger available-now --state .state',
      meaning: 'Reads what is new since the last such run, then ends: for cron.',
    },
    {
      line: 'millrace run pipeline.ts --json | jq .rowsIn',
      meaning: 'Progress for programs.',
    },
  ],
  load: async () => (await import('./run.ts')).run,
}
