import type { LabNode, RunResult, Target } from '../../lab/index.ts'

/** Logs in with iscsiadm, without a scan for disks. `settings` are set in the node record first. */
export async function login(
  node: LabNode,
  target: Target,
  portal = target.portals[0]!,
  settings: Record<string, string> = {},
): Promise<RunResult> {
  const record = ['iscsiadm', '-m', 'node', '-T', target.iqn, '-p', portal]
  await node.ok([...record, '-o', 'new'])
  const all = {
    'node.session.scan': 'manual',
    'node.session.timeo.replacement_timeout': '4',
    'node.conn[0].timeo.noop_out_interval': '1',
    'node.conn[0].timeo.noop_out_timeout': '1',
    'node.session.initial_login_retry_max': '1',
    ...settings,
  }
  for (const [name, value] of Object.entries(all))
    await node.ok([...record, '-o', 'update', '-n', name, '-v', value])
  return await node.run([...record, '--login'])
}

/** Scans for one LUN of the only session. @returns the disk's name */
export async function scan(node: LabNode, lun: number): Promise<string> {
  const host = (await node.list('/sys/class/scsi_host')).find((name) => name.startsWith('host'))
  await node.write(`/sys/class/scsi_host/${host}/scan`, `0 0 ${lun}\n`)
  return await node.until(async () => (await node.storage()).disks[0], { what: `LUN ${lun}` })
}

export const sessionState = (node: LabNode): Promise<string> =>
  node.sh('cat /sys/class/iscsi_session/*/state')
