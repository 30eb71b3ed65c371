#!/usr/bin/env node
// The `millrace` command. A tracked JavaScript file: npm links a bin only if its target exists at
// install time, and `dist` is built later. Everything it does lives in @millrace/cli.
import { main } from '@millrace/cli'

process.exitCode = await main(process.argv.slice(2), { packageUrl: import.meta.url })
