/**
 * Where in the user's module a step was written, as frames of an error's stack.
 *
 * V8 keeps ten frames of a stack. An error from deep inside an expression has only Millrace's own; the call of the step
 * that led there is known one level up, where its frames are added. What reads stacks (the command's `in:` line, an
 * editor) then finds the line. No file is read and no limit of the process is changed.
 */

/** Adds the frames of `here` that the error's stack lacks behind its own; gives the error back. */
export function withFramesOf(error: unknown, here: Error): unknown {
  return error instanceof Error ? setFrames(error, framesOf(error), framesOf(here)) : error
}

/** Puts the frames of `origin` before those of the error: it is about what was written there. */
export function withOrigin<Told extends Error>(error: Told, origin: Error | undefined): Told {
  return origin === undefined ? error : setFrames(error, framesOf(origin), framesOf(error))
}

function setFrames<Told extends Error>(
  error: Told,
  first: readonly string[],
  further: readonly string[],
): Told {
  const present = new Set(first)
  const frames = [...first, ...further.filter((frame) => !present.has(frame))]
  const value = [`${error.name}: ${error.message}`, ...frames].join('\n')
  Object.defineProperty(error, 'stack', { value, writable: true, configurable: true })
  return error
}

function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').filter((line) => /^ {4}at /.test(line))
}
