import { chapIn } from '../../../src/host/iscsi/known-chap.ts'
import type { LoginSettings } from '../../../src/host/iscsi/record-text.ts'
import { newRecordText, overlayText, scanIn, settingsIn } from '../../../src/host/iscsi/record-text.ts'
import { parseAlgorithms } from '../../../src/host/iscsi/client/chap.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parsePortal } from '../../../src/model/portal.ts'
import { parseChap, Secret } from '../../../src/model/secret.ts'
import { expectOneLine, expectThat, orRefused } from '../promises.ts'
import type { Target } from '../target.ts'

const IQN = parseIqn('iqn.2026-01.example:db')
const PORTAL = parsePortal('10.0.0.5')
const CHAP = { username: 'me', password: new Secret('0123456789ab'), mutual: null }
const SETTINGS: readonly LoginSettings[] = [
  { recovery: 600, chap: null },
  { recovery: 'forever', chap: CHAP },
]
const KEYS = [
  'node.name',
  'node.session.scan',
  'node.session.timeo.replacement_timeout',
  'node.conn[0].timeo.noop_out_interval',
  'node.conn[0].timeo.noop_out_timeout',
  'node.session.auth.authmethod',
  'node.session.auth.username',
  'iface.transport_name',
  'node.session.auth.password',
  'node.session.auth.username_in',
  'node.session.auth.password_in',
  'node.session.auth.chap_algs',
]
const WORDS = [
  ...KEYS,
  ' = ',
  '\n',
  '\r\n',
  '# BEGIN RECORD 2.1\n',
  '# END RECORD\n',
  'manual',
  'CHAP',
  'SHA3-256,MD5',
  '5',
  '-1',
  '\0',
]

const RECORD = `# BEGIN RECORD 2.1
node.name = iqn.2026-01.example:db
node.tpgt = 1
node.startup = automatic
node.session.scan = auto
node.session.auth.authmethod = CHAP
node.session.auth.username = me
node.session.auth.password = secret-of-twelve
node.session.auth.username_in = them
node.session.auth.password_in = another-secret
node.session.auth.chap_algs = SHA256,MD5
node.session.timeo.replacement_timeout = 120
node.conn[0].address = 10.0.0.5
node.conn[0].port = 3260
node.conn[0].timeo.noop_out_interval = 30
node.conn[0].timeo.noop_out_timeout = 5
# END RECORD
`

/** A node record of open-iscsi, as it is read, and as a login overlays it. */
export const nodeRecords: Target = {
  name: 'node-records',
  reads: "open-iscsi's node records",
  seeds: () => [Buffer.from(RECORD), Buffer.from(RECORD.replaceAll('\n', '\r\n'))],
  words: WORDS,
  run(input) {
    const text = input.toString('utf8')
    scanIn(text)
    const known = chapIn(text, () => null)
    if (known) expectOneLine(known.chap.username)
    for (const settings of SETTINGS) expectRecord(overlayText(text, settings), settings)
  },
}

/** iscsid.conf, and a record made from it. */
export const iscsidConf: Target = {
  name: 'iscsid-conf',
  reads: 'iscsid.conf',
  seeds: () => [
    Buffer.from(
      `# comment\n iscsid.startup = /bin/systemctl start iscsid.socket\n${RECORD}discovery.sendtargets.auth.authmethod = CHAP\n`,
    ),
    Buffer.from(RECORD.replaceAll(' = ', '=')),
  ],
  words: WORDS,
  run(input) {
    const text = input.toString('utf8')
    const algorithms = settingsIn(text).find(([key]) => key === 'node.session.auth.chap_algs')?.[1]
    if (algorithms !== undefined) parseAlgorithms(algorithms)
    for (const settings of SETTINGS) expectRecord(newRecordText(IQN, PORTAL, text, settings), settings)
  },
}

/** Whatever else is in such a record, iscsid reads our settings from it. */
function expectRecord(text: string, { recovery, chap }: LoginSettings): void {
  const told = new Map(settingsIn(text))
  const expected = recovery === 'forever' ? '-1' : String(recovery)
  expectThat(told.get('node.session.timeo.replacement_timeout') === expected, 'another recovery timer')
  expectThat(told.get('node.session.scan') === 'manual', 'it scans')
  for (const key of ['node.conn[0].timeo.noop_out_interval', 'node.conn[0].timeo.noop_out_timeout'])
    expectThat(/^[1-5]$/.test(told.get(key) ?? ''), 'a ping that is switched off')
  if (chap) {
    expectThat(told.get('node.session.auth.username') === chap.username, 'another user')
    expectThat(!told.has('node.session.auth.password_in'), 'a secret of the other side that was not given')
  }
}

/** A file of CHAP credentials. */
export const chapFile: Target = {
  name: 'chap-file',
  reads: 'CHAP credentials (--chap-file)',
  seeds: () => [
    Buffer.from('username = me\npassword = 0123456789ab\nusername_in = them\npassword_in = ba9876543210\n'),
    Buffer.from('# comment\n\nnode.session.auth.username: me\r\nnode.session.auth.password: x\r\n'),
  ],
  words: [
    'username',
    'password',
    '_in',
    ' = ',
    ': ',
    '\n',
    '\r\n',
    '#',
    'node.session.auth.',
    'authmethod = CHAP\n',
    '\0',
  ],
  run(input) {
    orRefused(() => parseChap(input.toString('utf8')))
  },
}
