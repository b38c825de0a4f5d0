import type { Migration } from '../../csi/migrate/migrate.ts'
import { command } from '../command.ts'
import { DRIVER } from '../operation/serve.ts'

/** With its text for people: JSON leaves functions out, and the printer of YAML is loaded when it is needed. */
interface Printable extends Migration {
  readonly yaml: () => string
}

export const migrateCommand = command({
  name: 'migrate',
  group: 'look',
  summary: 'Print new PersistentVolumes for old iSCSI ones',
  about:
    "Reads PersistentVolumes of iscsi.csi.k8s.io and of Kubernetes' own iscsi source, as YAML or JSON, and prints new ones for Lunkeeper's driver: the same LUNs, the same data. Says on stderr what could not be carried over and what is left to do. Changes nothing, and talks to no cluster.",
  usage: ['[FILE|-]'],
  argument: { name: 'FILE|-', required: false, completes: 'file' },
  options: [{ name: 'csi-driver', value: 'NAME', help: `The name of the driver; ${DRIVER} unless told.` }],
  examples: [
    { command: 'kubectl get pv -o yaml | lunkeeper migrate > new.yaml', does: 'all of a cluster' },
    { command: 'lunkeeper migrate old-volume.yaml', does: 'one file' },
  ],
  async run(context, { argument, options }): Promise<Printable> {
    const [{ migrate }, { readManifests }, { manifestsText }] = await Promise.all([
      import('../../csi/migrate/migrate.ts'),
      import('../input/manifests.ts'),
      import('../output/manifests.ts'),
    ])
    const migration = migrate(readManifests(argument ?? '-'), options['csi-driver'] ?? DRIVER)
    for (const { volume, message } of migration.notes) context.warn(`${volume}: ${message}`)
    return {
      ...migration,
      yaml: () => manifestsText(migration.volumes),
    }
  },
  isDocument: true,
  text: ({ yaml }) => yaml(),
})
