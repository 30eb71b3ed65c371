/**
 * What a file's identity says: its device, its inode and, where the file system tells it, when the file was made.
 *
 * Inode numbers are used again, births are not. A run that goes on may hold an identity without a birth, of an earlier
 * release or of a system that told none: then the inode has to do, and checksums tell (file-marks.ts).
 */

/** Whether two identities are of one file, as far as both can tell. */
export function isSameIdentity(left: string, right: string): boolean {
  if (left === right) return true
  const [one, other] = [inodeOf(left), inodeOf(right)]
  return one === other && (one === left || other === right)
}

/** The device that a file lies on. */
export function deviceOf(identity: string): string {
  return identity.slice(0, identity.indexOf(':'))
}

function inodeOf(identity: string): string {
  const birth = identity.indexOf(':', identity.indexOf(':') + 1)
  return birth === -1 ? identity : identity.slice(0, birth)
}
