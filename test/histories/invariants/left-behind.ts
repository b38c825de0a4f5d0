import type { Model, VolumeModel } from '../model.ts'
import { samePlace } from '../model.ts'
import { Violation } from '../violation.ts'
import type { SeenDisk, World } from '../world.ts'

/** A disk that is being added or removed may be visible; an agent that waits for a target may need this long. */
const PATIENCE_MS = 20_000

/** Disks of the kernel that belong to no volume, and since when they have been visible. */
export class Phantoms {
  readonly #world: World
  readonly #since = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
  }

  /** @throws Violation left-behind */
  async look(): Promise<void> {
    const { model } = this.#world
    const now = performance.now()
    const orphans = (await this.#world.disks()).filter((disk) => !isClaimed(model, disk))
    const keys = orphans.map(({ session, hctl }) => `${session} ${hctl}`)
    for (const key of this.#since.keys()) if (!keys.includes(key)) this.#since.delete(key)
    // Only an agent removes it, and only while its target can be asked.
    if (model.agentSince === null) return this.#since.clear()
    for (const [index, key] of keys.entries()) {
      const since = this.#since.get(key) ?? now
      this.#since.set(key, since)
      const { hctl, iqn, lun, state, name } = orphans[index]!
      if (now - since > PATIENCE_MS * model.pace.factor && state === 'LOGGED_IN')
        throw new Violation(
          'left-behind',
          null,
          `${name ?? 'a disk'} at ${hctl}, LUN ${lun} of ${iqn}, belongs to no volume since ${Math.round((now - since) / 1000)} s`,
        )
    }
  }
}

function isClaimed(model: Model, { iqn, lun }: SeenDisk): boolean {
  const target = [...model.targets.values()].find((one) => one.iqn === iqn)
  if (!target) return false
  const here = { target: target.name, lun }
  return model.attached.some(
    ({ uses, home, attached }) => samePlace(uses, here) || (attached === 'unsure' && samePlace(home, here)),
  )
}

const REMAINS = String.raw`
find /etc/iscsi/nodes /var/lib/iscsi/nodes /var/lib/lunkeeper /run/lunkeeper /mnt -mindepth 1 ! -type d ! -type s ! -path /run/lunkeeper/locks/guard ! -path '/var/lib/lunkeeper/history/*' 2>/dev/null | sort
find /var/lib/kubelet/pods -name mount 2>/dev/null || :
ls /mnt
lsattr -d /mnt /mnt/* 2>/dev/null | grep -v '^-* ' || :`

const FORMATTING = '/var/lib/lunkeeper/formatting/'
const UNFINISHED = /^\/(?:var\/lib|run)\/lunkeeper\/(?:.*\/)?\.[^/]+\.[0-9a-f]{12}$/

export interface MayBeLeft {
  /** An attach was killed, perhaps during mkfs: its note outlives a detach (src/volumes/formatting.ts). */
  readonly mayBeUnformatted: boolean
  /** A process was killed, perhaps while it wrote a file: a later command removes the remains (src/state/records/leftovers.ts). */
  readonly mayBeUnfinished: boolean
}

/** Registrations by volume, on the target: `v0 … iqn.…`. */
const REGISTRATIONS = `
cd /sys/kernel/config/target/core && grep -H iqn. */*/pr/res_pr_registered_i_pts | cut -d/ -f2-`

/**
 * After the last detach. A lock is a socket: the agent's own, or one that a killed command left.
 * @param released volumes that were detached without force
 * @throws Violation left-behind
 */
export async function expectNothingLeft(
  { node }: World,
  released: readonly VolumeModel[],
  { mayBeUnformatted, mayBeUnfinished }: MayBeLeft,
): Promise<void> {
  const { sessions, disks, maps, mounts } = await node.storage()
  const files = (await node.sh(REMAINS)).trim()
  const isAllowed = (file: string) =>
    (mayBeUnformatted && file.startsWith(FORMATTING)) || (mayBeUnfinished && UNFINISHED.test(file))
  const found = files.split('\n').filter((file) => file && !isAllowed(file))
  const left = [...sessions, ...disks, ...maps, ...mounts, ...found]
  const registrations = (await node.sh(REGISTRATIONS)).split('\n')
  for (const { name } of released) left.push(...registrations.filter((line) => line.startsWith(`${name}/`)))
  if (left.length > 0) throw new Violation('left-behind', null, left.join(', '))
}
