/** What the pipelines of a run held: a run that never drew a join says nothing about joins. */
import type { CheckResult } from '../../src/testing/pipelines/check.ts'
import type { PipelineCase } from '../../src/testing/pipelines/description.ts'
import type { GeneratedCase } from '../../src/testing/pipelines/generate.ts'
import type { PipelineWay } from '../../src/testing/pipelines/ways.ts'

/** Counts by name, in groups. */
export class PipelineReport {
  readonly #counts = new Map<string, Map<string, number>>()

  add({ described, late }: GeneratedCase): void {
    this.#count('pipelines', { none: 'all rows in time', 'one-split': 'late rows, one split', 'several-splits': 'late rows, several splits' }[late]) // prettier-ignore
    this.#addSources(described)
    for (const step of described.steps) {
      this.#count('steps', step.kind)
      if (step.kind === 'aggregate') {
        const { kind } = step.window
        this.#count('windows', Object.keys(step.keys).length === 0 ? `${kind} without a key` : kind)
        if (step.allowedLatenessMs > 0) this.#count('windows', 'with allowed lateness')
        for (const one of step.aggregates) {
          this.#count('aggregates', one.aggregate)
          if (one.filter !== undefined) this.#count('aggregates', 'with a filter')
        }
      }
      if (step.kind === 'lookup-join') this.#count('joins', `lookup, ${step.join}`)
      if (step.kind === 'interval-join') this.#count('joins', `interval, ${step.join}`)
      if ('fn' in step) this.#count('functions', step.fn)
    }
    for (const output of described.outputs) this.#count('outputs', outputKind(output))
  }

  #addSources({ sources }: PipelineCase): void {
    for (const { columns, rows, splits, eventTime } of sources) {
      this.#count('sources', `of ${splits} splits`)
      this.#count('sources', rows.length === 0 ? 'empty' : 'with rows')
      const watermark = eventTime?.watermark
      this.#count('watermarks', watermark === undefined ? 'no event time' : typeof watermark === 'number' ? 'disorder' : watermark === 'at-end' ? 'at the end' : 'punctuated') // prettier-ignore
      for (const { type, nullable } of columns) this.#count('columns', `${type.kind}${nullable ? '?' : ''}`)
    }
  }

  addRun(way: PipelineWay, result: CheckResult): void {
    this.#count('checks', result.kind)
    if (result.kind !== 'equal') return
    const { starts, epochs, outputs } = result.run
    for (const rows of outputs.values()) this.#count('rows of an output', rows.length === 0 ? 'none' : rows.length < 10 ? '1 to 9' : '10 or more') // prettier-ignore
    this.#count('ways', `${way.mode}${way.hasState ? ', with state' : ''}`)
    this.#count('ways', starts > 1 ? 'killed at least once' : 'never killed')
    this.#count('starts', String(starts))
    this.#count('epochs of the last start', epochs === 1 ? '1' : epochs < 5 ? '2 to 4' : '5 or more')
    this.#count('tasks', String(way.parallelism[0]))
    this.#count('batch rows', String(way.batchRows))
  }

  /** Borders of epochs at which the output was compared. */
  addBorders(borders: number): void {
    this.#count('borders of epochs compared', 'all', borders)
  }

  /** How often something was counted. */
  of(group: string, name: string): number {
    return this.#counts.get(group)?.get(name) ?? 0
  }

  toString(): string {
    return [...this.#counts]
      .map(([group, counts]) => {
        const entries = [...counts].toSorted((left, right) => right[1] - left[1])
        return `${group}: ${entries.map(([name, count]) => `${name} ${count}`).join(', ')}`
      })
      .join('\n')
  }

  #count(group: string, name: string, times: number = 1): void {
    const counts = this.#counts.get(group) ?? new Map<string, number>()
    this.#counts.set(group, counts)
    counts.set(name, (counts.get(name) ?? 0) + times)
  }
}

function outputKind(output: string): string {
  if (output.endsWith('.late')) return 'late'
  if (output.endsWith('-why')) return 'rejected'
  return output.includes('.') ? 'side' : 'main'
}
