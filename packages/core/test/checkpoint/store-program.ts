/**
 * Programs over a store, and what each step may answer: the model is a map, with names of which nobody can know.
 *
 * A step that rejects leaves its name unknown: it may have been done, or be done later. A step that answers has to answer
 * what the map says, or for an unknown name one of what can be.
 */
import fc from 'fast-check'
import type { CheckpointStore } from '../../src/checkpoint/index.ts'
import { isMillraceError } from '../../src/errors.ts'

/** One step. Contents are told apart by `content`. */
export type StoreStep =
  | {
      readonly kind: 'create' | 'write'
      readonly name: string
      readonly content: number
      readonly length: number
    }
  | { readonly kind: 'read'; readonly name: string }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'list' }

/** Contents that a name may have; undefined: nothing there. */
type Possible = readonly (string | undefined)[]

/** What is known of each name, and what was ever sent for it: a request that was given up can arrive later. */
interface Model {
  readonly possible: Map<string, Possible>
  readonly sent: Map<string, readonly string[]>
}

/** Names of `create` are wanted by others; those of `write` are used once; none is used again once removed. */
export function arbitraryStoreProgram(): fc.Arbitrary<readonly StoreStep[]> {
  const content = fc.integer({ min: 0, max: 250 })
  const length = fc.constantFrom(0, 1, 99, 100, 101, 350)
  const name = fc.constantFrom('log/1', 'log/2', 'log/3')
  const step: fc.Arbitrary<StoreStep> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), name, content, length }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('write' as const), name: fc.constant(''), content, length }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), name }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), name }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'list' as const }) },
  )
  return fc.array(step, { minLength: 1, maxLength: 20 }).map(withOwnNames)
}

/** Written names get numbers, and a created name a new one behind each removal. */
function withOwnNames(steps: readonly StoreStep[]): readonly StoreStep[] {
  const removals = new Map<string, number>()
  return steps.map((step, at) => {
    if (step.kind === 'list') return step
    if (step.kind === 'write') return { ...step, name: `state/${at}` }
    const generation = removals.get(step.name) ?? 0
    if (step.kind === 'remove') removals.set(step.name, generation + 1)
    return { ...step, name: `${step.name}-${generation}` }
  })
}

/** Runs a program, then lets the store get well, and looks at all that there is. */
export async function runStoreProgram(
  program: readonly StoreStep[],
  store: CheckpointStore,
  options: { readonly heal: () => unknown },
): Promise<{ readonly faults: readonly string[]; readonly errors: number }> {
  const model: Model = { possible: new Map(), sent: new Map() }
  const faults: string[] = []
  let errors = 0
  for (const step of program) {
    if (step.kind === 'create' || step.kind === 'write')
      model.sent.set(step.name, [...(model.sent.get(step.name) ?? []), keyOf(contentOf(step))])
    try {
      faults.push(...(await run(step, store, model)))
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'checkpoint/store-failed') throw error
      errors++
      forget(step, model)
    }
  }
  await options.heal()
  for (const [name, possible] of model.possible) {
    const found = await keyAt(store, name)
    if (!possible.includes(found)) faults.push(`at the end ${name} is ${found}, not ${possible.join(' or ')}`)
  }
  await store.sweep()
  faults.push(...(await run({ kind: 'list' }, store, model)))
  return { faults, errors }
}

/** What a step that failed leaves: all that was possible, and what it may have done. */
function forget(step: StoreStep, model: Model): void {
  if (step.kind === 'list' || step.kind === 'read') return
  const before = model.possible.get(step.name) ?? [undefined]
  const done = step.kind === 'remove' ? undefined : keyOf(contentOf(step))
  // Who creates does not replace.
  if (step.kind === 'create' && !before.includes(undefined)) return
  model.possible.set(step.name, [...before, done])
}

async function run(step: StoreStep, store: CheckpointStore, model: Model): Promise<readonly string[]> {
  switch (step.kind) {
    case 'create':
      return create(step, store, model)
    case 'write': {
      const writer = await store.write(step.name)
      try {
        await writer.append(contentOf(step))
        await writer.finish()
      } catch (error) {
        await writer.abort()
        throw error
      }
      model.possible.set(step.name, [keyOf(contentOf(step))])
      return []
    }
    case 'read': {
      const found = await keyAt(store, step.name)
      const possible = model.possible.get(step.name) ?? [undefined]
      // An unknown name may still change: a request that was given up can arrive. What is there stays.
      return possible.includes(found) ? [] : [`read ${found} of ${step.name}, not ${possible.join(' or ')}`]
    }
    case 'remove':
      await store.remove(step.name)
      model.possible.set(step.name, [undefined, ...(model.sent.get(step.name) ?? [])])
      return []
    case 'list':
      return list(store, model)
  }
}

async function create(
  step: Extract<StoreStep, { kind: 'create' | 'write' }>,
  store: CheckpointStore,
  model: Model,
): Promise<readonly string[]> {
  const possible = model.possible.get(step.name) ?? [undefined]
  const answer = await store.create(step.name, contentOf(step))
  if (answer === 'created') {
    model.possible.set(step.name, [keyOf(contentOf(step))])
    return possible.includes(undefined) ? [] : [`created ${step.name} a second time`]
  }
  const there = possible.filter((content) => content !== undefined)
  model.possible.set(step.name, there)
  return there.length > 0 ? [] : [`${step.name} is said to exist, and nobody can have created it`]
}

async function list(store: CheckpointStore, model: Model): Promise<readonly string[]> {
  const listed = new Map((await store.list('')).map(({ name, bytes }) => [name, bytes]))
  const faults: string[] = []
  for (const [name, possible] of model.possible) {
    const bytes = listed.get(name)
    const sizes = possible.map((content) => (content === undefined ? undefined : parseInt(content, 10)))
    if (bytes === undefined && !possible.includes(undefined)) faults.push(`${name} is not in the list (ST4)`)
    if (bytes !== undefined && !sizes.includes(bytes))
      faults.push(`${name} is in the list with ${bytes} bytes, not ${sizes.join(' or ')}`)
  }
  for (const name of listed.keys())
    if (!model.possible.has(name)) faults.push(`${name} is in the list and nobody made it`)
  return faults
}

function contentOf(step: Extract<StoreStep, { kind: 'create' | 'write' }>): Uint8Array {
  return Uint8Array.from({ length: step.length }, (_, k) => (step.content + k) % 251)
}

function keyOf(bytes: Uint8Array): string {
  return `${bytes.length} bytes ${Buffer.from(bytes).toString('hex')}`
}

async function keyAt(store: CheckpointStore, name: string): Promise<string | undefined> {
  const bytes = await store.read(name)
  return bytes === undefined ? undefined : keyOf(bytes)
}
