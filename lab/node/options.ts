import type { Debian } from '../debian/packages.ts'

/** How a machine is created. All options may be omitted. */
export interface BootOptions {
  /** host name; unique in the lab. @default 'node' */
  name?: string
  /** @default 'bookworm' */
  debian?: Debian
  /** megabytes. @default 512 */
  memory?: number
  /** the processor it is pinned to. @default the test worker's number modulo the number of processors */
  cpu?: number
  /** addresses on the lab's switch, `10.9.0.1` (a /24) or with a prefix length, IPv4 or IPv6. Without any: no network card. */
  address?: string | readonly string[]
  /** @default `iqn.2026-01.dev.lunkeeper:<name>` */
  initiator?: string
  /**
   * Makes systemd the first program: iscsid and multipathd, if requested, are the units that Debian enables, and
   * the lab's agent is a service that ends last. This boot takes 6 s.
   * @default false
   */
  systemd?: boolean
  /** a tar archive in `lab.share`, unpacked over `/` before the first program: what an earlier machine had on its disk */
  restore?: string
  /** start iscsid. @default true */
  iscsid?: boolean
  /** start systemd-udevd. @default true */
  udev?: boolean
  /** start multipathd. @default false */
  multipathd?: boolean
  /** contents of /etc/multipath.conf */
  multipathConf?: string
  /** Debian packages beyond the usual ones, such as `python3-os-brick` */
  packages?: readonly string[]
  /** the checkout that appears as /lab/project. @default the one the lab is in */
  project?: string
}

export const initiatorOf = (options: BootOptions): string =>
  options.initiator ?? `iqn.2026-01.dev.lunkeeper:${options.name ?? 'node'}`

/** Packages beyond the usual ones. */
export const packagesOf = ({ systemd, packages = [] }: BootOptions): readonly string[] =>
  systemd ? ['systemd', 'systemd-sysv', ...packages] : packages

const on = (value: boolean): string => (value ? '1' : '')

/** The settings that init.sh reads. */
export function settings(options: BootOptions): string {
  const addresses = [options.address ?? []]
    .flat()
    .map((address) => (address.includes('/') ? address : `${address}/${address.includes(':') ? 64 : 24}`))
  const words = {
    LAB_NAME: options.name ?? 'node',
    LAB_INITIATOR: initiatorOf(options),
    LAB_ADDRESSES: addresses.join(' '),
    LAB_MODULES: 'iscsi_tcp sd_mod dm-multipath dm-service-time',
    LAB_SYSTEMD: on(options.systemd ?? false),
    LAB_RESTORE: options.restore ?? '',
    LAB_UDEV: on(options.udev ?? true),
    LAB_ISCSID: on(options.iscsid ?? true),
    LAB_MULTIPATHD: on(options.multipathd ?? false),
    LAB_MULTIPATH_CONF: on(options.multipathConf !== undefined),
  }
  return Object.entries(words)
    .map(([name, value]) => `${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`)
    .join('')
}
