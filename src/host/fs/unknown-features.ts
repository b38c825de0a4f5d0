/**
 * The features of an ext4 that this e2fsck does not know, if they are its only failureReason; null otherwise. It then exits
 * with 8 (operational error), and reads and changes nothing (e2fsck/unix.c: main). It calls a feature that it has no
 * name for FEATURE_C12, by kind (compatible, incompatible, read-only) and bit.
 */
export function unknownFeatures(ran: {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}): string | null {
  if (ran.code !== 8) return null
  const lines = `${ran.stderr}\n${ran.stdout}`.split('\n').map((line) => line.trim())
  const said = lines.filter((line) => line !== '' && !HARMLESS.some((form) => form.test(line)))
  const features = said.length === 1 ? UNSUPPORTED.exec(said[0]!)?.[1] : undefined
  return features?.trim() ?? null
}

const UNSUPPORTED = /^\S+ has unsupported feature\(s\):(.*)$/

/** Its name and version, its advice, and a line that it adds to every such exit. */
const HARMLESS = [
  /^e2fsck \d\S* \(.*\)$/,
  /^(?:e2fsck|fsck\.ext4): Get a newer version of e2fsck!$/,
  /^\S+: \*+ WARNING: Filesystem still has errors \*+$/,
]
