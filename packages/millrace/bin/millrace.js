#!/usr/bin/env node
// The `millrace` command. A tracked JavaScript file: npm links a bin only if its target exists at
// install time, and `dist` is built later. Everything it does lives in @millrace/cli.
import module from 'node:module'

// Where Node can (22.8 and newer), compiled code is kept from run to run: the command starts faster.
module.enableCompileCache?.()
const { main } = await import('@millrace/cli')
process.exitCode = await main(process.argv.slice(2), { packageUrl: import.meta.url })
