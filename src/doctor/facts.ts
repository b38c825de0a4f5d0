import { PATH } from '../host/exec/programs.ts'
import type { Program } from '../host/exec/programs.ts'
import type { Host } from '../host/host.ts'
import { nodeDatabase } from '../host/iscsi/database.ts'
import { hasUdevRules } from '../host/map/udev-rule.ts'
import { knownWwids } from '../host/map/wwids.ts'
import type { MultipathSite, ReadableSecret } from '../host/read/iscsi-site.ts'
import {
  hasModule,
  hasProgram,
  isIscsidReplaced,
  readableSecrets,
  readIscsidConf,
  readMultipathSite,
  scanRules,
} from '../host/read/iscsi-site.ts'
import { hasTransport, isMultipathdRunning, readInitiatorName } from '../host/read/node.ts'
import type { Attachment } from '../model/attachment.ts'

/** How the node is set up, as far as the checks need it. Read once. */
export interface NodeFacts {
  /** The settings of iscsid.conf. */
  readonly site: ReadonlyMap<string, string>
  /** udev rules that scan for LUNs. */
  readonly scanRules: readonly string[]
  readonly versions: Versions
  readonly multipathd: MultipathSite & {
    readonly isRunning: boolean
    /** Whether the rules that keep multipathd and others off the disks of hold maps are in place. */
    readonly isKeptOff: boolean
    /** In multipath-tools' form: WWIDs for which it maps even a single path. */
    readonly wwids: ReadonlySet<string>
  }
  readonly secrets: readonly ReadableSecret[]
  /** Modules that volumes of this node need but the kernel does not have. */
  readonly modules: readonly string[]
  /** Programs that volumes of this node need but that are not installed. */
  readonly programs: readonly Program[]
  readonly initiator: string | null
}

/** Versions of open-iscsi's programs; null if a program does not report one. */
export interface Versions {
  readonly iscsiadm: string | null
  readonly iscsid: string | null
  /** The running iscsid was started from a file that has been replaced since. */
  readonly isReplaced: boolean
}

/** Printing a version reads no database and asks no daemon. */
const VERSION_DEADLINE_MS = 5_000

export async function readFacts(host: Host, records: readonly Attachment[]): Promise<NodeFacts> {
  const { paths } = host
  return {
    site: readIscsidConf(paths),
    scanRules: scanRules(paths),
    versions: await readVersions(host),
    multipathd: {
      ...readMultipathSite(paths),
      isRunning: isMultipathdRunning(paths),
      isKeptOff: hasUdevRules(host),
      wwids: knownWwids(host),
    },
    secrets: readableSecrets(paths, nodeDatabase(host)),
    modules: [
      ...(hasTransport(paths) ? [] : ['iscsi_tcp']),
      ...(records.some(({ mode }) => mode === 'map') ? ['dm_multipath'] : []),
      ...(records.some(({ fence }) => fence) ? ['sg'] : []),
    ].filter((name) => hasModule(paths, name) === false),
    programs: neededPrograms(records).filter((program) => !hasProgram(paths, program, PATH)),
    initiator: readInitiatorName(paths),
  }
}

/** The programs that these volumes need; iscsiadm and dmsetup are included even if there is no volume yet. */
export function neededPrograms(records: readonly Attachment[]): Program[] {
  const fs = new Set(records.map((record) => record.fs ?? record.request.use.fs))
  return [
    'iscsiadm',
    'dmsetup',
    'udevadm',
    ...(fs.has('ext4') ? (['fsck.ext4', 'resize2fs'] as const) : []),
    ...(fs.has('xfs') ? (['xfs_repair', 'xfs_growfs'] as const) : []),
    ...(records.some(({ request }) => request.use.mount !== null) ? (['chattr', 'lsattr'] as const) : []),
    ...(records.some(({ mode }) => mode === 'multipathd') ? (['multipath', 'multipathd'] as const) : []),
  ]
}

async function readVersions(host: Host): Promise<Versions> {
  const [iscsiadm, iscsid] = await Promise.all(
    (['iscsiadm', 'iscsid'] as const).map(async (program) => {
      try {
        const { stdout } = await host.run(program, ['--version'], { deadline: VERSION_DEADLINE_MS })
        return parseVersion(stdout)
      } catch {
        return null
      }
    }),
  )
  return {
    iscsiadm: iscsiadm ?? null,
    iscsid: iscsid ?? null,
    isReplaced: isIscsidReplaced(host.paths) === true,
  }
}

/** `iscsid version 2.1.8`; Red Hat writes `6.2.1.8-1.el9` for the same. Null for anything else. */
export function parseVersion(text: string): string | null {
  const version = /\bversion\s+(\d+(?:\.\d+)+)/.exec(text)?.[1]
  return version?.replace(/^6\.(?=2\.)/, '') ?? null
}
