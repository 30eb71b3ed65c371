/** `millrace checkpoints`: what is kept at a place with state. */
import { readStateTables, verifyCheckpoints } from '@millrace/core/runtime'
import type { KeptCheckpoint } from '@millrace/core/runtime'
import type { ParsedWords } from '../command-line/command.ts'
import { valueOf } from '../command-line/flag-values.ts'
import { UsageError } from '../command-line/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { errorRecord, jsonLine } from '../progress/json-lines.ts'
import { formatBytes, formatCount, formatRows, formatTime } from '../progress/quantities.ts'
import { checkpointsText, checkpointText } from '../report/checkpoints-text.ts'
import { textWidth, wrapLine } from '../report/wrapped-text.ts'
import type { Surroundings } from '../surroundings.ts'
import { actionOf, chosenEpoch, epochOf, keptAt, statePlace } from './state-place.ts'
import type { StatePlace } from './state-place.ts'
import { writeTables } from './state-rows.ts'
import { directoryPath } from './state-store.ts'

/** Runs the command. */
export async function checkpoints(words: ParsedWords, surroundings: Surroundings): Promise<ExitCode> {
  const { stdout } = surroundings
  const action = actionOf(words, ['ls', 'show', 'verify', 'export'] as const, 'checkpoints')
  const place = await statePlace(words, 'checkpoints', surroundings)
  const json = words.given.has('json')
  switch (action) {
    case 'ls': {
      const kept = await keptAt(place)
      stdout.write(
        json
          ? kept.epochs.map((one) => jsonLine(epochRecord(one))).join('')
          : checkpointsText(kept, place.store.place, textWidth(stdout)),
      )
      return exitCodes.done
    }
    case 'show': {
      const one = epochOf(shownEpoch(words), await keptAt(place), place.store.place)
      stdout.write(json ? jsonLine(one.manifest) : checkpointText(one, textWidth(stdout)))
      return exitCodes.done
    }
    case 'verify':
      return verify(place, json, stdout)
    case 'export':
      return exportState(words, place, stdout)
  }
}

function shownEpoch(words: ParsedWords): number {
  const [, text = ''] = words.operands
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new UsageError(
    text === '' ? 'millrace checkpoints show needs an epoch' : `"${text}" is no epoch: it is a whole number`,
    'millrace checkpoints ls tells which are kept',
  )
}

function epochRecord({ manifest, stateBytes, newBytes, number }: KeptCheckpoint): object {
  const { epoch, atMs, attempt, lineage, parent, mode, rows = {}, end, pending } = manifest
  return {
    epoch,
    atMs,
    entry: number,
    attempt,
    lineage,
    parent,
    mode,
    stateBytes,
    newBytes,
    rows,
    end,
    outputs: pending.length,
  }
}

async function verify(
  { host, store }: StatePlace,
  json: boolean,
  stdout: Surroundings['stdout'],
): Promise<ExitCode> {
  const { epochs, damaged } = await verifyCheckpoints(store, host.bytes)
  const width = textWidth(stdout)
  const line = (text: string): string => `${wrapLine(text, width, 2)}\n`
  const isWhole = damaged.length === 0 && epochs.every(({ fault }) => fault === undefined)
  for (const { manifest, fault, bytes } of epochs) {
    const { epoch, atMs } = manifest
    const told = fault === undefined ? null : errorRecord(fault)['message']
    const found =
      fault === undefined
        ? `whole, ${readText(bytes, manifest.state.length + (manifest.border?.files.length ?? 0))}`
        : `damaged: ${fault.detail ?? fault.what}, ${fault.place?.file ?? ''}`
    stdout.write(
      json
        ? jsonLine({ epoch, atMs, whole: fault === undefined, bytes, fault: told })
        : line(`epoch ${formatCount(epoch)} of ${formatTime(atMs)}: ${found}`),
    )
  }
  for (const { file, reason } of damaged)
    stdout.write(json ? jsonLine({ file, whole: false, fault: reason }) : line(`${file}: damaged: ${reason}`))
  return isWhole ? exitCodes.done : exitCodes.failed
}

/** A file that several epochs name is read once. */
function readText(bytes: number, files: number): string {
  if (bytes > 0) return `${formatBytes(bytes)} read`
  return files === 0 ? 'it has no state' : 'all of its state was read for the epochs above'
}

async function exportState(
  words: ParsedWords,
  place: StatePlace,
  stdout: Surroundings['stdout'],
): Promise<ExitCode> {
  const { host, store } = place
  const folder = valueOf(words, 'to')
  if (folder === undefined)
    throw new UsageError('millrace checkpoints export needs a place to write to', 'add --to DIR')
  const directory = directoryPath(folder)
  const { manifest } = chosenEpoch(words, await keptAt(place), store.place)
  const tables = await readStateTables(manifest, { store, checks: host.bytes })
  const format = valueOf(words, 'format') === 'parquet' ? 'parquet' : 'ndjson'
  await writeTables(tables, { host, folder: directory, format })
  const rows = tables.reduce((sum, table) => sum + table.rows.length, 0)
  stdout.write(`${folder}: ${formatRows(rows)} of epoch ${formatCount(manifest.epoch)}\n`)
  return exitCodes.done
}
