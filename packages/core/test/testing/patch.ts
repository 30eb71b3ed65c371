/** Engines that are broken on purpose: a class has another method for a while. */

/**
 * Gives a class another method, made of its own one.
 *
 * @returns a function that gives it its own one back
 */
export function patch<Method extends (...parameters: never[]) => unknown>(
  prototype: object,
  name: string,
  change: (own: Method) => Method,
): () => void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  if (descriptor === undefined) throw new Error(`there is no ${name} to be changed`)
  Object.defineProperty(prototype, name, { ...descriptor, value: change(descriptor.value as Method) })
  return () => void Object.defineProperty(prototype, name, descriptor)
}
