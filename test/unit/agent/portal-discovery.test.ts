import { describe, expect, it } from 'vitest'

import { AgentLog } from '../../../src/agent/log.ts'
import { PortalDiscovery } from '../../../src/agent/portal-discovery.ts'
import { PortalProbes } from '../../../src/agent/portal-probes.ts'
import { Scheduler } from '../../../src/agent/scheduler.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parseName } from '../../../src/model/name.ts'
import type { Portal } from '../../../src/model/portal.ts'
import { formatPortal } from '../../../src/model/portal.ts'
import { readRecord, writeRecord } from '../../../src/state/records/volumes.ts'
import type { Manner } from '../host/iscsi/fake-target.ts'
import { IQN, serve } from '../host/iscsi/fake-target.ts'
import { rootWith } from '../host/iscsi/root.ts'
import { attachment } from '../model/plan/facts.ts'

const NAME = parseName('data')
const OWN_SECRET = 'node.session.auth.username = me\nnode.session.auth.password = twelve-chars\n'
const MUTUAL = `${OWN_SECRET}node.session.auth.username_in = storage\nnode.session.auth.password_in = its-own-secret\n`
const PROVES = { name: 'storage', secret: 'its-own-secret' }
/** No server listens there. */
const DEAD: Portal = { host: '127.0.0.1', port: 1 }

/**
 * A node whose volume is lost; `credentials` is in the node record of its own portal. A storage address that the
 * node knows, `source`, lists `moved` for the volume's target.
 */
async function lost(credentials: string, source: 'own' | 'foreign', moved: Manner) {
  const heard: string[] = []
  const there = await serve({
    luns: { 5: 'aaaa5' },
    ...(credentials === '' ? {} : { secret: 'twelve-chars' }),
    ...moved,
    hears: (keys) => heard.push(...keys.keys()),
  })
  const where = formatPortal(there.portal)
  const naming = await serve({
    targets: [
      ['TargetName', IQN],
      ['TargetAddress', `${where},1`],
    ],
  })
  const own = source === 'own' ? naming.portal : DEAD
  const host = rootWith({
    'etc/iscsi/initiatorname.iscsi': 'InitiatorName=iqn.2026-01.test:i\n',
    [`etc/iscsi/nodes/${IQN}/${own.host},${own.port}`]: credentials,
    [`etc/iscsi/send_targets/${naming.portal.host},${naming.portal.port}/x`]: '',
  })
  const ready = attachment(NAME, { wwid: null, serial: 'aaaa5', bytes: 1 << 20 })
  const use = { mount: null, fs: null, format: false, readOnly: false, options: [] }
  const request = { iqn: IQN, portals: [own], lun: parseLun(5), use }
  const record: Attachment = { ...ready, request: { ...ready.request, ...request } }
  writeRecord(host, record)
  const log: string[] = []
  const { signal } = new AbortController()
  const probes = new PortalProbes(host, new Scheduler(), signal, () => {})
  const discovery = new PortalDiscovery(host, IQN, probes, new AgentLog((line) => log.push(line)), signal)
  await discovery.search([{ record, isLost: true }])
  const isAdopted = readRecord(host, NAME)!.request.portals.length === 2
  return { heard, log, isAdopted, where }
}

describe('an address that a storage system names for the target of a volume', () => {
  it('is taken where no secret is involved', async () => {
    expect(await lost('', 'foreign', {})).toMatchObject({ isAdopted: true })
  })

  it('hears not a word where another target names it and the target need not prove itself', async () => {
    const { heard, isAdopted, log, where } = await lost(OWN_SECRET, 'foreign', {})
    expect({ heard, isAdopted }).toEqual({ heard: [], isAdopted: false })
    expect(log).toEqual([expect.stringContaining(`--portal ${where} added`)])
  })

  it("gets an answer where one of the volume's own portals names it", async () => {
    expect(await lost(OWN_SECRET, 'own', {})).toMatchObject({ isAdopted: true })
  })

  it('is taken where the target proves itself, whichever target names it', async () => {
    expect(await lost(MUTUAL, 'foreign', { mutual: PROVES })).toMatchObject({ isAdopted: true })
  })

  it('is not taken, and shown nothing more, where the target does not prove itself though it must', async () => {
    const { isAdopted, heard } = await lost(MUTUAL, 'foreign', {})
    expect(isAdopted).toBe(false)
    expect(heard.at(-1)).toBe('CHAP_C')
  })

  it('is not taken where it wants no CHAP and the volume has credentials', async () => {
    const unlocked = { secret: undefined } as unknown as Manner
    expect(await lost(MUTUAL, 'foreign', unlocked)).toMatchObject({ isAdopted: false })
  })
})
