/**
 * The real host: everything the engine may ask of the outside, answered by Node.
 *
 * The only folder of packages/core that touches Node's built-ins (law L4). The simulated host of `testing` has the
 * same shape.
 */
import type { Host } from '../host.ts'
import { nodeByteChecks } from './byte-checks.ts'
import { nodeClock } from './clock.ts'
import { nodeCompression } from './compression.ts'
import { nodeFiles } from './files.ts'
import { nodeEnvironment } from './environment.ts'
import { nodeHttp } from './http.ts'
import { nodeProcesses } from './processes.ts'
import { nodeRandom } from './random.ts'
import { nodeTerminal } from './terminal.ts'
import { nodeTimers } from './timers.ts'

/**
 * The host of a Node process. Cheap; codecs are loaded when they are first used.
 *
 * @example
 * const host = createNodeHost()
 * const status = await host.files.status('data/flights.parquet')
 */
export function createNodeHost(): Host {
  return {
    clock: nodeClock,
    timers: nodeTimers,
    random: nodeRandom,
    files: nodeFiles,
    compression: nodeCompression,
    bytes: nodeByteChecks,
    terminal: nodeTerminal,
    processes: nodeProcesses,
    http: nodeHttp,
    environment: nodeEnvironment,
  }
}
