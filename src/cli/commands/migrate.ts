import type { CheckFinding } from '../../csi/migrate/check.ts'
import type { Migration } from '../../csi/migrate/migrate.ts'
import { command } from '../command.ts'
import { DRIVER } from '../input/driver-name.ts'

/** With its text for people: JSON leaves functions out, and the printer of YAML is loaded when it is needed. */
interface Printable extends Migration {
  /** Of --check. */
  readonly findings?: readonly CheckFinding[]
  readonly yaml: () => string
}

export const migrateCommand = command({
  name: 'migrate',
  group: 'look',
  summary: 'Print new PersistentVolumes for old iSCSI ones',
  about:
    "Reads Kubernetes objects as YAML or JSON, as kubectl reads them: PersistentVolumes of iscsi.csi.k8s.io, of Kubernetes' own iscsi source and of other CSI drivers whose attributes name portal, IQN and LUN; Pods and workloads with inline iscsi volumes. Prints new PersistentVolumes (and claims) for Lunkeeper's driver: the same LUNs, the same data, a plan and its rollback as comments. Says on stderr what could not be carried over and what is left to do. Changes nothing, and talks to no cluster.",
  usage: ['[FILE|-] [--check]'],
  argument: { name: 'FILE|-', required: false, completes: 'file' },
  options: [
    { name: 'csi-driver', value: 'NAME', help: `The name of the driver; ${DRIVER} unless told.` },
    {
      name: 'check',
      help: "Check the new objects against the Kubernetes API's schema and rules, print what is wrong, and exit with 1 if anything is.",
    },
  ],
  examples: [
    { command: 'kubectl get pv -o yaml | lunkeeper migrate > new.yaml', does: 'all of a cluster' },
    { command: 'lunkeeper migrate old-volume.yaml', does: 'one file' },
    { command: 'lunkeeper migrate old-volume.yaml --check', does: 'would the API server accept it?' },
  ],
  async run(context, { argument, options }): Promise<Printable> {
    const [{ migrate }, { readManifests }, { migrationText }] = await Promise.all([
      import('../../csi/migrate/migrate.ts'),
      import('../input/manifests.ts'),
      import('../output/migration.ts'),
    ])
    const objects = readManifests(argument ?? '-', (message) => context.warn(message))
    const migration = migrate(objects, options['csi-driver'] ?? DRIVER)
    for (const { volume, message } of migration.notes) context.warn(`${volume}: ${message}`)
    if (!options.check) return { ...migration, yaml: () => migrationText(migration) }
    const [{ checkMigration }, { printable }] = await Promise.all([
      import('../../csi/migrate/check.ts'),
      import('../output/printable.ts'),
    ])
    const findings = checkMigration(migration)
    const lines = findings.map(({ object, message }) => `${printable(object)}: ${printable(message)}\n`)
    const count = migration.volumes.length + migration.claims.length
    return { ...migration, findings, yaml: () => lines.join('') || `${count} objects, nothing wrong\n` }
  },
  isDocument: true,
  text: ({ yaml }) => yaml(),
  exit: ({ findings }) => (findings?.length ? 1 : 0),
})
