/** The environment of a Node process. */
import type { Environment } from '../host.ts'

/** Variables of this process. */
export const nodeEnvironment: Environment = { get: (name) => process.env[name] }
