/**
 * Refusing changelogs where they cannot be taken yet: by name, when the pipeline is built (law L10).
 *
 * A window with allowed lateness fires again for late rows and takes its earlier result back by a row of weight −1. A
 * step that does not look at weights would count the taking back as one more row.
 */
import { MillraceError } from '../errors.ts'
import type { Output } from './draft.ts'

/** Throws `plan/unsupported` when the rows may take earlier ones back; `who` cannot take that. */
export function refuseChanges(input: Output, who: string): void {
  if (!input.changes) return
  throw new MillraceError('plan/unsupported', {
    what: `${who} can only take rows that stay`,
    detail: 'with allowed lateness a window fires again and takes its earlier result back',
    hint: "leave out allowedLateness (late rows are then in .late), or write to a table of PostgreSQL or SQLite with mode: 'upsert'",
  })
}
