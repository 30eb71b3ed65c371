/** Where a job is in its life. */

/**
 * The states of a job, and where each leads:
 *
 *   created -> starting -> running -> ended
 *                 |           |  \-> stopping -> ended
 *                 \-----------+--> waiting -> starting   (a failure that may pass)
 *                             \--> failed
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
