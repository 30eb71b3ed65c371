/**
 * Which followed files are gone for good, as their readers have seen it: deleted, and read to their ends.
 *
 * A reader holds its file open, so that nobody gets its inode. Once it has let it go, a file with the same inode is
 * another one, whatever it begins with. Readers say so before they let go.
 */
import type { Host } from '../../host/host.ts'

/** Of one run of a step; by the ids of splits. */
export class DeletedFiles {
  readonly #ids = new Set<string>()

  add(id: string): void {
    this.#ids.add(id)
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** The id is free. */
  delete(id: string): void {
    this.#ids.delete(id)
  }
}

/** Those of the runs that go on, for who finds files and who reads them. */
export class DeletedByRun {
  readonly #byHost = new WeakMap<Host, Map<string, DeletedFiles>>()

  /** A run begins to look for files. */
  begin(run: { readonly host: Host; readonly step: string }): DeletedFiles {
    const deleted = new DeletedFiles()
    const steps = this.#byHost.get(run.host) ?? new Map<string, DeletedFiles>()
    this.#byHost.set(run.host, steps.set(run.step, deleted))
    return deleted
  }

  of(run: { readonly host: Host; readonly step: string }): DeletedFiles {
    return this.#byHost.get(run.host)?.get(run.step) ?? this.begin(run)
  }
}
