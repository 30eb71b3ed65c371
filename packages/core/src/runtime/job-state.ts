/**
 * Where a job is in its life. Each state leads to these:
 *
 *   created   starting
 *   starting  running, stopping, ended (nothing was left to do), waiting, failed
 *   running   stopping, ended, waiting, failed
 *   stopping  ended, failed
 *   waiting   starting, failed (it was stopped meanwhile)
 *
 * Only names stand here. What happens in each state is in the files that docs/design/0004-epochs.md lists, and why the
 * names are one union.
 */
export type JobState =
  /** Planned; nothing is opened. */
  | 'created'
  /** Taking over what is kept, settling what is owed, restoring. */
  | 'starting'
  | 'running'
  /** Asked to stop: what was read is put out and made durable. */
  | 'stopping'
  /** Failed, and about to start again. */
  | 'waiting'
  | 'ended'
  | 'failed'
