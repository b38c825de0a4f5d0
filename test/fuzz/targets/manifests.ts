import { migrationText } from '../../../src/cli/output/migration.ts'
import { parseManifests } from '../../../src/cli/input/manifests.ts'
import { printable } from '../../../src/model/printable.ts'
import { checkMigration } from '../../../src/csi/migrate/check.ts'
import { migrate } from '../../../src/csi/migrate/migrate.ts'
import { filesIn } from '../corpus.ts'
import { expectClean, expectJson, expectOneLine, orRefused } from '../promises.ts'
import type { Target } from '../target.ts'

/** Kubernetes objects as `migrate` reads and prints them. */
export const manifests: Target = {
  name: 'manifests',
  reads: 'YAML and JSON of `migrate`: volumes, claims, pods, workloads',
  seeds: () => filesIn('test/field/manifests', 6 << 10),
  longest: 8 << 10,
  words: [
    'kind: PersistentVolume\n',
    'kind: Pod\n',
    'kind: List\nitems:\n',
    'apiVersion: v1\n',
    'metadata:\n  name: ',
    'spec:\n',
    'csi:\n',
    'driver: iscsi.csi.k8s.io',
    'volumeAttributes:\n',
    'targetPortal: ',
    'iqn: ',
    'lun: ',
    'portals: ',
    'iscsi:\n',
    'claimRef:\n',
    '---\n',
    '&a ',
    '*a',
    '<<: ',
    '!!binary ',
    '!!set ',
    '? ',
    '|\n',
    '>-\n',
    '010',
    'yes',
    '1:20',
    '0o7',
    '.inf',
    '~',
    'mountOptions:\n',
    'context="system_u:object_r:data_t:s0:c10,c23"',
    'secretRef:\n',
    'accessModes:\n  - ',
    'ReadWriteOnce',
    'template:\n',
    '{"kind":',
    '\u001b[2J',
    '\u0085',
    '\u2028',
  ],
  run(input) {
    orRefused(() => {
      const objects = parseManifests(input, 'stdin', expectOneLine)
      const migration = migrate(objects, 'iscsi.csi.lunkeeper')
      for (const { volume, message } of migration.notes) expectOneLine(`${volume}: ${message}`)
      for (const { object, message } of checkMigration(migration))
        expectOneLine(`${printable(object)}: ${message}`)
      expectJson(migration)
      expectClean(migrationText(migration))
    })
  },
}
