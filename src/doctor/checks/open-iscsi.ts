import type { NodeCheck } from '../check.ts'
import type { Versions } from '../facts.ts'
import type { Finding } from '../finding.ts'

interface KnownBug {
  readonly is: (version: readonly number[]) => boolean
  readonly what: string
  readonly source: string
  readonly fix: string
}

/** The bugs that matter for volumes here; a distribution may have fixed its package. */
const BUGS: readonly KnownBug[] = [
  {
    is: (version) => compare(version, [2, 1, 10]) === 0,
    what: 'a login with node.session.scan = manual does not return: iscsid sends no answer',
    source: 'open-iscsi issue 484, fixed in 2.1.11',
    fix: 'Install 2.1.11 or newer, or 2.1.9.',
  },
  {
    is: (version) => compare(version, [2, 0, 874]) < 0,
    what: 'it has no node.session.scan: each login makes a disk of every LUN of the target',
    source: 'open-iscsi Changelog, 2.0.875',
    fix: 'Install 2.1 or newer.',
  },
]

export const openIscsi: NodeCheck = {
  name: "open-iscsi's version",
  node: ({ facts: { versions }, snapshot }) => judgeVersions(versions, snapshot.sessions.length),
}

/**
 * iscsiadm and iscsid exchange C structures without a version, which change between releases.
 * @param sessions how many sessions there are; a restart of iscsid logs them in again
 */
export function judgeVersions({ iscsiadm, iscsid, isReplaced }: Versions, sessions: number): Finding[] {
  const evidence = { iscsiadm, iscsid, isReplaced }
  const differ = iscsiadm !== null && iscsid !== null && iscsiadm !== iscsid
  const restart = `systemctl restart iscsid${sessions > 0 ? `, while no target is away: its sessions (${sessions}) log in again` : ''}`
  const known = iscsid ?? iscsiadm
  const bugs = known === null ? [] : BUGS.filter(({ is }) => is(known.split('.').map(Number)))
  return [
    ...(isReplaced || differ
      ? [
          {
            code: 'ISCSI_VERSIONS' as const,
            severity: 'warning' as const,
            subject: 'iscsid',
            message: differ
              ? `iscsiadm is ${iscsiadm}, iscsid is ${iscsid}: they may misunderstand each other`
              : 'the running iscsid was started before its package was replaced: it and iscsiadm may misunderstand each other',
            evidence,
            fix: differ ? 'Install both from one package.' : restart,
          },
        ]
      : []),
    ...bugs.map(({ what, source, fix }) => ({
      code: 'OPEN_ISCSI_BUG' as const,
      severity: 'warning' as const,
      subject: `open-iscsi ${known}`,
      message: `${what} (${source})`,
      evidence,
      fix,
    })),
  ]
}

/** Negative: `a` is older. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
