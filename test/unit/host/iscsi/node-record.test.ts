import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { knownChap } from '../../../../src/host/iscsi/known-chap.ts'
import type { LoginSettings } from '../../../../src/host/iscsi/record-text.ts'
import {
  findNodeRecord,
  makeNodeRecord,
  nodeScan,
  overlayNodeRecord,
  removeNodeRecord,
} from '../../../../src/host/iscsi/node-record.ts'
import { parseIqn } from '../../../../src/model/iqn.ts'
import { parsePortal } from '../../../../src/model/portal.ts'
import { parseChap } from '../../../../src/model/secret.ts'
import { filesBelow, rootWith } from './root.ts'

const IQN = parseIqn('iqn.2003-01.org.example:disk')
const PORTAL = parsePortal('10.0.0.5')
const NODES = 'var/lib/iscsi/nodes'
const OWN = `${NODES}/${IQN}/10.0.0.5,3260`
const FOREIGN = '# BEGIN RECORD 2.1.8\nnode.name = x\nnode.session.scan = auto\n# END RECORD\n'

const plain: LoginSettings = { recovery: 600, chap: null }
const chap = parseChap('username = me\npassword = correct-horse')
const mutual = parseChap('username = me\npassword = correct-horse\nusername_in = it\npassword_in = battery')

const withDatabase = (files: Record<string, string> = {}) => {
  const host = rootWith(files)
  mkdirSync(join(host.root, NODES), { recursive: true })
  return host
}

/** The settings of a record in order, repetitions included. */
const settings = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' = '))
const setting = (text: string, key: string) =>
  settings(text)
    .filter(([name]) => name === key)
    .map(([, value]) => value)

describe('findNodeRecord finds a record of any program', () => {
  const iface = `${NODES}/${IQN}/10.0.0.5,3260,1`
  test.each<[string, Record<string, string>, string | null, string | null]>([
    ['none', {}, null, null],
    ['one file, portal group unknown', { [OWN]: FOREIGN }, OWN, null],
    [
      'a directory with the default interface',
      { [`${iface}/default`]: FOREIGN },
      `${iface}/default`,
      'default',
    ],
    ['another interface', { [`${iface}/iface0`]: FOREIGN }, `${iface}/iface0`, 'iface0'],
    [
      'the default one of several',
      { [`${iface}/a`]: FOREIGN, [`${iface}/default`]: FOREIGN },
      `${iface}/default`,
      'default',
    ],
    ['another port', { [`${NODES}/${IQN}/10.0.0.5,3261`]: FOREIGN }, null, null],
    ['another address', { [`${NODES}/${IQN}/10.0.0.50,3260`]: FOREIGN }, null, null],
    ['another target', { [`${NODES}/${IQN}2/10.0.0.5,3260`]: FOREIGN }, null, null],
  ])('%s', (_, files, path, iface) => {
    const host = withDatabase(files)
    const found = path && { path: join(host.root, path), ours: false, iface }
    expect(findNodeRecord(host, IQN, PORTAL)).toEqual(found)
  })

  test('an empty directory of a portal is none', () => {
    const host = withDatabase()
    mkdirSync(join(host.root, iface), { recursive: true })
    expect(findNodeRecord(host, IQN, PORTAL)).toBeNull()
  })

  test('an IPv6 address is found in whatever form it was written', () => {
    const host = withDatabase({ [`${NODES}/${IQN}/FD00:0:0::0005,3260,1/default`]: FOREIGN })
    expect(findNodeRecord(host, IQN, parsePortal('fd00::5'))).toMatchObject({ ours: false })
  })

  test('although other names in the directory are not addresses', () => {
    const host = withDatabase({
      [`${NODES}/${IQN}/.tmp`]: '',
      [`${NODES}/${IQN}/1.2.3.4::,3260`]: '',
      [`${NODES}/${IQN}/x`]: '',
      [OWN]: FOREIGN,
    })
    expect(findNodeRecord(host, IQN, parsePortal('fd00::5'))).toBeNull()
    expect(findNodeRecord(host, IQN, PORTAL)).not.toBeNull()
  })

  test('is never removed', async () => {
    const host = withDatabase({ [OWN]: FOREIGN, [`${iface}/default`]: FOREIGN })
    expect(await removeNodeRecord(host, IQN, PORTAL)).toBe(false)
    expect(filesBelow(join(host.root, NODES))).toHaveLength(2)
  })

  test('says how it scans at login; auto where it says nothing', () => {
    expect(nodeScan(withDatabase(), IQN, PORTAL)).toBeNull()
    expect(nodeScan(withDatabase({ [OWN]: FOREIGN }), IQN, PORTAL)).toBe('auto')
    expect(nodeScan(withDatabase({ [OWN]: 'node.name = x\n' }), IQN, PORTAL)).toBe('auto')
    expect(nodeScan(withDatabase({ [OWN]: 'node.session.scan = manual\n' }), IQN, PORTAL)).toBe('manual')
  })
})

