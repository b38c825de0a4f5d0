import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { onTestFinished } from 'vitest'

import { holdMapName } from '../../../src/host/map/hold-map.ts'
import type { Host } from '../../../src/host/host.ts'
import { openHost } from '../../../src/host/host.ts'
import { hostPaths } from '../../../src/host/paths.ts'
import type { Attachment } from '../../../src/model/attachment.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parseName } from '../../../src/model/name.ts'
import { parsePortal } from '../../../src/model/portal.ts'
import { writeRecord } from '../../../src/state/records/volumes.ts'
import { temporary } from '../temporary.ts'
import { attachment } from '../model/plan/facts.ts'

export const NAME = parseName('csi-orders')

/** A record as CSI's staging leaves it. */
const base = attachment(NAME, null)
export const staged: Attachment = {
  ...base,
  request: {
    ...base.request,
    portals: [parsePortal('10.0.0.5')],
    lun: parseLun(0),
    use: { ...base.request.use, mount: null },
  },
  phase: 'ready',
  mode: 'map',
  orchestrator: 'csi',
}

export interface FakeNode {
  readonly host: Host
  readonly record: (record: Attachment) => void
  /** Gives the node exactly these mounts. @param lines of a mount table, without their two numbers */
  readonly mounts: (...lines: string[]) => void
  readonly file: (path: string, text: string) => void
  /** The state of its only session: LOGGED_IN, FAILED. */
  readonly session: (state: string) => void
}

const KUBELET = '/var/lib/kubelet'
export const targetOf = (pod: string, volume = 'orders') =>
  `${KUBELET}/pods/${pod}/volumes/kubernetes.io~csi/${volume}/mount`
export const published = (pod: string) => `253:0 / ${targetOf(pod)} rw - ext4 /dev/mapper/x rw`

/** A node with one hold map, dm-0, its session, and any mounts and files that it is given; no program can run there. */
export function fakeNode(): FakeNode {
  const root = temporary()
  const places = { records: join(root, 'records'), runtime: join(root, 'run') }
  const host: Host = {
    ...openHost({ paths: hostPaths(root), places }),
    run: async () => ({ code: 0, signal: null, stdout: '', stderr: '' }),
  }
  onTestFinished(() => host[Symbol.asyncDispose]())
  const file = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const map = holdMapName(NAME)
  file('sys/block/dm-0/dev', '253:0\n')
  file('sys/block/dm-0/dm/name', `${map}\n`)
  file('sys/block/dm-0/dm/uuid', `${map}\n`)
  const data = JSON.stringify({ driverName: 'iscsi.csi.lunkeeper', volumeHandle: 'h', specVolID: 'orders' })
  for (const pod of ['uid-a', 'uid-b'])
    file(`${KUBELET}/pods/${pod}/volumes/kubernetes.io~csi/orders/vol_data.json`, data)
  file(`${KUBELET}/plugins/kubernetes.io/csi/volumeDevices/orders/data/vol_data.json`, data)
  const device = 'sys/devices/platform/host2/session1'
  const entry = `${device}/iscsi_session/session1`
  const session = (state: string) => file(`${entry}/state`, `${state}\n`)
  session('LOGGED_IN')
  file(`${entry}/targetname`, `${staged.request.iqn}\n`)
  file(`${entry}/recovery_tmo`, '0\n')
  file(`${device}/target2:0:0/2:0:0:0/state`, 'running\n')
  symlinkSync('../..', join(root, entry, 'device'))
  mkdirSync(join(root, 'sys/class/iscsi_session'), { recursive: true })
  symlinkSync(join(root, entry), join(root, 'sys/class/iscsi_session/session1'))
  const connection = 'sys/class/iscsi_connection/connection1:0'
  file(`${connection}/persistent_address`, '10.0.0.5\n')
  file(`${connection}/persistent_port`, '3260\n')
  return {
    host,
    file,
    session,
    record: (record) => writeRecord(host, record),
    mounts: (...lines) => file('proc/1/mountinfo', lines.map((line, n) => `${n + 30} 1 ${line}\n`).join('')),
  }
}
