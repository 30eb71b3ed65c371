/** The state and the epoch that flags name: what the commands that look into checkpoints share. */
import type { Host } from '@millrace/core/host'
import { createNodeHost } from '@millrace/core/host/node'
import { MillraceError } from '@millrace/core/errors'
import { DirectoryStore, readCheckpoints } from '@millrace/core/runtime'
import type { CheckpointStore, KeptCheckpoint, KeptCheckpoints } from '@millrace/core/runtime'
import type { ParsedWords } from '../command-line/command.ts'
import { countOf, valueOf } from '../command-line/flag-values.ts'
import { nearName } from '../command-line/near-name.ts'
import { UsageError } from '../command-line/usage-error.ts'
import type { Surroundings } from '../surroundings.ts'
import { openStore } from './state-store.ts'

/** A place with checkpoints, and how it is read. */
export interface StatePlace {
  readonly host: Host
  readonly store: CheckpointStore
}

/** The place of `--state`, where something has to be. */
export async function statePlace(
  words: ParsedWords,
  command: string,
  surroundings: Surroundings,
): Promise<StatePlace> {
  const text = valueOf(words, 'state')
  if (text === undefined)
    throw new UsageError(`millrace ${command} needs a state directory`, 'add --state DIR')
  const host = createNodeHost()
  const store = await openStore(text, { host, surroundings })
  // A directory that is not the right one may be a large one: it is not walked through.
  const isThere =
    store instanceof DirectoryStore
      ? (await host.files.status(store.place)) !== undefined
      : (await store.list('')).length > 0
  if (!isThere)
    throw new UsageError(
      `${store.place} does not exist`,
      'name the directory or bucket that millrace run has for --state',
    )
  return { host, store }
}

/** The first operand, which is one of some actions. */
export function actionOf<Action extends string>(
  words: ParsedWords,
  actions: readonly Action[],
  command: string,
): Action {
  const [word = ''] = words.operands
  const action = actions.find((one) => one === word)
  if (action !== undefined) return action
  const near = nearName(word, actions)
  throw new UsageError(
    `millrace ${command} cannot "${word}": it is ${actions.join(', ')}`,
    near === undefined ? `see millrace help ${command}` : `did you mean: millrace ${command} ${near}`,
  )
}

/** The epoch of `--epoch`, or the newest. */
export function chosenEpoch(words: ParsedWords, kept: KeptCheckpoints, place: string): KeptCheckpoint {
  return epochOf(countOf(words, 'epoch', Number.MAX_SAFE_INTEGER), kept, place)
}

/**
 * One of the epochs that are kept; undefined: the newest.
 *
 * @throws MillraceError `checkpoint/no-such-epoch`.
 */
export function epochOf(
  wanted: number | undefined,
  { epochs }: KeptCheckpoints,
  place: string,
): KeptCheckpoint {
  const found =
    wanted === undefined ? epochs.at(-1) : epochs.findLast(({ manifest }) => manifest.epoch === wanted)
  if (found !== undefined) return found
  const [first, last] = [epochs[0]?.manifest.epoch, epochs.at(-1)?.manifest.epoch]
  throw new MillraceError('checkpoint/no-such-epoch', {
    what: wanted === undefined ? 'no epoch is kept' : `epoch ${wanted} is not kept`,
    ...(first === undefined
      ? {}
      : { detail: `kept are ${epochs.length} epochs, from ${first} to ${last ?? first}` }),
    hint:
      wanted === undefined
        ? 'look whether this is the state directory of a job'
        : 'millrace checkpoints ls tells which are',
    place: { file: place },
  })
}

/** What a place keeps. */
export function keptAt({ host, store }: StatePlace): Promise<KeptCheckpoints> {
  return readCheckpoints(store, host.bytes)
}
