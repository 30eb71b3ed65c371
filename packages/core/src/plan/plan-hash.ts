/**
 * The two hashes of a plan (architecture.md §5): what all workers must agree on, and what a restore checks.
 *
 * Neither covers what a user function refers to from outside itself: two workers that import the same module agree on
 * that by importing it.
 */
import { digest } from './digest.ts'
import type { BuiltPlan, LogicalNode, LogicalPlan } from './logical.ts'

/** Identifies the whole plan with the text of its user functions: workers and repeated builds must agree on it. */
export function buildHash(built: BuiltPlan): string {
  const functions = [...built.bindings.functions].map(([id, value]) => [id, functionText(value)])
  return digest({ plan: built.plan, functions })
}

/** Identifies the plan alone, as it stands after any rewriting. */
export function planHash(plan: LogicalPlan): string {
  return digest(plan)
}

/** Identifies what state looks like: of each step that keeps some, its name, keys, and the types of what it keeps. */
export function stateHash(plan: LogicalPlan): string {
  return digest(plan.nodes.flatMap((node) => stateOf(plan, node)))
}

function stateOf(plan: LogicalPlan, node: LogicalNode): readonly object[] {
  switch (node.kind) {
    case 'window-aggregate':
      return [
        {
          step: node.step,
          keys: keyTypes(plan, node.step, node.keys),
          window: node.window,
          aggregates: node.aggregates.map(({ name, aggregate, parameters, type, nullable }) => ({
            name,
            aggregate,
            parameters,
            type,
            nullable,
          })),
        },
      ]
    case 'process':
      return [{ step: node.step, keys: keyTypes(plan, node.step, node.keys), state: node.state }]
    case 'source':
    case 'transform':
    case 'row-function':
    case 'union':
    case 'key-by':
    case 'partial-aggregate':
    case 'lookup-join':
    case 'sink':
      return []
  }
}

function keyTypes(plan: LogicalPlan, step: string, keys: readonly string[]): readonly unknown[] {
  const node = plan.nodes.find((one) => one.step === step)
  const from = plan.nodes.find((one) => one.step === node?.inputs[0]?.step)
  return keys.map((name) => from?.schema.fields.find((field) => field.name === name) ?? name)
}

/** Functions by their text, objects of functions member by member. */
function functionText(value: unknown): unknown {
  if (typeof value === 'function') return String(value)
  if (Array.isArray(value)) return value.map(functionText)
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? `${value}n` : value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, functionText(part)]))
}
