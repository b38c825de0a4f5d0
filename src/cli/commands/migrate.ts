import type { CheckFinding } from '../../csi/migrate/check.ts'
import type { Migration } from '../../csi/migrate/migrate.ts'
import { command } from '../command.ts'
import { DRIVER, parseDriverName } from '../input/driver-name.ts'

/**
 * The result, with a function that formats it: JSON omits functions, and the YAML printer is loaded only when needed.
 */
interface Printable extends Migration {
  /** Result of --check. */
  readonly findings?: readonly CheckFinding[]
  readonly yaml: () => string
}

export const migrateCommand = command({
  name: 'migrate',
  group: 'read',
  summary: "Convert iSCSI PersistentVolumes to Lunkeeper's driver",
  about:
    "Reads Kubernetes objects as YAML or JSON, as kubectl does: PersistentVolumes of iscsi.csi.k8s.io, of the in-tree iscsi source, and of other CSI drivers whose attributes name portal, IQN and LUN; also Pods and workloads with inline iscsi volumes. Prints new PersistentVolumes and claims for Lunkeeper's driver: the same LUNs, the same data, with a migration plan and a rollback as comments. Reports on stderr what could not be converted and what is left to do. Changes nothing, and contacts no cluster.",
  usage: ['[FILE|-] [--check]'],
  argument: { name: 'FILE|-', required: false, completes: 'file' },
  anywhere: true,
  options: [
    { name: 'csi-driver', value: 'NAME', help: `Name of the CSI driver. Default: ${DRIVER}.` },
    {
      name: 'check',
      help: 'Validate the new objects against the schema and rules of the Kubernetes API, print what is invalid, and exit with 1 if anything is.',
    },
  ],
  examples: [
    { command: 'kubectl get pv -o yaml | lunkeeper migrate > new.yaml', does: 'a whole cluster' },
    { command: 'lunkeeper migrate old-volume.yaml', does: 'one file' },
    { command: 'lunkeeper migrate old-volume.yaml --check', does: 'would the API server accept it?' },
  ],
  async run(context, { argument, options }): Promise<Printable> {
    const [{ migrate }, { readManifests }, { migrationText }] = await Promise.all([
      import('../../csi/migrate/migrate.ts'),
      import('../input/manifests.ts'),
      import('../output/migration.ts'),
    ])
    const objects = await readManifests(argument ?? '-', (message) => context.warn(message))
    const migration = migrate(objects, parseDriverName(options['csi-driver']))
    for (const { volume, message } of migration.notes) context.warn(`${volume}: ${message}`)
    if (!options.check) return { ...migration, yaml: () => migrationText(migration) }
    const [{ checkMigration }, { printable }] = await Promise.all([
      import('../../csi/migrate/check.ts'),
      import('../../model/printable.ts'),
    ])
    const findings = checkMigration(migration)
    const lines = findings.map(({ object, message }) => `${printable(object)}: ${printable(message)}\n`)
    const count = migration.volumes.length + migration.claims.length
    return { ...migration, findings, yaml: () => lines.join('') || `${count} objects, all valid\n` }
  },
  isDocument: true,
  text: ({ yaml }) => yaml(),
  exit: ({ findings }) => (findings?.length ? 1 : 0),
})
