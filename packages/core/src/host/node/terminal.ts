/** Text for people: standard output. */
import type { Terminal } from '../host.ts'

/** The process's standard output. */
export const nodeTerminal: Terminal = {
  write(text) {
    process.stdout.write(text)
  },
}
