import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

import type { HostPaths } from '../paths.ts'
import { mountAt } from './mounts.ts'
import { listNames, readAttribute, readLink, readText } from './attribute.ts'

// Uses of a disk that are visible neither in its holders nor by opening it with O_EXCL.

/** Block devices that the kernel itself has open without claiming them. */
export interface KernelUse {
  /** major:minor */
  readonly devnos: ReadonlySet<string>
  /** Paths of device nodes that do not exist here: they may be any disk. */
  readonly unknown: readonly string[]
}

/**
 * Backing devices of loop devices (drivers/block/loop.c: the file is not claimed) and of NVMe targets
 * (drivers/nvme/target/io-cmd-bdev.c: opened without a holder).
 */
export function readKernelUse(paths: HostPaths): KernelUse {
  const nvmet = `${paths.sys}/kernel/config/nvmet/subsystems`
  const files = [
    ...listNames(`${paths.sys}/block`)
      .filter((name) => name.startsWith('loop'))
      .map((name) => readAttribute(`${paths.sys}/block/${name}/loop/backing_file`)),
    ...listNames(nvmet).flatMap((subsystem) =>
      listNames(`${nvmet}/${subsystem}/namespaces`).map((namespace) =>
        readAttribute(`${nvmet}/${subsystem}/namespaces/${namespace}/device_path`),
      ),
    ),
  ].filter((file) => file !== null)
  const devnos = new Set<string>()
  const unknown: string[] = []
  for (const file of files) {
    const isBelowDev = file.startsWith('/dev/')
    // A kubelet puts a loop device over its bind mount of a device node.
    const node = isBelowDev ? file : nodeAt(paths, file)
    const devno = node === null ? null : devnoOf(join(paths.dev, node.slice('/dev/'.length)))
    if (devno !== null) devnos.add(devno)
    // As a container sees it (/host/dev/sdb).
    else if (isBelowDev || file.includes('/dev/')) unknown.push(file)
  }
  return { devnos, unknown }
}

/** The device node that is bind-mounted at a path; null if none is. */
function nodeAt(paths: HostPaths, path: string): string | null {
  const mount = mountAt(paths, path)
  return mount && (mount.fs === 'devtmpfs' || mount.fs === 'tmpfs') ? `/dev${mount.root}` : null
}

/** The device number of a path; null if it does not exist. */
function devnoOf(path: string): string | null {
  try {
    const { rdev } = statSync(path)
    // gnu_dev_major and gnu_dev_minor (sys/sysmacros.h), for numbers of 32 bits.
    return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`
  } catch {
    return null
  }
}

const TABLES = ['etc/fstab', 'etc/crypttab'] as const
const LINKS = ['by-id', 'by-path', 'by-uuid', 'by-label', 'by-partuuid', 'by-partlabel'] as const

/**
 * Disks and partitions (`sdb`, `sdb1`) that fstab or crypttab names, with the name of that table: they may be unused now, but
 * are meant to be used. Links are resolved as udev created them.
 */
export function expectedDisks(paths: HostPaths): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const links = new Map<string, string>()
  for (const kind of LINKS)
    for (const name of namesIn(`${paths.dev}/disk/${kind}`)) {
      const target = readLink(`${paths.dev}/disk/${kind}/${name}`)
      if (target !== null) links.set(`/dev/disk/${kind}/${name}`, basename(target))
    }
  for (const table of TABLES)
    for (const line of (readText(join(paths.root, table)) ?? '').split('\n')) {
      const fields = line.trim().split(/\s+/)
      const place = (table === 'etc/fstab' ? fields[0] : fields[1]) ?? ''
      if (line.trimStart().startsWith('#') || place === '') continue
      const path = asLink(place)
      const name = links.get(path) ?? (/^\/dev\/[^/]+$/.test(path) ? basename(path) : null)
      if (name !== null) found.set(name, `/${table}`)
    }
  return found
}

/** `UUID=x` is `/dev/disk/by-uuid/x` (fstab(5)). */
function asLink(place: string): string {
  const [, tag = '', value = ''] = /^(UUID|LABEL|PARTUUID|PARTLABEL)="?([^"]*)"?$/.exec(place) ?? []
  return tag === '' ? place : `/dev/disk/by-${tag.toLowerCase()}/${value}`
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
