import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../../../src/host/host.ts'
import { openHost } from '../../../src/host/host.ts'
import { hostPaths } from '../../../src/host/paths.ts'
import { parseIqn } from '../../../src/model/iqn.ts'
import { parseLun } from '../../../src/model/lun.ts'
import { parsePortal } from '../../../src/model/portal.ts'
import { writeRecord } from '../../../src/state/records/volumes.ts'
import { attachment } from '../model/plan/facts.ts'

const LUNS_OF_A_SESSION = 10
/** Of every ten disks, this many are our volumes, mounted; the others belong to another program and are also mounted. */
const OURS = 5

/**
 * A busy node as sysfs shows it: sessions with ten disks each, half of which are volumes that their session holds.
 * No program can run there, and no device can be asked. Also used by bench/doctor.ts.
 * @param root an empty directory
 */
export function nodeOfDisks(root: string, disks: number): Host {
  const file = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const link = (path: string, to: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    symlinkSync(to, join(root, path))
  }
  const host: Host = {
    ...openHost({
      paths: hostPaths(root),
      places: { records: join(root, 'var/lib/lunkeeper'), runtime: join(root, 'run/lunkeeper') },
    }),
    run: async () => ({ code: 0, signal: null, stdout: '', stderr: '' }),
  }
  const mounts: string[] = []
  for (let at = 0; at < disks; at++) {
    const sid = 1 + Math.floor(at / LUNS_OF_A_SESSION)
    const lun = at % LUNS_OF_A_SESSION
    const iqn = parseIqn(`iqn.2026-11.example:array-${sid}`)
    const address = `10.${sid >> 8}.${sid & 255}.5`
    const session = `sys/devices/platform/host${sid}/session${sid}`
    const entry = `${session}/iscsi_session/session${sid}`
    if (lun === 0) {
      file(`${entry}/targetname`, `${iqn}\n`)
      file(`${entry}/state`, 'LOGGED_IN\n')
      file(`${entry}/recovery_tmo`, '600\n')
      link(`${entry}/device`, '../..')
      link(`sys/class/iscsi_session/session${sid}`, `../../../${entry}`)
      const connection = `sys/class/iscsi_connection/connection${sid}:0`
      file(`${connection}/persistent_address`, `${address}\n`)
      file(`${connection}/persistent_port`, '3260\n')
      file(`${connection}/recv_tmo`, '5\n')
      file(`${connection}/ping_tmo`, '5\n')
    }
    const name = `sd${at}`
    const hctl = `${sid}:0:0:${lun}`
    const device = `${session}/target${sid}:0:0/${hctl}`
    file(`${device}/state`, 'running\n')
    file(`${device}/timeout`, '30\n')
    file(`${device}/wwid`, `naa.6001405${at.toString(16).padStart(25, '0')}\n`)
    file(`${device}/block/${name}/dev`, `8:${at}\n`)
    file(`${device}/block/${name}/size`, '204800\n')
    mkdirSync(join(root, device, 'block', name, 'holders'))
    link(`sys/bus/scsi/devices/${hctl}`, `../../../../${device}`)
    link(`sys/class/block/${name}`, `../../../${device}/block/${name}`)
    link(`sys/block/${name}`, `../../${device}/block/${name}`)
    const point = `/srv/v${at}`
    mounts.push(`${at + 30} 1 8:${at} / ${point} rw - ext3 /dev/${name} rw\n`)
    if (lun < OURS) {
      const { request, ...rest } = attachment(`v${at}`, null)
      const use = { ...request.use, mount: point }
      writeRecord(host, {
        ...rest,
        request: { ...request, iqn, portals: [parsePortal(address)], lun: parseLun(lun), use },
        phase: 'ready',
        mode: 'session',
        device: `/dev/${name}`,
        fs: 'ext3',
      })
    }
  }
  const table = mounts.join('')
  file('proc/self/mountinfo', table)
  file('proc/1/mountinfo', table)
  file('proc/1/net/netlink', 'sk Eth Pid\n001 8   4711       0\n')
  return host
}
