/**
 * The ext4 features that this e2fsck does not know, if it reports nothing else; null otherwise. In this case e2fsck
 * exits before it reads or changes anything else (e2fsck/unix.c: main): with 8 (operational error), or with 12 for
 * a feature that does not prevent it from opening the file system, which e2fsck then reports as still having
 * errors. It prints a feature without a name as FEATURE_C12: its kind (compatible, incompatible, read-only) and
 * bit.
 */
export function unknownFeatures(ran: {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}): string | null {
  if (ran.code !== 8 && ran.code !== 12) return null
  const lines = `${ran.stderr}\n${ran.stdout}`.split('\n').map((line) => line.trim())
  const reported = lines.filter((line) => line !== '' && !HARMLESS.some((form) => form.test(line)))
  const features = reported.length === 1 ? UNSUPPORTED.exec(reported[0]!)?.[1] : undefined
  return features?.trim() ?? null
}

const UNSUPPORTED = /^\S+ has unsupported feature\(s\):(.*)$/

/** e2fsck's name and version, its advice, and a line that it prints at every such exit. */
const HARMLESS = [
  /^e2fsck \d\S* \(.*\)$/,
  /^(?:e2fsck|fsck\.ext4): Get a newer version of e2fsck!$/,
  /^\S+: \*+ WARNING: Filesystem still has errors \*+$/,
]
