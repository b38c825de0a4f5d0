import { parseConfig } from '../../../src/cli/input/config-file.ts'
import { parseVolumeFile } from '../../../src/cli/input/volume-file.ts'
import { parseOldState } from '../../../src/csi/takeover/state.ts'
import { parseHoldNote } from '../../../src/state/records/hold-note.ts'
import { parseRecord } from '../../../src/state/records/volumes.ts'
import { expectJson, expectThat, orRefused } from '../promises.ts'
import type { Target } from '../target.ts'

const RECORD = {
  version: 1,
  name: 'db',
  request: {
    name: 'db',
    iqn: 'iqn.2026-01.example:db',
    portals: [{ host: '10.0.0.5', port: 3260 }],
    lun: 5,
    expected: { wwid: 'naa.60014055555555555555555555555555', serial: 'aaaa5' },
    hold: { wanted: 600, mode: 'auto' },
    use: { mount: '/srv/db', fs: 'ext4', format: false, readOnly: false, options: ['noatime'] },
    fence: 'auto',
  },
  phase: 'ready',
  identity: { wwid: 'naa.60014055555555555555555555555555', serial: 'aaaa5', bytes: 67_108_864 },
  mode: 'map',
  device: 'dm-0',
  fs: 'ext4',
  formatting: { fs: 'ext4', uuid: '11111111-2222-4333-8444-555555555555' },
  knownToMultipath: false,
  askedLun: null,
  madeDirectories: ['/srv/db'],
  protectedDirectory: '/srv/db',
  writeOut: { device: 'dm-0', errors: { sdb: 0 }, lost: null },
  createdAt: '2026-08-18T18:13:29.000Z',
  machine: 'machine-id:0123456789abcdef0123456789abcdef',
  orchestrator: 'csi',
  fence: { key: '4c4baaaaaaaa0001', persists: true },
  publication: { attachment: 'csi-0', uid: 'x' },
}

const NOTE = {
  since: '2026-08-18T18:13:29.000Z',
  sinceMs: 12,
  ended: null,
  trouble: null,
  kind: 'stranger',
  deadline: null,
}
const isText = (value: unknown) => value === null || value === undefined || typeof value === 'string'

/** The record of a volume, and the note of a hold. */
export const records: Target = {
  name: 'records',
  reads: "Lunkeeper's own records and notes",
  seeds: () =>
    [RECORD, NOTE]
      .flatMap((value) => [JSON.stringify(value), JSON.stringify(value, null, 2)])
      .map((text) => Buffer.from(text)),
  words: [
    ...Object.keys(RECORD).map((key) => `"${key}":`),
    ...Object.keys(RECORD.request).map((key) => `"${key}":`),
    ...Object.keys(NOTE).map((key) => `"${key}":`),
    '"forever"',
    'null',
    '1e400',
    '-1',
    '"deadline"',
    '"fenced"',
    '[]',
    '{}',
    '__proto__',
    '""',
  ],
  run(input) {
    const text = input.toString('utf8')
    const attachment = orRefused(() => parseRecord('/var/lib/lunkeeper/volumes/db.json', text))
    if (attachment) expectJson(attachment)
    const note = parseHoldNote(text)
    if (note === null) return
    expectThat(!Number.isNaN(Date.parse(note.since)), 'a time that is none')
    for (const text of [note.since, note.ended, note.trouble, note.kind, note.holder, note.deadline])
      expectThat(isText(text), 'a note of another type')
    expectThat(note.sinceMs === undefined || Number.isFinite(note.sinceMs), 'a moment that is none')
  },
}

/** A state file of the old CSI driver. */
export const oldDriver: Target = {
  name: 'old-driver',
  reads: "csi-driver-iscsi's state of a volume",
  seeds: () => [
    Buffer.from(
      JSON.stringify({
        volume_name: 'pvc-1',
        target_iqn: 'iqn.2026-01.example:db',
        target_portal: ['10.0.0.5:3260'],
        lun: 5,
        mount_target_device: { name: 'sdb', hctl: '2:0:0:5', type: 'disk' },
        devices: [{ name: 'sdb', hctl: '2:0:0:5', type: 'disk' }],
        do_discovery: true,
        secret: 'never shown',
      }),
    ),
  ],
  words: [
    '"volume_name":',
    '"target_portal":[',
    '"lun":',
    '"devices":',
    'null',
    '"hctl":""',
    '"type":"mpath"',
    '1e9',
  ],
  run(input) {
    const state = orRefused(() => parseOldState('/run/old.json', input.toString('utf8'), 'pvc-1'))
    if (state) expectJson(state)
  },
}

/** Files that users write: a volume, the configuration. */
export const fieldFiles: Target = {
  name: 'volume-and-config-files',
  reads: 'volume files (attach -f) and config.yaml',
  seeds: () =>
    [
      'portal: [10.0.0.5, "10.0.1.5:3260"]\niqn: iqn.2026-01.example:db\nlun: 5\nserial: 007\nhold: 10m\nmount: /srv/db\nmount-option:\n  - noatime\nread-only: true\n',
      'hold: 30m\nhold-mode: map\nhttp: 127.0.0.1:9600\nrecords: /var/lib/lunkeeper\n',
    ].map((text) => Buffer.from(text)),
  words: [
    'portal: ',
    'iqn: ',
    'lun: ',
    'hold: ',
    'mount: ',
    'http: ',
    '&a ',
    '*a',
    '<<: ',
    '!!set ',
    '? ',
    '- ',
    '\n',
    '010',
    '|\n ',
    '{}',
    '[]',
    '%YAML 1.1\n---\n',
    '---\n',
    '...\n',
  ],
  run(input) {
    const text = input.toString('utf8')
    orRefused(() => {
      const { values, origin } = parseVolumeFile(text, 'volume.yaml')
      expectJson(values)
      for (const name of ['portal', 'lun'] as const) origin.place(name)
    })
    orRefused(() => expectJson(parseConfig(text, 'config.yaml')))
  },
}