describe('a record that we make', () => {
  test('is ours, is found again, is readable by its owner only, and leaves nothing beside it', () => {
    const host = withDatabase()
    const made = makeNodeRecord(host, IQN, PORTAL, { recovery: 600, chap })
    expect(made).toEqual({ path: join(host.root, OWN), ours: true, iface: null })
    expect(findNodeRecord(host, IQN, PORTAL)).toEqual(made)
    expect(statSync(made.path).mode & 0o777).toBe(0o600)
    expect(filesBelow(join(host.root, 'var'))).toEqual([`lib/iscsi/nodes/${IQN}/10.0.0.5,3260`])
  })

  test('scans nothing, starts nothing, is bounded, and holds for the requested time', () => {
    const text = readFileSync(makeNodeRecord(withDatabase(), IQN, PORTAL, plain).path, 'utf8')
    expect(Object.fromEntries(settings(text))).toEqual({
      'node.name': IQN,
      'node.tpgt': '-1',
      'node.startup': 'manual',
      'node.discovery_type': 'static',
      'iface.iscsi_ifacename': 'default',
      'iface.transport_name': 'tcp',
      'node.conn[0].address': '10.0.0.5',
      'node.conn[0].port': '3260',
      'node.conn[0].startup': 'manual',
      'node.session.scan': 'manual',
      'node.session.timeo.replacement_timeout': '600',
      'node.session.initial_login_retry_max': '1',
      'node.conn[0].timeo.noop_out_interval': '5',
      'node.conn[0].timeo.noop_out_timeout': '5',
    })
    expect(text.split('\n').slice(1, 2)).toEqual(['# BEGIN RECORD 2.1'])
    expect(text.endsWith('# END RECORD\n')).toBe(true)
  })

  test.each([
    ['0', '5'],
    ['60', '5'],
    ['2', '2'],
    ['abc', '5'],
  ])(
    'pings are as frequent as needed to detect a silent target if the site pings every %s s: %s',
    (site, own) => {
      const host = withDatabase()
      mkdirSync(join(host.root, 'etc/iscsi'), { recursive: true })
      const key = 'node.conn[0].timeo.noop_out_interval'
      writeFileSync(join(host.root, 'etc/iscsi/iscsid.conf'), `${key} = ${site}\n`)
      const text = readFileSync(makeNodeRecord(host, IQN, PORTAL, plain).path, 'utf8')
      expect(setting(text, key)).toEqual([own])
    },
  )

  test('a hold without a limit is written as -1: iscsid reads a word as 0, which fails I/O immediately', () => {
    const { path } = makeNodeRecord(withDatabase(), IQN, PORTAL, { recovery: 'forever', chap: null })
    expect(setting(readFileSync(path, 'utf8'), 'node.session.timeo.replacement_timeout')).toEqual(['-1'])
  })

  test('is no longer ours once iscsiadm has written it again', async () => {
    const host = withDatabase()
    const { path } = makeNodeRecord(host, IQN, PORTAL, plain)
    writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(1).join('\n'))
    expect(findNodeRecord(host, IQN, PORTAL)).toMatchObject({ ours: false })
    expect(await removeNodeRecord(host, IQN, PORTAL)).toBe(false)
    expect(statSync(path).isFile()).toBe(true)
  })

  test('the address of an IPv6 portal has no brackets, in the name and in the text', () => {
    const host = withDatabase()
    const portal = parsePortal('[fd00::5]:860')
    const made = makeNodeRecord(host, IQN, portal, plain)
    expect(made.path).toBe(join(host.root, NODES, IQN, 'fd00::5,860'))
    expect(setting(readFileSync(made.path, 'utf8'), 'node.conn[0].address')).toEqual(['fd00::5'])
    expect(findNodeRecord(host, IQN, portal)).toEqual(made)
  })

  test('without open-iscsi no record and no directory is created', () => {
    const host = rootWith()
    expect(() => makeNodeRecord(host, IQN, PORTAL, plain)).toThrow(
      expect.objectContaining({ code: 'DATABASE_FAILED' }),
    )
    expect(readdirSync(host.root)).toEqual([])
  })

  test('a missing nodes/ is created, as on a fresh machine', () => {
    const host = rootWith({ 'var/lib/iscsi/ifaces/iface.example': '' })
    expect(makeNodeRecord(host, IQN, PORTAL, plain).ours).toBe(true)
  })
})

