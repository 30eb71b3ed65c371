/**
 * What to say when the function of a pipeline calls a method where there is none: `.write` behind `.keyBy`, `.groupBy`.
 *
 * The compiler refuses such calls; from JavaScript or through a cast they end as a TypeError of the engine. Only its
 * text is known, so this gives a hint and decides nothing.
 */
import { nearestNames } from '../data/nearest-names.ts'

const ofStreams = [
  'extend', 'filter', 'flatMap', 'keyBy', 'lookupJoin', 'map', 'notNull', 'omit', 'rename', 'select', 'union', 'where',
  'window', 'with', 'write',
] // prettier-ignore

const behindKeyBy =
  "behind .keyBy(…) comes .window(…), .join(…) or .process(…), and behind .window(…) comes .aggregate('name', …)"

/** Where each method stands that a stream itself does not have. */
const elsewhere: { readonly [name: string]: string } = {
  aggregate: "aggregate stands behind .window(…): .window(tumbling('1 hour')).aggregate('name', (a) => …)",
  process: "process stands behind .keyBy('name', key)",
  join: "join stands behind .keyBy('name', key), on both sides; with a small table it is lookupJoin",
  leftJoin:
    "write .keyBy('name', key).join('name', other.keyBy(…), { join: 'left', … }); with a small table it is lookupJoin",
  side: 'side belongs to the result of .process(…)',
  read: 'read belongs to the builder of the pipeline: p.read(…)',
  option: 'option belongs to the builder of the pipeline: p.option(…)',
}

/** Methods of other libraries for what has another name here. */
const otherNames: { readonly [name: string]: string } = {
  groupBy: 'keyBy',
  groupByKey: 'keyBy',
  partitionBy: 'keyBy',
  reduce: 'aggregate',
  agg: 'aggregate',
  sum: 'aggregate',
  count: 'aggregate',
  merge: 'union',
  concat: 'union',
  project: 'select',
  withColumn: 'extend',
  drop: 'omit',
  sink: 'write',
  to: 'write',
  writeTo: 'write',
  sinkTo: 'write',
  addSink: 'write',
  windowBy: 'window',
}

/** A hint for an error that says that something is no function; undefined where no step was meant. */
export function misplacedMethodHint(error: unknown): string | undefined {
  const name = error instanceof TypeError ? /\.(\w+) is not a function/.exec(error.message)?.[1] : undefined
  if (name === undefined) return undefined
  if (ofStreams.includes(name)) return `${name} is a method of streams: ${behindKeyBy}`
  const direct = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined
  if (direct !== undefined) return direct
  const known = Object.hasOwn(otherNames, name) ? otherNames[name] : undefined
  const [meant] = known === undefined ? nearestNames(name, [...ofStreams, 'aggregate', 'process']) : [known]
  return meant === undefined ? undefined : `did you mean .${meant}(…)?`
}
