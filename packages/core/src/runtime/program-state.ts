/** What a program keeps, step by step: its tables, what they mean, and how older state becomes it. */
import type { PhysicalPlan } from '../plan/physical.ts'
import type { BuiltPlan, LogicalPlan } from '../plan/logical.ts'
import { ancestorsOf } from '../plan/plan-graph.ts'
import { stepMeanings } from '../plan/step-meaning.ts'
import { statePartsOf } from '../engine/index.ts'
import type { DataType } from '../data/index.ts'
import type { ProgramStep, StateMigration } from './state-fit.ts'

/** A migration as the SDK declares it, untyped. */
interface DeclaredMigration {
  readonly from: { readonly type: DataType }
  readonly with: StateMigration['with']
}

/** The steps of a program that keep state. Nothing of it is opened. */
export function programSteps(
  { plan, bindings }: BuiltPlan,
  physical: PhysicalPlan,
): ReadonlyMap<string, ProgramStep> {
  const meanings = stepMeanings(plan)
  const functions = new Map(
    plan.nodes.flatMap((node) =>
      node.kind === 'process' ? [[node.step, bindings.functions.get(node.functionId)] as const] : [],
    ),
  )
  return new Map(
    Array.from(statePartsOf(physical, bindings), ([step, parts]) => [
      step,
      {
        about: meanings.get(step),
        parts,
        migrations: migrationsOf(functions.get(step)),
        source: bindings.sources.get(step),
      },
    ]),
  )
}

/** Steps whose state is left out when tables of lookup joins are read anew: all that leads to tables, and the joins. */
export function stepsReadAnew(plan: LogicalPlan, refreshTables: boolean): ReadonlySet<string> {
  if (!refreshTables) return new Set()
  const joins = plan.nodes.filter(({ kind }) => kind === 'lookup-join')
  const tables = joins.flatMap(({ inputs }) => inputs.slice(1).map(({ step }) => step))
  return new Set([...ancestorsOf(plan, tables), ...joins.map(({ step }) => step)])
}

function migrationsOf(definition: unknown): ReadonlyMap<string, readonly StateMigration[]> {
  const { state = {} } = (definition ?? {}) as {
    readonly state?: { readonly [name: string]: { readonly migrations?: readonly DeclaredMigration[] } }
  }
  return new Map(
    Object.entries(state).flatMap(([name, { migrations = [] }]) =>
      migrations.length === 0
        ? []
        : [
            [
              name,
              migrations.map(({ from, with: convert }) => ({ from: from.type, with: convert })),
            ] as const,
          ],
    ),
  )
}
