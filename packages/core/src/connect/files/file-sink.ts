/**
 * Files as a sink: staged while they are written, visible when they are whole and their epoch stands.
 *
 * That several files of one epoch appear is not one atomic step to someone who lists the folder meanwhile.
 */
import { MillraceError } from '../../errors.ts'
import type { Schema } from '../../data/type.ts'
import { unknownColumn } from '../../data/schema.ts'
import type { Format } from '../format.ts'
import type { OpenSink, Sink, SinkContext, SinkDescription } from '../sink.ts'
import { canBePartition } from './constant-columns.ts'
import { outputError } from './file-errors.ts'
import { kindOfName, isHidden, normalPath } from './file-name.ts'
import type { FileCompression } from './file-name.ts'
import { FileWriter } from './file-writer.ts'
import type { FileCommittable, RollPolicy } from './file-writer.ts'
import { OutputFolder } from './output-folder.ts'
import { hostOfPlace } from './output-place.ts'
import type { OutputPlace } from './output-place.ts'
import { writerId } from './output-name.ts'

/** Checked options of a file sink. */
export interface FileSinkOptions {
  readonly path: string
  /** Where `path` is, when it is no folder of this machine. */
  readonly place: OutputPlace | undefined
  readonly format: Format
  readonly compression: FileCompression | undefined
  readonly partitionBy: readonly string[]
  /** As given; ages do not count in batch runs unless they were asked for. */
  readonly roll: RollPolicy & { readonly ageGiven: boolean }
  readonly openFilesMax: number
}

/** Makes the sink of checked options. */
export function fileSink(options: FileSinkOptions): Sink<FileCommittable> {
  return {
    description: describeSink(options),
    accepts: 'append',
    exclusive: normalPath(options.path),
    ...(options.place === undefined ? { folder: options.path } : {}),
    validate: (schema, step) => validate(options, schema, step),
    async open(context) {
      validate(options, context.schema, context.step)
      return openFileSink(options, context)
    },
  }
}

function describeSink(options: FileSinkOptions): SinkDescription {
  const { path, format, compression, partitionBy, roll } = options
  return {
    connector: 'files',
    options: {
      path,
      format: { name: format.name, ...format.options },
      ...(compression === undefined ? {} : { compression }),
      ...(partitionBy.length === 0 ? {} : { partitionBy }),
      roll: roll.everyEpoch
        ? 'epoch'
        : { bytes: roll.bytes, ...(roll.ageMs === undefined ? {} : { ageMs: roll.ageMs }) },
    },
  }
}

function validate(options: FileSinkOptions, schema: Schema, step: string): void {
  const { format, partitionBy, path } = options
  if (format.extensions.includes(kindOfName(path).extension)) {
    throw new MillraceError('plan/invalid-argument', {
      what: `output "${path}" is named like a file`,
      detail: 'output is a folder, in which files appear as they become complete',
      hint: `name a folder: "${path.slice(0, path.lastIndexOf(`.${kindOfName(path).extension}`))}"`,
      step,
    })
  }
  for (const name of partitionBy) checkPartition(name, schema, step)
  const fields = schema.fields.filter(({ name }) => !partitionBy.includes(name))
  if (fields.length === 0) {
    throw new MillraceError('plan/invalid-argument', {
      what: `all columns of output "${path}" are partition columns`,
      hint: 'leave one out of partitionBy: values of partition columns are in folder names only',
      step,
    })
  }
  format.validate?.({ fields })
}

function checkPartition(name: string, schema: Schema, step: string): void {
  const field = schema.fields.find((other) => other.name === name)
  if (field === undefined) {
    const names = schema.fields.map((other) => other.name)
    throw new MillraceError('plan/unknown-column', {
      ...unknownColumn(name, names),
      what: `partition column "${name}" does not exist`,
      step,
    })
  }
  if (isHidden(name)) {
    throw new MillraceError('plan/invalid-argument', {
      what: `partition column "${name}" gives folders that readers take for hidden ones`,
      hint: 'rename the column so that it does not begin with a dot or underscore',
      step,
    })
  }
  if (!canBePartition(field.type)) {
    throw new MillraceError('plan/type-mismatch', {
      what: `column "${name}" of type ${field.type.kind} cannot partition an output`,
      detail: 'texts, whole numbers, dates and booleans can',
      hint: 'select a column of such a type before, for example the date of a timestamp',
      step,
    })
  }
}

async function openFileSink(
  options: FileSinkOptions,
  context: SinkContext,
): Promise<OpenSink<FileCommittable>> {
  const { lineage, step, attempt, bounded, resumable = false, resumed = false, standing } = context
  const { path, place } = options
  const host = place === undefined ? context.host : hostOfPlace(context.host, place)
  const isFirst = !resumed || context.unwritten === true
  const left = new Set((context.left ?? []).map((one) => writerId(one, step)))
  const writer = { id: writerId(lineage, step), attempt }
  const mode = context.outputMode
  const folder = new OutputFolder({ host, path, writer, mode, resumable, resumed, left, step, standing })
  await folder.open()
  const { publisher } = folder
  const doneJournals = new Set<string>()
  const roll = { ...options.roll, ageMs: bounded && !options.roll.ageGiven ? undefined : options.roll.ageMs }
  return {
    async writer(task, restored = []) {
      const { format, compression, partitionBy, openFilesMax } = options
      const made = new FileWriter({
        host,
        folder,
        writer,
        task,
        format,
        compression,
        partitionBy,
        openFilesMax,
        roll,
        resumable,
        schema: context.schema,
        writesEmpty: bounded && isFirst && task === 0 && partitionBy.length === 0,
        // A bounded run has one epoch, which shows everything.
        addsToFiles: place === undefined,
        doneJournals: resumable && !bounded && !roll.everyEpoch ? doneJournals : undefined,
      })
      try {
        await made.restore(restored)
      } catch (error) {
        await made.close()
        throw outputError(error, path)
      }
      return made
    },
    holdsBack: ({ held }) => held.journals.length > 0,
    async commit(committables) {
      await publisher.makeFolders(committables.flatMap(({ files }) => files))
      return publisher.publish(committables.map(({ files }) => files))
    },
    async sweep(keep) {
      const named = keep.flatMap(({ files, held }) => [
        ...files.map(({ staged }) => staged),
        ...held.journals.map(({ name }) => name),
      ])
      const files = keep.flatMap((committable) => committable.files)
      const shown = files.map(({ final }) => final)
      await folder.sweep(new Set(named), shown, doneJournals)
      await folder.tidy(files)
    },
    finish: () => folder.finish(),
    abandon: () => folder.abandon(),
    withdraw: () => folder.withdraw(),
    close: () => folder.release(),
  }
}
