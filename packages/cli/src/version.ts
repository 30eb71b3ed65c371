/** The version of this package, as `--version` shows it. */
import { readFileSync } from 'node:fs'

/** Reads it from package.json, so that a release has one place to change. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const { version } = manifest as { readonly version: string }
  return version
}
