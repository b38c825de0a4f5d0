import type { Iqn } from '../../model/iqn.ts'
import { parseIqn } from '../../model/iqn.ts'
import type { HostPaths } from '../paths.ts'
import { readAttribute, readLink, readText } from './attribute.ts'

/** Whether a process listens on multipathd's socket (libmpathcmd/mpath_cmd.h: DEFAULT_SOCKET). */
export function isMultipathdRunning(paths: HostPaths): boolean {
  return isListening(paths, '/org/kernel/linux/storage/multipathd')
}

/**
 * Whether a process listens on iscsid's socket (open-iscsi usr/mgmt_ipc.h). It may be systemd, which starts iscsid on
 * the first connection; see {@link isIscsidTending}.
 */
export function isIscsidRunning(paths: HostPaths): boolean {
  return isListening(paths, 'ISCSIADM_ABSTRACT_NAMESPACE')
}

/** The initiator name of this node; null if there is none. */
export function readInitiatorName(paths: HostPaths): Iqn | null {
  const text = readText(`${paths.root}/etc/iscsi/initiatorname.iscsi`)
  const name = text === null ? null : /^\s*InitiatorName\s*=\s*(\S+)/m.exec(text)
  try {
    return name ? parseIqn(name[1] ?? '') : null
  } catch {
    return null
  }
}

/** As `uname -r` prints it. */
export function kernelRelease(paths: HostPaths): string | null {
  return readAttribute(`${paths.proc}/sys/kernel/osrelease`)
}

/** Whether iSCSI over TCP is available: built in, or its module is loaded. */
export function hasTransport(paths: HostPaths): boolean {
  return readLink(`${paths.sys}/class/iscsi_transport/tcp`) !== null
}

// Num: RefCount Protocol Flags Type St Inode Path (net/unix/af_unix.c:unix_seq_show). The flag __SO_ACCEPTCON is set
// while it listens. An abstract name starts with @, and zeros in it are @ too.
const SOCKET = /^\S+: \S+ \S+ ([0-9A-Fa-f]+) \S+ \S+ +\d+ @(.*?)@*$/
const ACCEPTS = 0x1_0000

function isListening({ self }: HostPaths, name: string): boolean {
  const table = readText(`${self}/net/unix`) ?? ''
  return table.split('\n').some((line) => {
    if (!line.includes(name)) return false
    const [, flags = '', path] = SOCKET.exec(line) ?? []
    return path === name && (Number.parseInt(flags, 16) & ACCEPTS) !== 0
  })
}

/**
 * Whether an iscsid is running that will reconnect lost sessions: one that holds the kernel's iSCSI netlink channel
 * (protocol 8, include/uapi/linux/netlink.h) with a port ID; the kernel's own end has 0.
 */
export function isIscsidTending({ self }: HostPaths): boolean {
  const table = readText(`${self}/net/netlink`) ?? ''
  return table.split('\n').some((line) => /^\S+\s+8\s+[1-9]\d*\s/.test(line))
}