describe('the settings of the site', () => {
  const conf = [
    '# comment',
    'iscsid.startup = /bin/systemctl start iscsid',
    'node.startup = automatic',
    'node.session.scan = auto',
    'node.session.timeo.replacement_timeout = 120',
    '  node.session.queue_depth=32',
    'node.conn[0].timeo.noop_out_interval = 5',
    'node.session.auth.authmethod = CHAP',
    'node.session.auth.username = site',
    'node.session.auth.password = site-secret',
    'node.session.auth.username_in = site-target',
    'node.session.auth.password_in = other-secret',
    'discovery.sendtargets.auth.password = not-of-a-session',
    '#node.session.cmds_max = 128',
    'node.session.queue_depth = 64',
  ].join('\n')
  const made = (settings: LoginSettings) => {
    const host = withDatabase({ 'etc/iscsi/iscsid.conf': conf })
    return readFileSync(makeNodeRecord(host, IQN, PORTAL, settings).path, 'utf8')
  }

  test('are kept, ours override them, and no key is repeated', () => {
    const text = made(plain)
    expect(setting(text, 'node.conn[0].timeo.noop_out_interval')).toEqual(['5'])
    expect(setting(text, 'node.session.queue_depth')).toEqual(['64'])
    expect(setting(text, 'node.startup')).toEqual(['manual'])
    expect(setting(text, 'node.session.scan')).toEqual(['manual'])
    expect(setting(text, 'node.session.timeo.replacement_timeout')).toEqual(['600'])
    const keys = settings(text).map(([key]) => key)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('settings of other record types are left out', () => {
    expect(made(plain)).not.toMatch(/iscsid\.startup|discovery\.|cmds_max/)
  })

  test("the site's credentials are used if none are given", () => {
    expect(setting(made(plain), 'node.session.auth.password')).toEqual(['site-secret'])
  })

  test("the site's credentials are replaced completely by given ones, mutual or not", () => {
    const one = made({ recovery: 600, chap })
    expect(one).not.toContain('site')
    expect(one).not.toContain('other-secret')
    expect(setting(one, 'node.session.auth.password')).toEqual(['correct-horse'])
    expect(setting(one, 'node.session.auth.password_in')).toEqual([])
    const both = made({ recovery: 600, chap: mutual })
    expect(setting(both, 'node.session.auth.password_in')).toEqual(['battery'])
    expect(setting(both, 'node.session.auth.authmethod')).toEqual(['CHAP'])
  })
})

describe('the hash algorithms for CHAP are those of the site', () => {
  const KEY = 'node.session.auth.chap_algs'

  test.each([plain, { recovery: 600, chap }, { recovery: 600, chap: mutual }] as LoginSettings[])(
    'in our record, with any credentials (%#)',
    (wanted) => {
      const host = withDatabase({ 'etc/iscsi/iscsid.conf': `# ${KEY} = MD5\n  ${KEY}=SHA3-256,SHA256  \n` })
      const text = readFileSync(makeNodeRecord(host, IQN, PORTAL, wanted).path, 'utf8')
      expect(setting(text, KEY)).toEqual(['SHA3-256,SHA256'])
    },
  )

  test('in the record of another program', () => {
    const host = withDatabase({ [OWN]: FOREIGN.replace('# END', `${KEY} = SHA256\n# END`) })
    const text = overlayNodeRecord(join(host.root, OWN), { recovery: 60, chap })
    expect(setting(text, KEY)).toEqual(['SHA256'])
  })

  test.each([
    ['SHA3-256,SHA256', ['SHA3-256', 'SHA256']],
    [' SHA1 ,  MD5 # the old array', ['SHA1', 'MD5']],
    ['SHA256 SHA256,sha1,WHIRLPOOL', ['SHA256']],
    ['', ['MD5']],
    ['NONE', ['MD5']],
    [null, ['MD5']],
  ])('in our own connection to a target: %j is %j', (value, algorithms) => {
    const conf = value === null ? '' : `${KEY} = ${value}\n`
    const host = withDatabase({ 'etc/iscsi/iscsid.conf': conf })
    makeNodeRecord(host, IQN, PORTAL, { recovery: 600, chap: mutual })
    expect(knownChap(host, IQN, [PORTAL])).toEqual({ chap: mutual, algorithms })
  })

  test('two arrays with one target name each have their own credentials, or none', () => {
    const other = parsePortal('10.0.0.6')
    const host = withDatabase()
    makeNodeRecord(host, IQN, PORTAL, { recovery: 600, chap })
    expect(knownChap(host, IQN, [other])).toBe(null)
    expect(knownChap(host, IQN, [other, PORTAL])?.chap.username).toBe('me')
  })
})

describe("a login with another program's record", () => {
  const record = `${FOREIGN.replace('# END RECORD\n', '')}node.session.timeo.replacement_timeout = 120
node.session.auth.username = theirs
node.session.auth.password = their-secret
# END RECORD
`
  test('uses a copy with our settings on top; the file itself is not changed', () => {
    const host = withDatabase({ [OWN]: record })
    const text = overlayNodeRecord(join(host.root, OWN), { recovery: 60, chap: null })
    expect(setting(text, 'node.session.scan')).toEqual(['manual'])
    expect(setting(text, 'node.session.timeo.replacement_timeout')).toEqual(['60'])
    expect(setting(text, 'node.session.auth.password')).toEqual(['their-secret'])
    expect(setting(text, 'node.name')).toEqual(['x'])
    expect(text.match(/# (BEGIN|END) RECORD/g)).toEqual(['# BEGIN RECORD', '# END RECORD'])
    expect(text.endsWith('# END RECORD\n')).toBe(true)
    expect(readFileSync(join(host.root, OWN), 'utf8')).toBe(record)
  })

  test('with given credentials uses those', () => {
    const host = withDatabase({ [OWN]: record })
    const text = overlayNodeRecord(join(host.root, OWN), { recovery: 60, chap })
    expect(setting(text, 'node.session.auth.username')).toEqual(['me'])
    expect(setting(text, 'node.session.auth.password')).toEqual(['correct-horse'])
    expect(text).not.toContain('their-secret')
  })
})

describe('removal', () => {
  test('removes our record and the directory of its target', async () => {
    const host = withDatabase()
    makeNodeRecord(host, IQN, PORTAL, plain)
    expect(await removeNodeRecord(host, IQN, PORTAL)).toBe(true)
    expect(readdirSync(join(host.root, NODES))).toEqual([])
    expect(await removeNodeRecord(host, IQN, PORTAL)).toBe(false)
  })

  test('leaves the records of other portals and targets', async () => {
    const other = parsePortal('10.0.0.6')
    const host = withDatabase({
      [`${NODES}/${IQN}/10.0.0.7,3260,1/default`]: FOREIGN,
      [`${NODES}/iqn.2003-01.org.example:b/x`]: FOREIGN,
    })
    makeNodeRecord(host, IQN, PORTAL, plain)
    makeNodeRecord(host, IQN, other, plain)
    expect(await removeNodeRecord(host, IQN, PORTAL)).toBe(true)
    expect(filesBelow(join(host.root, NODES))).toEqual([
      'iqn.2003-01.org.example:b/x',
      `${IQN}/10.0.0.6,3260`,
      `${IQN}/10.0.0.7,3260,1/default`,
    ])
  })

  test('waits for an iscsiadm that is running, but not for one that died', async () => {
    const host = withDatabase({ 'run/lock/iscsi/lock.write': '' })
    makeNodeRecord(host, IQN, PORTAL, plain)
    const started = performance.now()
    expect(await removeNodeRecord(host, IQN, PORTAL)).toBe(true)
    expect(performance.now() - started).toBeGreaterThan(300)
    expect(readdirSync(join(host.root, 'run/lock/iscsi'))).toEqual(['lock.write'])
  })
})

test('a record that iscsiadm rewrites while its removal waits for iscsiadm is left alone', async () => {
  const lock = 'run/lock/iscsi/lock.write'
  const host = withDatabase({ [lock]: '' })
  const { path } = makeNodeRecord(host, IQN, PORTAL, plain)
  const removal = removeNodeRecord(host, IQN, PORTAL)
  writeFileSync(path, FOREIGN)
  rmSync(join(host.root, lock))
  expect(await removal).toBe(false)
  expect(readFileSync(path, 'utf8')).toBe(FOREIGN)
})

test('no error contains a secret', () => {
  const host = withDatabase()
  chmodSync(join(host.root, NODES), 0o500)
  writeFileSync(join(host.root, NODES, IQN), 'a file where the directory of the target should be')
  let seen = ''
  try {
    makeNodeRecord(host, IQN, PORTAL, { recovery: 600, chap: mutual })
  } catch (error) {
    seen = `${String(error)} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`
  }
  expect(seen).toContain('DATABASE_FAILED')
  expect(seen).not.toMatch(/correct-horse|battery/)
})
