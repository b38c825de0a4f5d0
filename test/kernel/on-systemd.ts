import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { BootOptions, Debian, Lab, LabNode, Target } from '../../lab/index.ts'
import { openLab } from './fixtures.ts'
import { lunkeeper } from './node.ts'

export const STORE = '10.9.0.2'
export const POINTS = ['/mnt/one', '/mnt/two']

export async function boot(lab: Lab, debian: Debian, more: BootOptions = {}): Promise<LabNode> {
  const node = await lab.boot({ debian, memory: 640, systemd: true, address: '10.9.0.1', ...more })
  await node.sh('systemctl is-system-running --wait || :')
  return node
}

export async function volumes(store: LabNode): Promise<Target> {
  const target = await store.lio.target({ portals: [`${STORE}:3260`] })
  await target.mapMany(POINTS.map((_, index) => ({ lun: index, serial: `aaaa${index}`, writeCache: true })))
  return target
}

interface Setup {
  /** Whether all tests of the block share the node and its volumes, each test has its own, or makes its own. */
  readonly node: 'block' | 'test' | 'none'
  readonly prepare?: (node: LabNode, target: Target) => Promise<void>
}

/** A storage machine, which keeps running when the node is switched off, and a node with systemd and two volumes. */
export function onSystemd(debian: Debian, { node: whose, prepare }: Setup) {
  let lab: Lab
  let store: LabNode
  let node: LabNode
  let target: Target
  const start = async () => {
    node = await boot(lab, debian)
    target = await volumes(store)
    await prepare?.(node, target)
  }
  openLab(async (opened) => {
    lab = opened
    store = await lab.boot({ name: 'store', debian, address: STORE })
    if (whose === 'block') await start()
  })
  if (whose === 'test') {
    beforeEach(start)
    afterEach(async () => {
      if (!node.isOff) await node.kill()
      await store.lio.clear()
    })
  }
  return test
    .extend('lab', () => lab)
    .extend('store', () => store)
    .extend('node', () => node)
    .extend('target', () => target)
}

/** As README.md tells an administrator to install it. */
export const install = (node: LabNode) =>
  node.sh(
    'cp /lab/project/deploy/*.service /etc/systemd/system/ && systemctl enable --now lunkeeper lunkeeper-shutdown',
  )

/** Overrides some lines of a unit, like `systemctl edit`. */
export async function edit(node: LabNode, unit: string, ...lines: string[]): Promise<void> {
  await node.mkdir(`/etc/systemd/system/${unit}.d`)
  await node.write(`/etc/systemd/system/${unit}.d/override.conf`, `[Service]\n${lines.join('\n')}\n`)
  await node.sh('systemctl daemon-reload')
}

export const grace = (node: LabNode, time: string) =>
  edit(
    node,
    'lunkeeper-shutdown.service',
    'ExecStop=',
    `ExecStop=/usr/local/sbin/lunkeeper hold --all --give-up --grace ${time} --shutdown`,
  )

export const attach = (node: LabNode, { iqn }: Target, point: string, ...more: string[]) =>
  lunkeeper(node).attach([
    ...`--portal ${STORE} --iqn ${iqn} --lun ${POINTS.indexOf(point)} --name ${point.slice('/mnt/'.length)}`.split(
      ' ',
    ),
    ...`--hold forever --mount ${point}`.split(' '),
    ...more,
  ])

export async function attachAll(node: LabNode, target: Target): Promise<void> {
  for (const point of POINTS) await attach(node, target, point, '--format')
}

export const pid = async (node: LabNode) =>
  Number(await node.sh('systemctl show lunkeeper -p MainPID --value'))
export const isActive = (node: LabNode, unit: string) => node.sh(`systemctl is-active ${unit} || :`)

/** Waits until this many volumes hold I/O. */
export const lost = (node: LabNode, volumes = POINTS.length) =>
  node.until(async () => (await node.list('/run/lunkeeper/holds').catch(() => [])).length === volumes)

/** The present session, map and mounts, which restarts must not change. */
export async function standing(node: LabNode): Promise<unknown> {
  const { sessions, maps, mounts } = await node.storage()
  return { sessions, maps, mounts: mounts.toSorted() }
}

/** @returns milliseconds until the machine was off */
export async function powerOff(node: LabNode, bound: number): Promise<number> {
  const asked = performance.now()
  // The machine may be off before it answers.
  node.run(['systemctl', 'poweroff']).catch(() => undefined)
  await Promise.race([node.off, sleep(bound)])
  expect(node.isOff, node.console.slice(-8_000)).toBe(true)
  return performance.now() - asked
}
