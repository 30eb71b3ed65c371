/** `millrace state`: the keyed state of a checkpoint as rows. */
import { writeFileSync } from 'node:fs'
import { readStateTables } from '@millrace/core/runtime'
import type { StateTable } from '@millrace/core/runtime'
import { typeToString } from '@millrace/core/data'
import type { ParsedWords } from '../command-line/command.ts'
import { valueOf } from '../command-line/flag-values.ts'
import { nearName } from '../command-line/near-name.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { formatCount, formatRows } from '../progress/quantities.ts'
import { textWidth, wrapLine } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'
import { actionOf, chosenEpoch, keptAt, statePlace } from './state-place.ts'
import { rowLine, writeTables } from './state-rows.ts'
import { directoryPath } from './state-store.ts'

/** Runs the command. */
export async function state(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const { stdout } = surroundings
  const action = actionOf(words, ['ls', 'get', 'dump'] as const, 'state')
  const place = await statePlace(words, 'state', surroundings)
  const { store, host } = place
  const { manifest } = chosenEpoch(words, await keptAt(place), store.place)
  const [, step, ...key] = words.operands
  const read = { store, checks: host.bytes }
  if (action === 'ls') {
    const tables = await readStateTables(manifest, read)
    stdout.write(
      `epoch ${formatCount(manifest.epoch)}\n${tables.map((table) => tableText(table, textWidth(stdout))).join('')}`,
    )
    return exitCodes.done
  }
  if (step === undefined)
    throw new UsageError(`millrace state ${action} needs a step`, 'millrace state ls tells which there are')
  const steps = [...new Set(manifest.state.map((file) => file.step))]
  if (!steps.includes(step)) throw noStep(step, steps)
  const wanted = valueOf(words, 'table')
  const tables = (await readStateTables(manifest, read, step)).filter(
    ({ table }) => table === (wanted ?? table),
  )
  if (tables.length === 0)
    throw new UsageError(
      `step "${step}" has no table "${wanted ?? ''}"`,
      'millrace state ls tells which it has',
    )
  if (action === 'get') return getKey(tables, key, { epoch: manifest.epoch, step, surroundings })
  await dump(tables, words, { epoch: manifest.epoch, host, stdout })
  return exitCodes.done
}

function tableText({ step, table, keys, rows, schema }: StateTable, width: number): string {
  const columns = schema.fields.map(({ name, type }) => `${name} ${typeToString(type)}`).join(', ')
  const key = keys.length === 0 ? '' : ` by ${keys.join(', ')}`
  return `${wrapLine(`  ${step} ${table}${key}: ${formatRows(rows.length)} (${columns})`, width, 4)}\n`
}

function getKey(
  tables: readonly StateTable[],
  key: readonly string[],
  { epoch, step, surroundings }: KeyGround,
): ExitCode {
  const keyed = tables.filter(({ keys }) => keys.length > 0)
  const keys = keyed[0]?.keys ?? []
  if (keys.length === 0)
    throw new UsageError('this step keeps nothing by key', 'millrace state dump prints all of it')
  if (key.length !== keys.length)
    throw new UsageError(
      `the key has ${keys.length} ${keys.length === 1 ? 'column' : 'columns'} (${keys.join(', ')}), and ${key.length} ${key.length === 1 ? 'word was' : 'words were'} given`,
    )
  let found = 0
  for (const table of keyed) {
    for (const row of table.rows) {
      if (!keys.every((name, at) => keyText(row[name]) === key[at])) continue
      surroundings.stdout.write(rowLine(table, row))
      found++
    }
  }
  if (found > 0) return exitCodes.done
  surroundings.stderr.write(`step "${step}" keeps nothing of key ${key.join(' ')} in epoch ${epoch}\n`)
  return exitCodes.failed
}

/** Where a key is looked for. */
interface KeyGround {
  readonly epoch: number
  readonly step: string
  readonly surroundings: Surroundings
}

/** A key as one writes it; a null key is the word null. */
function keyText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value)
}

async function dump(
  tables: readonly StateTable[],
  words: ParsedWords,
  {
    epoch,
    host,
    stdout,
  }: {
    readonly epoch: number
    readonly host: Parameters<typeof writeTables>[1]['host']
    readonly stdout: Surroundings['stdout']
  },
): Promise<void> {
  const rows = tables.reduce((sum, table) => sum + table.rows.length, 0)
  const written = `${formatRows(rows)} of epoch ${formatCount(epoch)}\n`
  const given = valueOf(words, 'output')
  const output = given === undefined ? undefined : directoryPath(given)
  if (valueOf(words, 'format') === 'parquet') {
    if (output === undefined) throw new UsageError('parquet goes to a directory', 'add --output DIR')
    await writeTables(tables, { host, folder: output, format: 'parquet' })
    stdout.write(`${output}: ${written}`)
    return
  }
  const lines = tables.flatMap((table) => table.rows.map((row) => rowLine(table, row)))
  if (output === undefined) {
    for (const line of lines) stdout.write(line)
    return
  }
  writeFileSync(output, lines.join(''), { flag: 'wx' })
  stdout.write(`${output}: ${written}`)
}

function noStep(step: string, steps: readonly string[]): UsageError {
  const near = nearName(step, steps)
  return new UsageError(
    `no state is kept of a step "${step}"`,
    near === undefined
      ? `state is kept of ${steps.map((one) => `"${one}"`).join(', ')}`
      : `did you mean ${near}?`,
  )
}
